#pragma once

// A node's state as bytes and back, for putting it out of memory: between two heartbeats nobody
// looks at it.

#include "attest/quote_seal.h"
#include "base/bytes.h"
#include "control/node_state.h"

namespace avouch::control {

// Whether nothing is under way for the node. What else there is of a node (challenges and their
// secrets, evidence that waits for its logs, refusals that are shown) is never packed.
enum class Activity { kQuiet, kBusy };
Activity activity_of(const NodeState& node);

// All of a quiet node's state but its name and facts. `seal` becomes that of its quote.
Bytes pack_node(const NodeState& node, attest::QuoteSeal& seal);

// `packed` are authentic (cold_item.h). Name and facts are left as they are in `node`, which is
// otherwise as it was made. Throws std::exception where the bytes are none of pack_node()'s, or
// the quote in them is not the one that was sealed.
void unpack_node(ByteView packed, const attest::QuoteSeal& seal, NodeState& node);

}  // namespace avouch::control
