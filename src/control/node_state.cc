#include "control/node_state.h"

#include <utility>

namespace avouch::control {

CachedEndorsement::CachedEndorsement(const crypto::Sha256& policy_digest,
                                     const attest::Checked<attest::EndorsementResult>& said,
                                     Moment now)
    : digest(policy_digest), checked(now.steady), checked_at(now.wall) {
  if (!said.has_value()) {
    refusal = said.reason();
    return;
  }
  bound_by = said->bound_by;
  rules_used = said->rules_used;
}

attest::Checked<attest::EndorsementResult> CachedEndorsement::result() const {
  if (refusal) return *refusal;
  return attest::EndorsementResult{.bound_by = bound_by, .rules_used = rules_used, .make = {}};
}

EvidenceKept::EvidenceKept(EvidenceFacts facts)
    : uid(std::move(facts.uid)), generation(facts.generation), error(std::move(facts.error)) {
  if (!facts.spec) return;
  attest::UnverifiedEvidence& spec = *facts.spec;
  Claims& kept = claims.emplace();
  kept.node_uid = spec.node_uid;
  if (spec.identity) kept.identity = Shared(*std::move(spec.identity));
  if (spec.activation) kept.activation = *std::move(spec.activation);
  spec.identity.reset();
  spec.activation.reset();
  if (spec.quote) kept.quoted = std::move(spec);
}

}  // namespace avouch::control
