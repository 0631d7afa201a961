#include "attest/appraisal.h"

#include <algorithm>

#include "base/hex.h"
#include "tpm/selection.h"

namespace avouch::attest {
namespace {

// What a PCR speaks of (TCG PC Client Platform Firmware Profile 1.06, table 1; systemd and IMA
// above).
Claim claim_of_pcr(unsigned index) {
  switch (index) {
    case 0:  // firmware
    case 2:  // option ROMs
      return Claim::kHardware;
    case 4:   // boot loaders
    case 9:   // files that the boot loader read
    case 10:  // files that the kernel ran
    case 11:  // unified kernel image
      return Claim::kExecutables;
    default:
      return Claim::kConfiguration;
  }
}

std::int8_t value_of_match(Claim claim) {
  return claim == Claim::kExecutables ? kApprovedBoot : kGenuine;
}

std::int8_t value_of_mismatch(Claim claim) {
  return claim == Claim::kHardware ? kNotRecognized : kUnacceptable;
}

std::string list_of(const std::vector<Bytes>& values) {
  constexpr std::size_t kMost = 4;
  std::string out = values.empty() ? "no value at all" : "";
  for (std::size_t i = 0; i < std::min(values.size(), kMost); ++i) {
    if (i > 0) out += ", ";
    out += to_hex(values[i]);
  }
  if (values.size() > kMost) out += " and " + std::to_string(values.size() - kMost) + " more";
  return out;
}

class Appraisal {
 public:
  Appraisal(const Policy& policy, const VerifiedQuote& quote, PolicyResult& out)
      : policy_(policy), quote_(quote), out_(out) {}

  void judge_identity(const Checked<EndorsementResult>& endorsement) {
    note(Claim::kInstanceIdentity, endorsement.has_value() ? kGenuine : kNotRecognized);
    if (!endorsement.has_value()) {
      if (endorsement.reason().code == code::kHardwareRequired) {
        note(Claim::kHardware, kNotRecognized);
      }
      out_.reasons.push_back(endorsement.reason());
      return;
    }
    std::string rules;
    for (const std::string& rule : endorsement->rules_used) {
      rules += (rules.empty() ? "" : ", ") + rule;
    }
    if (rules.empty()) return;
    out_.reasons.push_back(
        {std::string(code::kEndorsementRuleUsed), Status::kNone,
         "the EK certificate is odd but genuine, and accepted by these rules: " + rules});
  }

  void judge_selection(QuotedBy quoted_by) {
    const tpm::PcrSelection need = quoted_by == QuotedBy::kOurAgents
                                       ? selection_of_agents(policy_.spec)
                                       : required_selection(policy_.spec);
    if (!tpm::first_selected(need)) {
      out_.reasons.push_back(refuse(code::kPolicyUnusable,
                                    "it has no pcrs.exact and so checks nothing: add the accepted "
                                    "values of at least one PCR"));
      return;
    }
    if (const auto missing = tpm::first_missing(quote_.selection(), need)) {
      out_.reasons.push_back(
          refuse(code::kSelectionInsufficient,
                 tpm::to_text(*missing) + " is not quoted; needed are " + tpm::to_text(need) +
                     ", quoted are " + tpm::to_text(quote_.selection()) +
                     ": activate the bank in the node's firmware, or change the policy's banks"));
    }
  }

  void judge_pcrs() {
    static const std::vector<Bytes> kNothingAccepted;
    for (const ExactPcr& exact : policy_.spec.exact) {
      for (const crypto::HashAlgorithm bank : policy_.spec.banks) {
        const auto accepted = exact.accepted.find(bank);
        judge_pcr({bank, exact.index},
                  accepted == exact.accepted.end() ? kNothingAccepted : accepted->second);
      }
    }
  }

 private:
  void note(Claim claim, std::int8_t value) {
    TrustVector one;
    one[claim] = value;
    out_.vector = worse(out_.vector, one);
  }

  void judge_pcr(const tpm::PcrId& id, const std::vector<Bytes>& accepted) {
    const Claim claim = claim_of_pcr(id.index);
    const auto found = pcrs_.find(id);
    if (found == pcrs_.end()) return;  // judge_selection says so
    if (std::find(accepted.begin(), accepted.end(), found->second) != accepted.end()) {
      note(claim, value_of_match(claim));
      return;
    }
    note(claim, value_of_mismatch(claim));
    out_.reasons.push_back(refuse(
        code::kPcrMismatch, tpm::to_text(id) + " is " + to_hex(found->second) + ", expected " +
                                list_of(accepted) +
                                ": find out what changed on the node; if the change is wanted, add "
                                "the value to the policy's pcrs.exact"));
  }

  const Policy& policy_;
  const VerifiedQuote& quote_;
  const tpm::PcrValues pcrs_ = quote_.pcrs();
  PolicyResult& out_;
};

}  // namespace

PolicyResult appraise(const Policy& policy, const crypto::Sha256& digest,
                      const Checked<EndorsementResult>& endorsement, const VerifiedQuote& quote,
                      Logs logs, QuotedBy quoted_by) {
  PolicyResult out;
  out.name = policy.name;
  out.spec_digest = policy.spec_digest;
  out.digest = digest;
  out.max_age = policy.spec.max_age;
  Appraisal appraisal(policy, quote, out);
  appraisal.judge_identity(endorsement);
  appraisal.judge_selection(quoted_by);
  if (logs == Logs::kNotJudged && (policy.spec.boot_log || policy.spec.runtime)) {
    out.reasons.push_back(refuse(code::kPolicyUnusable,
                                 "it has bootLog or runtime, which nothing here judges: a policy "
                                 "must not check less than it says"));
  }
  appraisal.judge_pcrs();
  out.status = worst_tier(out.vector);
  for (const Reason& reason : out.reasons) out.status = worse(out.status, reason.severity);
  if (out.status == Status::kNone) out.status = Status::kContraindicated;
  return out;
}

Verdict combine(std::vector<PolicyResult> results) {
  Verdict out;
  out.policies = std::move(results);
  if (out.policies.empty()) {
    out.reasons.push_back(refuse(code::kNoPolicy, "no AttestationPolicy selects this node"));
    return out;
  }
  out.status = Status::kAffirming;
  for (const PolicyResult& result : out.policies) {
    out.status = worse(out.status,
                       result.status == Status::kNone ? Status::kContraindicated : result.status);
    out.vector = worse(out.vector, result.vector);
    for (const Reason& reason : result.reasons) {
      Reason named = reason;
      named.message = "AttestationPolicy \"" + result.name + "\": " + reason.message;
      out.reasons.push_back(std::move(named));
    }
  }
  std::stable_sort(out.reasons.begin(), out.reasons.end(),
                   [](const Reason& a, const Reason& b) { return a.severity > b.severity; });
  return out;
}

}  // namespace avouch::attest
