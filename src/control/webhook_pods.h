#pragma once

// Where the webhook's pods may not be: on nodes that nobody vouches for. Root there can use the
// serving key, and answer the API server in the pod's place. And which pods are none of the
// release's, though its Services take them for such. Pure but for what it remembers of silent
// nodes.

#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/clock.h"
#include "codec/json.h"
#include "control/moment.h"
#include "control/outlook.h"

namespace avouch::control {

struct WebhookPod {
  std::string name, uid;
  std::string node;  // "": it has none, and so no key
  bool ready = false;
  bool ended = false;  // Succeeded or Failed
  // Made by the ReplicaSet of the webhook, or the StatefulSet of the controller, and no static
  // pod's mirror: else it has its labels, and is an endpoint of its Service, and is nothing of the
  // release's.
  bool is_ours = false;
  bool is_controller = false;      // or has its label: it has no key of the webhook's
  std::optional<SystemTime> ends;  // it is being deleted: when the kubelet should be done
  // It has finalizers: deleted, it is kept until somebody takes them off. Its kubelet may put some
  // on, as long as nobody has deleted it.
  bool is_kept = false;
  std::string reminded_of;  // the key that its kubelet was last made to look for; "": of none
};
// Nothing for what is no pod.
std::optional<WebhookPod> webhook_pod(const codec::Json& pod);

struct WebhookPodPlan {
  // Their kubelets may read the key: as long as the API server has the pods, however dead they are.
  std::vector<WebhookPod> holders;
  // Of these, what is to be deleted: gracefully, as what it has spooled belongs into the log; and
  // at once where nobody will confirm it.
  std::vector<WebhookPod> remove, remove_at_once;
  std::vector<WebhookPod> foreign;  // to be deleted at once, wherever they are
  bool another = false;             // one is ready on a node that is good
  // A node that fails, and has a pod with the key or had one; "" where there is none.
  std::string failing;
  // Pods whose kubelets do not know of the present key, as far as is known: a change of a pod has a
  // kubelet look at the Secrets in it at once, where else it takes up to two minutes.
  std::vector<WebhookPod> remind;
  // An API server may be connected to a pod that is no endpoint of the Service any more.
  bool connect_anew = false;
  std::optional<std::chrono::milliseconds> look_again;
};

struct WebhookNode {
  Standing standing = Standing::kGood;
  bool is_closed = true;  // no pod of the webhook can be bound to it any more
};

class WebhookPods {
 public:
  // A node that is silent may only be slow, or this controller may have begun a moment ago: it
  // counts as failing after this.
  static constexpr std::chrono::seconds kPatience{60};
  // The time to end that a pod gets where root may have its key: what it has spooled can go into
  // the log.
  static constexpr std::chrono::seconds kGrace{8};
  // Past its own end, a deleted pod waits for a kubelet that does not answer; and at most this long
  // since it was first seen to end, as its kubelet can have it end in years.
  static constexpr std::chrono::seconds kConfirm{5}, kLongestEnd{15};
  // A pod that is deleted waits for the taint, so that the next one does not start there.
  static constexpr std::chrono::seconds kTaintPatience{10};
  // So long after it was written, kubelets have heard of a Secret, which is sent to them on another
  // way than a pod.
  static constexpr std::chrono::seconds kHeardOf{2};
  // So long after its end began, every node has heard that a pod is no endpoint any more.
  static constexpr std::chrono::seconds kOutOfService{5};

  using NodeOf = std::function<WebhookNode(const std::string& node)>;
  // A pod that runs is deleted only where another is ready on a node that is good: a cluster whose
  // nodes all fail, by a wrong policy above all, keeps its webhook. `held_by`: the nodes on which
  // pods have, or had, the key. `key`: names the present one; "" where that is not known.
  WebhookPodPlan plan(const std::vector<WebhookPod>& pods, const std::set<std::string>& held_by,
                      const std::string& key, const NodeOf& node_of, Moment now);

 private:
  using Since = std::map<std::string, SteadyTime>;
  static bool has_passed(Since& since, const std::string& key, std::chrono::seconds time,
                         SteadyTime now, WebhookPodPlan& plan);
  bool fails(const std::string& node, Standing standing, SteadyTime now, WebhookPodPlan& plan);
  bool must_go_at_once(const WebhookPod& pod, Moment now, WebhookPodPlan& plan);

  Since silent_since_;                // by node
  Since ending_since_, asked_since_;  // by UID
  Since key_since_;                   // by key: the present one alone
  std::set<std::string> left_by_;     // by UID, and by node: API servers were told to connect anew
};

}  // namespace avouch::control
