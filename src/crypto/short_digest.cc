#include "crypto/short_digest.h"

#include <algorithm>

#include "crypto/hash.h"

namespace avouch::crypto {

std::array<std::uint8_t, 16> short_digest(std::string_view text) {
  const Sha256 digest = sha256(text);
  std::array<std::uint8_t, 16> out{};
  std::copy_n(digest.begin(), out.size(), out.begin());
  return out;
}

}  // namespace avouch::crypto
