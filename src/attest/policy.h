#pragma once

// AttestationPolicy: what a node must prove, and which pods care. Field by field as in the CRD.

#include <chrono>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "attest/selector.h"
#include "base/result.h"
#include "codec/json.h"
#include "codec/kernel_pattern.h"
#include "codec/pattern.h"
#include "crypto/hash.h"
#include "tpm/types.h"

namespace avouch::attest {

enum class Mode { kAudit, kWarn, kEnforce };
enum class Enrollment { kInventory, kTrustOnFirstUse };
enum class TaintEffect { kNoSchedule, kNoExecute, kNone };
enum class Logging { kSpool, kStrict };

std::string_view mode_name(Mode mode);                    // "Audit", "Warn", "Enforce"
std::string_view enrollment_name(Enrollment enrollment);  // "Inventory", "TrustOnFirstUse"
std::string_view taint_effect_name(TaintEffect effect);   // "NoSchedule", "NoExecute", "None"

struct ConfigMapName {
  std::string ns;
  std::string name;
  auto operator<=>(const ConfigMapName&) const = default;
};

// A kind of attestation key: "ecdsa-p256-sha256", "ecdsa-p384-sha384", and RSA with 2048 or 3072
// bits: "rsassa-2048-sha256", "rsapss-3072-sha384" and so on.
struct KeyKind {
  crypto::KeyType type = crypto::KeyType::kEcP256;
  tpm::SigningScheme scheme;
  bool operator==(const KeyKind&) const = default;
};
std::string key_kind_name(const KeyKind& kind);

struct ExactPcr {
  std::uint8_t index = 0;
  std::map<crypto::HashAlgorithm, std::vector<Bytes>> accepted;  // one list for each of pcrs.banks
};

// What the boot log must say. References name ReferenceManifests.
enum class SecureBoot { kRequired, kOptional };
struct BootLogSpec {
  SecureBoot secure_boot = SecureBoot::kRequired;
  // PolicySpec::banks, of which a digest must be known in each: which others are there, and what is
  // in them, is up to the node.
  std::vector<crypto::HashAlgorithm> banks{crypto::HashAlgorithm::kSha256};
  std::vector<std::string> references;
  // Of the kernel's command line: each of `required` must be found in it, none of `forbidden`.
  std::vector<codec::Pattern> command_line_required;
  std::vector<codec::KernelPattern> command_line_forbidden;
  std::vector<std::string> quirks;  // by name; which there are, the boot log's verifier knows
};

// What the kernel's runtime measurement log (IMA) must say.
enum class RuntimeFiles { kJudge, kReplayOnly };
enum class RuntimeViolations { kDeny, kRecord };
struct RuntimeSpec {
  RuntimeFiles files = RuntimeFiles::kJudge;
  std::vector<std::string> references;  // manifests whose digests are accepted
  std::vector<std::string> keyrings;    // manifests whose signer keys are accepted
  std::vector<std::string> exclude;     // expressions of whole paths
  std::vector<std::string> buffers;     // expressions of whole names of buffer measurements
  RuntimeViolations violations = RuntimeViolations::kDeny;
  bool allow_legacy_template = false, allow_weak_replay = false, allow_second_boot = false;
};

struct PolicySpec {
  LabelSelector node_selector;
  LabelSelector namespace_selector;  // workloads
  LabelSelector pod_selector;
  Mode mode = Mode::kEnforce;
  std::chrono::milliseconds max_age{std::chrono::minutes{5}};
  std::vector<ConfigMapName> trust_bundles;
  Enrollment enrollment = Enrollment::kInventory;
  std::optional<ConfigMapName> inventory;
  bool require_hardware = false;
  std::vector<KeyKind> keys;
  std::vector<crypto::HashAlgorithm> banks;
  std::vector<ExactPcr> exact;
  std::optional<BootLogSpec> boot_log;
  std::optional<RuntimeSpec> runtime;
  std::vector<ConfigMapName> reference_keys;  // of providers that must have signed the manifests
  TaintEffect taint = TaintEffect::kNoSchedule;
  bool condition = true;
  Logging logging = Logging::kSpool;
};

struct Policy {
  std::string name;
  PolicySpec spec;
  crypto::Sha256 spec_digest{};
};

// Strict, all errors at once with their paths (kRejected). Required: nodeSelector, workloads,
// endorsement.trustBundles, pcrs.banks, pcrs.exact. Defaults: mode Enforce, freshness.maxAge 5m,
// endorsement.enrollment Inventory (which needs endorsement.inventory), endorsement.requireHardware
// false, keys ecdsa-p256-sha256,
// rsassa-2048-sha256 and ecdsa-p384-sha384, onFailure {taint: NoSchedule, condition: true}, logging
// Spool.
//
// Refused, so that a policy never checks less than it says: one that checks nothing (no pcrs.exact,
// and no bootLog or runtime with a rule of its own), an exact PCR without values for one of
// pcrs.banks or with values for another bank, SHA-1 as the only bank, expressions that RE2 does not
// know, unknown members anywhere.
Result<Policy> parse_policy(std::string name, const codec::Json& spec);

// SHA-256 of the RFC 8785 form of `spec` as stored.
Result<crypto::Sha256> spec_digest(const codec::Json& spec);

// Something that a policy refers to.
struct Reference {
  std::string name;  // "ConfigMap/NAMESPACE/NAME"
  crypto::Sha256 content{};
};
// content is the digest of the RFC 8785 form of the ConfigMap's `data`.
Reference config_map_reference(const ConfigMapName& name,
                               const std::map<std::string, std::string>& data);
// The ConfigMaps of a policy in the order of the spec: trust bundles, inventory, reference keys.
std::vector<ConfigMapName> references_of(const PolicySpec& spec);
crypto::Sha256 policy_digest(const crypto::Sha256& spec_digest,
                             std::span<const Reference> references);

// What a quote must cover for this policy, in every required bank: every exact PCR; with bootLog
// PCR 0 to 9 and 14, which firmware, shim and boot loaders extend; with runtime PCR 10, and 0 to 9,
// which the log's first entry is made of.
tpm::PcrSelection required_selection(const PolicySpec& spec);
// The same, of quotes that our agents make, which cover every PCR: with rules for the kernel's
// command line PCR 12 too, into which systemd-stub measures it, and with references for the boot
// PCR 12 and 13, as it adds files to the initrd that it measures there. Cases of other tools may
// leave them out, if their log has nothing there.
tpm::PcrSelection selection_of_agents(const PolicySpec& spec);

// Label keys of nodeSelector that a node's own credentials can set (node_labels.h), sorted: by one
// of them it can leave the policy, which should say so in its conditions.
std::vector<std::string> self_set_labels(const PolicySpec& spec);

// Whether bootLog.kernelCommandLine.required has an expression that no argument satisfies but such
// as make the kernel measure what runs (ima_policy with tcb among its parts, ima_tcb). Without it
// the log of a kernel that measures no file has nothing that `runtime` could refuse. By trying what
// else it matches: an odd expression may pass that should not. For a warning.
bool requires_measuring(const PolicySpec& spec);

// "sha256:" and 64 lower-case hexadecimal digits.
std::string digest_text(const crypto::Sha256& digest);
Result<crypto::Sha256> parse_digest_text(std::string_view text);

}  // namespace avouch::attest
