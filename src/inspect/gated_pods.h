#pragma once

// The pods that policies in Enforce gate, and of which of them the log must have an entry.

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "inspect/placed_pod.h"
#include "inspect/release.h"
#include "kube/client.h"

namespace avouch::inspect {

struct PodScope {
  std::string ns;  // "" all
  // Since when policies were enforced as they are now, where somebody says so.
  std::optional<SystemTime> enforced_since;
};

struct GatedPod {
  PlacedPod pod;
  SystemTime made, since;          // since: on its node, and no earlier than made
  std::vector<std::string> gates;  // the policies in Enforce, by name
  bool is_mirror = false;          // of a static pod, as its annotation says
  bool is_strict = false;          // a policy that gates it lets nothing in by a spool
};

struct EnforcedPolicy {
  std::string name;
  SystemTime made;  // as the API server has it; 1970 where that cannot be read
  std::int64_t generation = 0;
};

struct GatedPods {
  std::vector<GatedPod> to_record;       // by namespace and name
  std::vector<GatedPod> before;          // on their nodes before a policy that gates them was there
  std::vector<EnforcedPolicy> policies;  // by name
  std::vector<std::string> exempt;  // namespaces that policies would gate; nothing in them was read
  std::size_t namespaces = 0;       // that are gated
  bool is_configured = true;        // there is a webhook configuration
};

// Pods that have a node and have not ended (as their status says), by the labels that they, their
// namespaces and the policies have now. Selects as admission does (admission/gating.h); what is
// exempt by name the webhook configuration says, and of the release itself and of Kubernetes' own
// namespaces the chart.
//
// Reads the pods of one namespace after the other, in pages. An error where anything of it cannot
// be read, or more than kMostGatedPods are gated: what is left out would look recorded. `progress`
// is told what is being done.
inline constexpr std::size_t kMostGatedPods = 50'000;
Result<GatedPods> gated_pods(const kube::Client& api, const ReleaseName& release,
                             const PodScope& scope,
                             const std::function<void(const std::string&)>& progress);

}  // namespace avouch::inspect
