#pragma once

// The few fields of core objects that Avouch reads, as values. A missing or mistyped optional field
// is empty; a missing name or uid is kRejected.

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "codec/json.h"
#include "kube/resource.h"

namespace avouch::kube {

using Labels = std::map<std::string, std::string, std::less<>>;

// On the mirror that a kubelet makes of a static pod.
inline constexpr std::string_view kMirrorAnnotation = "kubernetes.io/config.mirror";

struct ObjectMeta {
  std::string name, ns, uid, resource_version;
  std::int64_t generation = 0;
  Labels labels, annotations;
  std::string creation_timestamp, deletion_timestamp;  // RFC 3339 or ""
};
Result<ObjectMeta> object_meta(const Json& object);

struct Taint {
  std::string key, value, effect, time_added;
  bool operator==(const Taint&) const = default;
};

// metav1.Condition and core/v1 NodeCondition alike.
struct Condition {
  std::string type, status, reason, message, last_transition_time, last_heartbeat_time;
};

struct NodeView {
  ObjectMeta meta;
  std::vector<Taint> taints;
  std::vector<Condition> conditions;
  std::string boot_id;
  bool unschedulable = false;

  const Condition* condition(std::string_view type) const;
  const Taint* taint(std::string_view key) const;
};
Result<NodeView> node_view(const Json& node);

struct NamespaceView {
  ObjectMeta meta;
};
Result<NamespaceView> namespace_view(const Json& ns);

struct PodView {
  ObjectMeta meta;
  std::string node_name, service_account, phase;
};
Result<PodView> pod_view(const Json& pod);

std::vector<Condition> conditions_of(const Json& object);  // status.conditions

}  // namespace avouch::kube
