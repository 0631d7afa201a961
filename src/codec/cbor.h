#pragma once

// Deterministic CBOR (RFC 8949, 4.2.1): shortest forms, definite lengths, map keys sorted bytewise
// by their encoding. The decoder accepts nothing else, so one value has one encoding.

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace avouch::codec {

class Cbor {
 public:
  using Array = std::vector<Cbor>;
  // Any order when made; sorted when encoded. Equal keys are a programming mistake, at which
  // to_cbor throws std::logic_error.
  using Map = std::vector<std::pair<Cbor, Cbor>>;

  Cbor() = default;  // null
  static Cbor integer(std::int64_t value);
  static Cbor bytes(ByteView value);
  static Cbor text(std::string_view value);  // bytes that are not UTF-8 become U+FFFD
  static Cbor boolean(bool value);
  static Cbor array(Array value);
  static Cbor map(Map value);
  static Cbor tagged(std::uint64_t tag, Cbor value);

  bool is_null() const;
  const std::int64_t* as_integer() const;
  const Bytes* as_bytes() const;
  const std::string* as_text() const;
  const bool* as_boolean() const;
  const Array* as_array() const;
  const Map* as_map() const;
  // The tagged value where the tag is `tag`, else null.
  const Cbor* as_tagged(std::uint64_t tag) const;

  // Member of a map by integer or text key; null where there is none.
  const Cbor* find(std::int64_t key) const;
  const Cbor* find(std::string_view key) const;

  bool operator==(const Cbor& other) const;  // whatever the order of map members

 private:
  friend class CborEncoder;
  std::variant<std::monostate, bool, std::int64_t, Bytes, std::string, Array, Map,
               std::vector<std::pair<std::uint64_t, Cbor>>>
      value_;  // a tagged value is a list of one
};

struct CborLimits {
  std::size_t bytes = 1024 * 1024;
  std::size_t depth = 16;
  std::size_t items = 100'000;
};

Bytes to_cbor(const Cbor& value);

// kRejected, with the offset: indefinite length, non-shortest form, unsorted or duplicate keys,
// floats, undefined, integers outside int64, invalid UTF-8, trailing bytes, a limit passed.
// Memory is bounded by the input's size times a small constant whatever lengths it claims. Depth
// counts arrays, maps and tags. What is accepted is what to_cbor makes of the value, byte for byte.
Result<Cbor> parse_cbor(ByteView input, const CborLimits& limits = {});

}  // namespace avouch::codec
