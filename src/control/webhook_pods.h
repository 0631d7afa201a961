#pragma once

// Where the webhook's pods may not be: on nodes that fail. Root there can use the serving key, and
// answer the API server in the pod's place. Pure but for what it remembers of silent nodes.

#include <chrono>
#include <functional>
#include <map>
#include <optional>
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
  bool ended = false;              // Succeeded or Failed
  bool mirror = false;             // of a static pod: may have no Secret
  std::optional<SystemTime> ends;  // it is being deleted: when the kubelet should be done
};
// Nothing for what is no pod.
std::optional<WebhookPod> webhook_pod(const codec::Json& pod);

struct WebhookPodPlan {
  // Their kubelets may read the key: as long as the API server has the pods, however dead they are.
  std::vector<WebhookPod> holders;
  // Of these, what is to be deleted: gracefully, as what it has spooled belongs into the log; and
  // at once where nobody will confirm it.
  std::vector<WebhookPod> remove, remove_at_once;
  std::optional<std::chrono::milliseconds> look_again;
};

class WebhookPods {
 public:
  // A node that is silent may only be slow, or this controller may have begun a moment ago: it
  // counts as failing after this.
  static constexpr std::chrono::seconds kPatience{60};
  // Past its own end, a deleted pod waits for a kubelet that does not answer.
  static constexpr std::chrono::seconds kConfirm{10};

  using StandingOf = std::function<Standing(const std::string& node)>;
  // A pod that runs is deleted only where another is ready on a node that is good: a cluster whose
  // nodes all fail, by a wrong policy above all, keeps its webhook.
  WebhookPodPlan plan(const std::vector<WebhookPod>& pods, const StandingOf& standing_of,
                      Moment now);

 private:
  bool fails(const std::string& node, const StandingOf& standing_of, Moment now,
             WebhookPodPlan& plan);

  std::map<std::string, SteadyTime> silent_since_;  // of nodes with pods
};

}  // namespace avouch::control
