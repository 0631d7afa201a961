#include "control/admission_shape.h"

#include <algorithm>
#include <set>
#include <utility>

#include "codec/utf8.h"
#include "control/admission_scope.h"

namespace avouch::control {
namespace {

using codec::Json;

constexpr std::size_t kShownBytes = 240;
constexpr std::string_view kNothing = "nothing";

// As the API server fills them in (admissionregistration.k8s.io/v1).
void default_to(Json& object, std::string_view member, Json value) {
  const Json* present = object.find(member);
  if (present == nullptr || present->is_null()) object[member] = std::move(value);
}

// Of lists whose order means nothing: each item once, in some fixed order.
void sort_items(Json* list) {
  if (list == nullptr || list->as_array() == nullptr) return;
  std::map<std::string, Json> sorted;
  for (const Json& item : *list->as_array()) sorted.emplace(codec::to_json(item), item);
  Json::Array out;
  for (auto& [text, item] : sorted) out.push_back(std::move(item));
  *list = std::move(out);
}

Json* member(Json& object, std::string_view name) {
  return object.find(name) == nullptr ? nullptr : &object[name];
}

void sort_requirements(Json& webhook, std::string_view selector) {
  Json* found = member(webhook, selector);
  Json* list = found == nullptr ? nullptr : member(*found, "matchExpressions");
  if (list == nullptr || list->as_array() == nullptr) return;
  for (Json& requirement : *list->as_array()) sort_items(member(requirement, "values"));
  sort_items(list);
}

// Null, {} and [] say what an absent member says.
bool says_nothing(const Json& value) {
  return value.is_null() || (value.as_object() != nullptr && value.as_object()->empty()) ||
         (value.as_array() != nullptr && value.as_array()->empty());
}
void drop_empty(Json& value) {
  if (Json::Object* object = value.as_object()) {
    for (auto& entry : *object) drop_empty(entry.second);
    std::erase_if(*object, [](const auto& entry) { return says_nothing(entry.second); });
  }
}

Json canonical(Json webhook) {
  if (!webhook.is_object()) return webhook;
  const std::string name(webhook.text({"name"}));
  default_to(webhook, "failurePolicy", "Fail");
  default_to(webhook, "matchPolicy", "Equivalent");
  default_to(webhook, "timeoutSeconds", 10);
  if (Json* client = member(webhook, "clientConfig"); client != nullptr && client->is_object()) {
    client->as_object()->erase("caBundle");
    if (Json* service = member(*client, "service"); service != nullptr && service->is_object()) {
      default_to(*service, "port", 443);
    }
  }
  if (Json* rules = member(webhook, "rules"); rules != nullptr && rules->as_array() != nullptr) {
    for (Json& rule : *rules->as_array()) {
      if (!rule.is_object()) continue;
      default_to(rule, "scope", "*");
      for (auto& entry : *rule.as_object()) sort_items(&entry.second);
    }
    sort_items(rules);
  }
  sort_items(member(webhook, "admissionReviewVersions"));
  if (name == kFailClosed || name == kFailOpen) {
    Json* selector = member(webhook, "namespaceSelector");
    Json* list = selector == nullptr ? nullptr : member(*selector, "matchExpressions");
    if (list != nullptr && list->as_array() != nullptr && !list->as_array()->empty()) {
      list->as_array()->pop_back();  // its share
    }
  }
  sort_requirements(webhook, "namespaceSelector");
  sort_requirements(webhook, "objectSelector");
  drop_empty(webhook);
  return webhook;
}

std::string shown(const Json* value) {
  if (value == nullptr) return std::string(kNothing);
  std::string text = codec::to_json(*value);
  if (text.size() > kShownBytes) {
    text = codec::to_valid_utf8(text.substr(0, kShownBytes)) + " (cut)";
  }
  return text;
}

void compare(const std::string& webhook, const std::string& path, const Json* found,
             const Json* expected, std::vector<Deviation>& out) {
  if (out.size() >= kMostDeviations) return;
  if (found != nullptr && expected != nullptr && *found == *expected) return;
  const auto object = [](const Json* value) {
    return value == nullptr ? nullptr : value->as_object();
  };
  // One that is missing is shown as a whole.
  if (object(found) == nullptr || object(expected) == nullptr) {
    out.push_back({webhook, path, shown(found), shown(expected)});
    return;
  }
  std::set<std::string, std::less<>> names;
  for (const auto& [name, value] : *found->as_object()) names.insert(name);
  for (const auto& [name, value] : *expected->as_object()) names.insert(name);
  for (const std::string& name : names) {
    const Json* there = found->find(name);
    const Json* wanted = expected->find(name);
    if (there == nullptr && wanted == nullptr) continue;
    std::string inner = path;
    inner += (path.empty() ? "" : ".") + name;
    compare(webhook, inner, there, wanted, out);
  }
}

}  // namespace

Result<ExpectedWebhooks> parse_expected_webhooks(std::string_view text) {
  AVOUCH_TRY(const Json list, codec::parse_json(text));
  if (list.as_array() == nullptr) return rejected("expected a JSON array of webhooks");
  ExpectedWebhooks out;
  for (const Json& webhook : *list.as_array()) {
    const std::string name(webhook.text({"name"}));
    if (name.empty()) return rejected("expected webhooks with a name each");
    if (!out.by_name.emplace(name, canonical(webhook)).second) {
      return rejected("webhook \"" + name + "\" is there twice");
    }
  }
  for (const std::string_view name : {kFailClosed, kFailOpen}) {
    if (!out.by_name.contains(name)) {
      return rejected("expected a webhook \"" + std::string(name) + "\"");
    }
  }
  return out;
}

std::vector<Deviation> deviations_of(const Json* configuration, const ExpectedWebhooks& expected) {
  if (configuration == nullptr) return {{"", "", std::string(kNothing), "a configuration"}};
  std::map<std::string, Json, std::less<>> found;
  std::vector<Deviation> out;
  const Json* list = configuration->find("webhooks");
  if (list != nullptr && list->as_array() != nullptr) {
    for (const Json& webhook : *list->as_array()) {
      const std::string name(webhook.text({"name"}));
      if (!found.emplace(name, canonical(webhook)).second) {
        out.push_back({name, "", "two of that name", "one"});
      }
    }
  }
  for (const auto& [name, wanted] : expected.by_name) {
    const auto there = found.find(name);
    if (there == found.end()) {
      out.push_back({name, "", std::string(kNothing), "a webhook"});
    } else {
      compare(name, "", &there->second, &wanted, out);
    }
  }
  for (const auto& [name, webhook] : found) {
    if (!expected.by_name.contains(name)) {
      out.push_back({name, "", "a webhook", std::string(kNothing)});
    }
  }
  if (out.size() > kMostDeviations) out.resize(kMostDeviations);
  return out;
}

std::string deviations_text(const std::vector<Deviation>& deviations, std::size_t bytes) {
  std::string out;
  std::size_t said = 0;
  for (const Deviation& deviation : deviations) {
    std::string one = deviation.webhook;
    if (!deviation.webhook.empty()) one += ": ";
    if (!deviation.field.empty()) one += deviation.field + " is ";
    if (deviation.field.empty()) one += "there is ";
    one += deviation.found + ", expected " + deviation.expected;
    if (said > 0 && out.size() + one.size() > bytes) break;
    out += (said > 0 ? "; " : "") + one;
    ++said;
  }
  if (said < deviations.size()) {
    out += "; and " + std::to_string(deviations.size() - said) + " more";
  }
  return out;
}

}  // namespace avouch::control
