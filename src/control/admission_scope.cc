#include "control/admission_scope.h"

#include <string>
#include <utility>

#include "attest/namespace_share.h"
#include "codec/fields.h"
#include "control/names.h"

namespace avouch::control {
namespace {

using attest::LabelRequirement;
using codec::Json;
using Operator = LabelRequirement::Operator;

attest::LabelSelector namespace_selector(const Json& policy) {
  const Json* found = policy.find_path({"spec", "workloads", "namespaceSelector"});
  if (found == nullptr || !found->is_object()) return {};
  codec::FieldErrors errors;
  auto selector =
      attest::read_selector(codec::Fields(*found, "spec.workloads.namespaceSelector", errors));
  return errors.empty() ? std::move(selector) : attest::LabelSelector{};
}

bool is_enforced(const Json& policy) {
  const auto mode = policy.text({"spec", "mode"});
  return mode != "Audit" && mode != "Warn";
}

LabelRequirement every_namespace() {
  return {std::string(kExemptLabel), Operator::kDoesNotExist, {}};
}

Json to_json(const LabelRequirement& requirement) {
  constexpr std::string_view kNames[] = {"In", "NotIn", "Exists", "DoesNotExist"};
  Json out(
      Json::Object{{"key", requirement.key},
                   {"operator", std::string(kNames[static_cast<std::size_t>(requirement.op)])}});
  if (!requirement.values.empty()) {
    Json::Array values;
    for (const std::string& value : requirement.values) values.emplace_back(value);
    out["values"] = std::move(values);
  }
  return out;
}

// Where a webhook's share stands; nothing where it has none.
struct Place {
  std::string path;
  const Json* value = nullptr;
};
std::optional<Place> find_share(const Json::Array& webhooks, std::string_view name) {
  for (std::size_t i = 0; i < webhooks.size(); ++i) {
    if (webhooks[i].text({"name"}) != name) continue;
    const Json* list = webhooks[i].find_path({"namespaceSelector", "matchExpressions"});
    // One alone is the exemption.
    if (list == nullptr || list->as_array() == nullptr || list->as_array()->size() < 2) break;
    const std::size_t last = list->as_array()->size() - 1;
    return Place{"/webhooks/" + std::to_string(i) + "/namespaceSelector/matchExpressions/" +
                     std::to_string(last),
                 &list->as_array()->back()};
  }
  return std::nullopt;
}

}  // namespace

LabelRequirement fail_closed_share(const std::vector<std::shared_ptr<const Json>>& policies) {
  std::vector<attest::LabelSelector> enforced;
  for (const auto& policy : policies) {
    if (is_enforced(*policy)) enforced.push_back(namespace_selector(*policy));
  }
  if (enforced.empty()) return opposite(every_namespace());
  std::vector<const attest::LabelSelector*> selectors;
  selectors.reserve(enforced.size());
  for (const attest::LabelSelector& selector : enforced) selectors.push_back(&selector);
  return attest::shared_requirement(selectors).value_or(every_namespace());
}

LabelRequirement opposite(LabelRequirement requirement) {
  switch (requirement.op) {
    case Operator::kIn:
      requirement.op = Operator::kNotIn;
      break;
    case Operator::kNotIn:
      requirement.op = Operator::kIn;
      break;
    case Operator::kExists:
      requirement.op = Operator::kDoesNotExist;
      break;
    case Operator::kDoesNotExist:
      requirement.op = Operator::kExists;
      break;
  }
  return requirement;
}

std::optional<Json> share_patch(const Json& configuration, const LabelRequirement& fail_closed) {
  const Json* webhooks = configuration.find("webhooks");
  if (webhooks == nullptr || webhooks->as_array() == nullptr) return std::nullopt;
  const auto closed = find_share(*webhooks->as_array(), kFailClosed);
  const auto open = find_share(*webhooks->as_array(), kFailOpen);
  if (!closed || !open) return std::nullopt;
  Json::Array operations{
      Json::Object{{"op", "test"},
                   {"path", "/metadata/resourceVersion"},
                   {"value", configuration.text({"metadata", "resourceVersion"})}}};
  const auto set = [&operations](const Place& place, const LabelRequirement& share) {
    Json value = to_json(share);
    if (*place.value == value) return;
    operations.push_back(
        Json::Object{{"op", "replace"}, {"path", place.path}, {"value", std::move(value)}});
  };
  set(*closed, fail_closed);
  set(*open, opposite(fail_closed));
  if (operations.size() == 1) return std::nullopt;
  return Json(std::move(operations));
}

}  // namespace avouch::control
