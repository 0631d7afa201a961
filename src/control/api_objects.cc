#include "control/api_objects.h"

#include <algorithm>
#include <utility>

#include "base/time_text.h"
#include "control/names.h"
#include "kube/views.h"

namespace avouch::control {
namespace {

using codec::Json;

const Json* find_condition(const Json* status, std::string_view type) {
  if (status == nullptr) return nullptr;
  const Json* conditions = status->find("conditions");
  if (conditions == nullptr || conditions->as_array() == nullptr) return nullptr;
  for (const Json& condition : *conditions->as_array()) {
    if (condition.text({"type"}) == type) return &condition;
  }
  return nullptr;
}

// The live list with the conditions of `desired` in it.
Json merged_conditions(const Json* live, const Json& desired) {
  Json::Array out;
  if (live != nullptr && live->as_array() != nullptr) {
    for (const Json& condition : *live->as_array()) {
      const auto& ours = *desired.as_array();
      const bool is_ours = std::any_of(ours.begin(), ours.end(), [&](const Json& wanted) {
        return wanted.text({"type"}) == condition.text({"type"});
      });
      if (!is_ours) out.push_back(condition);
    }
  }
  for (const Json& condition : *desired.as_array()) out.push_back(condition);
  return out;
}

bool same_conditions(const Json* live, const Json& desired) {
  if (live == nullptr || live->as_array() == nullptr) return desired.as_array()->empty();
  Json holder{Json::Object{{"conditions", *live}}};
  for (const Json& wanted : *desired.as_array()) {
    const Json* found = find_condition(&holder, wanted.text({"type"}));
    if (found == nullptr || !(*found == wanted)) return false;
  }
  return true;
}

void repair_object(const Json& live, const Json& desired, Json& patch) {
  for (const auto& [name, value] : *live.as_object()) {
    if (desired.find(name) == nullptr && !value.is_null()) patch[name] = nullptr;
  }
  for (const auto& [name, wanted] : *desired.as_object()) {
    const Json* present = live.find(name);
    if (name == "conditions" && wanted.is_array()) {
      if (!same_conditions(present, wanted)) patch[name] = merged_conditions(present, wanted);
      continue;
    }
    if (present != nullptr && present->is_object() && wanted.is_object()) {
      Json inner{Json::Object{}};
      repair_object(*present, wanted, inner);
      if (!inner.as_object()->empty()) patch[name] = std::move(inner);
    } else if (present == nullptr || !(*present == wanted)) {
      patch[name] = wanted;
    }
  }
}

void remove_extras(const Json& live, const Json& desired, Json& patch) {
  for (const auto& [name, value] : *live.as_object()) {
    if (value.is_null()) continue;  // as good as absent
    const Json* wanted = desired.find(name);
    if (wanted == nullptr) {
      patch[name] = nullptr;
    } else if (value.is_object() && wanted->is_object()) {
      Json inner{Json::Object{}};
      remove_extras(value, *wanted, inner);
      if (!inner.as_object()->empty()) patch[name] = std::move(inner);
    }
  }
}

Json operation(std::string_view op, std::string_view path, std::optional<Json> value) {
  Json out{Json::Object{{"op", op}, {"path", path}}};
  if (value) out["value"] = *std::move(value);
  return out;
}

std::string escape_pointer(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '~') {
      out += "~0";
    } else if (c == '/') {
      out += "~1";
    } else {
      out += c;
    }
  }
  return out;
}

void plan_taint(const Json& node, const NodeSignals& signals, SystemTime now,
                Json::Array& operations) {
  const Json* taints = node.find_path({"spec", "taints"});
  const Json::Array none;
  const Json::Array& present =
      taints != nullptr && taints->as_array() != nullptr ? *taints->as_array() : none;
  const std::string effect = signals.taint == attest::TaintEffect::kNone
                                 ? std::string()
                                 : std::string(attest::taint_effect_name(signals.taint));
  const std::string value(signals.standing == Standing::kGood ? "" : kFailing);
  Json::Array wanted;
  int ours = 0;
  bool right = false;
  std::string added;  // by a taint of the effect: evictions are timed by it
  for (const Json& taint : present) {
    if (taint.text({"key"}) != kTaintKey) {
      wanted.push_back(taint);
      continue;
    }
    ++ours;
    right = taint.text({"effect"}) == effect && taint.text({"value"}) == value;
    if (taint.text({"effect"}) == effect) added = taint.text({"timeAdded"});
  }
  if (effect.empty() ? ours == 0 : (ours == 1 && right)) return;
  if (!effect.empty()) {
    Json taint{Json::Object{{"key", kTaintKey}, {"effect", effect}}};
    if (!value.empty()) taint["value"] = value;
    if (signals.taint == attest::TaintEffect::kNoExecute) {
      taint["timeAdded"] = added.empty() ? to_rfc3339(now) : added;
    }
    wanted.push_back(std::move(taint));
  }
  operations.push_back(operation("add", "/spec/taints", Json(std::move(wanted))));
}

void plan_label(const Json& node, const NodeSignals& signals, Json::Array& operations) {
  const Json* labels = node.find_path({"metadata", "labels"});
  const Json* present = labels == nullptr ? nullptr : labels->find(kAttestedLabel);
  const std::string path = "/metadata/labels/" + escape_pointer(kAttestedLabel);
  if (!signals.label) {
    if (present != nullptr) operations.push_back(operation("remove", path, std::nullopt));
    return;
  }
  if (present != nullptr && present->as_string() != nullptr && *present->as_string() == "true") {
    return;
  }
  if (labels == nullptr) {
    operations.push_back(operation("add", "/metadata/labels", Json(Json::Object{})));
  }
  operations.push_back(operation("add", path, Json("true")));
}

}  // namespace

Json with_transition_times(Json desired, const Json* live, SystemTime now) {
  Json& conditions = desired["conditions"];
  if (conditions.as_array() == nullptr) return desired;
  for (Json& condition : *conditions.as_array()) {
    const Json* before = find_condition(live, condition.text({"type"}));
    const bool same = before != nullptr && before->text({"status"}) == condition.text({"status"}) &&
                      !before->text({"lastTransitionTime"}).empty();
    condition["lastTransitionTime"] =
        same ? Json(before->text({"lastTransitionTime"})) : Json(to_rfc3339(now));
  }
  return desired;
}

std::optional<Json> repair_patch(const Json& live, const Json& desired) {
  if (!live.is_object()) return desired;
  Json patch{Json::Object{}};
  repair_object(live, desired, patch);
  if (patch.as_object()->empty()) return std::nullopt;
  return patch;
}

std::optional<Json> removal_patch(const Json& live, const Json& desired) {
  if (!live.is_object()) return std::nullopt;
  Json patch{Json::Object{}};
  remove_extras(live, desired, patch);
  if (patch.as_object()->empty()) return std::nullopt;
  return patch;
}

std::optional<Json> node_patch(const Json& node, const NodeSignals& signals, SystemTime now) {
  Json::Array operations;
  plan_taint(node, signals, now, operations);
  plan_label(node, signals, operations);
  if (operations.empty()) return std::nullopt;
  operations.insert(operations.begin(),
                    operation("test", "/metadata/resourceVersion",
                              Json(node.text({"metadata", "resourceVersion"}))));
  return Json(std::move(operations));
}

std::optional<Json> node_condition_patch(const Json& node, const NodeSignals& signals,
                                         SystemTime now) {
  const Json* status = node.find("status");
  const Json* present = find_condition(status, kAttestedCondition);
  Json condition{Json::Object{{"type", kAttestedCondition}}};
  if (!signals.condition) {
    if (present == nullptr) return std::nullopt;
    condition["$patch"] = "delete";
  } else {
    if (present != nullptr && present->text({"status"}) == signals.condition->status &&
        present->text({"reason"}) == signals.condition->reason &&
        present->text({"message"}) == signals.condition->message) {
      return std::nullopt;
    }
    const bool same = present != nullptr &&
                      present->text({"status"}) == signals.condition->status &&
                      !present->text({"lastTransitionTime"}).empty();
    condition["status"] = signals.condition->status;
    condition["reason"] = signals.condition->reason;
    condition["message"] = signals.condition->message;
    condition["lastHeartbeatTime"] = to_rfc3339(now);
    condition["lastTransitionTime"] =
        same ? Json(present->text({"lastTransitionTime"})) : Json(to_rfc3339(now));
  }
  return Json(Json::Object{{"status", Json::Object{{"conditions", Json::Array{condition}}}}});
}

Json read_node(const codec::JsonView& node) {
  Json out{Json::Object{}};
  for (const std::string_view name : {"apiVersion", "kind"}) {
    if (const auto value = node.find(name); value.exists()) out[name] = value.to_json();
  }
  for (const std::string_view name : {"name", "uid", "resourceVersion", "labels"}) {
    const auto value = node.find_path({"metadata", name});
    if (value.exists()) out["metadata"][name] = value.to_json();
  }
  const auto taints = node.find_path({"spec", "taints"});
  if (taints.exists()) out["spec"]["taints"] = taints.to_json();
  for (const codec::JsonView& condition : node.find_path({"status", "conditions"}).items()) {
    if (condition.text({"type"}) != kAttestedCondition) continue;
    out["status"]["conditions"] = Json::Array{condition.to_json()};
    break;
  }
  return out;
}

}  // namespace avouch::control
