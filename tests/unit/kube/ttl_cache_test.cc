#include "kube/ttl_cache.h"

#include <gtest/gtest.h>

#include <string>

namespace avouch::kube {
namespace {

using std::chrono::seconds;

crypto::Sha256 key(int number) { return crypto::sha256(std::to_string(number)); }
SteadyTime at(int second) { return SteadyTime(seconds(second)); }

TEST(TtlCache, ForgetsAValueAtItsExpiry) {
  TtlCache<int> cache(10);
  cache.put(key(1), 11, at(0), seconds(5));
  ASSERT_NE(cache.find(key(1), at(4)), nullptr);
  EXPECT_EQ(*cache.find(key(1), at(4)), 11);
  EXPECT_EQ(cache.find(key(1), at(5)), nullptr);
  EXPECT_EQ(cache.find(key(2), at(0)), nullptr);
}

TEST(TtlCache, ReplacesAValueAndItsExpiry) {
  TtlCache<int> cache(10);
  cache.put(key(1), 11, at(0), seconds(5));
  cache.put(key(1), 12, at(3), seconds(5));
  EXPECT_EQ(*cache.find(key(1), at(7)), 12);
  EXPECT_EQ(cache.size(), 1U);
}

TEST(TtlCache, NeverHoldsMoreThanItsLimitAndDropsWhatExpiresFirst) {
  TtlCache<int> cache(3);
  cache.put(key(0), 0, at(0), seconds(100));
  for (int i = 1; i < 50; ++i) {
    cache.put(key(i), i, at(0), seconds(i));
    EXPECT_LE(cache.size(), 3U);
    EXPECT_NE(cache.find(key(0), at(0)), nullptr);
  }
  EXPECT_NE(cache.find(key(49), at(0)), nullptr);
  EXPECT_EQ(cache.find(key(1), at(0)), nullptr);
}

TEST(TtlCache, DropsTheExpiredWhenSomethingIsAdded) {
  TtlCache<int> cache(100);
  for (int i = 0; i < 50; ++i) cache.put(key(i), i, at(0), seconds(1));
  cache.put(key(100), 100, at(1), seconds(1));
  EXPECT_EQ(cache.size(), 1U);
}

TEST(TtlCache, KeepsNothingWithoutRoomOrTime) {
  TtlCache<int> none(0);
  none.put(key(1), 1, at(0), seconds(9));
  EXPECT_EQ(none.size(), 0U);
  TtlCache<int> some(5);
  some.put(key(1), 1, at(0), seconds(0));
  EXPECT_EQ(some.size(), 0U);
}

}  // namespace
}  // namespace avouch::kube
