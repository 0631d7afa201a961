#include "control/admission_scope.h"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <utility>

#include "codec/fields.h"
#include "control/names.h"

namespace avouch::control {
namespace {

using attest::LabelRequirement;
using codec::Json;
using Operator = LabelRequirement::Operator;

// The API server takes more; a policy that names more is no reason for a longer selector.
constexpr std::size_t kMaxValues = 64;

// What every namespace of a policy has: by label, the values it may have (none: any).
using Needed = std::map<std::string, std::set<std::string>>;

Needed needed_labels(const attest::LabelSelector& selector) {
  Needed needed;
  for (const auto& [key, value] : selector.match_labels) needed[key] = {value};
  for (const LabelRequirement& requirement : selector.match_expressions) {
    // A label that is named twice keeps its first set, which all of its namespaces meet as well.
    if (requirement.op == Operator::kIn) {
      needed.try_emplace(requirement.key, requirement.values.begin(), requirement.values.end());
    } else if (requirement.op == Operator::kExists) {
      needed.try_emplace(requirement.key);
    }
  }
  return needed;
}

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

// Labels that both need, with the values of either.
Needed common(const Needed& a, const Needed& b) {
  Needed both;
  for (const auto& [key, values] : a) {
    const auto other = b.find(key);
    if (other == b.end()) continue;
    std::set<std::string> either;
    if (!values.empty() && !other->second.empty()) {
      either = values;
      either.insert(other->second.begin(), other->second.end());
    }
    if (either.size() <= kMaxValues) both[key] = std::move(either);
  }
  return both;
}

// Named values first, as they are narrower than a label that may have any.
LabelRequirement narrowest(const Needed& needed) {
  const auto named = std::find_if(needed.begin(), needed.end(),
                                  [](const auto& entry) { return !entry.second.empty(); });
  const auto at = named == needed.end() ? needed.begin() : named;
  if (at == needed.end()) return every_namespace();
  const Operator op = at->second.empty() ? Operator::kExists : Operator::kIn;
  return {at->first, op, {at->second.begin(), at->second.end()}};
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
  std::optional<Needed> needed;
  for (const auto& policy : policies) {
    if (!is_enforced(*policy)) continue;
    Needed own = needed_labels(namespace_selector(*policy));
    needed = needed ? common(*needed, own) : std::move(own);
  }
  return needed ? narrowest(*needed) : opposite(every_namespace());
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
