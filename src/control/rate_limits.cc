#include "control/rate_limits.h"

#include <algorithm>

#include "crypto/hash.h"

namespace avouch::control {
namespace {

constexpr std::size_t kSweepAbove = 4096;

double seconds_between(SteadyTime from, SteadyTime to) {
  return std::chrono::duration<double>(to - from).count();
}

}  // namespace

RateLimits::Verdict RateLimits::spend(const std::string& key, double amount, SteadyTime now) {
  const crypto::Sha256 digest = crypto::sha256(key);
  Key short_key{};
  std::copy_n(digest.begin(), short_key.size(), short_key.begin());
  const std::lock_guard lock(mutex_);
  if (buckets_.size() > kSweepAbove) forget_full(now);
  const auto [found, is_new] = buckets_.try_emplace(short_key, Bucket{burst_, now});
  Bucket& bucket = found->second;
  bucket.level =
      std::min(burst_, bucket.level + per_second_ * std::max(0.0, seconds_between(bucket.at, now)));
  bucket.at = now;
  if (bucket.level < amount) return Verdict::kLimited;
  bucket.level -= amount;
  return Verdict::kAllowed;
}

void RateLimits::forget_full(SteadyTime now) {
  std::erase_if(buckets_, [&](const auto& entry) {
    return entry.second.level + per_second_ * seconds_between(entry.second.at, now) >= burst_;
  });
}

}  // namespace avouch::control
