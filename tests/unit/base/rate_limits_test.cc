#include "base/rate_limits.h"

#include <gtest/gtest.h>

namespace avouch {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

const SteadyTime kStart{seconds(1000)};
constexpr RateLimits::Key kA{'a'}, kB{'b'};

TEST(RateLimits, AllowABurstAndThenARate) {
  RateLimits limits(3, 1);
  for (int i = 0; i < 3; ++i) EXPECT_FALSE(limits.spend(kA, 1, kStart).has_value());
  EXPECT_TRUE(limits.spend(kA, 1, kStart).has_value());
  EXPECT_FALSE(limits.spend(kA, 1, kStart + seconds(1)).has_value());
  EXPECT_TRUE(limits.spend(kA, 1, kStart + seconds(1)).has_value());
}

TEST(RateLimits, LetNoOneSpendForAnother) {
  RateLimits limits(1, 1);
  EXPECT_FALSE(limits.spend(kA, 1, kStart).has_value());
  EXPECT_TRUE(limits.spend(kA, 1, kStart).has_value());
  EXPECT_FALSE(limits.spend(kB, 1, kStart).has_value());
}

TEST(RateLimits, SaveNoMoreThanABurst) {
  RateLimits limits(2, 1);
  EXPECT_FALSE(limits.spend(kA, 2, kStart).has_value());
  EXPECT_TRUE(limits.spend(kA, 3, kStart + seconds(1000)).has_value());
  EXPECT_FALSE(limits.spend(kA, 2, kStart + seconds(1000)).has_value());
}

TEST(RateLimits, GiveNothingForAClockThatGoesBack) {
  RateLimits limits(1, 1);
  EXPECT_FALSE(limits.spend(kA, 1, kStart).has_value());
  EXPECT_TRUE(limits.spend(kA, 1, kStart - seconds(100)).has_value());
}

TEST(RateLimits, SayHowLongToWait) {
  RateLimits limits(2, 4);
  EXPECT_FALSE(limits.spend(kA, 2, kStart).has_value());
  EXPECT_EQ(limits.spend(kA, 1, kStart), milliseconds(250));
  EXPECT_EQ(limits.spend(kA, 2, kStart + milliseconds(100)), milliseconds(400));
  EXPECT_FALSE(limits.spend(kA, 1, kStart + milliseconds(250)).has_value());
}

TEST(RateLimits, GiveBackWhatWasSpentForNothingAndNoMore) {
  RateLimits limits(3, 1);
  limits.give_back(kA, 1);  // nobody has spent anything
  EXPECT_FALSE(limits.spend(kA, 3, kStart).has_value());
  limits.give_back(kA, 2);
  EXPECT_EQ(limits.spend(kA, 3, kStart), seconds(1));
  EXPECT_FALSE(limits.spend(kA, 2, kStart).has_value());
  limits.give_back(kA, 100);
  EXPECT_EQ(limits.spend(kA, 4, kStart), seconds(1));
  EXPECT_FALSE(limits.spend(kA, 3, kStart).has_value());
}

TEST(RateLimits, NameNoWaitOfMoreThanADay) {
  RateLimits limits(1, 1e-9);
  EXPECT_FALSE(limits.spend(kA, 1, kStart).has_value());
  EXPECT_EQ(limits.spend(kA, 1, kStart), milliseconds(seconds(86'400)));
}

}  // namespace
}  // namespace avouch
