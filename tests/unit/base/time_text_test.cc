#include "base/time_text.h"

#include <gtest/gtest.h>

namespace avouch {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

SystemTime at(std::int64_t millis) { return SystemTime(milliseconds(millis)); }

struct KnownTime {
  const char* text;
  std::int64_t millis;
};

// Seconds since 1970 by `date -u -d TEXT +%s`.
const KnownTime kKnownTimes[] = {
    {"1970-01-01T00:00:00Z", 0},
    {"1969-12-31T23:59:59Z", -1'000},
    {"2026-11-21T09:14:03Z", 1'795'252'443'000},
    {"2000-02-29T12:00:00Z", 951'825'600'000},
    {"2038-01-19T03:14:08Z", 2'147'483'648'000},
    {"9999-12-31T23:59:59Z", 253'402'300'799'000},
    {"0000-01-01T00:00:00Z", -62'167'219'200'000},
};

TEST(Rfc3339, WritesAndReadsKnownTimes) {
  for (const KnownTime& known : kKnownTimes) {
    EXPECT_EQ(to_rfc3339(at(known.millis)), known.text);
    EXPECT_EQ(from_rfc3339(known.text).value(), at(known.millis)) << known.text;
  }
}

TEST(Rfc3339, CutsToWholeSecondsAndToMilliseconds) {
  EXPECT_EQ(to_rfc3339(at(1'999)), "1970-01-01T00:00:01Z");
  EXPECT_EQ(to_rfc3339(at(-1)), "1969-12-31T23:59:59Z");
  EXPECT_EQ(to_rfc3339_micro(at(1'999)), "1970-01-01T00:00:01.999000Z");
  EXPECT_EQ(to_rfc3339_micro(at(-1)), "1969-12-31T23:59:59.999000Z");
  EXPECT_EQ(to_rfc3339_micro(at(0)), "1970-01-01T00:00:00.000000Z");
}

TEST(Rfc3339, ReadsUpToNineFractionalDigits) {
  EXPECT_EQ(from_rfc3339("1970-01-01T00:00:00.1Z").value(), at(100));
  EXPECT_EQ(from_rfc3339("1970-01-01T00:00:00.12Z").value(), at(120));
  EXPECT_EQ(from_rfc3339("1970-01-01T00:00:00.123Z").value(), at(123));
  EXPECT_EQ(from_rfc3339("1970-01-01T00:00:00.123999Z").value(), at(123));
  EXPECT_EQ(from_rfc3339("1970-01-01T00:00:00.000999999Z").value(), at(0));
  EXPECT_FALSE(from_rfc3339("1970-01-01T00:00:00.0000000000Z").has_value());
}

TEST(Rfc3339, RefusesEveryTruncation) {
  const std::string text = "2026-11-21T09:14:03.123456Z";
  for (std::size_t size = 0; size < text.size(); ++size) {
    EXPECT_FALSE(from_rfc3339(text.substr(0, size)).has_value()) << size;
  }
}

// Another character anywhere is refused, but for a digit that makes another time.
TEST(Rfc3339, RefusesEveryOtherCharacterAtEveryPlace) {
  const std::string text = "2026-11-21T09:14:03.12Z";
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool is_digit = text[i] >= '0' && text[i] <= '9';
    for (int c = 0; c < 256; ++c) {
      std::string changed = text;
      changed[i] = static_cast<char>(c);
      if (changed == text || (is_digit && c >= '0' && c <= '9')) continue;
      EXPECT_FALSE(from_rfc3339(changed).has_value()) << changed;
    }
  }
}

TEST(Rfc3339, RefusesDatesAndTimesThatAreNot) {
  for (const char* const text :
       {"2026-00-01T00:00:00Z", "2026-13-01T00:00:00Z", "2026-01-00T00:00:00Z",
        "2026-02-29T00:00:00Z", "2100-02-29T00:00:00Z", "2026-04-31T00:00:00Z",
        "2026-01-01T24:00:00Z", "2026-01-01T00:60:00Z", "2026-01-01T00:00:61Z",
        "2026-01-01T00:00:00z", "2026-01-01t00:00:00Z", "2026-01-01 00:00:00Z",
        "2026-01-01T00:00:00+00:00", "2026-01-01T00:00:00.Z", "2026-01-01T00:00:00,1Z",
        "+026-01-01T00:00:00Z", "2026-01-01T00:00:00ZZ", " 2026-01-01T00:00:00Z",
        "2026-01-01T00:00:0 Z"}) {
    const auto time = from_rfc3339(text);
    ASSERT_FALSE(time.has_value()) << text;
    EXPECT_EQ(time.error().kind, ErrorKind::kRejected);
    EXPECT_NE(time.error().message.find("2026-11-21T09:14:03Z"), std::string::npos);
  }
}

TEST(Rfc3339, RoundTripsEveryDayOfFourCenturies) {
  for (int day = 0; day < 146'097; day += 1) {
    const SystemTime time(hours(24) * day + seconds(day % 86'400));
    ASSERT_EQ(from_rfc3339(to_rfc3339(time)).value(), time) << day;
  }
}

struct KnownDuration {
  const char* text;
  milliseconds value;
};

const KnownDuration kKnownDurations[] = {
    {"0s", milliseconds(0)},
    {"90s", seconds(90)},
    {"5m", minutes(5)},
    {"1h30m", minutes(90)},
    {"250ms", milliseconds(250)},
    {"1s500ms", milliseconds(1500)},
    {"1h1m1s1ms", milliseconds(3'661'001)},
    {"100000h", hours(100'000)},
    {"007s", seconds(7)},
    {"90m", minutes(90)},
    {"1h1ms", milliseconds(3'600'001)},
};

TEST(Duration, ReadsTheFormsThatPeopleWrite) {
  for (const KnownDuration& known : kKnownDurations) {
    const auto duration = from_duration(known.text);
    ASSERT_TRUE(duration.has_value()) << known.text;
    EXPECT_EQ(*duration, known.value) << known.text;
  }
}

TEST(Duration, IsWrittenInItsShortestForm) {
  EXPECT_EQ(to_duration(milliseconds(0)), "0s");
  EXPECT_EQ(to_duration(minutes(90)), "1h30m");
  EXPECT_EQ(to_duration(seconds(90)), "1m30s");
  EXPECT_EQ(to_duration(milliseconds(3'661'001)), "1h1m1s1ms");
}

TEST(Duration, RoundTrips) {
  for (std::int64_t millis = 0; millis <= 360'000'000'000; millis = millis * 2 + 997) {
    EXPECT_EQ(from_duration(to_duration(milliseconds(millis))).value().count(), millis);
  }
}

TEST(Duration, RefusesEverythingElse) {
  for (const char* const text : {"",           "s",
                                 "5",          "5x",
                                 "-5s",        "+5s",
                                 "1.5h",       "5 s",
                                 " 5s",        "5s ",
                                 "5S",         "5min",
                                 "1m1h",       "1s1s",
                                 "1ms1s",      "1us",
                                 "1d",         "100001h",
                                 "100000h1ms", "99999999h",
                                 "999999999s", "99999999999999999999s",
                                 "1h30",       "h1",
                                 "1hm"}) {
    const auto duration = from_duration(text);
    ASSERT_FALSE(duration.has_value()) << text;
    EXPECT_EQ(duration.error().kind, ErrorKind::kRejected);
    EXPECT_NE(duration.error().message.find("is not a duration: expected"), std::string::npos);
  }
}

}  // namespace
}  // namespace avouch
