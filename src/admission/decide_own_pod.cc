// Pods with the labels by which the Services of controller and webhook find their pods. Nothing but
// those labels makes a pod an endpoint: a kubelet's static pod, of any node, would be asked in
// their place, and even without their keys deny by its silence.

#include "admission/decide_parts.h"
#include "admission/text.h"

namespace avouch::admission {

Decision decide_own_pod(const DecisionInput& input) {
  const auto request = read_pod_request(input.review);
  if (!request.has_value()) return deny(code::kInvalid, request.error().message);
  if (request->operation != "pods") {
    return deny(code::kInvalid, "own-pods.avouch.dev decides CREATE of pods only");
  }
  if (request->ns != input.rules.release_namespace || request->node.empty()) return allow();
  return deny(code::kNotAllowed,
              "pod " + quote(request->pod) + " in namespace " + quote(request->ns) +
                  " has the labels of the release's own pods and names its node itself (" +
                  quote(request->node) +
                  "): as an endpoint of their Services it would be asked in their place. The "
                  "release's own pods get their nodes from the scheduler; give others, static "
                  "pods above all, other labels");
}

}  // namespace avouch::admission
