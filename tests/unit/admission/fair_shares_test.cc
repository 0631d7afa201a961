// At most half of what is left free: the rule by its figures.

#include "admission/fair_shares.h"

#include <gtest/gtest.h>

namespace avouch::admission {
namespace {

// Takes one at a time until it may take no more.
std::size_t fill(FairShares& shares, const std::string& who, std::size_t& used, std::size_t total) {
  while (shares.allows(who, 1, used, total)) {
    shares.take(who, 1);
    ++used;
  }
  return shares.held(who);
}

TEST(FairShares, GivesOneCallerAThirdAndLeavesTheNextAThirdOfTheRest) {
  FairShares shares;
  std::size_t used = 0;
  EXPECT_EQ(fill(shares, "a", used, 900), 300U);
  EXPECT_EQ(fill(shares, "b", used, 900), 200U);
  EXPECT_EQ(fill(shares, "c", used, 900), 133U);
  EXPECT_EQ(fill(shares, "a", used, 900), 300U);
  EXPECT_EQ(shares.holders(), 3U);
}

TEST(FairShares, LeavesRoomAfterManyThatTakeAllTheyCan) {
  FairShares shares;
  std::size_t used = 0;
  constexpr std::size_t kTotal = 64UL * 1024 * 1024;
  for (int i = 0; i < 12; ++i) {
    const std::string who = "flood-" + std::to_string(i);
    while (shares.allows(who, 500, used, kTotal)) {
      shares.take(who, 500);
      used += 500;
    }
  }
  EXPECT_TRUE(shares.allows("api-server", 100'000, used, kTotal));
}

TEST(FairShares, LetsTheTrustedCallerTakeAllThereIsAndNoMore) {
  FairShares shares;
  EXPECT_TRUE(shares.allows("", 900, 0, 900));
  EXPECT_FALSE(shares.allows("", 901, 0, 900));
  EXPECT_FALSE(shares.allows("", 1, 900, 900));
  EXPECT_FALSE(shares.allows("", 0, 901, 900));
  EXPECT_FALSE(shares.allows("a", 1, 900, 900));
}

TEST(FairShares, ForgetsWhoHoldsNothingAndGivesBackNoMoreThanWasTaken) {
  FairShares shares;
  shares.take("a", 0);
  EXPECT_EQ(shares.holders(), 0U);
  shares.take("a", 10);
  shares.give_back("a", 4);
  shares.give_back("b", 4);
  EXPECT_EQ(shares.held("a"), 6U);
  shares.give_back("a", 60);
  EXPECT_EQ(shares.held("a"), 0U);
  EXPECT_EQ(shares.holders(), 0U);
}

}  // namespace
}  // namespace avouch::admission
