#include "attest/policy.h"

#include <algorithm>
#include <array>
#include <set>

#include "attest/json_text.h"
#include "attest/node_labels.h"
#include "attest/policy_logs.h"
#include "attest/policy_names.h"
#include "base/hex.h"
#include "codec/utf8.h"

namespace avouch::attest {
namespace {

using codec::Fields;
using codec::Json;
using crypto::HashAlgorithm;

constexpr std::size_t kMaxBundles = 16;
constexpr std::size_t kMaxPcrValues = 64;  // accepted values of one PCR
constexpr std::size_t kMaxPcrText = 160;   // bytes of one, as the definition has it
constexpr std::size_t kMaxKeys = 16;
constexpr std::array kBanks = {HashAlgorithm::kSha1, HashAlgorithm::kSha256, HashAlgorithm::kSha384,
                               HashAlgorithm::kSha512};

void read_workloads(Fields& fields, PolicySpec& out) {
  require(fields, "workloads",
          "an object with namespaceSelector and podSelector; {} gates every pod");
  auto workloads = fields.object("workloads");
  if (!workloads) return;
  if (auto selector = workloads->object("namespaceSelector")) {
    out.namespace_selector = read_selector(std::move(*selector));
  }
  if (auto selector = workloads->object("podSelector")) {
    out.pod_selector = read_selector(std::move(*selector));
  }
  workloads->finish();
}

std::optional<ConfigMapName> read_config_map(Fields& fields, std::string_view expected) {
  require(fields, "configMap", expected);
  auto config_map = fields.object("configMap");
  if (!config_map) return std::nullopt;
  ConfigMapName out{config_map->required_string("namespace", 63),
                    config_map->required_string("name", 253)};
  config_map->finish();
  return out;
}

void read_endorsement(Fields& fields, PolicySpec& out) {
  constexpr std::string_view kConfigMap = "an object with namespace and name";
  require(fields, "endorsement",
          "an object with trustBundles, enrollment, inventory and requireHardware");
  auto endorsement = fields.object("endorsement");
  if (!endorsement) return;
  for (Fields& bundle : endorsement->objects("trustBundles", kMaxBundles)) {
    if (auto name = read_config_map(bundle, kConfigMap)) out.trust_bundles.push_back(*name);
    bundle.finish();
  }
  if (out.trust_bundles.empty()) {
    endorsement->error("trustBundles",
                       "is required: expected at least one ConfigMap with the certificate "
                       "authorities of your TPMs' makers");
  }
  const auto enrollment = endorsement->one_of("enrollment", {"Inventory", "TrustOnFirstUse"});
  out.enrollment =
      enrollment == "TrustOnFirstUse" ? Enrollment::kTrustOnFirstUse : Enrollment::kInventory;
  out.require_hardware = endorsement->boolean("requireHardware").value_or(false);
  if (auto inventory = endorsement->object("inventory")) {
    out.inventory = read_config_map(*inventory, kConfigMap);
    inventory->finish();
    if (out.enrollment == Enrollment::kTrustOnFirstUse) {
      endorsement->error("inventory",
                         "has no effect with enrollment TrustOnFirstUse: remove it, or set "
                         "enrollment to Inventory");
    }
  } else if (out.enrollment == Enrollment::kInventory && !endorsement->has("inventory")) {
    endorsement->error("inventory",
                       "is required with enrollment Inventory: expected a ConfigMap of node names "
                       "and digests of endorsement keys");
  }
  endorsement->finish();
}

void read_keys(Fields& fields, PolicySpec& out) {
  if (fields.raw("keys") == nullptr) {
    for (const std::string_view name :
         {"ecdsa-p256-sha256", "rsassa-2048-sha256", "ecdsa-p384-sha384"}) {
      out.keys.push_back(parse_key_kind(name).value());
    }
    return;
  }
  const auto names = fields.strings("keys", kMaxKeys, 64);
  if (names.empty()) fields.error("keys", "accepts no key: expected at least one kind");
  for (std::size_t i = 0; i < names.size(); ++i) {
    const std::string at = "keys[" + std::to_string(i) + "]";
    const auto kind = parse_key_kind(names[i]);
    if (!kind) {
      fields.error(at,
                   "\"" + names[i] + "\" is not accepted: expected one of " + all_key_kind_names());
    } else if (std::find(out.keys.begin(), out.keys.end(), *kind) != out.keys.end()) {
      fields.error(at, "\"" + names[i] + "\" is given twice");
    } else {
      out.keys.push_back(*kind);
    }
  }
}

void read_banks(Fields& pcrs, PolicySpec& out) {
  require(pcrs, "banks", "a list of sha256, sha384, sha512");
  const auto names = pcrs.strings("banks", tpm::kMaxBanks, 16);
  for (std::size_t i = 0; i < names.size(); ++i) {
    const std::string at = "banks[" + std::to_string(i) + "]";
    const auto bank = crypto::parse_hash_name(names[i]);
    if (!bank.has_value()) {
      pcrs.error(at, bank.error().message);
    } else if (std::find(out.banks.begin(), out.banks.end(), bank.value()) != out.banks.end()) {
      pcrs.error(at, "\"" + names[i] + "\" is given twice");
    } else {
      out.banks.push_back(bank.value());
    }
  }
  const bool strong = std::any_of(out.banks.begin(), out.banks.end(),
                                  [](HashAlgorithm each) { return each != HashAlgorithm::kSha1; });
  if (pcrs.has("banks") && !strong) {
    pcrs.error("banks", "a stronger bank than sha1 is required: add sha256, sha384 or sha512");
  }
}

std::string no_value(const std::string& text, HashAlgorithm bank) {
  constexpr std::size_t kShownBytes = 40;
  const std::string found = codec::in_quotes(text, kShownBytes);
  const std::string prefix = std::string(crypto::hash_name(bank)) + ":";
  const std::string digits = std::to_string(2 * crypto::digest_size(bank)) + " hexadecimal digits";
  if (text.starts_with('<') && text.ends_with('>')) {
    return found + " is a placeholder: expected " + digits +
           ", those that the TPM of a good node shows (docs/policies.md, section 3)";
  }
  if (text.starts_with(prefix)) {
    return found + " is no value of a PCR: expected " + digits + ", without " + prefix +
           " in front";
  }
  return found + " is no value of a PCR: expected " + digits;
}

std::vector<Bytes> read_accepted(Fields& entry, HashAlgorithm bank,
                                 const std::vector<std::string>& texts) {
  const std::string name(crypto::hash_name(bank));
  std::vector<Bytes> out;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    const std::string at = name + "[" + std::to_string(i) + "]";
    auto value = from_hex(texts[i]);
    if (!value.has_value() || value->size() != crypto::digest_size(bank)) {
      entry.error(at, no_value(texts[i], bank));
    } else if (std::find(out.begin(), out.end(), value.value()) != out.end()) {
      entry.error(at, "is given twice");
    } else {
      out.push_back(std::move(value).value());
    }
  }
  return out;
}

ExactPcr read_exact(Fields& entry, const std::vector<HashAlgorithm>& banks) {
  ExactPcr out;
  out.index = static_cast<std::uint8_t>(entry.required_integer("index", 0, tpm::kPcrCount - 1));
  for (const HashAlgorithm bank : kBanks) {
    const std::string name(crypto::hash_name(bank));
    const bool required = std::find(banks.begin(), banks.end(), bank) != banks.end();
    const bool given = entry.has(name);
    const auto texts = entry.strings(name, kMaxPcrValues, kMaxPcrText);
    auto values = read_accepted(entry, bank, texts);
    if (required && texts.empty()) {
      entry.error(name, "is required, since pcrs.banks has " + name +
                            ": expected at least one accepted value");
    } else if (!required && given) {
      entry.error(name, "would not be checked, since pcrs.banks has no " + name +
                            ": add the bank, or remove the values");
    } else if (required) {
      out.accepted.emplace(bank, std::move(values));
    }
  }
  entry.finish();
  return out;
}

void read_pcrs(Fields& fields, PolicySpec& out) {
  require(fields, "pcrs", "an object with banks, and exact or bootLog or runtime beside it");
  auto pcrs = fields.object("pcrs");
  if (!pcrs) return;
  read_banks(*pcrs, out);
  std::set<std::uint8_t> seen;
  for (Fields& entry : pcrs->objects("exact", tpm::kPcrCount)) {
    ExactPcr exact = read_exact(entry, out.banks);
    if (!seen.insert(exact.index).second) {
      entry.error("index", "PCR " + std::to_string(exact.index) + " is given twice");
    }
    out.exact.push_back(std::move(exact));
  }
  pcrs->finish();
}

void read_on_failure(Fields& fields, PolicySpec& out) {
  auto on_failure = fields.object("onFailure");
  if (!on_failure) return;
  const auto taint = on_failure->one_of("taint", {"NoSchedule", "NoExecute", "None"});
  if (taint == "NoExecute") out.taint = TaintEffect::kNoExecute;
  if (taint == "None") out.taint = TaintEffect::kNone;
  out.condition = on_failure->boolean("condition").value_or(true);
  on_failure->finish();
}

void read_reference_keys(Fields& fields, PolicySpec& out) {
  for (Fields& each : fields.objects("referenceKeys", kMaxBundles)) {
    if (auto name = read_config_map(each, "an object with namespace and name")) {
      out.reference_keys.push_back(*name);
    }
    each.finish();
  }
  fields.refuse_empty("referenceKeys");
}

// Whether a value that every machine can have is accepted: of PCR 17 to 22 where no dynamic launch
// set them, all ones.
bool accepts_no_launch(const ExactPcr& pcr) {
  const auto is_blank = [](const Bytes& value) {
    return std::all_of(value.begin(), value.end(),
                       [](std::uint8_t byte) { return byte == 0xff; }) ||
           std::all_of(value.begin(), value.end(), [](std::uint8_t byte) { return byte == 0; });
  };
  return std::any_of(pcr.accepted.begin(), pcr.accepted.end(), [&](const auto& bank) {
    return std::any_of(bank.second.begin(), bank.second.end(), is_blank);
  });
}

// Any program of a running node makes them what it likes: 16 and 23 it can reset, and where
// nothing measures into the others (no GRUB, shim, IMA, systemd-stub) they are zero until it
// extends them by values that are known.
bool proves_nothing_alone(const ExactPcr& pcr) {
  constexpr unsigned kFirstOfLoader = 8, kDebug = 16, kFirstOfLaunch = 17, kLastOfLaunch = 22;
  if (pcr.index >= kFirstOfLaunch && pcr.index <= kLastOfLaunch) return accepts_no_launch(pcr);
  return pcr.index >= kFirstOfLoader && (pcr.index <= kDebug || pcr.index > kLastOfLaunch);
}

// A policy that checks nothing proves nothing.
void require_a_check(Fields& fields, const PolicySpec& spec) {
  if (spec.boot_log && checks_something(*spec.boot_log)) return;
  if (spec.runtime && checks_something(*spec.runtime)) return;
  if (!std::all_of(spec.exact.begin(), spec.exact.end(), proves_nothing_alone)) return;
  if (!spec.exact.empty()) {
    return fields.error(
        "pcrs.exact",
        "nothing is proven by PCR 8 to 16 and 23 alone, which a running node can extend or reset "
        "as "
        "it likes, nor by 17 to 22 as every machine has them without a dynamic launch: expected "
        "another PCR beside them (0 to 7 speak of firmware and boot loader), or a rule in bootLog "
        "or runtime");
  }
  fields.error("pcrs.exact",
               "nothing is checked: expected at least one PCR with its accepted values, or a rule "
               "in bootLog or runtime");
}

PolicySpec read_spec(Fields fields) {
  using std::chrono::hours;
  using std::chrono::seconds;
  PolicySpec out;
  require(fields, "nodeSelector", "a label selector; {} selects every node");
  if (auto selector = fields.object("nodeSelector")) {
    out.node_selector = read_selector(std::move(*selector));
  }
  read_workloads(fields, out);
  const auto mode = fields.one_of("mode", {"Audit", "Warn", "Enforce"});
  if (mode == "Audit") out.mode = Mode::kAudit;
  if (mode == "Warn") out.mode = Mode::kWarn;
  if (auto freshness = fields.object("freshness")) {
    out.max_age = freshness->duration("maxAge", seconds(10), hours(24)).value_or(out.max_age);
    freshness->finish();
  }
  read_endorsement(fields, out);
  read_keys(fields, out);
  read_pcrs(fields, out);
  read_on_failure(fields, out);
  if (fields.one_of("logging", {"Spool", "Strict"}) == "Strict") out.logging = Logging::kStrict;
  out.boot_log = read_boot_log(fields);
  if (out.boot_log) out.boot_log->banks = out.banks;
  out.runtime = read_runtime(fields);
  read_reference_keys(fields, out);
  require_a_check(fields, out);
  fields.finish();
  return out;
}

}  // namespace

Result<Policy> parse_policy(std::string name, const Json& spec) {
  codec::FieldErrors errors;
  Policy out;
  out.name = std::move(name);
  out.spec = read_spec(Fields(spec, "spec", errors));
  if (!errors.empty()) return rejected(errors.text());
  AVOUCH_TRY(out.spec_digest, spec_digest(spec));
  return out;
}

tpm::PcrSelection required_selection(const PolicySpec& spec) {
  std::uint32_t mask = 0;
  constexpr std::uint32_t kBootPcrs = 0x3ff, kShimPcr = 1U << 14, kRuntimePcr = 1U << 10;
  for (const ExactPcr& pcr : spec.exact) mask |= 1U << pcr.index;
  if (spec.boot_log) mask |= kBootPcrs | kShimPcr;
  if (spec.runtime) mask |= kBootPcrs | kRuntimePcr;
  tpm::PcrSelection out;
  for (const HashAlgorithm bank : spec.banks) out.push_back({bank, mask});
  return out;
}

tpm::PcrSelection selection_of_agents(const PolicySpec& spec) {
  constexpr std::uint32_t kStubPcr = 1U << 12, kExtensionsPcr = 1U << 13;
  tpm::PcrSelection out = required_selection(spec);
  if (!spec.boot_log) return out;
  const BootLogSpec& boot = *spec.boot_log;
  const bool has_rules =
      !boot.command_line_required.empty() || !boot.command_line_forbidden.empty();
  std::uint32_t mask = has_rules ? kStubPcr : 0;
  if (!boot.references.empty()) mask |= kStubPcr | kExtensionsPcr;
  for (tpm::BankSelection& bank : out) bank.mask |= mask;
  return out;
}

std::vector<std::string> self_set_labels(const PolicySpec& spec) {
  std::vector<std::string> keys = keys_of(spec.node_selector);
  std::erase_if(keys, [](const std::string& key) { return !is_set_by_kubelets(key); });
  return keys;
}

}  // namespace avouch::attest
