#include "attest/claims_reader.h"

#include <algorithm>

namespace avouch::attest {
namespace {

using codec::Cbor;

const Cbor* find(const Cbor& map, const ClaimKey& key) {
  if (const auto* number = std::get_if<std::int64_t>(&key.key)) return map.find(*number);
  return map.find(std::get<std::string_view>(key.key));
}

std::string range(std::size_t min, std::size_t max) {
  return std::to_string(min) + (min == max ? "" : " to " + std::to_string(max));
}

}  // namespace

Result<ClaimsReader> ClaimsReader::open(const Cbor& value, std::string where) {
  if (value.as_map() == nullptr) return rejected(where + ": is not a map");
  return ClaimsReader(value, std::move(where));
}

Error ClaimsReader::wrong(const ClaimKey& key, const std::string& expected) const {
  return rejected(where_ + "." + std::string(key.name) + ": expected " + expected);
}

bool ClaimsReader::has(const ClaimKey& key) const { return find(*value_, key) != nullptr; }

Result<const Cbor*> ClaimsReader::take(const ClaimKey& key) {
  const Cbor* claim = find(*value_, key);
  if (claim == nullptr) return rejected(where_ + "." + std::string(key.name) + ": is missing");
  ++read_;
  return claim;
}

Result<std::int64_t> ClaimsReader::integer(const ClaimKey& key, std::int64_t min,
                                           std::int64_t max) {
  AVOUCH_TRY(const Cbor* claim, take(key));
  const std::int64_t* value = claim->as_integer();
  if (value == nullptr || *value < min || *value > max) {
    return wrong(key, "an integer from " + std::to_string(min) + " to " + std::to_string(max));
  }
  return *value;
}

Result<std::string> ClaimsReader::text(const ClaimKey& key, std::size_t max_bytes) {
  AVOUCH_TRY(const Cbor* claim, take(key));
  const std::string* value = claim->as_text();
  if (value == nullptr || value->empty() || value->size() > max_bytes) {
    return wrong(key, "a text of " + range(1, max_bytes) + " bytes");
  }
  return *value;
}

Result<Bytes> ClaimsReader::bytes(const ClaimKey& key, std::size_t min_bytes,
                                  std::size_t max_bytes) {
  AVOUCH_TRY(const Cbor* claim, take(key));
  const Bytes* value = claim->as_bytes();
  if (value == nullptr || value->size() < min_bytes || value->size() > max_bytes) {
    return wrong(key, "a byte string of " + range(min_bytes, max_bytes) + " bytes");
  }
  return *value;
}

Result<crypto::Sha256> ClaimsReader::digest(const ClaimKey& key) {
  crypto::Sha256 out{};
  AVOUCH_TRY(const Bytes value, bytes(key, out.size(), out.size()));
  std::copy(value.begin(), value.end(), out.begin());
  return out;
}

Result<ClaimsReader> ClaimsReader::map(const ClaimKey& key) {
  AVOUCH_TRY(const Cbor* claim, take(key));
  return open(*claim, where_ + "." + std::string(key.name));
}

Result<const Cbor::Array*> ClaimsReader::array(const ClaimKey& key, std::size_t min_count,
                                               std::size_t max_count) {
  AVOUCH_TRY(const Cbor* claim, take(key));
  const Cbor::Array* value = claim->as_array();
  if (value == nullptr || value->size() < min_count || value->size() > max_count) {
    return wrong(key, "a list of " + range(min_count, max_count) + " elements");
  }
  return value;
}

Result<void> ClaimsReader::finish() const {
  if (read_ == value_->as_map()->size()) return {};
  return rejected(where_ + ": has a claim that is not known here");
}

}  // namespace avouch::attest
