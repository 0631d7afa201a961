#include "base/rate_limits.h"

#include <algorithm>
#include <cmath>

namespace avouch {
namespace {

using std::chrono::milliseconds;

constexpr std::size_t kSweepAbove = 4096;
constexpr double kLongestWait = 86'400;  // seconds; what is told of longer ones

double seconds_between(SteadyTime from, SteadyTime to) {
  return std::chrono::duration<double>(to - from).count();
}

}  // namespace

std::optional<milliseconds> RateLimits::spend(const Key& key, double amount, SteadyTime now) {
  const std::lock_guard lock(mutex_);
  if (buckets_.size() > kSweepAbove) forget_full(now);
  const auto [found, is_new] = buckets_.try_emplace(key, Bucket{burst_, now});
  Bucket& bucket = found->second;
  bucket.level =
      std::min(burst_, bucket.level + per_second_ * std::max(0.0, seconds_between(bucket.at, now)));
  bucket.at = now;
  if (bucket.level < amount) {
    const double seconds = std::min(kLongestWait, (amount - bucket.level) / per_second_);
    return milliseconds(static_cast<std::int64_t>(std::ceil(seconds * 1000)));
  }
  bucket.level -= amount;
  return std::nullopt;
}

void RateLimits::give_back(const Key& key, double amount) {
  const std::lock_guard lock(mutex_);
  const auto found = buckets_.find(key);
  if (found != buckets_.end()) found->second.level = std::min(burst_, found->second.level + amount);
}

void RateLimits::forget_full(SteadyTime now) {
  std::erase_if(buckets_, [&](const auto& entry) {
    return entry.second.level + per_second_ * seconds_between(entry.second.at, now) >= burst_;
  });
}

}  // namespace avouch
