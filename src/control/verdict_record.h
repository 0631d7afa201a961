#pragma once

// The record of a verdict that a node was just given. Pure.

#include <vector>

#include "base/result.h"
#include "control/node_state.h"
#include "control/policy_set.h"
#include "control/verdict_archive.h"
#include "control/verdict_state.h"

namespace avouch::control {

// `verdict` rests on node.record.evidence, node.findings and node.endorsements, and has a token.
// kRejected: it cannot be recorded (says why); the verdict stands all the same.
Result<RecordToKeep> make_record(const NodeState& node,
                                 const std::vector<const ResolvedPolicy*>& policies,
                                 const NodeVerdict& verdict, RecordKind kind, SystemTime now);

}  // namespace avouch::control
