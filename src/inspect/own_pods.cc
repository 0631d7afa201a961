#include "inspect/own_pods.h"

#include <algorithm>
#include <map>

#include "inspect/proof.h"
#include "kube/views.h"

namespace avouch::inspect {
namespace {

using codec::Json;

constexpr std::size_t kMostPods = 1000;  // of one release
constexpr std::size_t kMostListed = 8;

bool is_of(const std::string& pod, const ReleaseName& release) {
  return pod.starts_with(release.name + "-controller-") ||
         pod.starts_with(release.name + "-webhook-");
}

bool is_unknown(const std::string& phase) {
  return phase == "Pending" || phase == "Enrolling" || phase == "NoEvidence";
}

bool has_ended(const kube::PodView& pod) {
  return pod.phase == "Succeeded" || pod.phase == "Failed";
}

}  // namespace

OwnPods own_pods_on_failing(const kube::Client& api, const ReleaseName& release,
                            const std::vector<NodeReport>& nodes) {
  const bool any_trusted = std::any_of(nodes.begin(), nodes.end(), [](const NodeReport& node) {
    return node.phase == "Trusted" || node.phase == "Warning";
  });
  std::map<std::string, std::string> failing;
  for (const NodeReport& node : nodes) {
    const bool fails = node.phase == "Contraindicated" && !fails_unenforced_only(node);
    // While no node is trusted the release has nowhere else to be.
    const bool unknown = any_trusted && !node.taints.empty() && is_unknown(node.phase);
    if (fails || unknown || node.phase == "Stale") failing[node.name] = node.phase;
  }
  OwnPods out;
  if (failing.empty()) return out;
  kube::ListOptions options;
  options.label_selector =
      "app.kubernetes.io/name=avouch,app.kubernetes.io/component in (controller,webhook)";
  options.max_objects = kMostPods;
  const auto listed = api.list(kube::pods(release.ns), options);
  if (!listed.has_value()) {
    out.not_read = listed.error().message;
    return out;
  }
  for (const Json& item : listed->items) {
    const auto pod = kube::pod_view(item);
    if (!pod.has_value() || !is_of(pod->meta.name, release) || has_ended(*pod)) continue;
    const auto node = failing.find(pod->node_name);
    if (node == failing.end()) continue;
    out.on_failing.push_back({pod->meta.name, node->first, node->second});
  }
  std::sort(out.on_failing.begin(), out.on_failing.end(),
            [](const OwnPod& a, const OwnPod& b) { return a.name < b.name; });
  return out;
}

std::string own_pods_text(const OwnPods& pods, const ReleaseName& release) {
  if (pods.on_failing.empty()) return "";
  const std::size_t count = pods.on_failing.size();
  std::string out = "KEYS ON A FAILING NODE: " + std::to_string(count) +
                    (count == 1 ? " pod of the release runs" : " pods of the release run") +
                    " where nobody vouches for the node.\n";
  for (std::size_t i = 0; i < std::min(count, kMostListed); ++i) {
    const OwnPod& pod = pods.on_failing[i];
    out += "  " + printable(pod.name) + " on node " + printable(pod.node) + " (" +
           printable(pod.phase) + ")\n";
  }
  if (count > kMostListed) out += "  and " + std::to_string(count - kMostListed) + " more\n";
  return out +
         "  It means: root of such a node can use what the pod holds: a controller's keys, which "
         "sign verdicts and log, or a webhook's certificate.\n"
         "  To do for a webhook: nothing. It is moved, and its key replaced, as soon as another is "
         "ready on a good node.\n"
         "  To do for a controller: kubectl cordon NODE, then kubectl -n " +
         printable(release.ns) +
         " delete pod POD, which starts elsewhere.\n"
         "  What the node has read meanwhile it keeps (docs/security.md).\n";
}

Json own_pods_json(const OwnPods& pods) {
  if (!pods.not_read.empty()) return nullptr;
  Json::Array out;
  for (const OwnPod& pod : pods.on_failing) {
    out.push_back(Json::Object{{"name", pod.name}, {"node", pod.node}, {"phase", pod.phase}});
  }
  return out;
}

}  // namespace avouch::inspect
