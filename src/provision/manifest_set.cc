#include "provision/manifest_set.h"

#include <map>
#include <optional>
#include <set>
#include <utility>

#include "base/hex.h"
#include "base/time_text.h"
#include "codec/base64.h"
#include "provision/draft.h"
#include "provision/file_list.h"
#include "reference/digest_list.h"
#include "reference/dsse.h"

namespace avouch::provision {
namespace {

using codec::Json;
using reference::ManifestWithList;

constexpr std::size_t kMaxSignatures = 16;
constexpr std::size_t kMaxProblems = 100;

using ConfigMaps = std::map<attest::ConfigMapName, const Json*>;

Result<std::map<std::string, std::string>> data_of(const Json& config_map) {
  std::map<std::string, std::string> out;
  const Json* data = config_map.find("data");
  if (data == nullptr || data->is_null()) return out;
  if (data->as_object() == nullptr) return rejected("data: expected an object");
  for (const auto& [key, value] : *data->as_object()) {
    if (value.as_string() == nullptr) return rejected("data." + key + ": expected text");
    out[key] = *value.as_string();
  }
  return out;
}

class Reading {
 public:
  explicit Reading(reference::SharedDigestLists* lists) : lists_(lists) {}

  Result<std::vector<ManifestWithList>> run(std::span<const Json> objects) {
    for (const Json& object : objects) {
      if (object.text({"kind"}) == "ConfigMap") take_config_map(object);
    }
    for (const Json& object : objects) {
      if (object.text({"kind"}) != "ConfigMap") take_manifest(object);
    }
    if (problems_.empty() && out_.empty()) return rejected("holds no ReferenceManifest");
    if (!problems_.empty()) return rejected(problems_);
    return std::move(out_);
  }

 private:
  void problem(const std::string& what) {
    if (++count_ > kMaxProblems) return;
    problems_ += (problems_.empty() ? "" : "; ") + what;
  }

  void take_config_map(const Json& object) {
    const attest::ConfigMapName name{std::string(object.text({"metadata", "namespace"})),
                                     std::string(object.text({"metadata", "name"}))};
    if (!config_maps_.emplace(name, &object).second) {
      problem("ConfigMap \"" + printable_path(name.name) + "\" is given twice");
    }
  }

  void take_manifest(const Json& object) {
    const std::string name(object.text({"metadata", "name"}));
    const std::string what = "ReferenceManifest \"" + printable_path(name) + "\": ";
    if (object.text({"kind"}) != "ReferenceManifest") {
      return problem("kind: found \"" + printable_path(object.text({"kind"})) +
                     "\", expected ReferenceManifest (or a ConfigMap that one names)");
    }
    if (object.text({"apiVersion"}) != "avouch.dev/v1alpha1") {
      return problem(what + "apiVersion: expected avouch.dev/v1alpha1");
    }
    if (name.empty()) return problem(what + "metadata.name is missing");
    if (!is_object_name(name)) return problem(what + "metadata.name: is no object's name");
    if (!names_.insert(name).second) return problem(what + "is given twice");
    const Json* spec = object.find("spec");
    auto manifest = reference::parse_manifest(name, spec == nullptr ? Json() : *spec);
    if (!manifest.has_value()) return problem(what + manifest.error().message);
    auto list = list_of(**manifest);
    if (!list.has_value()) return problem(what + "spec.ima.source: " + list.error().message);
    out_.push_back({*std::move(manifest), *std::move(list)});
  }

  Result<std::shared_ptr<const reference::DigestSet>> list_of(const reference::Manifest& manifest) {
    const std::shared_ptr<const reference::DigestSet> none;
    if (!manifest.ima_source) return none;
    if (const auto* digest = std::get_if<crypto::Sha256>(&*manifest.ima_source)) {
      if (lists_ == nullptr) return none;
      return lists_->find(*digest);
    }
    const auto found = config_maps_.find(std::get<attest::ConfigMapName>(*manifest.ima_source));
    if (found == config_maps_.end()) return none;
    AVOUCH_TRY(const auto data, data_of(*found->second));
    AVOUCH_TRY(const reference::DigestList list, reference::read_digest_lists(data));
    return list.set;
  }

  reference::SharedDigestLists* lists_;
  ConfigMaps config_maps_;
  std::set<std::string> names_;
  std::vector<ManifestWithList> out_;
  std::string problems_;
  std::size_t count_ = 0;
};

Result<void> sign(Json& object, const crypto::PrivateKey& key) {
  Json& spec = object["spec"];
  AVOUCH_TRY(const std::string payload, reference::signed_payload(spec));
  AVOUCH_TRY(
      const Bytes signature,
      reference::dsse_sign(key, reference::dsse_pae(reference::kManifestPayloadType, payload)));
  const std::string key_id = reference::dsse_key_id(key.public_key());
  Json::Array signatures;
  if (const Json* kept = spec.find_path({"signature", "signatures"})) {
    for (const Json& each : *kept->as_array()) {
      if (each.text({"keyid"}) != key_id) signatures.push_back(each);
    }
  }
  if (signatures.size() >= kMaxSignatures) {
    return rejected("ReferenceManifest \"" + printable_path(object.text({"metadata", "name"})) +
                    "\": spec.signature.signatures: has 16 already, as many as there may be");
  }
  signatures.push_back(Json::Object{{"keyid", key_id}, {"sig", codec::to_base64(signature)}});
  spec["signature"] = Json::Object{{"payloadType", reference::kManifestPayloadType},
                                   {"signatures", std::move(signatures)}};
  return {};
}

std::optional<std::string> list_problem(const ManifestWithList& each, bool need_list) {
  const reference::Manifest& manifest = *each.manifest;
  if (!manifest.ima_source) return std::nullopt;
  const bool in_config_map = std::holds_alternative<attest::ConfigMapName>(*manifest.ima_source);
  if (in_config_map && !manifest.ima_list_digest) {
    return "the signature does not cover the list in its ConfigMap: give spec.ima.source.digest";
  }
  if (each.list == nullptr) {
    if (!need_list) return std::nullopt;
    return "the list that spec.ima.source names is not there";
  }
  if (manifest.ima_list_digest && each.list->binary_digest() != *manifest.ima_list_digest) {
    return "the list in its ConfigMap is not the one that spec.ima.source.digest says, but "
           "sha256:" +
           to_hex(each.list->binary_digest());
  }
  return std::nullopt;
}

std::string force_of(const reference::Manifest& manifest, SystemTime now) {
  if (manifest.not_before && now < *manifest.not_before) {
    return "; counts from " + to_rfc3339(*manifest.not_before);
  }
  if (manifest.not_after && now > *manifest.not_after) {
    return "; ended at " + to_rfc3339(*manifest.not_after) + " (what it revokes stays revoked)";
  }
  return {};
}

}  // namespace

Result<std::vector<ManifestWithList>> read_manifests(std::span<const Json> objects,
                                                     reference::SharedDigestLists* lists) {
  return Reading(lists).run(objects);
}

Result<std::vector<Json>> sign_manifests(std::vector<Json> objects, const crypto::PrivateKey& key) {
  if (const auto read = read_manifests(objects, nullptr); !read.has_value()) return read.error();
  for (Json& object : objects) {
    if (object.text({"kind"}) == "ReferenceManifest") AVOUCH_CHECK(sign(object, key));
  }
  return objects;
}

SignatureCheck check_manifests(std::span<const ManifestWithList> manifests,
                               std::span<const crypto::PublicKey> trusted, SystemTime now,
                               bool need_lists) {
  SignatureCheck out{.text = {}, .all_good = !manifests.empty()};
  for (const ManifestWithList& each : manifests) {
    const reference::Manifest& manifest = *each.manifest;
    const auto signer = reference::verify_signature(manifest, trusted);
    if (!signer.has_value()) {
      out.all_good = false;
      out.text += "FAILED " + signer.error().message + "\n";
      continue;
    }
    if (const auto problem = list_problem(each, need_lists)) {
      out.all_good = false;
      out.text += "FAILED ReferenceManifest \"" + manifest.name + "\": " + *problem + "\n";
      continue;
    }
    out.text += "good   ReferenceManifest \"" + manifest.name + "\": signed by the key " +
                reference::dsse_key_id(*signer);
    out.text += force_of(manifest, now) + "\n";
  }
  return out;
}

}  // namespace avouch::provision
