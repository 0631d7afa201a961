#pragma once

// From objects as the API server has them to what the appraiser looks at. Pure.

#include <optional>

#include "codec/json.h"
#include "control/node_state.h"

namespace avouch::control {

// Nothing for an object without name or UID.
std::optional<NodeFacts> node_facts(const codec::Json& node);

// Always a value for an object with name and UID: a spec that cannot be read is an error in it.
std::optional<EvidenceFacts> evidence_facts(const codec::Json& evidence);

}  // namespace avouch::control
