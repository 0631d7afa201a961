#pragma once

// What people should do about a node.

#include <string>

#include "base/clock.h"
#include "inspect/nodes.h"

namespace avouch::inspect {

// One sentence without its full stop, by the first of the node's reasons and by its conditions. It
// repeats names that others wrote: whoever shows it makes it printable.
std::string node_remedy(const NodeReport& node, SystemTime now);

// The condition Enrolled, where it says more than the reasons of the verdict do: that the node is
// not enrolled, or that it is and claims to be another now. Else null.
const kube::Condition* untold_enrolment(const NodeReport& node);

}  // namespace avouch::inspect
