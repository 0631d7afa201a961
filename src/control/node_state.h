#pragma once

// All that the appraiser knows of one node. Owned by the appraiser's thread.

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "attest/enrolment.h"
#include "attest/evidence.h"
#include "attest/quote.h"
#include "base/boxed.h"
#include "base/shared.h"
#include "control/change_budget.h"
#include "control/log_judge.h"
#include "control/moment.h"
#include "control/node_record.h"

namespace avouch::control {

// A Node object, as far as the appraiser looks at it.
struct NodeFacts {
  std::string name, uid;
  attest::PackedLabels labels;
  bool operator==(const NodeFacts&) const = default;
};

// An AttestationEvidence object. `spec` is what it claims, `error` why that cannot be read.
struct EvidenceFacts {
  std::string name, uid;
  std::int64_t generation = 0;
  std::optional<attest::UnverifiedEvidence> spec;
  std::string error;
};

// What is kept of an AttestationEvidence object: there is one a node, for as long as the node
// lives.
struct EvidenceKept {
  struct Claims {
    std::string node_uid;
    std::optional<Shared<attest::UnverifiedIdentity>>
        identity;  // the enrolment's, where it is that
    Boxed<attest::ActivationAnswer> activation;
    Boxed<attest::UnverifiedEvidence> quoted;  // until somebody has looked at its quote
  };
  EvidenceKept() = default;  // of nothing that can be read
  explicit EvidenceKept(EvidenceFacts facts);

  std::string uid;
  std::int64_t generation = 0;
  std::optional<Claims> claims;
  std::string error;
};

// Evidence that was refused, as shown in the condition EvidenceFresh.
struct Refusal {
  attest::Reason reason;
  SteadyTime since{};
};

// What check_endorsement said of a node under a policy of that digest.
struct CachedEndorsement {
  CachedEndorsement(const crypto::Sha256& policy_digest,
                    const attest::Checked<attest::EndorsementResult>& said, Moment now);
  attest::Checked<attest::EndorsementResult> result() const;  // but for the TPM's make

  crypto::Sha256 digest{};
  Boxed<attest::Reason> refusal;
  attest::Enrollment bound_by = attest::Enrollment::kInventory;
  std::vector<std::string> rules_used;
  SteadyTime checked{};
  SystemTime checked_at{};  // the time by which certificates were judged
};

struct NodeState {
  std::string name;
  std::optional<NodeFacts> facts;        // nothing: there is no such Node
  std::optional<EvidenceKept> evidence;  // nothing: there is no such AttestationEvidence

  NodeRecord record;  // as decided
  // Of what was last saved that which may be shown.
  struct Saved {
    std::shared_ptr<const Enrolment> enrolment;
    std::optional<attest::TpmState> tpm;
    SystemTime boot_since{};
    Shared<NodeVerdict> verdict;
  };
  Saved saved;

  // Enrolment.
  Boxed<attest::ActivationChallenge> challenge;
  SteadyTime challenge_ends{};
  SteadyTime next_challenge{};  // not before
  Boxed<attest::Reason> enrolment_problem;
  std::map<std::string, CachedEndorsement> endorsements;  // by policy name

  // Evidence.
  std::optional<attest::VerifiedQuote> quote;  // last good one that has not expired
  SteadyTime quote_since{};                    // its age counts from here, whatever the wall clock
  LogFindings findings;                        // of its logs
  // Accepted, and to take its place once its logs are judged.
  Boxed<HeldQuote> newer;
  std::optional<crypto::Sha256> asked;      // what the log judge was last asked: quote and policies
  bool asking = false;                      // and it has not answered yet
  std::uint64_t question = 0;               // number of the newest: answers to others come too late
  std::optional<attest::TpmState> dropped;  // of the last quote that was: no older one comes back
  bool logs_arrived = false;                // since then
  SteadyTime asked_at{};                    // and when
  SteadyTime ask_again_at{};                // not before; zero: nothing waits
  Boxed<attest::Reason> awaited;
  SteadyTime awaited_since{};  // zero: nothing is
  SteadyTime verdict_ends{};
  ChangeBudget changes;        // of the verdict
  SteadyTime patience_ends{};  // when the want of an answer evicts pods; zero: nothing waits
  Boxed<Refusal> refusal;
  std::optional<crypto::Sha256> resource_quote;  // digest of the last quote seen in the resource
  std::optional<attest::TpmState> resource_tpm;  // of the last good quote seen in the resource

  // When a refusal or an enrolment's problem was last told by an Event, by its code.
  std::map<std::string, SteadyTime, std::less<>> told;

  // Jobs for the recorder: the newest given, the newest done.
  std::uint64_t job = 0;
  std::uint64_t job_done = 0;
  bool dirty = false;  // the outlook may have changed

  // Why what was kept of it, but for the facts, did not come back into memory (node_table.h).
  Boxed<std::string> lost;
};

}  // namespace avouch::control
