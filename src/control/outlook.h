#pragma once

// What the API should show of a node and of a policy. Pure: state in, objects out. Conditions carry
// no lastTransitionTime yet: whoever writes them takes it from the live object (conditions.h).

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "attest/policy.h"
#include "codec/json.h"
#include "control/node_state.h"
#include "control/policy_set.h"

namespace avouch::control {

struct AttestedCondition {
  std::string status;  // "True", "False", "Unknown"
  std::string reason;
  std::string message;
  bool operator==(const AttestedCondition&) const = default;
};

// Whether nodes may have the webhook's key: not those that fail an enforced policy, and in the long
// run not those that have shown nothing that it could be satisfied by (Pending, Enrolling, Stale).
enum class Standing { kGood, kSilent, kFails };

// What the Node object should carry.
struct NodeSignals {
  attest::TaintEffect taint = attest::TaintEffect::kNone;
  bool label = false;
  std::optional<AttestedCondition> condition;  // nothing: none of ours
  Standing standing = Standing::kGood;         // else the taint has value kFailing
  bool operator==(const NodeSignals&) const = default;
};

struct NodeOutlook {
  std::string name;
  std::string node_uid;      // "" where there is no such Node
  std::string evidence_uid;  // "" where there is no such AttestationEvidence
  NodeSignals signals;
  codec::Json status;  // of the AttestationEvidence
};

// Which policies the verdict does not satisfy, in which mode, and where none of them is enforced
// so, to be put behind a reason: '; not satisfied: "pilot" (mode Audit), none of them enforced:
// ...'; "" where all are satisfied.
std::string unsatisfied_text(const NodeVerdict& verdict,
                             const std::vector<const ResolvedPolicy*>& selecting);

// `selecting` are the readable policies that select the node. `origin` is the log's.
NodeOutlook make_outlook(const NodeState& state,
                         const std::vector<const ResolvedPolicy*>& selecting,
                         const std::string& origin);

struct NodeCounts {
  std::int64_t matched = 0, trusted = 0, warning = 0, contraindicated = 0, stale = 0, unknown = 0;
  bool operator==(const NodeCounts&) const = default;
};

struct PolicyOutlook {
  std::string name, uid;
  codec::Json status;
};

// `cadence` is the beacon's period: a maxAge under twice of it cannot be kept.
PolicyOutlook make_policy_outlook(const ResolvedPolicy& policy, const NodeCounts& counts,
                                  std::chrono::milliseconds cadence);

}  // namespace avouch::control
