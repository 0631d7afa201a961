// Takes the webhook's pods off nodes that fail, and has its key replaced then.

#include <chrono>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "control/names.h"
#include "kube/views.h"
#include "operator/leader_parts.h"

namespace avouch::controller {

using namespace std::chrono_literals;

control::WebhookNode Leader::Parts::webhook_node(const std::string& name) const {
  const kube::ObjectPtr live = nodes.find(name);
  const auto outlook = node_board.find_node(name);
  control::WebhookNode out;
  if (!outlook) {
    // One that no policy selects is not judged; for one that is not there nobody vouches.
    if (live == nullptr) out.standing = control::Standing::kFails;
    return out;
  }
  out.standing = outlook->signals.standing;
  const bool is_awaited =
      outlook->signals.taint != attest::TaintEffect::kNone && webhook_has_a_place() && live;
  if (!is_awaited) return out;
  const auto view = kube::node_view(*live);
  const kube::Taint* taint = view.has_value() ? view->taint(control::kTaintKey) : nullptr;
  out.is_closed = taint != nullptr && taint->value == control::kFailing;
  return out;
}

bool Leader::Parts::webhook_has_a_place() const {
  return node_board.any_attested() || webhook_is_elsewhere;
}

// What fails is tried again: the mark first, since without it nobody would know, once the pod has
// gone, that its key is to be replaced.
Result<void> Leader::Parts::keep_webhook_pods() {
  if (config.webhook.pods.empty()) return trust.set_holders(control::KeyHolders::kAllGood, "");
  if (!cluster_known || !webhook_pods.synced() || !nodes.synced()) return {};
  std::vector<control::WebhookPod> pods;
  std::set<std::string> holding;
  const auto snapshot = webhook_pods.snapshot();
  for (const auto& [name, object] : *snapshot) {
    auto pod = control::webhook_pod(*object);
    if (!pod) continue;
    if (pod->is_ours && !pod->is_controller && !pod->node.empty()) holding.insert(pod->node);
    pods.push_back(*std::move(pod));
  }
  AVOUCH_TRY(const std::set<std::string> held_by, trust.held_by(std::move(holding)));
  const control::WebhookPodPlan plan = webhook_keeper.plan(
      pods, held_by, trust.webhook_key(),
      [this](const std::string& node) { return webhook_node(node); }, control::read_clock(clock));
  if (plan.look_again) trust_worker.add_after(kPods, *plan.look_again);
  if (webhook_is_elsewhere.exchange(plan.another) != plan.another) show_nodes_again();
  webhook_holders = plan.holders.size();
  const auto holders =
      plan.holders.empty() ? control::KeyHolders::kAllGood : control::KeyHolders::kNotAllGood;
  AVOUCH_CHECK(trust.set_holders(holders, plan.failing));
  const bool is_told = std::exchange(holders_told, holders) == holders;
  if (std::exchange(failing_told, plan.failing) != plan.failing || !is_told) {
    trust_worker.add(kAll);
  }
  connect_anew_due = connect_anew_due || plan.connect_anew;
  Result<void> done;
  const auto keep_first = [&done](Result<void> one) {
    if (done.has_value()) done = std::move(one);
  };
  for (const control::WebhookPod& pod : plan.remove) {
    const auto removed = remove_webhook_pod(pod, control::WebhookPods::kGrace);
    if (removed.has_value()) tell_moved_pod(pod);
    keep_first(removed);
  }
  for (const control::WebhookPod& pod : plan.remove_at_once) {
    keep_first(remove_webhook_pod(pod, 0s));
  }
  for (const control::WebhookPod& pod : plan.foreign) {
    const auto removed = remove_webhook_pod(pod, 0s);
    if (removed.has_value() && !pod.ends) tell_foreign_pod(pod);
    keep_first(removed);
  }
  for (const control::WebhookPod& pod : plan.remind) keep_first(remind_kubelet(pod));
  if (connect_anew_due) {
    const auto connected = trust.connect_anew();
    connect_anew_due = !connected.has_value();
    keep_first(connected);
  }
  return done;
}

// A kubelet looks after a pod that has changed at once, and what Secrets it shows to it.
Result<void> Leader::Parts::remind_kubelet(const control::WebhookPod& pod) {
  codec::Json metadata{codec::Json::Object{}};
  metadata["uid"] = pod.uid;
  metadata["annotations"][std::string(control::kKeyOfWebhook)] = trust.webhook_key();
  const auto changed =
      client.patch(kube::pods(config.release.name_space), pod.name, kube::PatchType::kMerge,
                   codec::Json::Object{{"metadata", std::move(metadata)}});
  const bool is_gone =
      !changed.has_value() && (changed.error().is_not_found() || changed.error().is_conflict());
  if (changed.has_value() || is_gone) return {};
  return retryable("annotation of pod " + pod.name + ": " + changed.error().message);
}

Result<void> Leader::Parts::remove_webhook_pod(const control::WebhookPod& pod,
                                               std::chrono::seconds grace) {
  const kube::ResourcePath pods = kube::pods(config.release.name_space);
  if (pod.is_kept && grace == 0s) {
    // The UID is a condition here: of another pod of its name nothing is changed.
    codec::Json metadata = codec::Json::Object{{"finalizers", nullptr}, {"uid", pod.uid}};
    const auto freed = client.patch(pods, pod.name, kube::PatchType::kMerge,
                                    codec::Json::Object{{"metadata", std::move(metadata)}});
    const bool is_gone =
        !freed.has_value() && (freed.error().is_not_found() || freed.error().is_conflict());
    if (!freed.has_value() && !is_gone) {
      return retryable("finalizers of pod " + pod.name + ": " + freed.error().message);
    }
  }
  const auto removed = client.remove(
      pods, pod.name,
      {.uid = pod.uid, .resource_version = "", .grace_seconds = static_cast<int>(grace.count())});
  if (!removed.has_value()) {
    const kube::ApiError& error = removed.error();
    if (error.is_not_found() || error.is_conflict()) return {};  // gone, or another of its name
    return retryable("pod " + pod.name + ": " + error.message);
  }
  return {};
}

void Leader::Parts::warn_of_node(const std::string& node, const std::string& reason,
                                 const std::string& what) {
  const auto outlook = node_board.find_node(node);
  if (!outlook) return;
  event({.node_name = node,
         .node_uid = outlook->node_uid,
         .evidence_uid = "",
         .severity = control::NodeEvent::Severity::kWarning,
         .reason = reason,
         .message = what});
}

void Leader::Parts::tell_moved_pod(const control::WebhookPod& pod) {
  const std::string what =
      "webhook pod " + pod.name +
      " was deleted from this node, for which nobody vouches: root here can use its key, and "
      "answer the API server in its place. It starts elsewhere, and the key is replaced";
  signals.note("webhook pods", "node " + pod.node + ": " + what);
  warn_of_node(pod.node, "WebhookMoved", what);
}

void Leader::Parts::tell_foreign_pod(const control::WebhookPod& pod) {
  ++foreign_pods;
  const std::string what =
      "pod " + pod.name +
      (pod.is_controller
           ? " had the labels of the controller's pod, so that its Service took it for one, and is "
             "not of its StatefulSet"
           : " had the labels of the webhook's pods, so that its Service took it for one, and is "
             "not of its ReplicaSet") +
      ": it was deleted. A static pod, or somebody who may create pods in the release's namespace, "
      "put it there; the API server's audit log says who";
  signals.problem("webhook pods", (pod.node.empty() ? "" : "node " + pod.node + ": ") + what);
  warn_of_node(pod.node, "ForeignWebhookPod", what);
}

void Leader::Parts::tell_webhook_key(const std::string& why) {
  ++webhook_keys;
  trust_worker.add(kPods);
  const std::string what = "the webhook has a new serving key and certificate: " + why;
  signals.note("webhook key", what);
  event_of_configuration(kube::EventType::kNormal, "WebhookKeyReplaced", what);
}

}  // namespace avouch::controller
