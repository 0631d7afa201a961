#include "config/objects.h"

#include <charconv>
#include <utility>

#include "config/yaml.h"

namespace avouch::config {
namespace {

using codec::Json;

constexpr YamlLimits kLimits{.bytes = kMaxObjectsBytes, .nodes = 1'000'000, .documents = 1'000};

// Recursion is bounded by parse_yaml_documents.
Json to_json(const YamlNode& node) {  // NOLINT(misc-no-recursion)
  switch (node.kind) {
    case YamlNode::Kind::kNull:
      return {};
    case YamlNode::Kind::kSequence: {
      Json::Array out;
      for (const YamlNode& item : node.items) out.push_back(to_json(item));
      return out;
    }
    case YamlNode::Kind::kMap: {
      Json::Object out;
      for (const YamlMember& member : node.members) out[member.key] = to_json(member.value);
      return out;
    }
    case YamlNode::Kind::kScalar:
      break;
  }
  if (node.quoted) return node.text;
  if (node.text.empty()) return {};
  if (node.text == "true") return true;
  if (node.text == "false") return false;
  std::int64_t number = 0;
  const char* end = node.text.data() + node.text.size();
  const auto [stopped, failed] = std::from_chars(node.text.data(), end, number);
  if (failed == std::errc() && stopped == end) return number;
  return node.text;
}

Result<void> take(Json object, const std::string& where, std::vector<Json>& out) {
  const std::string_view kind = object.text({"kind"});
  if (kind.empty() || object.text({"apiVersion"}).empty()) {
    return rejected(where + ": expected an object with apiVersion and kind");
  }
  const Json* items = object.find("items");
  if (kind != "List" || items == nullptr) {
    out.push_back(std::move(object));
    return {};
  }
  if (items->as_array() == nullptr) return rejected(where + ": items: expected a list");
  for (const Json& item : *items->as_array()) {
    if (item.text({"kind"}).empty() || item.text({"kind"}) == "List") {
      return rejected(where + ": items: expected objects with apiVersion and kind");
    }
    out.push_back(item);
  }
  return {};
}

}  // namespace

Result<std::vector<Json>> parse_objects(std::string_view text, std::string_view name) {
  std::vector<Json> out;
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  if (first != std::string_view::npos && text[first] == '{') {
    auto json = codec::parse_json(text, {.bytes = kMaxObjectsBytes, .depth = 64});
    if (!json.has_value()) return rejected(std::string(name) + ": " + json.error().message);
    AVOUCH_CHECK(take(*std::move(json), std::string(name), out));
    return out;
  }
  AVOUCH_TRY(const std::vector<YamlNode> documents, parse_yaml_documents(text, name, kLimits));
  for (const YamlNode& document : documents) {
    if (document.kind == YamlNode::Kind::kNull) continue;
    AVOUCH_CHECK(
        take(to_json(document), std::string(name) + ":" + std::to_string(document.line), out));
  }
  return out;
}

}  // namespace avouch::config
