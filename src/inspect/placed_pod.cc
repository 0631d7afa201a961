#include "inspect/placed_pod.h"

#include <chrono>

#include "base/time_text.h"
#include "inspect/entry_text.h"
#include "kube/views.h"

namespace avouch::inspect {

Result<PlacedPod> placed_pod(const codec::Json& pod, const std::string& ns) {
  AVOUCH_TRY(const kube::PodView view, kube::pod_view(pod));
  PlacedPod out;
  out.ns = ns;
  out.name = view.meta.name;
  if (view.node_name.empty()) return out;
  out.uid = view.meta.uid;
  out.node = view.node_name;
  if (const auto time = from_rfc3339(view.meta.creation_timestamp); time.has_value())
    out.placed = *time;
  for (const kube::Condition& condition : kube::conditions_of(pod)) {
    if (condition.type != "PodScheduled" || condition.status != "True") continue;
    // One that says no time makes nothing later.
    const auto time = from_rfc3339(condition.last_transition_time);
    if (time.has_value()) out.placed = *time;
  }
  return out;
}

bool let_in(const codec::Cbor& payload, const PlacedPod& pod) {
  constexpr std::chrono::seconds kClocksApart{30};  // the webhook's and the API server's, at most
  if (pod.node.empty()) return false;
  const auto time = integer_of(payload, "time");
  const bool in_time = !pod.placed || (time && SystemTime(std::chrono::milliseconds(*time)) <=
                                                   *pod.placed + kClocksApart);
  return text_of(payload, "decision") == "allow" && text_of(payload, "node") == pod.node &&
         text_of(payload, "podUID") == pod.uid && in_time;
}

}  // namespace avouch::inspect
