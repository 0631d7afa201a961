#pragma once

// Reads a CBOR map claim by claim; what is missing, of another type, out of range, or left over is
// an error that names it. Private to attest/.

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "base/result.h"
#include "codec/cbor.h"
#include "crypto/hash.h"

namespace avouch::attest {

// A map's key and its name in messages.
struct ClaimKey {
  std::variant<std::int64_t, std::string_view> key;
  std::string_view name;
};

class ClaimsReader {
 public:
  // `value` must outlive this.
  static Result<ClaimsReader> open(const codec::Cbor& value, std::string where);

  Result<std::int64_t> integer(const ClaimKey& key, std::int64_t min, std::int64_t max);
  Result<std::string> text(const ClaimKey& key, std::size_t max_bytes);  // not empty
  Result<Bytes> bytes(const ClaimKey& key, std::size_t min_bytes, std::size_t max_bytes);
  Result<crypto::Sha256> digest(const ClaimKey& key);
  Result<ClaimsReader> map(const ClaimKey& key);
  Result<const codec::Cbor::Array*> array(const ClaimKey& key, std::size_t min_count,
                                          std::size_t max_count);
  bool has(const ClaimKey& key) const;

  Result<void> finish() const;  // kRejected if there is a claim that nobody read

 private:
  ClaimsReader(const codec::Cbor& value, std::string where)
      : value_(&value), where_(std::move(where)) {}

  Result<const codec::Cbor*> take(const ClaimKey& key);
  Error wrong(const ClaimKey& key, const std::string& expected) const;

  const codec::Cbor* value_;
  std::string where_;
  std::size_t read_ = 0;  // each claim is read once, and keys are unique
};

}  // namespace avouch::attest
