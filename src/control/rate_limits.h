#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>

#include "base/clock.h"

namespace avouch::control {

// A token bucket for each key: `burst` at once, `per_second` on the long run. Thread-safe. Keys
// that are full again are forgotten, so memory is bounded by the keys in use.
class RateLimits {
 public:
  RateLimits(double burst, double per_second) : burst_(burst), per_second_(per_second) {}

  enum class Verdict { kAllowed, kLimited };
  Verdict spend(const std::string& key, double amount, SteadyTime now);

 private:
  using Key = std::array<std::uint8_t, 16>;  // of the key's SHA-256: keys are long names
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

}  // namespace avouch::control
