// Which denials are recorded one by one, and that the others are told of exactly once.

#include "admission/denial_budget.h"

#include <gtest/gtest.h>

namespace avouch::admission {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class Budget : public ::testing::Test {
 protected:
  DenialBudget::Answer spend(const std::string& ns) { return budget.spend(ns, now, time); }
  void pass(milliseconds by) {
    now += by;
    time += by;
  }

  SteadyTime now{seconds(1000)};
  SystemTime time{seconds(1'700'000'000)};
  DenialBudget budget{
      {.burst = 3, .per_second = 2, .burst_of_all = 10, .per_second_of_all = 5, .namespaces = 4}};
};

TEST_F(Budget, RecordsABurstThenAsManyAsTheRateAllows) {
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(spend("a").record);
  EXPECT_FALSE(spend("a").record);
  EXPECT_TRUE(spend("b").record) << "another namespace has its own";
  pass(milliseconds(500));
  EXPECT_TRUE(spend("a").record);
  EXPECT_FALSE(spend("a").record);
  pass(seconds(60));
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(spend("a").record);
  EXPECT_FALSE(spend("a").record) << "a pause gives no more than the burst";
}

TEST_F(Budget, TheNextRecordSaysHowManyWereLeftOutAndSinceWhen) {
  for (int i = 0; i < 3; ++i) EXPECT_FALSE(spend("a").before);
  pass(milliseconds(100));
  const SystemTime first = time;
  for (int i = 0; i < 7; ++i) {
    EXPECT_FALSE(spend("a").record);
    pass(milliseconds(1));
  }
  EXPECT_FALSE(spend("b").before) << "of another namespace it tells nothing";
  pass(milliseconds(500));
  const auto told = spend("a");
  ASSERT_TRUE(told.record);
  EXPECT_EQ(told.before, (LeftOut{7, first, false}));
  pass(milliseconds(500));
  EXPECT_EQ(spend("a").before, std::nullopt) << "it was told";
  EXPECT_EQ(budget.left_out(), 7U);
  EXPECT_EQ(budget.untold(), 0U);
}

TEST_F(Budget, AllNamespacesTogetherAreBound) {
  int recorded = 0;
  for (const char* ns : {"a", "b", "c", "d"}) {
    for (int i = 0; i < 3; ++i) recorded += spend(ns).record ? 1 : 0;
  }
  EXPECT_EQ(recorded, 10);
  pass(seconds(1));
  EXPECT_EQ(spend("d").before, (LeftOut{2, time - seconds(1), false}));
}

TEST_F(Budget, BeyondTheTableNamespacesShareAndAreToldOfTogether) {
  for (const char* ns : {"a", "b", "c", "d"}) spend(ns);
  for (int i = 0; i < 20; ++i) spend("e" + std::to_string(i));
  EXPECT_LE(budget.namespaces(), 5U);
  EXPECT_EQ(budget.left_out(), 17U);
  pass(milliseconds(200));
  const auto told = spend("a");
  ASSERT_TRUE(told.before);
  EXPECT_TRUE(told.before->several);
  EXPECT_EQ(told.before->count, 17U);
}

TEST_F(Budget, ForgetsNamespacesThatHaveTheirWholeBudgetAgainAndNothingToTell) {
  for (const char* ns : {"a", "b", "c"}) spend(ns);
  for (int i = 0; i < 4; ++i) spend("d");
  pass(seconds(10));
  EXPECT_TRUE(spend("e").record);
  EXPECT_EQ(budget.namespaces(), 2U) << "d has something to tell";
  EXPECT_EQ(spend("d").before, (LeftOut{1, time - seconds(10), false}));
}

TEST_F(Budget, WhatFoundNoPlaceIsCountedAgainWithWhatItWasToTell) {
  for (int i = 0; i < 5; ++i) spend("a");
  pass(seconds(1));
  const auto lost = spend("a");
  ASSERT_EQ(lost.before, (LeftOut{2, time - seconds(1), false}));
  budget.no_place("a", time, lost.before);
  pass(seconds(1));
  EXPECT_EQ(spend("a").before, (LeftOut{3, time - seconds(2), false}));
  EXPECT_EQ(budget.left_out(), 3U);
}

TEST_F(Budget, WhatIsKnownByNumberAloneIsToldByTheNextRecordOfAny) {
  budget.no_place(5, time);
  budget.no_place(0, time);
  EXPECT_EQ(budget.untold(), 5U);
  pass(seconds(1));
  EXPECT_EQ(spend("z").before, (LeftOut{5, time - seconds(1), true}));
  EXPECT_EQ(spend("z").before, std::nullopt);
  budget.no_place("y", time, LeftOut{5, time - seconds(1), true});
  EXPECT_EQ(spend("z").before, (LeftOut{6, time - seconds(1), true}));
}

// Whatever comes in whatever order: what was recorded, and what is told or still to be told, are
// all there were.
TEST_F(Budget, NoDenialIsLostOrToldTwice) {
  std::uint64_t asked = 0, recorded = 0, told = 0;
  std::uint32_t state = 1;
  const auto next = [&state](std::uint32_t below) {
    state = state * 1664525U + 1013904223U;
    return (state >> 8) % below;
  };
  for (int i = 0; i < 20'000; ++i) {
    const std::string ns = "n" + std::to_string(next(9));
    const auto answer = spend(ns);
    ++asked;
    if (answer.record && next(5) == 0) {
      budget.no_place(ns, time, answer.before);
    } else if (answer.record) {
      ++recorded;
      told += answer.before ? answer.before->count : 0;
    }
    pass(milliseconds(next(120)));
  }
  EXPECT_EQ(recorded + told + budget.untold(), asked);
  EXPECT_EQ(recorded + budget.left_out(), asked);
  EXPECT_GT(told, 100U);
  EXPECT_GT(recorded, 100U);
}

}  // namespace
}  // namespace avouch::admission
