#include "control/node_state.h"

#include <utility>

namespace avouch::control {

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
