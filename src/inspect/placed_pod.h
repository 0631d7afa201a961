#pragma once

// A pod on a node, as the API server has it.

#include <optional>
#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "codec/cbor.h"
#include "codec/json.h"

namespace avouch::inspect {

struct PlacedPod {
  std::string ns, name;
  std::string uid, node;             // "" unless it is on a node
  std::optional<SystemTime> placed;  // on the node, as the API server's clock had it
};

// `pod` is of namespace `ns`. Placed when its condition PodScheduled says, which its kubelet can
// write too; where that is not there, when it was made. kRejected: it has no name or UID.
Result<PlacedPod> placed_pod(const codec::Json& pod, const std::string& ns);

// Whether this admission verdict says that it let the pod in: it names it by its UID, and is no
// younger than its place on the node, by up to half a minute between two clocks. Whoever reaches
// the webhook can have a verdict on a pod made up that runs already. False where it is on no node.
bool let_in(const codec::Cbor& payload, const PlacedPod& pod);

}  // namespace avouch::inspect
