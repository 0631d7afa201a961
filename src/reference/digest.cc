#include "reference/digest.h"

#include <algorithm>

#include "base/hex.h"

namespace avouch::reference {

using crypto::HashAlgorithm;

Result<Digest> make_digest(HashAlgorithm algorithm, ByteView bytes) {
  if (bytes.size() != crypto::digest_size(algorithm)) {
    return rejected("a digest of " + std::to_string(bytes.size()) + " bytes, expected the " +
                    std::to_string(crypto::digest_size(algorithm)) + " of " +
                    std::string(crypto::hash_name(algorithm)));
  }
  Digest out;
  out.algorithm = algorithm;
  std::copy(bytes.begin(), bytes.end(), out.bytes.begin());
  return out;
}

Digest make_digest(const crypto::Sha256& digest) {
  return make_digest(HashAlgorithm::kSha256, digest).value();
}

Result<Digest> parse_digest(std::string_view text) {
  constexpr std::string_view kExpected =
      "expected sha256:, sha384: or sha512: and lower-case hexadecimal digits";
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos) return rejected(std::string(kExpected));
  const std::string_view digits = text.substr(colon + 1);
  const auto algorithm = crypto::parse_hash_name(text.substr(0, colon));
  if (!algorithm.has_value() || algorithm.value() == HashAlgorithm::kSha1 ||
      digits.find_first_not_of("0123456789abcdef") != std::string_view::npos) {
    return rejected(std::string(kExpected));
  }
  const std::size_t size = crypto::digest_size(algorithm.value());
  if (digits.size() != 2 * size) {
    return rejected(std::to_string(digits.size()) + " hexadecimal digits, expected the " +
                    std::to_string(2 * size) + " of " + std::string(text.substr(0, colon)));
  }
  AVOUCH_TRY(const Bytes bytes, from_hex(digits));
  return make_digest(algorithm.value(), bytes);
}

std::string digest_text(const Digest& digest) {
  return std::string(crypto::hash_name(digest.algorithm)) + ":" + to_hex(digest.view());
}

}  // namespace avouch::reference
