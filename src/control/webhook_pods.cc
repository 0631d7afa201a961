#include "control/webhook_pods.h"

#include <algorithm>
#include <set>
#include <utility>

#include "base/time_text.h"
#include "kube/views.h"

namespace avouch::control {
namespace {

constexpr std::string_view kMirror = "kubernetes.io/config.mirror";

bool is_ready(const codec::Json& pod) {
  const auto conditions = kube::conditions_of(pod);
  return std::any_of(conditions.begin(), conditions.end(), [](const kube::Condition& condition) {
    return condition.type == "Ready" && condition.status == "True";
  });
}

void sooner(std::optional<std::chrono::milliseconds>& at, std::chrono::milliseconds in) {
  at = at ? std::min(*at, in) : in;
}

}  // namespace

std::optional<WebhookPod> webhook_pod(const codec::Json& pod) {
  const auto view = kube::pod_view(pod);
  if (!view.has_value()) return std::nullopt;
  WebhookPod out;
  out.name = view->meta.name;
  out.uid = view->meta.uid;
  out.node = view->node_name;
  out.ready = is_ready(pod);
  out.ended = view->phase == "Succeeded" || view->phase == "Failed";
  out.mirror = view->meta.annotations.contains(kMirror);
  if (!view->meta.deletion_timestamp.empty()) {
    const auto ends = from_rfc3339(view->meta.deletion_timestamp);
    out.ends = ends.has_value() ? *ends : SystemTime{};
  }
  return out;
}

bool WebhookPods::fails(const std::string& node, const StandingOf& standing_of, Moment now,
                        WebhookPodPlan& plan) {
  const Standing standing = standing_of(node);
  if (standing != Standing::kSilent) {
    silent_since_.erase(node);
    return standing == Standing::kFails;
  }
  const SteadyTime since = silent_since_.emplace(node, now.steady).first->second;
  if (now.steady - since >= kPatience) return true;
  sooner(plan.look_again,
         std::chrono::duration_cast<std::chrono::milliseconds>(since + kPatience - now.steady));
  return false;
}

WebhookPodPlan WebhookPods::plan(const std::vector<WebhookPod>& pods, const StandingOf& standing_of,
                                 Moment now) {
  WebhookPodPlan out;
  std::set<std::string> nodes;
  bool another = false;
  for (const WebhookPod& pod : pods) {
    if (pod.node.empty() || pod.mirror) continue;
    nodes.insert(pod.node);
    if (fails(pod.node, standing_of, now, out)) {
      out.holders.push_back(pod);
    } else {
      const bool serves = pod.ready && !pod.ended && !pod.ends;
      another = another || (serves && standing_of(pod.node) == Standing::kGood);
    }
  }
  std::erase_if(silent_since_, [&](const auto& entry) { return !nodes.contains(entry.first); });
  for (const WebhookPod& pod : out.holders) {
    if (pod.ends) {
      const auto left = *pod.ends + kConfirm - now.wall;
      if (left <= left.zero() || pod.ended) {
        out.remove_at_once.push_back(pod);
      } else {
        sooner(out.look_again, std::chrono::duration_cast<std::chrono::milliseconds>(left));
      }
    } else if (pod.ended) {
      out.remove_at_once.push_back(pod);
    } else if (another) {
      out.remove.push_back(pod);
    }
  }
  return out;
}

}  // namespace avouch::control
