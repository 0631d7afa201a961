#pragma once

// The outcome of a review, and what of it goes into the verdict log.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "admission/denial_budget.h"
#include "attest/policy.h"
#include "base/clock.h"
#include "codec/cbor.h"
#include "crypto/hash.h"

namespace avouch::admission {

// Reason codes of docs/interfaces.md.
namespace code {
inline constexpr std::string_view kNoVerdict = "NoVerdict", kVerdictStale = "VerdictStale",
                                  kVerdictOfAnotherPolicy = "VerdictOfAnotherPolicy",
                                  kNotSelected = "NotSelected",
                                  kContraindicated = "Contraindicated",
                                  kPolicyUnusable = "PolicyUnusable", kNodeUnknown = "NodeUnknown",
                                  kNotOwnNode = "NotOwnNode", kInvalid = "Invalid",
                                  kNotAllowed = "NotAllowed", kLogUnavailable = "LogUnavailable",
                                  kNotReady = "NotReady", kOverloaded = "Overloaded";
// In the message of a kContraindicated, in the place of the node's own reason: the token is known
// here, and what its AttestationEvidence says of it is not.
inline constexpr std::string_view kReasonsNotRead = "ReasonsNotRead";
}  // namespace code

// Why a node does not satisfy a policy.
struct Finding {
  std::string code;
  std::string policy;
  std::string message;
  attest::Mode mode = attest::Mode::kEnforce;
};

struct JudgedPolicy {
  std::string name;
  std::optional<crypto::Sha256> spec_digest;
  attest::Mode mode = attest::Mode::kEnforce;
};

// An admission verdict: one for each gated request.
struct AdmissionVerdict {
  std::string id;  // AdmissionReview UID
  std::string operation;
  std::string ns, pod, pod_uid;
  std::string node, node_uid;
  std::string user;
  bool authenticated = false;  // the sender of the review, by a client certificate
  std::string peer;            // its address, without the port
  std::vector<Finding> findings;
  std::vector<JudgedPolicy> policies;
  std::optional<std::uint64_t> node_verdict_index;
  std::string node_verdict_origin;  // of the log that this is an index of: the token's issuer
  std::optional<crypto::Sha256> node_token;
  std::optional<crypto::Sha256> pod_spec;
  std::optional<LeftOut> left_out;  // denials before this one that have no entry
};

struct Decision {
  bool allowed = false;
  std::string code{code::kNotReady};  // of a denial: the first violation's; see also waive()
  int status = 403;                   // HTTP status of a denial
  std::string message;                // of a denial; for the person who made the request
  std::vector<std::string> warnings;
  std::optional<AdmissionVerdict> verdict;            // nothing: the request was not gated
  attest::Logging logging = attest::Logging::kSpool;  // Strict if one of the policies says so
  bool enforced = true;  // a policy in Enforce gates the request, or might: see waive()
};

Decision allow();
Decision deny(std::string_view code, std::string message);

// The payload of the log entry (docs/interfaces.md, `admission-verdict`), at most 32,000 bytes
// encoded (the log takes 32 KiB): long texts are cut, and lists after 32 elements. Of the findings
// those that deny come first.
codec::Cbor verdict_payload(const AdmissionVerdict& verdict, bool allowed, std::string_view code,
                            SystemTime time, bool late);

}  // namespace avouch::admission
