#include "tlog/followed_sizes.h"

#include <gmock/gmock.h>

namespace avouch::tlog {
namespace {

using namespace std::chrono_literals;

constexpr SystemTime kBegin{std::chrono::seconds(1'800'000'000)};

TEST(FollowedSizes, KnowWhatHadBeenFollowedADayAgo) {
  FollowedSizes sizes;
  EXPECT_FALSE(sizes.had(0, kBegin + 1000h));
  EXPECT_TRUE(sizes.note(100, kBegin));
  EXPECT_FALSE(sizes.note(200, kBegin + 23h));
  for (int day = 1; day < 5; ++day) {
    const SystemTime now = kBegin + day * 24h;
    EXPECT_TRUE(sizes.had(100U * static_cast<unsigned>(day), now - 24h)) << day;
    EXPECT_FALSE(sizes.had(100U * static_cast<unsigned>(day) + 1, now - 24h)) << day;
    EXPECT_TRUE(sizes.note(100U * static_cast<unsigned>(day + 1), now));
    EXPECT_TRUE(sizes.had(100U * static_cast<unsigned>(day), now - 24h)) << day;
    EXPECT_FALSE(sizes.had(100U * static_cast<unsigned>(day + 1), now - 24h)) << day;
  }
}

TEST(FollowedSizes, TakeNothingFromAClockThatWasAhead) {
  FollowedSizes sizes;
  (void)sizes.note(100, kBegin + 9000h);
  (void)sizes.note(200, kBegin + 9030h);
  EXPECT_TRUE(sizes.note(300, kBegin));
  EXPECT_FALSE(sizes.had(1, kBegin - 1s));
  EXPECT_TRUE(sizes.had(300, kBegin));
  EXPECT_FALSE(sizes.had(301, kBegin + 10'000h));
}

TEST(FollowedSizes, AreReadAsTheyWereWritten) {
  FollowedSizes sizes;
  EXPECT_EQ(FollowedSizes::parse(sizes.text()).value(), sizes);
  (void)sizes.note(100, kBegin);
  (void)sizes.note(~std::uint64_t{0}, kBegin + 24h);
  EXPECT_EQ(sizes.text(), "100 1800000000\n18446744073709551615 1800086400\n");
  EXPECT_EQ(FollowedSizes::parse(sizes.text()).value(), sizes);
  // Never earlier than it was.
  FollowedSizes later;
  (void)later.note(100, kBegin + 1ms);
  EXPECT_FALSE(FollowedSizes::parse(later.text()).value().had(100, kBegin + 1ms));
  const std::string text = sizes.text();
  for (std::size_t size = 0; size < text.size(); ++size) {
    EXPECT_FALSE(FollowedSizes::parse(text.substr(0, size)).has_value()) << size;
  }
  for (const char* bad : {"1 2\n3 4\n\n", "1 2\n3 -4\n", "1 2\n x 4\n", "1  2\n3 4\n",
                          "1 2\n3 9223372036854775807\n"}) {
    EXPECT_FALSE(FollowedSizes::parse(bad).has_value()) << bad;
  }
}

}  // namespace
}  // namespace avouch::tlog
