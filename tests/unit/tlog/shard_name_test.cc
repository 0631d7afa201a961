#include "tlog/shard_name.h"

#include <gtest/gtest.h>

#include <array>
#include <chrono>

#include "unit/tlog/names.h"

namespace avouch::tlog {
namespace {

using namespace std::chrono;

SystemTime at(int y, unsigned m, unsigned d, milliseconds in_day = milliseconds(0)) {
  return SystemTime(sys_days(year(y) / month(m) / day(d))) + in_day;
}
constexpr milliseconds kLastMoment = hours(24) - milliseconds(1);
constexpr std::array kPeriods = {ShardPeriod::kYear, ShardPeriod::kQuarter, ShardPeriod::kMonth};

TEST(ShardName, SaysInWhichPeriodATimeIs) {
  const auto labels = [](SystemTime now) {
    return std::vector<std::string>{
        label_at(ShardPeriod::kNone, now), label_at(ShardPeriod::kYear, now),
        label_at(ShardPeriod::kQuarter, now), label_at(ShardPeriod::kMonth, now)};
  };
  using Labels = std::vector<std::string>;
  EXPECT_EQ(labels(at(2027, 1, 1)), (Labels{"", "2027", "2027-q1", "2027-01"}));
  EXPECT_EQ(labels(at(2026, 12, 31, kLastMoment)), (Labels{"", "2026", "2026-q4", "2026-12"}));
  EXPECT_EQ(labels(at(2028, 2, 29, kLastMoment)), (Labels{"", "2028", "2028-q1", "2028-02"}));
  EXPECT_EQ(labels(at(2027, 6, 30, kLastMoment)), (Labels{"", "2027", "2027-q2", "2027-06"}));
  EXPECT_EQ(labels(at(2027, 10, 1)), (Labels{"", "2027", "2027-q4", "2027-10"}));
  EXPECT_EQ(labels(at(9999, 12, 31, kLastMoment)), (Labels{"", "9999", "9999-q4", "9999-12"}));
  for (const SystemTime out : {at(1969, 12, 31, kLastMoment), at(10'000, 1, 1)}) {
    EXPECT_EQ(labels(out), (Labels{"", "", "", ""}));
  }
}

TEST(ShardName, KnowsWhenAPeriodBegins) {
  EXPECT_EQ(begin_of(""), SystemTime::min());
  EXPECT_EQ(begin_of("2027"), at(2027, 1, 1));
  EXPECT_EQ(begin_of("2027-q1"), at(2027, 1, 1));
  EXPECT_EQ(begin_of("2027-q4"), at(2027, 10, 1));
  EXPECT_EQ(begin_of("2028-03"), at(2028, 3, 1));
  EXPECT_EQ(begin_of("1970-01"), SystemTime());
  for (const char* other :
       {"202",     "20270",   "1969",    "2027-",    "2027-q", "2027-q0",   "2027-q5", "2027-q11",
        "2027-00", "2027-13", "2027-1",  "2027-001", "2027q1", "2027-Q1",   " 2027",   "2027 ",
        "+027",    "2027-+1", "2027/01", "head",     "-2027",  "2027-01-01"}) {
    EXPECT_EQ(begin_of(other), std::nullopt) << other;
  }
}

// Every day of four years, of which one is a leap year.
TEST(ShardName, BeginsEveryPeriodWithItsFirstDay) {
  for (const ShardPeriod period : kPeriods) {
    std::string last;
    for (sys_days day = year(2027) / 1 / 1; day < sys_days(year(2031) / 1 / 1); day += days(1)) {
      const std::string label = label_at(period, day);
      ASSERT_EQ(label_at(period, SystemTime(day) + kLastMoment), label);
      const auto begin = begin_of(label);
      ASSERT_TRUE(begin && *begin <= SystemTime(day)) << label;
      ASSERT_EQ(label != last, *begin == SystemTime(day)) << label;
      ASSERT_EQ(label_at(period, *begin), label);
      ASSERT_LE(label.size(), kMaxLabelBytes);
      last = label;
    }
  }
}

TEST(ShardName, FollowsOnlyForwardsInTime) {
  const SystemTime may = at(2027, 5, 17);
  EXPECT_EQ(label_after("2026", ShardPeriod::kYear, may), "2027");
  EXPECT_EQ(label_after("2027", ShardPeriod::kYear, may), std::nullopt);
  EXPECT_EQ(label_after("2027-04", ShardPeriod::kMonth, may), "2027-05");
  EXPECT_EQ(label_after("2027-05", ShardPeriod::kMonth, may), std::nullopt);
  // One that was there before is over at once, and nothing follows where there are no shards.
  EXPECT_EQ(label_after("", ShardPeriod::kYear, may), "2027");
  for (const char* newest : {"", "2020", "2027-05", "2031"}) {
    EXPECT_EQ(label_after(newest, ShardPeriod::kNone, may), std::nullopt);
  }
  // Longer and shorter periods: none begins before, or with, the newest.
  EXPECT_EQ(label_after("2027", ShardPeriod::kMonth, may), "2027-05");
  EXPECT_EQ(label_after("2027", ShardPeriod::kMonth, at(2027, 1, 31)), std::nullopt);
  EXPECT_EQ(label_after("2027-05", ShardPeriod::kQuarter, may), std::nullopt);
  EXPECT_EQ(label_after("2027-05", ShardPeriod::kYear, at(2027, 12, 31)), std::nullopt);
  EXPECT_EQ(label_after("2027-05", ShardPeriod::kYear, at(2028, 1, 1)), "2028");
  // A clock that was far ahead once has opened one too early: it stays the newest.
  EXPECT_EQ(label_after("2031-01", ShardPeriod::kMonth, may), std::nullopt);
  EXPECT_EQ(label_after("2031-01", ShardPeriod::kMonth, at(2031, 2, 1)), "2031-02");
  // What is no label is followed by nothing.
  EXPECT_EQ(label_after("x", ShardPeriod::kYear, may), std::nullopt);
}

TEST(ShardName, NamesEachLogAfterItsChainAndPeriod) {
  EXPECT_EQ(shard_origin("log.example/a", ""), "log.example/a");
  EXPECT_EQ(shard_origin("log.example/a", "2027-q1"), "log.example/a/2027-q1");
  EXPECT_EQ(label_of("log.example/a", "log.example/a"), "");
  EXPECT_EQ(label_of("log.example/a", "log.example/a/2027-q1"), "2027-q1");
  for (const char* other : {"log.example/a/", "log.example/a/x", "log.example/a2027",
                            "log.example/a/2027/01", "log.example", "", "log.example/b/2027"}) {
    EXPECT_EQ(label_of("log.example/a", other), std::nullopt) << other;
  }
}

TEST(ShardName, OnlyALaterLogOfTheChainFollows) {
  const std::string chain = "log.example/a";
  const auto begun = step_in_chain(chain, chain + "/2027");
  ASSERT_TRUE(begun.has_value());
  EXPECT_EQ(begun->from, "");
  EXPECT_EQ(begun->to, "2027");
  const auto later = step_in_chain(chain + "/2027", chain + "/2027-q2");
  ASSERT_TRUE(later.has_value());
  EXPECT_EQ(later->from, "2027");
  EXPECT_EQ(later->to, "2027-q2");
  for (const auto& [from, to] : {std::pair<std::string, std::string>{chain, chain},
                                 {chain + "/2027", chain},
                                 {chain + "/2027", chain + "/2027-q1"},
                                 {chain + "/2027", chain + "/2026"},
                                 {chain, "log.example/b/2027"},
                                 {chain, "log.example/a/x/2027"},
                                 {chain, "log.example/a/2027/2028"},
                                 {chain, "log.example"},
                                 {chain, "2027"},
                                 {chain, "/2027"},
                                 {chain, ""},
                                 {"", chain + "/2027"}}) {
    EXPECT_FALSE(step_in_chain(from, to).has_value()) << from << " " << to;
  }
}

TEST(ShardName, GivesOneKeyTheNameOfEachLog) {
  const NoteVerifier chain = signer().verifier();
  const auto named = keys_for(shard_origin(chain.name, "2027"), std::span(&chain, 1));
  ASSERT_TRUE(named.has_value());
  EXPECT_EQ(named->front().name, chain.name + "/2027");
  EXPECT_NE(named->front().key_id, chain.key_id);
  EXPECT_EQ(named->front().key, chain.key);
  // There and back again.
  const auto back = keys_for(chain.name, *named);
  ASSERT_TRUE(back.has_value());
  EXPECT_EQ(format_vkey(back->front()), format_vkey(chain));
  EXPECT_FALSE(keys_for("two words", std::span(&chain, 1)).has_value());
}

}  // namespace
}  // namespace avouch::tlog
