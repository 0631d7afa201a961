#include "codec/cbor.h"

#include "codec/utf8.h"

namespace avouch::codec {

Cbor Cbor::integer(std::int64_t value) {
  Cbor made;
  made.value_ = value;
  return made;
}

Cbor Cbor::bytes(ByteView value) {
  Cbor made;
  made.value_ = Bytes(value.begin(), value.end());
  return made;
}

Cbor Cbor::text(std::string_view value) {
  Cbor made;
  made.value_ = to_valid_utf8(value);
  return made;
}

Cbor Cbor::boolean(bool value) {
  Cbor made;
  made.value_ = value;
  return made;
}

Cbor Cbor::array(Array value) {
  Cbor made;
  made.value_ = std::move(value);
  return made;
}

Cbor Cbor::map(Map value) {
  Cbor made;
  made.value_ = std::move(value);
  return made;
}

Cbor Cbor::tagged(std::uint64_t tag, Cbor value) {
  std::vector<std::pair<std::uint64_t, Cbor>> one;
  one.emplace_back(tag, std::move(value));
  Cbor made;
  made.value_ = std::move(one);
  return made;
}

bool Cbor::is_null() const { return std::holds_alternative<std::monostate>(value_); }
const std::int64_t* Cbor::as_integer() const { return std::get_if<std::int64_t>(&value_); }
const Bytes* Cbor::as_bytes() const { return std::get_if<Bytes>(&value_); }
const std::string* Cbor::as_text() const { return std::get_if<std::string>(&value_); }
const bool* Cbor::as_boolean() const { return std::get_if<bool>(&value_); }
const Cbor::Array* Cbor::as_array() const { return std::get_if<Array>(&value_); }
const Cbor::Map* Cbor::as_map() const { return std::get_if<Map>(&value_); }

const Cbor* Cbor::as_tagged(std::uint64_t tag) const {
  const auto* one = std::get_if<std::vector<std::pair<std::uint64_t, Cbor>>>(&value_);
  return one != nullptr && one->front().first == tag ? &one->front().second : nullptr;
}

const Cbor* Cbor::find(std::int64_t key) const {
  const Map* map = as_map();
  if (map == nullptr) return nullptr;
  for (const auto& [name, value] : *map) {
    if (const std::int64_t* number = name.as_integer(); number != nullptr && *number == key) {
      return &value;
    }
  }
  return nullptr;
}

const Cbor* Cbor::find(std::string_view key) const {
  const Map* map = as_map();
  if (map == nullptr) return nullptr;
  for (const auto& [name, value] : *map) {
    if (const std::string* text = name.as_text(); text != nullptr && *text == key) return &value;
  }
  return nullptr;
}

bool Cbor::operator==(const Cbor& other) const { return to_cbor(*this) == to_cbor(other); }

}  // namespace avouch::codec
