#include "control/webhook_pods.h"

#include <algorithm>
#include <set>
#include <utility>

#include "base/time_text.h"
#include "control/names.h"
#include "kube/views.h"

namespace avouch::control {
namespace {

bool is_ready(const codec::Json& pod) {
  const auto conditions = kube::conditions_of(pod);
  return std::any_of(conditions.begin(), conditions.end(), [](const kube::Condition& condition) {
    return condition.type == "Ready" && condition.status == "True";
  });
}

bool is_controlled_by(const codec::Json& pod, std::string_view kind) {
  const codec::Json* owners = pod.find_path({"metadata", "ownerReferences"});
  if (owners == nullptr || owners->as_array() == nullptr) return false;
  return std::any_of(owners->as_array()->begin(), owners->as_array()->end(),
                     [&](const codec::Json& owner) {
                       const codec::Json* controls = owner.find("controller");
                       return owner.text({"kind"}) == kind && controls != nullptr &&
                              *controls == codec::Json(true);
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
  const codec::Json* finalizers = pod.find_path({"metadata", "finalizers"});
  out.is_kept = finalizers != nullptr && finalizers->as_array() != nullptr &&
                !finalizers->as_array()->empty();
  const auto& labels = view->meta.labels;
  const auto component = labels.find("app.kubernetes.io/component");
  out.is_controller = component != labels.end() && component->second == "controller";
  out.is_ours = is_controlled_by(pod, out.is_controller ? "StatefulSet" : "ReplicaSet") &&
                !view->meta.annotations.contains(kube::kMirrorAnnotation);
  if (const auto of = view->meta.annotations.find(kKeyOfWebhook);
      of != view->meta.annotations.end()) {
    out.reminded_of = of->second;
  }
  if (!view->meta.deletion_timestamp.empty()) {
    const auto ends = from_rfc3339(view->meta.deletion_timestamp);
    out.ends = ends.has_value() ? *ends : SystemTime{};
  }
  return out;
}

// Whether `time` has passed since this was first asked of the key; else it is looked at again then.
bool WebhookPods::has_passed(Since& since, const std::string& key, std::chrono::seconds time,
                             SteadyTime now, WebhookPodPlan& plan) {
  const SteadyTime first = since.emplace(key, now).first->second;
  if (now - first >= time) return true;
  sooner(plan.look_again,
         std::chrono::duration_cast<std::chrono::milliseconds>(first + time - now));
  return false;
}

bool WebhookPods::fails(const std::string& node, Standing standing, SteadyTime now,
                        WebhookPodPlan& plan) {
  if (standing == Standing::kSilent) return has_passed(silent_since_, node, kPatience, now, plan);
  silent_since_.erase(node);
  return standing == Standing::kFails;
}

bool WebhookPods::must_go_at_once(const WebhookPod& pod, Moment now, WebhookPodPlan& plan) {
  if (pod.ended) return true;
  if (!pod.ends) return false;
  const auto left =
      std::chrono::duration_cast<std::chrono::milliseconds>(*pod.ends + kConfirm - now.wall);
  if (left <= left.zero()) return true;
  sooner(plan.look_again, left);
  return has_passed(ending_since_, pod.uid, kLongestEnd, now.steady, plan);
}

WebhookPodPlan WebhookPods::plan(const std::vector<WebhookPod>& pods,
                                 const std::set<std::string>& held_by, const std::string& key,
                                 const NodeOf& node_of, Moment now) {
  WebhookPodPlan out;
  std::erase_if(key_since_, [&](const auto& entry) { return entry.first != key; });
  const bool is_heard_of = !key.empty() && has_passed(key_since_, key, kHeardOf, now.steady, out);
  std::set<std::string> nodes = held_by, uids;
  std::set<std::string> closed;
  for (const WebhookPod& pod : pods) {
    if (!pod.is_ours) out.foreign.push_back(pod);
    if (pod.node.empty() || !pod.is_ours || pod.is_controller) continue;
    const WebhookNode node = node_of(pod.node);
    nodes.insert(pod.node);
    uids.insert(pod.uid);
    if (node.is_closed) closed.insert(pod.node);
    if (fails(pod.node, node.standing, now.steady, out)) {
      out.holders.push_back(pod);
    } else {
      const bool serves = pod.ready && !pod.ended && !pod.ends;
      out.another = out.another || (serves && node.standing == Standing::kGood);
      const bool may_lack_it = is_heard_of && pod.reminded_of != key;
      if (may_lack_it && !pod.ended && !pod.ends) out.remind.push_back(pod);
    }
  }
  std::set<std::string> left;
  for (const std::string& node : held_by) {
    if (!fails(node, node_of(node).standing, now.steady, out)) continue;
    out.failing = node;
    left.insert(node);
  }
  for (const WebhookPod& pod : out.holders) {
    out.failing = pod.node;
    left.erase(pod.node);  // it is there
  }
  for (const WebhookPod& pod : out.holders) {
    if (pod.ends && has_passed(ending_since_, pod.uid, kOutOfService, now.steady, out)) {
      left.insert(pod.uid);
    }
  }
  out.connect_anew = !std::includes(left_by_.begin(), left_by_.end(), left.begin(), left.end());
  left_by_ = std::move(left);
  std::erase_if(silent_since_, [&](const auto& entry) { return !nodes.contains(entry.first); });
  std::erase_if(ending_since_, [&](const auto& entry) { return !uids.contains(entry.first); });
  std::erase_if(asked_since_, [&](const auto& entry) { return !uids.contains(entry.first); });
  for (const WebhookPod& pod : out.holders) {
    if (must_go_at_once(pod, now, out)) {
      out.remove_at_once.push_back(pod);
    } else if (!pod.ends && out.another &&
               (closed.contains(pod.node) ||
                has_passed(asked_since_, pod.uid, kTaintPatience, now.steady, out))) {
      out.remove.push_back(pod);
    }
  }
  return out;
}

}  // namespace avouch::control
