#pragma once

// The verifier: one policy over all of a node's evidence. The same code judges in the controller
// and over stored evidence. A negative verdict is a value, not an error.

#include <memory>
#include <utility>

#include "appraisal/boot.h"
#include "appraisal/policy_in_force.h"
#include "appraisal/runtime.h"
#include "attest/appraisal.h"
#include "attest/quote.h"

namespace avouch::appraisal {

namespace code {
// Of severity none, beside refusals of what no manifest accepts: one that has ended, or not begun.
inline constexpr std::string_view kReferencesNotInForce = "ReferencesNotInForce";
}  // namespace code

// Null: there is none. Whoever keeps them keeps them for long, and shares them.
using BootJudged = std::shared_ptr<const attest::Checked<BootFindings>>;
using RuntimeJudged = std::shared_ptr<const attest::Checked<RuntimeFindings>>;

template <typename Findings>
std::shared_ptr<const attest::Checked<Findings>> judged(attest::Checked<Findings> result) {
  return std::make_shared<const attest::Checked<Findings>>(std::move(result));
}

// Each log as far as the policy wants it: a reason says why there is none that counts. What is
// nothing although the policy wants it is refused as missing.
struct Evidence {
  const attest::VerifiedQuote& quote;
  BootJudged boot;
  RuntimeJudged runtime;
  // A log that is not there is on its way: it is not counted as missing. What comes out is then no
  // verdict, but if it is contraindicated, so will the verdict be.
  bool awaiting_logs = false;
  attest::QuotedBy quoted_by = attest::QuotedBy::kOurAgents;
};

// `endorsement` is what check_endorsement said for this policy's rules. The reasons are those of
// all that failed: what the policy refers to (PolicyUnusable: then nothing else is judged), the
// endorsement, the quote's selection, PCRs with exact values, boot log, runtime log. Affirming only
// where every part of the policy was judged and none failed.
attest::PolicyResult appraise(const PolicyInForce& policy,
                              const attest::Checked<attest::EndorsementResult>& endorsement,
                              const Evidence& evidence);

// What a controller makes of a policy with problems: contraindicated for the first of them.
attest::PolicyResult unusable_result(const PolicyInForce& policy);

}  // namespace avouch::appraisal
