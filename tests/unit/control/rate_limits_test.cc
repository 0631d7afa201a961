#include "control/rate_limits.h"

#include <gtest/gtest.h>

namespace avouch::control {
namespace {

using std::chrono::seconds;
using Verdict = RateLimits::Verdict;

const SteadyTime kStart{seconds(1000)};

TEST(RateLimits, AllowABurstAndThenARate) {
  RateLimits limits(3, 1);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(limits.spend("a", 1, kStart), Verdict::kAllowed);
  EXPECT_EQ(limits.spend("a", 1, kStart), Verdict::kLimited);
  EXPECT_EQ(limits.spend("a", 1, kStart + seconds(1)), Verdict::kAllowed);
  EXPECT_EQ(limits.spend("a", 1, kStart + seconds(1)), Verdict::kLimited);
}

TEST(RateLimits, LetNoOneSpendForAnother) {
  RateLimits limits(1, 1);
  EXPECT_EQ(limits.spend("a", 1, kStart), Verdict::kAllowed);
  EXPECT_EQ(limits.spend("a", 1, kStart), Verdict::kLimited);
  EXPECT_EQ(limits.spend("b", 1, kStart), Verdict::kAllowed);
}

TEST(RateLimits, SaveNoMoreThanABurst) {
  RateLimits limits(2, 1);
  EXPECT_EQ(limits.spend("a", 2, kStart), Verdict::kAllowed);
  EXPECT_EQ(limits.spend("a", 3, kStart + seconds(1000)), Verdict::kLimited);
  EXPECT_EQ(limits.spend("a", 2, kStart + seconds(1000)), Verdict::kAllowed);
}

TEST(RateLimits, GiveNothingForAClockThatGoesBack) {
  RateLimits limits(1, 1);
  EXPECT_EQ(limits.spend("a", 1, kStart), Verdict::kAllowed);
  EXPECT_EQ(limits.spend("a", 1, kStart - seconds(100)), Verdict::kLimited);
}

}  // namespace
}  // namespace avouch::control
