#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>

#include "base/clock.h"

namespace avouch {

// A token bucket for each key: `burst` at once, `per_second` on the long run; both are above 0.
// Thread-safe. Keys that are full again are forgotten, so memory is bounded by the keys in use.
class RateLimits {
 public:
  // Of long names: crypto/short_digest.h.
  using Key = std::array<std::uint8_t, 16>;

  RateLimits(double burst, double per_second) : burst_(burst), per_second_(per_second) {}

  // Nothing: `amount` is spent. Else nothing is, and this is how long it takes until there is as
  // much, if nobody else spends it; an amount over `burst` is never there.
  std::optional<std::chrono::milliseconds> spend(const Key& key, double amount, SteadyTime now);

  // What was spent for nothing is there again.
  void give_back(const Key& key, double amount);

 private:
  struct Bucket {
    double level = 0;
    SteadyTime at{};
  };
  void forget_full(SteadyTime now);

  const double burst_;
  const double per_second_;
  std::mutex mutex_;
  std::map<Key, Bucket> buckets_;
};

}  // namespace avouch
