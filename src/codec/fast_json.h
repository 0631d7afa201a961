#pragma once

// Strict JSON read in place (simdjson), for bodies on the hot path of which little is needed. The
// same texts are accepted as by parse_json (json.h), and mean the same; nothing is copied out
// before it is asked for.

#include <array>
#include <cstddef>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "codec/json.h"

namespace avouch::codec {

// A value inside a JsonDocument, valid as long as that document. Cheap to copy. A
// default-constructed view, and what find() gives for a missing member, is null and of no type at
// all.
class JsonView {
 public:
  JsonView() = default;

  bool exists() const { return exists_; }
  bool is_null() const;  // the JSON null
  bool is_object() const;
  bool is_array() const;

  // Nothing where the value is of another type. Text lives as long as the document.
  std::optional<std::string_view> as_string() const;
  std::optional<bool> as_bool() const;
  std::optional<std::int64_t> as_int() const;

  JsonView find(std::string_view key) const;
  JsonView find_path(std::initializer_list<std::string_view> keys) const;
  // Text at a path, or "" where there is none.
  std::string_view text(std::initializer_list<std::string_view> keys) const;

  std::vector<JsonView> items() const;                                 // of an array
  std::vector<std::pair<std::string_view, JsonView>> members() const;  // of an object, in order

  Json to_json() const;  // a copy, also of everything below; null for a view of nothing

 private:
  friend class JsonDocument;
  struct Access;
  bool exists_ = false;
  alignas(8) std::array<std::byte, 16> element_{};
};

// Thread-safe once made.
class JsonDocument {
 public:
  // kRejected: a duplicate member, trailing data, invalid UTF-8, an unpaired surrogate, depth or
  // size over the limit, a number out of range. Memory: about twelve times the text, at most.
  static Result<JsonDocument> parse(std::string_view text, const JsonLimits& limits = {});
  ~JsonDocument();
  JsonDocument(JsonDocument&&) noexcept;
  JsonDocument& operator=(JsonDocument&&) noexcept;

  JsonView root() const;

 private:
  struct State;
  explicit JsonDocument(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace avouch::codec
