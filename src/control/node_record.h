#pragma once

// What the controller remembers of a node across restarts: the only input besides evidence that
// decides about it. A status in the API never does.

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "attest/enrolment.h"
#include "attest/evidence.h"
#include "attest/policy.h"
#include "attest/quote.h"
#include "base/clock.h"
#include "base/result.h"
#include "base/shared.h"
#include "control/kept_evidence.h"
#include "control/verdict_state.h"

namespace avouch::control {

// The binding of a node to its TPM, as long as the AttestationEvidence lives that it came from.
struct Enrolment {
  std::string evidence_uid;
  Shared<attest::UnverifiedIdentity> identity;  // as it was when its challenge was solved
  attest::Enrolled enrolled;
  SystemTime enrolled_at{};
  attest::Enrollment bound_by = attest::Enrollment::kInventory;
  // Of the endorsement certificate that was checked then, for people: who made the TPM
  // (attest::to_text), and the rules by which an odd one was accepted. Empty: no certificate says.
  std::string tpm_make;
  std::vector<std::string> certificate_rules;
};

// The TPM that a node's name was enrolled with before its Node object was made anew. Another TPM
// under that name is refused until the AttestationEvidence is deleted.
struct FormerTpm {
  std::string evidence_uid;
  crypto::Sha256 ek_digest{};
};

// Accepted evidence, with what is needed to verify it again after a restart.
struct AcceptedEvidence {
  KeptEvidence kept;  // and the beacon that it answers
  SystemTime beacon_published{};
};

// Copies of it share what is large and does not change by halves.
struct NodeRecord {
  std::string node_name, node_uid;
  std::shared_ptr<const Enrolment> enrolment;  // null: not enrolled
  std::optional<FormerTpm> former;
  std::optional<attest::TpmState> tpm;  // of the newest accepted quote that was saved
  SystemTime boot_since{};
  std::shared_ptr<const AcceptedEvidence> evidence;  // null: none
  Shared<NodeVerdict> verdict;
  // Policies that the node failed, with the effect of the taint that this gave it. A policy stays
  // here when the node falls out of its selection, so that leaving is no way to lose the taint.
  std::map<std::string, attest::TaintEffect, std::less<>> held_by;
};

// `log_origin` is of the log that is written beside it, which has the verdict's place.
std::string encode_record(const NodeRecord& record, std::string_view log_origin);

struct SavedRecord {
  NodeRecord record;
  std::string log_origin;  // "" of one from before records said it
};

// kRejected names the field. A round trip gives the same text.
Result<SavedRecord> parse_record(std::string_view text);

// What of it holds beside the log of `log_origin`. Of a record that was saved beside another log
// verdict and accepted evidence do not: the token is believed by nobody, the place is none of this
// log's, and the quote answers no beacon of it. Only when the newest token was issued is kept, as
// the next one must be younger. A record that does not say its log is of that whose beacon its
// evidence answered; a place of a log that nothing names is none of this log's.
//
// Beside another log of the same `chain` (tlog/shard_name.h), whose tokens are the chain's, all of
// it holds but the place: the verdict has none in this log yet.
NodeRecord record_beside(SavedRecord saved, std::string_view log_origin,
                         std::string_view chain = {});

}  // namespace avouch::control
