#pragma once

// Pure steps between what the API shows and what it should show.

#include <optional>
#include <string>

#include "base/clock.h"
#include "codec/fast_json.h"
#include "codec/json.h"
#include "control/outlook.h"

namespace avouch::control {

// `desired` (a status) with lastTransitionTime in each condition: that of the live object's
// condition where that has the same status, else `now`.
codec::Json with_transition_times(codec::Json desired, const codec::Json* live, SystemTime now);

// A merge patch that makes `live` equal to `desired` member by member; nothing where they are
// equal. Conditions of types that `desired` does not have belong to others and stay.
std::optional<codec::Json> repair_patch(const codec::Json& live, const codec::Json& desired);

// A merge patch that removes what `live` has and `desired` has not; nothing where there is none.
// Older servers refuse a server-side apply that drops an object-valued member ("must be of type
// object: null"), so what has to go goes first.
std::optional<codec::Json> removal_patch(const codec::Json& live, const codec::Json& desired);

// JSON Patch for a Node's taint and label, guarded by its resourceVersion; nothing where they are
// right. Taints with other keys and other labels are kept as they are.
std::optional<codec::Json> node_patch(const codec::Json& node, const NodeSignals& signals,
                                      SystemTime now);

// Strategic merge patch of the Node's status for the condition Attested; nothing where it is right.
std::optional<codec::Json> node_condition_patch(const codec::Json& node, const NodeSignals& signals,
                                                SystemTime now);

// The parts of a Node that are read here and no others, so that a large cluster's nodes fit, and a
// node that makes its own object large gains nothing (kube::ReadObject).
codec::Json read_node(const codec::JsonView& node);

}  // namespace avouch::control
