#include "appraisal/policy_in_force.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "bootlog/meaning.h"
#include "reference/dsse.h"

namespace avouch::appraisal {
namespace {

using reference::ManifestWithList;
using reference::ResolvedReferences;
using Resolved = std::shared_ptr<const ResolvedReferences>;

std::string describe(const attest::ConfigMapName& name) {
  return "ConfigMap \"" + name.ns + "/" + name.name + "\"";
}

// Reads each thing once, and keeps the digest of what it read.
class Resolver {
 public:
  Resolver(Material& material, SystemTime now, PolicyInForce& out)
      : material_(material), now_(now), out_(out) {}

  void run() {
    out_.endorsement = attest::rules_of(spec());
    read_trust_bundles();
    read_inventory();
    read_reference_keys();
    check_quirks();
    if (spec().boot_log) boot_ = read_manifests("bootLog", spec().boot_log->references);
    if (spec().runtime) {
      files_ = read_manifests("runtime", spec().runtime->references);
      signers_ = read_manifests("runtime.keyrings", spec().runtime->keyrings);
    }
    for (const auto* each : {&boot_, &files_, &signers_}) {
      revoking_.insert(revoking_.end(), each->begin(), each->end());
    }
    if (spec().boot_log && !spec().boot_log->references.empty()) {
      out_.boot_references = resolve_for("bootLog", boot_);
    } else if (spec().boot_log && !revoking_.empty()) {
      out_.boot_revocations = resolve_for("bootLog", {});
    }
    if (spec().runtime) read_runtime();
    out_.references = contents();
    out_.lists.assign(lists_.begin(), lists_.end());
    out_.resolved_at = now_;
    out_.digest = attest::policy_digest(out_.policy.spec_digest, out_.references);
    out_.rules_digest = rules_digest();
  }

 private:
  const attest::PolicySpec& spec() const { return out_.policy.spec; }
  void problem(std::string text) {
    if (std::find(out_.problems.begin(), out_.problems.end(), text) == out_.problems.end()) {
      out_.problems.push_back(std::move(text));
    }
  }

  // Nothing where it is missing, which is then a problem.
  const ConfigMapData* config_map(const std::string& what, const attest::ConfigMapName& name) {
    auto data = material_.config_map(name);
    // What is missing has an empty content: the digest changes when it appears.
    config_maps_[name] = data.has_value() ? *data : ConfigMapData{};
    if (data.has_value()) return &config_maps_[name];
    problem(what + " " + describe(name) + ": " + data.error().message);
    return nullptr;
  }

  void check_quirks() {
    if (!spec().boot_log) return;
    const auto known = bootlog::known_quirks();
    for (const std::string& quirk : spec().boot_log->quirks) {
      if (std::find(known.begin(), known.end(), quirk) != known.end()) continue;
      std::string text = "bootLog.quirks: \"";
      text.append(quirk).append("\" is not known: expected one of ");
      std::string_view separator;
      for (const std::string_view each : known) {
        text.append(separator).append(each);
        separator = ", ";
      }
      problem(std::move(text));
    }
  }

  void read_trust_bundles() {
    for (const attest::ConfigMapName& name : spec().trust_bundles) {
      const ConfigMapData* data = config_map("trust bundle", name);
      if (data == nullptr) continue;
      auto anchors = attest::parse_trust_bundle(*data);
      if (!anchors.has_value()) {
        problem("trust bundle " + describe(name) + ": " + anchors.error().message);
        continue;
      }
      std::move(anchors->begin(), anchors->end(),
                std::back_inserter(out_.endorsement.trust_anchors));
    }
  }

  void read_inventory() {
    if (!spec().inventory) return;
    const ConfigMapData* data = config_map("inventory", *spec().inventory);
    if (data == nullptr) return;
    auto inventory = attest::parse_inventory(*data);
    if (!inventory.has_value()) {
      problem("inventory " + describe(*spec().inventory) + ": " + inventory.error().message);
      return;
    }
    out_.endorsement.inventory = *std::move(inventory);
  }

  void read_reference_keys() {
    for (const attest::ConfigMapName& name : spec().reference_keys) {
      const ConfigMapData* data = config_map("reference keys", name);
      if (data == nullptr) continue;
      auto keys = reference::parse_reference_keys(*data);
      if (!keys.has_value()) {
        problem("reference keys " + describe(name) + ": " + keys.error().message);
        continue;
      }
      std::move(keys->begin(), keys->end(), std::back_inserter(reference_keys_));
    }
  }

  // Without those that are missing, which is a problem of the policy then.
  std::vector<ManifestWithList> read_manifests(const std::string& member,
                                               const std::vector<std::string>& names) {
    std::vector<ManifestWithList> out;
    for (const std::string& name : names) {
      if (auto each = manifest(member, name)) out.push_back(*std::move(each));
    }
    return out;
  }

  // What the manifests say together, less what any manifest of the policy revokes; never null.
  // Where they do not resolve it says less, never more, and the policy has a problem.
  Resolved resolve_for(const std::string& member, const std::vector<ManifestWithList>& manifests) {
    auto resolved = ResolvedReferences::resolve(manifests, reference_keys_, now_, revoking_);
    if (!resolved.has_value()) {
      problem(member + ".references: " + resolved.error().message);
      resolved = ResolvedReferences::resolve({}, {}, now_);
      return resolved.has_value() ? *resolved : nullptr;
    }
    const ResolvedReferences& all = **resolved;
    for (const std::string& notice : all.notices()) {
      if (std::find(out_.notices.begin(), out_.notices.end(), notice) == out_.notices.end()) {
        out_.notices.push_back(notice);
      }
    }
    if (const auto at = all.changes_at()) {
      out_.changes_at = out_.changes_at ? std::min(*out_.changes_at, *at) : *at;
    }
    return *std::move(resolved);
  }

  std::optional<ManifestWithList> manifest(const std::string& member, const std::string& name) {
    auto manifest = material_.manifest(name);
    manifests_[name] = manifest.has_value() ? (*manifest)->digest : crypto::Sha256{};
    if (!manifest.has_value()) {
      problem(member + ": ReferenceManifest \"" + name + "\": " + manifest.error().message);
      return std::nullopt;
    }
    ManifestWithList out{*std::move(manifest), nullptr};
    if (!out.manifest->ima_source) return out;
    if (const auto* map = std::get_if<attest::ConfigMapName>(&*out.manifest->ima_source)) {
      const std::string what = "digest list of ReferenceManifest \"" + name + "\",";
      if (config_map(what, *map) == nullptr) return std::nullopt;
    }
    auto list = material_.digest_list(*out.manifest->ima_source);
    if (!list.has_value()) {
      problem(member + ": digest list of ReferenceManifest \"" + name +
              "\": " + list.error().message);
      return std::nullopt;
    }
    out.list = *std::move(list);
    if (const auto* content = std::get_if<crypto::Sha256>(&*out.manifest->ima_source)) {
      lists_.insert(*content);
    }
    return out;
  }

  void read_runtime() {
    const attest::RuntimeSpec& from = *spec().runtime;
    const Resolved files = resolve_for("runtime", files_);
    const Resolved signers = resolve_for("runtime.keyrings", signers_);
    if (files == nullptr || signers == nullptr) return;
    runtimelog::RuleInput input;
    input.files = from.files == attest::RuntimeFiles::kReplayOnly
                      ? runtimelog::FileRule::kReplayOnly
                      : runtimelog::FileRule::kJudge;
    if (!from.references.empty()) {
      input.references.push_back([files](crypto::HashAlgorithm algorithm, ByteView digest) {
        return files->ima_file(algorithm, digest).standing == reference::Standing::kAccepted;
      });
    }
    input.revoked.push_back([files](crypto::HashAlgorithm algorithm, ByteView digest) {
      return files->revocation(algorithm, digest).standing == reference::Standing::kRevoked;
    });
    for (const reference::SignerInForce& each : signers->ima_signers()) {
      if (const auto added = input.keys.add(each.signer->certificate); !added.has_value()) {
        problem("runtime.keyrings: ReferenceManifest \"" + std::string(each.manifest) +
                "\": " + added.error().message);
      }
    }
    for (const reference::SignerInForce& each : signers->revoked_signers()) {
      (void)input.revoked_keys.add(each.signer->certificate);  // of no use where it is none
    }
    input.exclude = from.exclude;
    input.buffers = from.buffers;
    input.violations = from.violations == attest::RuntimeViolations::kRecord
                           ? runtimelog::OnViolation::kRecord
                           : runtimelog::OnViolation::kDeny;
    input.allow_legacy = from.allow_legacy_template;
    input.allow_weak_replay = from.allow_weak_replay;
    input.allow_second_boot = from.allow_second_boot;
    input.digest = rules_digest();
    auto rules = runtimelog::Rules::make(std::move(input));
    if (!rules.has_value()) {
      problem("runtime: " + rules.error().message);
      return;
    }
    out_.runtime = std::make_shared<const runtimelog::Rules>(*std::move(rules));
  }

  // The same content judges otherwise once a manifest has begun or ended.
  crypto::Sha256 rules_digest() const {
    const crypto::Sha256 base = attest::policy_digest(out_.policy.spec_digest, contents());
    std::string text = attest::digest_text(base);
    for (const std::string& notice : out_.notices) text += "\n" + notice;
    return crypto::sha256(text);
  }

  std::vector<attest::Reference> contents() const {
    std::vector<attest::Reference> out;
    for (const auto& [name, data] : config_maps_) {
      out.push_back(attest::config_map_reference(name, data));
    }
    for (const auto& [name, digest] : manifests_) {
      out.push_back({"ReferenceManifest/" + name, digest});
    }
    return out;
  }

  Material& material_;
  SystemTime now_;
  PolicyInForce& out_;
  std::vector<crypto::PublicKey> reference_keys_;
  std::vector<ManifestWithList> boot_, files_, signers_;  // by what the policy names them for
  std::vector<ManifestWithList> revoking_;                // all of them
  std::map<attest::ConfigMapName, ConfigMapData> config_maps_;
  std::map<std::string, crypto::Sha256> manifests_;
  std::set<crypto::Sha256> lists_;
};

}  // namespace

PolicyInForce resolve(attest::Policy policy, Material& material, SystemTime now) {
  PolicyInForce out;
  out.policy = std::move(policy);
  Resolver(material, now, out).run();
  return out;
}

}  // namespace avouch::appraisal
