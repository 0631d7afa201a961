#pragma once

// Whether a pod that was let in runs on a node that fails now.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "codec/cbor.h"
#include "codec/json.h"
#include "inspect/nodes.h"
#include "inspect/placed_pod.h"
#include "inspect/release.h"
#include "kube/client.h"

namespace avouch::inspect {

// The admission verdict that let it in, as its entry says.
struct LetIn {
  std::uint64_t index = 0;
  std::string time;
  std::string reasons;  // what was found even then, by policies that are not enforced; or ""
};
// Nothing where that verdict did not let this pod in.
std::optional<LetIn> let_in_by(std::uint64_t index, const codec::Cbor& payload,
                               const PlacedPod& pod);

struct PodToday {
  PlacedPod pod;                       // on no node where there is none, or it has ended
  NodeReport node;                     // of a pod on a node
  std::vector<PolicyReport> policies;  // by name, as far as they could be read
  std::optional<LetIn> let_in_entry = {};

  // The node is judged and fails, is silent, or its verdict has ended; of a pod that was let in by
  // an entry also where nothing is known of the node (any more).
  bool fails(SystemTime now) const;
};

// The pod as it is now, its node, and what that node's AttestationEvidence says; nothing of it is
// verified. kRejected where one of them cannot be read, with the role that grants it, or the node
// is gone.
Result<PodToday> pod_today(const kube::Client& api, const std::string& ns, const std::string& name,
                           const std::vector<PolicyReport>& policies, const ReleaseName& release);

// What is so, what that does to the pod and what to do, in lines; "" where it does not fail.
std::string pod_today_text(const PodToday& today, SystemTime now);
// Null of a pod that is on no node.
codec::Json pod_today_json(const PodToday& today, SystemTime now);

}  // namespace avouch::inspect
