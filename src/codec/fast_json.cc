#include "codec/fast_json.h"

#include <simdjson.h>

#include <algorithm>
#include <cstring>
#include <string>

#include "codec/utf8.h"

namespace avouch::codec {
namespace {

namespace dom = simdjson::dom;

constexpr std::size_t kSmallObject = 12;              // members compared pair by pair
constexpr std::size_t kKeptParserBytes = 256 * 1024;  // a parser that grew beyond it is not kept

Error refuse_json(const std::string& message) { return rejected("JSON: " + message); }

Error duplicate(std::string_view name) {
  return refuse_json("duplicate member " + in_quotes(name) +
                     ": each name may stand once in an object");
}

// Whether a member name stands twice. `names` is scratch space.
std::optional<std::string_view> repeated_name(const dom::object& object,
                                              std::vector<std::string_view>& names) {
  names.clear();
  for (const auto& member : object) {
    const std::string_view name = member.key;
    if (names.size() < kSmallObject) {
      if (std::find(names.begin(), names.end(), name) != names.end()) return name;
    }
    names.push_back(name);
  }
  if (names.size() <= kSmallObject) return std::nullopt;
  std::sort(names.begin(), names.end());
  const auto twice = std::adjacent_find(names.begin(), names.end());
  if (twice == names.end()) return std::nullopt;
  return *twice;
}

Error too_deep(std::size_t depth) {
  return refuse_json("nested deeper than " + std::to_string(depth) + " levels");
}

// What simdjson lets through and parse_json does not: duplicates, integers over int64, and the
// innermost level where it is an empty container. `levels` may be opened from here on.
Result<void> check(const dom::element& element, std::size_t levels, const JsonLimits& limits,
                   std::vector<std::string_view>& scratch) {
  switch (element.type()) {
    case dom::element_type::UINT64:
      return refuse_json("number out of range: integers must fit 64 bits with sign");
    case dom::element_type::ARRAY:
      if (levels == 0) return too_deep(limits.depth);
      for (const dom::element item : dom::array(element)) {
        AVOUCH_CHECK(check(item, levels - 1, limits, scratch));
      }
      return {};
    case dom::element_type::OBJECT: {
      if (levels == 0) return too_deep(limits.depth);
      const dom::object object(element);
      if (const auto name = repeated_name(object, scratch)) return duplicate(*name);
      for (const auto& member : object) {
        AVOUCH_CHECK(check(member.value, levels - 1, limits, scratch));
      }
      return {};
    }
    default:
      return {};
  }
}

Json copy(const dom::element& element) {
  switch (element.type()) {
    case dom::element_type::ARRAY: {
      Json::Array items;
      for (const dom::element item : dom::array(element)) items.push_back(copy(item));
      return Json(std::move(items));
    }
    case dom::element_type::OBJECT: {
      Json::Object members;
      for (const auto& member : dom::object(element)) {
        members.emplace(std::string(member.key), copy(member.value));
      }
      return Json(std::move(members));
    }
    case dom::element_type::INT64:
      return Json(std::int64_t(element));
    case dom::element_type::DOUBLE:
      return Json(double(element));
    case dom::element_type::STRING:
      return Json(std::string_view(element));
    case dom::element_type::BOOL:
      return Json(bool(element));
    default:
      return {};
  }
}

}  // namespace

struct JsonDocument::State {
  dom::document document;
};

struct JsonView::Access {
  static_assert(sizeof(dom::element) == 16 && std::is_trivially_copyable_v<dom::element>);

  static dom::element get(const JsonView& view) {
    dom::element element;
    std::memcpy(static_cast<void*>(&element), view.element_.data(), sizeof element);
    return element;
  }
  static JsonView make(const dom::element& element) {
    JsonView view;
    view.exists_ = true;
    std::memcpy(view.element_.data(), static_cast<const void*>(&element), sizeof element);
    return view;
  }
};

bool JsonView::is_null() const { return exists_ && Access::get(*this).is_null(); }
bool JsonView::is_object() const { return exists_ && Access::get(*this).is_object(); }
bool JsonView::is_array() const { return exists_ && Access::get(*this).is_array(); }

std::optional<std::string_view> JsonView::as_string() const {
  if (!exists_) return std::nullopt;
  const dom::element element = Access::get(*this);
  if (!element.is_string()) return std::nullopt;
  return std::string_view(element);
}

std::optional<bool> JsonView::as_bool() const {
  if (!exists_) return std::nullopt;
  const dom::element element = Access::get(*this);
  if (!element.is_bool()) return std::nullopt;
  return bool(element);
}

std::optional<std::int64_t> JsonView::as_int() const {
  if (!exists_) return std::nullopt;
  const dom::element element = Access::get(*this);
  if (!element.is_int64()) return std::nullopt;
  return std::int64_t(element);
}

JsonView JsonView::find(std::string_view key) const {
  if (!is_object()) return {};
  dom::element found;
  if (dom::object(Access::get(*this)).at_key(key).get(found) != simdjson::SUCCESS) return {};
  return Access::make(found);
}

JsonView JsonView::find_path(std::initializer_list<std::string_view> keys) const {
  JsonView at = *this;
  for (const std::string_view key : keys) at = at.find(key);
  return at;
}

std::string_view JsonView::text(std::initializer_list<std::string_view> keys) const {
  return find_path(keys).as_string().value_or(std::string_view());
}

std::vector<JsonView> JsonView::items() const {
  std::vector<JsonView> out;
  if (!is_array()) return out;
  for (const dom::element item : dom::array(Access::get(*this))) {
    out.push_back(Access::make(item));
  }
  return out;
}

std::vector<std::pair<std::string_view, JsonView>> JsonView::members() const {
  std::vector<std::pair<std::string_view, JsonView>> out;
  if (!is_object()) return out;
  for (const auto& member : dom::object(Access::get(*this))) {
    out.emplace_back(member.key, Access::make(member.value));
  }
  return out;
}

Json JsonView::to_json() const { return exists_ ? copy(Access::get(*this)) : Json(); }

JsonDocument::JsonDocument(std::unique_ptr<State> state) : state_(std::move(state)) {}
JsonDocument::~JsonDocument() = default;
JsonDocument::JsonDocument(JsonDocument&&) noexcept = default;
JsonDocument& JsonDocument::operator=(JsonDocument&&) noexcept = default;

Result<JsonDocument> JsonDocument::parse(std::string_view text, const JsonLimits& limits) {
  if (text.size() > limits.bytes) {
    return refuse_json(std::to_string(text.size()) + " bytes: at most " +
                       std::to_string(limits.bytes) + " are accepted");
  }
  if (text.starts_with("\xEF\xBB\xBF")) {
    return refuse_json("a byte order mark: expected plain UTF-8 without one");
  }
  thread_local std::unique_ptr<dom::parser> parser;
  if (!parser) parser = std::make_unique<dom::parser>();
  auto state = std::make_unique<State>();
  simdjson::error_code error =
      parser->allocate(std::max<std::size_t>(text.size(), 4096), limits.depth + 1);
  dom::element root;
  if (error == simdjson::SUCCESS) {
    error = parser->parse_into_document(state->document, text.data(), text.size()).get(root);
  }
  if (parser->capacity() > kKeptParserBytes) parser.reset();
  if (error == simdjson::DEPTH_ERROR) return too_deep(limits.depth);
  if (error != simdjson::SUCCESS) return refuse_json(simdjson::error_message(error));
  std::vector<std::string_view> scratch;
  AVOUCH_CHECK(check(root, limits.depth, limits, scratch));
  return JsonDocument(std::move(state));
}

JsonView JsonDocument::root() const { return JsonView::Access::make(state_->document.root()); }

}  // namespace avouch::codec
