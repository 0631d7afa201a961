#pragma once

// What verified evidence means under a policy. A negative verdict is a value, not an error.

#include <chrono>
#include <span>
#include <string>
#include <vector>

#include "attest/enrolment.h"
#include "attest/policy.h"
#include "attest/quote.h"
#include "attest/reason.h"
#include "attest/trust.h"

namespace avouch::attest {

struct PolicyResult {
  std::string name;
  crypto::Sha256 spec_digest{};
  crypto::Sha256 digest{};  // policy_digest()
  std::chrono::milliseconds max_age{};
  Status status = Status::kContraindicated;
  TrustVector vector;
  std::vector<Reason> reasons;  // when affirming only such as give notice, of severity none
};

// One policy. `endorsement` is what check_endorsement said for this policy's rules. Reasons are
// those of all that failed, not only of the first: endorsement, SelectionInsufficient, PcrMismatch
// for each PCR and bank; and, of severity none, which rules for odd certificates were used. A
// policy without exact values is PolicyUnusable: nothing checked is nothing proven.
//
// Logs are not judged here: a policy with bootLog or runtime is PolicyUnusable unless the caller
// says that it judges them and adds what they say.
enum class Logs { kNotJudged, kJudgedByCaller };
// Whose quotes: ours cover every PCR, so that each policy wants all that selection_of_agents()
// says, whatever other policy it was made for; of stored cases of other tools required_selection()
// is wanted.
enum class QuotedBy { kOurAgents, kOtherTools };
PolicyResult appraise(const Policy& policy, const crypto::Sha256& digest,
                      const Checked<EndorsementResult>& endorsement, const VerifiedQuote& quote,
                      Logs logs = Logs::kNotJudged, QuotedBy quoted_by = QuotedBy::kOurAgents);

struct Verdict {
  Status status = Status::kContraindicated;
  TrustVector vector;
  std::vector<PolicyResult> policies;
  std::vector<Reason> reasons;  // each with its policy's name in the message; worst first
};

// Worst wins. No policy at all is NoPolicy, contraindicated.
Verdict combine(std::vector<PolicyResult> results);

}  // namespace avouch::attest
