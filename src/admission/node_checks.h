#pragma once

// Whether a node satisfies a policy: a chain of pure checks whose list is the specification.

#include <optional>
#include <string>

#include "admission/decision.h"
#include "admission/facts.h"

namespace avouch::admission {

struct NodeQuestion {
  const PolicyFacts& policy;
  const NodeFacts& node;
  const VerdictFacts* verdict;     // of this node's UID; null where there is none
  std::string_view refused_token;  // why the token in its evidence is not believed; "" if it is
  SystemTime now;
};

// The first check that fails, or nothing: then the node satisfies the policy. The message is a
// sentence without the node's and the policy's names.
std::optional<Finding> check_node(const NodeQuestion& question);

// The same for a node of the snapshot, by its facts.
std::optional<Finding> check_node(const PolicyFacts& policy, const NodeFacts& node,
                                  const Snapshot& snapshot, SystemTime now);

const VerdictFacts* verdict_on(const NodeFacts& node, const Snapshot& snapshot);

}  // namespace avouch::admission
