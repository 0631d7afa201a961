#include "kube/views.h"

#include <algorithm>

namespace avouch::kube {
namespace {

Labels string_map(const Json* value) {
  Labels out;
  if (value == nullptr || value->as_object() == nullptr) return out;
  for (const auto& [key, member] : *value->as_object()) {
    if (const std::string* text = member.as_string()) out.emplace(key, *text);
  }
  return out;
}

const Json::Array& array_at(const Json& object, std::initializer_list<std::string_view> path) {
  static const Json::Array kEmpty;
  const Json* found = object.find_path(path);
  const Json::Array* array = found == nullptr ? nullptr : found->as_array();
  return array == nullptr ? kEmpty : *array;
}

std::string text_of(const Json& object, std::string_view name) {
  return std::string(object.text({name}));
}

}  // namespace

Result<ObjectMeta> object_meta(const Json& object) {
  const Json* metadata = object.find("metadata");
  if (metadata == nullptr || !metadata->is_object()) {
    return rejected("object: metadata is missing: expected an object of the Kubernetes API");
  }
  ObjectMeta meta;
  meta.name = text_of(*metadata, "name");
  meta.ns = text_of(*metadata, "namespace");
  meta.uid = text_of(*metadata, "uid");
  meta.resource_version = text_of(*metadata, "resourceVersion");
  meta.creation_timestamp = text_of(*metadata, "creationTimestamp");
  meta.deletion_timestamp = text_of(*metadata, "deletionTimestamp");
  meta.labels = string_map(metadata->find("labels"));
  meta.annotations = string_map(metadata->find("annotations"));
  if (const Json* generation = metadata->find("generation");
      generation != nullptr && generation->as_int() != nullptr) {
    meta.generation = *generation->as_int();
  }
  if (meta.name.empty()) return rejected("object: metadata.name is missing: expected a name");
  if (meta.uid.empty()) {
    return rejected("object \"" + meta.name +
                    "\": metadata.uid is missing: expected an object as the API server stores it");
  }
  return meta;
}

std::vector<Condition> conditions_of(const Json& object) {
  std::vector<Condition> out;
  for (const Json& item : array_at(object, {"status", "conditions"})) {
    Condition condition{text_of(item, "type"),
                        text_of(item, "status"),
                        text_of(item, "reason"),
                        text_of(item, "message"),
                        text_of(item, "lastTransitionTime"),
                        text_of(item, "lastHeartbeatTime")};
    if (!condition.type.empty()) out.push_back(std::move(condition));
  }
  return out;
}

const Condition* NodeView::condition(std::string_view type) const {
  const auto it = std::find_if(conditions.begin(), conditions.end(),
                               [&](const Condition& c) { return c.type == type; });
  return it == conditions.end() ? nullptr : &*it;
}

const Taint* NodeView::taint(std::string_view key) const {
  const auto it =
      std::find_if(taints.begin(), taints.end(), [&](const Taint& t) { return t.key == key; });
  return it == taints.end() ? nullptr : &*it;
}

Result<NodeView> node_view(const Json& node) {
  NodeView view;
  AVOUCH_TRY(view.meta, object_meta(node));
  for (const Json& item : array_at(node, {"spec", "taints"})) {
    view.taints.push_back({text_of(item, "key"), text_of(item, "value"), text_of(item, "effect"),
                           text_of(item, "timeAdded")});
  }
  view.conditions = conditions_of(node);
  view.boot_id = node.text({"status", "nodeInfo", "bootID"});
  if (const Json* flag = node.find_path({"spec", "unschedulable"});
      flag != nullptr && flag->as_bool() != nullptr) {
    view.unschedulable = *flag->as_bool();
  }
  return view;
}

Result<NamespaceView> namespace_view(const Json& ns) {
  NamespaceView view;
  AVOUCH_TRY(view.meta, object_meta(ns));
  return view;
}

Result<PodView> pod_view(const Json& pod) {
  PodView view;
  AVOUCH_TRY(view.meta, object_meta(pod));
  view.node_name = pod.text({"spec", "nodeName"});
  view.service_account = pod.text({"spec", "serviceAccountName"});
  view.phase = pod.text({"status", "phase"});
  return view;
}

}  // namespace avouch::kube
