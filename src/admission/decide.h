#pragma once

// Review in, decision out. Pure: never blocks, never logs, throws nothing but std::bad_alloc.
// Thread-safe.

#include <array>
#include <cstddef>
#include <optional>
#include <string>

#include "admission/decision.h"
#include "admission/facts.h"
#include "admission/review.h"

namespace avouch::admission {

// Which webhook was called (its path). A request of another resource than the webhook's own is
// denied: the webhook configuration is wrong then, and a guess could open a hole.
//
// kUnenforcedPods asks what kPods asks, and is called with failurePolicy Ignore, where no policy in
// Enforce gates pods: see waive().
enum class Endpoint { kPods, kUnenforcedPods, kOwnPods, kEvidence, kPolicies, kNamespaces };
inline constexpr std::array kEndpoints{Endpoint::kPods,     Endpoint::kUnenforcedPods,
                                       Endpoint::kOwnPods,  Endpoint::kEvidence,
                                       Endpoint::kPolicies, Endpoint::kNamespaces};
std::optional<Endpoint> endpoint_of(std::string_view path);  // "/admit/pods" and so on
std::string_view endpoint_name(Endpoint endpoint);           // "pods", "evidence", ...

// A pod whose metadata must be looked up for Gathered::pod_labels.
struct PodKey {
  std::string ns, name, uid;  // uid is "" where the request does not say
};
std::optional<PodKey> pod_to_look_up(Endpoint endpoint, const Review& review);

// Whether Gathered::caller_node is needed and cannot be told from the caller's token alone.
bool caller_pod_to_look_up(Endpoint endpoint, const Review& review);

// The namespace of a pod that must be read from the API server, with the policies' versions, before
// the review can be decided: the API server sent it to a webhook whose selector the namespace does
// not meet as it is in the snapshot, so the snapshot is behind, or the webhook configuration is.
// Nothing in the ordinary case. Until Gathered::live says more, such a review is denied as
// NotReady.
//
// A snapshot that is behind is not noticed where it meets the selector all the same: policies in
// Enforce whose namespaces have more than one label, or none in common.
std::optional<std::string> namespace_to_read(Endpoint endpoint, const Review& review,
                                             const Gathered& gathered, const Snapshot& snapshot,
                                             const Rules& rules);

Decision decide(Endpoint endpoint, const Review& review, const Gathered& gathered,
                const Snapshot& snapshot, const Rules& rules, SystemTime now);

// How many namespaces the label exempts that `rules` do not: nothing in them is gated, as somebody
// wanted who may, or who could while no webhook guarded the label.
std::size_t exempt_by_label(const Snapshot& snapshot, const Rules& rules);

// Where no policy is enforced, the want of an answer (NotReady, Overloaded, LogUnavailable) must
// stop pods no more than silence does. Such a denial at kUnenforcedPods becomes an allow with a
// warning that is not logged and keeps its code; every other decision is returned as it is. So is
// one that is `enforced`: the endpoint's name is no proof, as the webhook configuration follows a
// policy only when the controller has seen it.
Decision waive(Endpoint endpoint, Decision decision);

}  // namespace avouch::admission
