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
  // Of any kind, also arrays and objects: one of two bytes ("1,") takes 60 of memory and more.
  std::size_t values = SIZE_MAX;
};

// kRejected, with line and column (from 1; a column is a code point): a duplicate member, trailing
// data, invalid UTF-8, an unpaired surrogate, a byte order mark, depth, size or number of values
// over the limit, an integer that does not fit int64 or another number that does not fit a double.
// Never quotes the input but for the name of a duplicate member. Memory: at most about 60 bytes a
// byte of text.
Result<Json> parse_json(std::string_view text, const JsonLimits& limits = {});

// Always valid UTF-8: bytes that are not become U+FFFD. A double stays one (1.0, not 1); infinities
// and NaN, which JSON has not, become null.
std::string to_json(const Json& value);  // compact; members sorted bytewise
// Two spaces, for people: what is_unseen() names (utf8.h) stands as \uXXXX, above U+FFFF as a pair
// of them, so that no terminal obeys it and everybody sees it. The value is the same.
std::string to_json_pretty(const Json& value);

// RFC 8785 for values without fractions: what digests are made of. kRejected: a double, an integer
// beyond +-(2^53 - 1) (where RFC 8785 would round), text that is not UTF-8. `without`: a member of
// the object that is left out, as where a signature stands beside what it is over; empty for none.
Result<std::string> canonical_json(const Json& value, std::string_view without = {});

}  // namespace avouch::codec
