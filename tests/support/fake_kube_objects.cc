#include "support/fake_kube_objects.h"

#include <algorithm>
#include <vector>

namespace avouch::testing {
namespace {

using Path = std::vector<std::string>;

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> out;
  std::string part;
  int depth = 0;
  for (const char c : text) {
    depth += c == '(' ? 1 : c == ')' ? -1 : 0;
    if (c == separator && depth == 0) {
      out.push_back(std::move(part));
      part.clear();
    } else {
      part.push_back(c);
    }
  }
  if (!part.empty() || !out.empty()) out.push_back(std::move(part));
  return out;
}

std::string trimmed(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return std::string(text);
}

bool is_conditions(std::string_view name, const Json& value) {
  return name == "conditions" && value.as_array() != nullptr;
}

Json* find_by_type(Json& list, std::string_view type) {
  for (Json& item : *list.as_array()) {
    if (item.text({"type"}) == type) return &item;
  }
  return nullptr;
}

Json* child(Json& parent, const std::string& step) {
  if (Json::Object* members = parent.as_object()) {
    const auto it = members->find(step);
    return it == members->end() ? nullptr : &it->second;
  }
  if (parent.as_array() != nullptr && step.starts_with("type=")) {
    return find_by_type(parent, step.substr(5));
  }
  return nullptr;
}

void collect(const Json& value, const std::string& name, const std::string& path,
             std::set<std::string>& out) {
  if (const Json::Object* members = value.as_object(); members != nullptr && !members->empty()) {
    for (const auto& [key, member] : *members) collect(member, key, path + "/" + key, out);
  } else if (is_conditions(name, value) && !value.as_array()->empty()) {
    for (const Json& item : *value.as_array()) {
      collect(item, "", path + "/type=" + std::string(item.text({"type"})), out);
    }
  } else {
    out.insert(path);
  }
}

const Json* leaf_at(Json& value, const std::string& path) {
  Json* at = &value;
  for (const std::string& step : split(std::string_view(path).substr(1), '/')) {
    at = child(*at, step);
    if (at == nullptr) return nullptr;
  }
  return at;
}

// Removes the leaf and the containers that become empty by it.
void remove_leaf(Json& value, const Path& path, std::size_t depth) {
  Json* next = child(value, path[depth]);
  if (next == nullptr) return;
  if (depth + 1 < path.size()) {
    remove_leaf(*next, path, depth + 1);
    const bool empty = (next->as_object() != nullptr && next->as_object()->empty()) ||
                       (next->as_array() != nullptr && next->as_array()->empty());
    if (!empty) return;
  }
  if (value.as_object() != nullptr) {
    value.as_object()->erase(path[depth]);
  } else {
    std::erase_if(*value.as_array(), [&](const Json& item) {
      return "type=" + std::string(item.text({"type"})) == path[depth];
    });
  }
}

void merge_applied(Json& target, const Json& applied) {
  const Json::Object* members = applied.as_object();
  if (members == nullptr) {
    target = applied;
    return;
  }
  if (!target.is_object()) target = Json(Json::Object());
  for (const auto& [key, member] : *members) {
    Json& slot = target[key];
    if (is_conditions(key, member)) {
      if (slot.as_array() == nullptr) slot = Json(Json::Array());
      for (const Json& item : *member.as_array()) {
        Json* known = find_by_type(slot, item.text({"type"}));
        if (known == nullptr) known = &slot.as_array()->emplace_back(Json::Object());
        merge_applied(*known, item);
      }
    } else {
      merge_applied(slot, member);
    }
  }
}

// The parent of a JSON pointer's target; null where there is none.
Json* pointer_parent(Json& root, const Path& path) {
  Json* at = &root;
  for (std::size_t i = 0; i + 1 < path.size(); ++i) {
    if (at->as_object() != nullptr) {
      const auto it = at->as_object()->find(path[i]);
      if (it == at->as_object()->end()) return nullptr;
      at = &it->second;
    } else if (at->as_array() != nullptr) {
      const auto index = static_cast<std::size_t>(std::atoll(path[i].c_str()));
      if (index >= at->as_array()->size()) return nullptr;
      at = &(*at->as_array())[index];
    } else {
      return nullptr;
    }
  }
  return at;
}

Path pointer_path(std::string_view pointer) {
  Path path;
  if (pointer.empty()) return path;
  for (std::string step : split(pointer.substr(1), '/')) {
    for (std::size_t at = 0; (at = step.find("~1", at)) != std::string::npos; ++at) {
      step.replace(at, 2, "/");
    }
    for (std::size_t at = 0; (at = step.find("~0", at)) != std::string::npos; ++at) {
      step.replace(at, 2, "~");
    }
    path.push_back(std::move(step));
  }
  return path;
}

Result<void> one_operation(Json& target, const Json& operation) {
  const std::string op(operation.text({"op"}));
  const Path path = pointer_path(operation.text({"path"}));
  const Json* value = operation.find("value");
  const Error misfit =
      rejected("json patch: " + op + " " + std::string(operation.text({"path"})) + " does not fit");
  if (path.empty()) return misfit;
  if ((op == "add" || op == "replace" || op == "test") && value == nullptr) return misfit;
  Json* parent = pointer_parent(target, path);
  if (parent == nullptr) return misfit;
  const std::string& last = path.back();
  if (Json::Object* members = parent->as_object()) {
    const auto it = members->find(last);
    if (op == "add") {
      (*members)[last] = *value;
      return {};
    }
    if (it == members->end()) return misfit;
    if (op == "replace") {
      it->second = *value;
    } else if (op == "remove") {
      members->erase(it);
    } else if (op != "test" || !(it->second == *value)) {
      return misfit;
    }
    return {};
  }
  Json::Array* items = parent->as_array();
  if (items == nullptr) return misfit;
  const auto index =
      last == "-" ? items->size() : static_cast<std::size_t>(std::atoll(last.c_str()));
  const auto at = items->begin() + static_cast<std::ptrdiff_t>(std::min(index, items->size()));
  if (op == "add" && index <= items->size()) {
    items->insert(at, *value);
    return {};
  }
  if (index >= items->size()) return misfit;
  if (op == "replace") {
    *at = *value;
  } else if (op == "remove") {
    items->erase(at);
  } else if (op != "test" || !(*at == *value)) {
    return misfit;
  }
  return {};
}

bool is_listed(const std::string& value, std::string_view list) {
  const std::size_t open = list.find('(');
  const std::size_t close = list.rfind(')');
  if (open == std::string_view::npos || close == std::string_view::npos) return false;
  const auto values = split(list.substr(open + 1, close - open - 1), ',');
  return std::any_of(values.begin(), values.end(),
                     [&](const std::string& item) { return trimmed(item) == value; });
}

bool matches_requirement(const Json& labels, const std::string& requirement) {
  const auto value_of = [&](std::string_view key) -> const std::string* {
    const Json* found = labels.find(trimmed(key));
    return found == nullptr ? nullptr : found->as_string();
  };
  if (const auto at = requirement.find(" notin "); at != std::string::npos) {
    const std::string* value = value_of(requirement.substr(0, at));
    return value == nullptr || !is_listed(*value, requirement.substr(at));
  }
  if (const auto at = requirement.find(" in "); at != std::string::npos) {
    const std::string* value = value_of(requirement.substr(0, at));
    return value != nullptr && is_listed(*value, requirement.substr(at));
  }
  if (const auto at = requirement.find("!="); at != std::string::npos) {
    const std::string* value = value_of(requirement.substr(0, at));
    return value == nullptr || *value != trimmed(requirement.substr(at + 2));
  }
  if (const auto at = requirement.find('='); at != std::string::npos) {
    const std::size_t end = requirement.find_first_not_of('=', at);
    const std::string* value = value_of(requirement.substr(0, at));
    return value != nullptr &&
           *value == trimmed(end == std::string::npos ? "" : requirement.substr(end));
  }
  if (requirement.starts_with('!')) return value_of(requirement.substr(1)) == nullptr;
  return value_of(requirement) != nullptr;
}

std::string field_text(const Json& object, const std::string& path) {
  const Json* at = &object;
  for (const std::string& step : split(path, '.')) {
    at = at->find(step);
    if (at == nullptr) return "";
  }
  return at->as_string() == nullptr ? "" : *at->as_string();
}

}  // namespace

void merge_patch(Json& target, const Json& patch) {
  const Json::Object* members = patch.as_object();
  if (members == nullptr) {
    target = patch;
    return;
  }
  if (!target.is_object()) target = Json(Json::Object());
  for (const auto& [key, member] : *members) {
    if (member.is_null()) {
      target.as_object()->erase(key);
    } else {
      merge_patch(target[key], member);
    }
  }
}

void strategic_merge_patch(Json& target, const Json& patch) {
  const Json::Object* members = patch.as_object();
  if (members == nullptr) {
    target = patch;
    return;
  }
  if (!target.is_object()) target = Json(Json::Object());
  for (const auto& [key, member] : *members) {
    if (member.is_null()) {
      target.as_object()->erase(key);
    } else if (is_conditions(key, member)) {
      Json& list = target[key];
      if (list.as_array() == nullptr) list = Json(Json::Array());
      for (const Json& item : *member.as_array()) {
        const std::string type(item.text({"type"}));
        if (item.text({"$patch"}) == "delete") {
          std::erase_if(*list.as_array(),
                        [&](const Json& known) { return known.text({"type"}) == type; });
        } else if (Json* known = find_by_type(list, type)) {
          strategic_merge_patch(*known, item);
        } else {
          list.as_array()->push_back(item);
        }
      }
    } else {
      strategic_merge_patch(target[key], member);
    }
  }
}

Result<void> json_patch(Json& target, const Json& operations) {
  if (operations.as_array() == nullptr) return rejected("json patch: expected a list");
  Json changed = target;
  for (const Json& operation : *operations.as_array()) {
    AVOUCH_CHECK(one_operation(changed, operation));
  }
  target = std::move(changed);
  return {};
}

std::set<std::string> leaf_paths(const Json& value) {
  std::set<std::string> out;
  collect(value, "", "", out);
  return out;
}

Result<void> server_side_apply(Json& target, const Json& applied, const std::string& manager,
                               bool force, std::map<std::string, std::set<std::string>>& owners) {
  const std::set<std::string> leaves = leaf_paths(applied);
  Json wanted = applied;
  for (auto& [other, owned] : owners) {
    if (other == manager) continue;
    for (const std::string& leaf : leaves) {
      const Json* now = leaf_at(target, leaf);
      const Json* then = leaf_at(wanted, leaf);
      if (!owned.contains(leaf) || (now != nullptr && then != nullptr && *now == *then)) continue;
      if (!force) {
        return rejected("Apply failed with 1 conflict: conflict with \"" + other + "\": " + leaf);
      }
      owned.erase(leaf);
    }
  }
  for (const std::string& leaf : owners[manager]) {
    const bool shared = std::any_of(owners.begin(), owners.end(), [&](const auto& entry) {
      return entry.first != manager && entry.second.contains(leaf);
    });
    if (!leaves.contains(leaf) && !shared) {
      remove_leaf(target, split(std::string_view(leaf).substr(1), '/'), 0);
    }
  }
  merge_applied(target, applied);
  owners[manager] = leaves;
  return {};
}

bool matches_labels(const Json& object, std::string_view selector) {
  const Json* labels = object.find_path({"metadata", "labels"});
  const Json none;
  for (const std::string& requirement : split(selector, ',')) {
    if (!matches_requirement(labels == nullptr ? none : *labels, trimmed(requirement))) {
      return false;
    }
  }
  return true;
}

bool matches_fields(const Json& object, std::string_view selector) {
  for (const std::string& requirement : split(selector, ',')) {
    const std::size_t equals = requirement.find('=');
    if (equals == std::string::npos || equals == 0) return false;
    const bool negated = requirement[equals - 1] == '!';
    const std::string field = requirement.substr(0, equals - (negated ? 1 : 0));
    const std::size_t begin = requirement.find_first_not_of('=', equals);
    const std::string value = begin == std::string::npos ? "" : requirement.substr(begin);
    if ((field_text(object, field) == value) == negated) return false;
  }
  return true;
}

}  // namespace avouch::testing
