#pragma once

#include <span>

#include "base/bytes.h"

namespace avouch::crypto {

// Seam: tests inject known bytes. Thread-safe.
class Random {
 public:
  virtual ~Random() = default;
  virtual void fill(
      std::span<std::uint8_t> out) = 0;  // never short, never weak: ends the process instead
};

Random& system_random();  // OpenSSL's generator
Bytes random_bytes(Random& random, std::size_t count);

}  // namespace avouch::crypto
