#pragma once

// Pods of the release itself that run where nobody else's should: on nodes that fail.

#include <string>
#include <vector>

#include "codec/json.h"
#include "inspect/nodes.h"
#include "inspect/release.h"
#include "kube/client.h"

namespace avouch::inspect {

struct OwnPod {
  std::string name, node;
  std::string phase;  // the node's
};

struct OwnPods {
  std::string not_read;              // why nobody looked, such as for want of the right; "" else
  std::vector<OwnPod> on_failing{};  // by name
};

// Pods of controller and webhook (the agents are on every node, and hold no key of the release) on
// those of `nodes` that are Contraindicated, by an enforced policy, or Stale, or tainted and not
// judged yet while another is Trusted. Pods are listed only
// where there is such a node; no role of the chart may, so that it is no error where the caller may
// not either.
OwnPods own_pods_on_failing(const kube::Client& api, const ReleaseName& release,
                            const std::vector<NodeReport>& nodes);

// A heading, the first eight of them in a line each, and what to do; "" where there is none, or
// nobody looked.
std::string own_pods_text(const OwnPods& pods, const ReleaseName& release);
// [{name, node, phase}]; null where nobody looked.
codec::Json own_pods_json(const OwnPods& pods);

}  // namespace avouch::inspect
