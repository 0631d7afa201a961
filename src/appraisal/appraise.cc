#include "appraisal/appraise.h"

#include <algorithm>
#include <utility>

#include "runtimelog/codes.h"

namespace avouch::appraisal {
namespace {

using attest::Claim;
using attest::PolicyResult;
using attest::Reason;
using attest::Status;
using attest::TrustVector;

constexpr std::size_t kMostNotices = 8;

void add(PolicyResult& out, const TrustVector& vector, std::span<const Reason> reasons) {
  out.vector = attest::worse(out.vector, vector);
  out.reasons.insert(out.reasons.end(), reasons.begin(), reasons.end());
}

void add(PolicyResult& out, Claim claim, const Reason& reason) {
  TrustVector vector;
  vector[claim] = attest::kUnacceptable;
  add(out, vector, {&reason, 1});
}

Reason missing(std::string_view code, std::string_view what, std::string_view remedy) {
  return attest::refuse(code, "the policy's " + std::string(what) +
                                  ", and the node has sent none: " + std::string(remedy));
}

void add_boot(const attest::BootLogSpec&, const Evidence& evidence, PolicyResult& out) {
  if (!evidence.boot && evidence.awaiting_logs) return;
  if (!evidence.boot) {
    add(out, Claim::kConfiguration,
        missing(code::kBootLogMissing, "bootLog wants the measured-boot log",
                "boot the kernel through its EFI stub, and let the agent read the log (the chart's "
                "agent.measurements, hostPath and bootLog)"));
  } else if (!evidence.boot->has_value()) {
    add(out, Claim::kConfiguration, evidence.boot->reason());
  } else {
    const BootFindings& boot = evidence.boot->value();
    add(out, boot.vector, boot.reasons);
  }
}

void add_runtime(const PolicyInForce& policy, const Evidence& evidence, PolicyResult& out) {
  if (!policy.runtime) {  // and then it has a problem, and is not judged
    add(out, Claim::kExecutables,
        attest::refuse(attest::code::kInternalError, "the rules of `runtime` were not made"));
  } else if (!evidence.runtime && evidence.awaiting_logs) {
    return;
  } else if (!evidence.runtime) {
    add(out, Claim::kExecutables,
        missing(runtimelog::code::kLogMissing, "runtime wants the kernel's measurement log (IMA)",
                "boot a kernel with CONFIG_IMA and ima_policy=tcb, and let the agent read the log "
                "(the chart's agent.measurements, hostPath and runtimeLog)"));
  } else if (!evidence.runtime->has_value()) {
    add(out, Claim::kExecutables, evidence.runtime->reason());
  } else {
    const RuntimeFindings& runtime = evidence.runtime->value();
    const bool boot_speaks = evidence.boot && evidence.boot->has_value();
    const runtimelog::Coverage coverage =
        boot_speaks ? evidence.boot->value().coverage : runtimelog::Coverage::kUnknown;
    const runtimelog::RuntimeResult result = runtimelog::conclude(
        *runtime.findings, *runtime.proven, *policy.runtime, coverage, runtime.detailed);
    TrustVector vector = result.vector;
    // "Only what was booted is approved" is less than "all that ran is", and both hold.
    if (vector[Claim::kExecutables] == attest::kGenuine &&
        out.vector[Claim::kExecutables] == attest::kApprovedBoot) {
      out.vector[Claim::kExecutables] = attest::kGenuine;
    }
    add(out, vector, result.reasons);
    out.status = attest::worse(out.status, result.status);
  }
}

// What a manifest accepted may be what was refused now.
void add_notices(const PolicyInForce& policy, PolicyResult& out) {
  const bool unknown = std::any_of(out.reasons.begin(), out.reasons.end(),
                                   [](const Reason& each) { return !each.suggestion.empty(); });
  if (!unknown) return;
  std::size_t left = kMostNotices;
  for (const std::string& notice : policy.notices) {
    if (left-- == 0) return;
    Reason note = attest::refuse(code::kReferencesNotInForce,
                                 "ReferenceManifest " + notice + ", and accepts nothing now");
    note.severity = Status::kNone;
    out.reasons.push_back(std::move(note));
  }
}

}  // namespace

PolicyResult unusable_result(const PolicyInForce& policy) {
  PolicyResult result;
  result.name = policy.policy.name;
  result.spec_digest = policy.policy.spec_digest;
  result.digest = policy.digest;
  result.max_age = policy.policy.spec.max_age;
  result.status = Status::kContraindicated;
  result.vector[Claim::kInstanceIdentity] = attest::kUnacceptable;
  result.reasons = {attest::refuse(attest::code::kPolicyUnusable, policy.problems.front())};
  return result;
}

PolicyResult appraise(const PolicyInForce& policy,
                      const attest::Checked<attest::EndorsementResult>& endorsement,
                      const Evidence& evidence) {
  if (!policy.problems.empty()) {
    PolicyResult out;
    out.name = policy.policy.name;
    out.spec_digest = policy.policy.spec_digest;
    out.digest = policy.digest;
    out.max_age = policy.policy.spec.max_age;
    for (const std::string& problem : policy.problems) {
      out.reasons.push_back(attest::refuse(attest::code::kPolicyUnusable, problem));
    }
    return out;
  }
  PolicyResult out = attest::appraise(policy.policy, policy.digest, endorsement, evidence.quote,
                                      attest::Logs::kJudgedByCaller, evidence.quoted_by);
  const attest::PolicySpec& spec = policy.policy.spec;
  if (spec.boot_log) add_boot(*spec.boot_log, evidence, out);
  if (spec.runtime) add_runtime(policy, evidence, out);
  out.status = attest::worse(out.status, attest::worst_tier(out.vector));
  for (const Reason& reason : out.reasons) out.status = attest::worse(out.status, reason.severity);
  if (out.status == Status::kNone) out.status = Status::kContraindicated;
  add_notices(policy, out);
  return out;
}

}  // namespace avouch::appraisal
