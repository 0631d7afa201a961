#pragma once

// The five decisions behind decide(). Internal to the library.

#include "admission/decide.h"
#include "admission/gating.h"

namespace avouch::admission {

struct DecisionInput {
  const Review& review;
  const Gathered& gathered;
  const Snapshot& snapshot;
  const Rules& rules;
  SystemTime now;
};

Decision overloaded();  // a denial

Decision decide_pod(const DecisionInput& input);
// Of a pod that looks like one of the release's own to their Services.
Decision decide_own_pod(const DecisionInput& input);
Decision decide_evidence(const DecisionInput& input);
Decision decide_own_kind(const DecisionInput& input);
Decision decide_namespace(const DecisionInput& input);

inline constexpr std::size_t kMaxWarning = 250;  // bytes; the API server cuts at 256

// What a request says about a pod and where it goes.
struct PodRequest {
  std::string operation;  // "pods/binding", "bindings", "pods"
  std::string ns, pod, pod_uid;
  std::string node;  // "" for a pod without one
  bool mirror = false;
};
// kRejected for a request of another resource or operation, or without what it needs.
Result<PodRequest> read_pod_request(const Review& review);

// Of a namespace's labels; null: it is not known here, and not exempt.
bool is_exempt_by_label(const attest::Labels* labels);

std::string service_account(const Rules& rules,
                            std::string_view name);  // "system:serviceaccount:..."

}  // namespace avouch::admission
