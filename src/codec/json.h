#pragma once

// Strict JSON: an own value type, so that no JSON library's rules or types leak.

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"

namespace avouch::codec {

// A JSON value. Object members keep no order (they are sorted by key, bytewise).
class Json {
 public:
  using Array = std::vector<Json>;
  using Object = std::map<std::string, Json, std::less<>>;

  Json() = default;              // null
  Json(std::nullptr_t) {}        // NOLINT(google-explicit-constructor)
  Json(bool value);              // NOLINT(google-explicit-constructor)
  Json(std::int64_t value);      // NOLINT(google-explicit-constructor)
  Json(int value);               // NOLINT(google-explicit-constructor)
  Json(double value);            // NOLINT(google-explicit-constructor)
  Json(std::string value);       // NOLINT(google-explicit-constructor)
  Json(std::string_view value);  // NOLINT(google-explicit-constructor)
  Json(const char* value);       // NOLINT(google-explicit-constructor)
  Json(Array value);             // NOLINT(google-explicit-constructor)
  Json(Object value);            // NOLINT(google-explicit-constructor)

  bool is_null() const;
  bool is_object() const;
  bool is_array() const;
  bool is_string() const;

  // Null where the value is of another type.
  const bool* as_bool() const;
  const std::int64_t* as_int() const;  // numbers without fraction or exponent that fit
  const double* as_double() const;     // the other numbers
  const std::string* as_string() const;
  const Array* as_array() const;
  const Object* as_object() const;
  Array* as_array();
  Object* as_object();

  // The member, or null where this is no object or has no such member.
  const Json* find(std::string_view key) const;
  // A path of members: find_path({"spec", "nodeName"}).
  const Json* find_path(std::initializer_list<std::string_view> keys) const;
  // Text at a path, or "" where there is none.
  std::string_view text(std::initializer_list<std::string_view> keys) const;

  // Makes this an object if it is null; the member is made if it is missing.
  Json& operator[](std::string_view key);

  bool operator==(const Json& other) const;

 private:
  std::variant<std::monostate, bool, std::int64_t, double, std::string, Array, Object> value_;
};

struct JsonLimits {
  std::size_t bytes = 3 * 1024 * 1024;
  std::size_t depth = 64;
};

// kRejected, with line and column: a duplicate member, trailing data, invalid UTF-8, an unpaired
// surrogate, depth or size over the limit, a number out of range.
Result<Json> parse_json(std::string_view text, const JsonLimits& limits = {});

std::string to_json(const Json& value);         // compact; members sorted bytewise
std::string to_json_pretty(const Json& value);  // two spaces, for people

// RFC 8785 for values without fractions (kRejected if there is one): what digests are made of.
Result<std::string> canonical_json(const Json& value);

}  // namespace avouch::codec
