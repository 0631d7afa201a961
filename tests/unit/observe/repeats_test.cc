#include "observe/repeats.h"

#include <gtest/gtest.h>

namespace avouch::observe {
namespace {

TEST(Repeats, HoldsBackTheSameWordsOfTheSamePartAlone) {
  Repeats repeats;
  EXPECT_TRUE(repeats.is_due("log", "is away"));
  EXPECT_FALSE(repeats.is_due("log", "is away"));
  EXPECT_TRUE(repeats.is_due("server", "is away"));
  EXPECT_TRUE(repeats.is_due("log", "is back"));
  EXPECT_TRUE(repeats.is_due("log", "is away"));
}

}  // namespace
}  // namespace avouch::observe
