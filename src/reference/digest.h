#pragma once

// A digest with its algorithm, as a value of fixed size that sorts.

#include <array>
#include <compare>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "crypto/hash.h"

namespace avouch::reference {

struct Digest {
  crypto::HashAlgorithm algorithm = crypto::HashAlgorithm::kSha256;
  std::array<std::uint8_t, 64> bytes{};  // the digest, then zeros

  ByteView view() const { return ByteView(bytes).first(crypto::digest_size(algorithm)); }
  auto operator<=>(const Digest&) const = default;
};

// kRejected where `bytes` is not of the algorithm's size.
Result<Digest> make_digest(crypto::HashAlgorithm algorithm, ByteView bytes);
Digest make_digest(const crypto::Sha256& digest);

// "sha256:", "sha384:" or "sha512:" and lower-case hexadecimal digits; SHA-1 is refused: files with
// the same SHA-1 digest can be made at will.
Result<Digest> parse_digest(std::string_view text);
std::string digest_text(const Digest& digest);

}  // namespace avouch::reference
