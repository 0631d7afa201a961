#include "crypto/random.h"

#include <openssl/rand.h>

#include <algorithm>

#include "crypto/openssl_handles.h"

namespace avouch::crypto {
namespace {

class SystemRandom final : public Random {
 public:
  void fill(std::span<std::uint8_t> out) override {
    constexpr std::size_t kChunk = 1 << 20;
    while (!out.empty()) {
      const std::size_t size = std::min(out.size(), kChunk);
      ensure(RAND_bytes(out.data(), static_cast<int>(size)) == 1, "RAND_bytes");
      out = out.subspan(size);
    }
  }
};

}  // namespace

Random& system_random() {
  static SystemRandom random;
  return random;
}

Bytes random_bytes(Random& random, std::size_t count) {
  Bytes out(count);
  random.fill(out);
  return out;
}

}  // namespace avouch::crypto
