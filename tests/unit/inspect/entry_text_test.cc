#include "inspect/entry_text.h"

#include <gtest/gtest.h>

#include <limits>

#include "tlog/entry.h"

namespace avouch::inspect {
namespace {

using codec::Cbor;

Cbor made_at(std::int64_t millis) {
  return Cbor::map({{Cbor::text("time"), Cbor::integer(millis)}});
}
Cbor spooled_at(std::int64_t millis, bool late) {
  return Cbor::map(
      {{Cbor::text("time"), Cbor::integer(millis)}, {Cbor::text("late"), Cbor::boolean(late)}});
}

// By letters, newest first: L of one that is marked.
std::string marks(const std::vector<Cbor>& newest_first) {
  std::vector<const Cbor*> payloads;
  payloads.reserve(newest_first.size());
  for (const Cbor& payload : newest_first) payloads.push_back(&payload);
  std::string out;
  for (const bool late : late_entries(payloads)) out += late ? 'L' : '-';
  return out;
}

TEST(LateEntries, AreThoseWhoseTimeIsBeforeThatOfAnyEntryThatStandsBeforeThem) {
  EXPECT_EQ(marks({}), "");
  EXPECT_EQ(marks({made_at(0)}), "-");
  EXPECT_EQ(marks({made_at(90'000), made_at(80'000), made_at(70'000)}), "---");
  // Several in a row, in their own order, are late by what came before the first.
  EXPECT_EQ(
      marks({made_at(95'000), made_at(60'000), made_at(50'000), made_at(90'000), made_at(80'000)}),
      "-LL--");
}

TEST(LateEntries, ClocksThatDifferALittleMarkNone) {
  EXPECT_EQ(marks({made_at(85'000), made_at(90'000)}), "--");
  EXPECT_EQ(marks({made_at(84'999), made_at(90'000)}), "L-");
}

TEST(LateEntries, AnEntryThatSaysSoIsMarkedWhereverItStands) {
  EXPECT_EQ(marks({spooled_at(90'000, true), spooled_at(80'000, false)}), "L-");
}

TEST(LateEntries, WhatHasNoTimeIsPassedOver) {
  const Cbor genesis = Cbor::map({{Cbor::text("created"), Cbor::integer(100'000)}});
  const Cbor timeless = Cbor::map({{Cbor::text("time"), Cbor::text("today")}});
  EXPECT_EQ(marks({made_at(10'000), Cbor(), timeless, genesis}), "L---");
}

TEST(LateEntries, TakeTheGreatestAndLeastTimesThatAnEntryCanSay) {
  const Cbor least = made_at(std::numeric_limits<std::int64_t>::min());
  const Cbor most = made_at(std::numeric_limits<std::int64_t>::max());
  EXPECT_EQ(marks({least, most}), "L-");
  EXPECT_EQ(marks({most, least}), "--");
}

// The time of such an entry is not that of its neighbours, and anybody's who has the token.
TEST(EntryText, SaysThatAnAdmissionWasEnteredLate) {
  const auto summary = [](bool late) {
    Cbor::Map map;
    for (const auto& [name, value] : {std::pair{"decision", "allow"},
                                      {"operation", "pods"},
                                      {"namespace", "shop"},
                                      {"pod", "web-0"}}) {
      map.emplace_back(Cbor::text(name), Cbor::text(value));
    }
    map.emplace_back(Cbor::text("late"), Cbor::boolean(late));
    return summary_of(tlog::kAdmissionVerdict, Cbor::map(std::move(map)));
  };
  EXPECT_EQ(summary(false), "allow of pod shop/web-0 (pods)");
  EXPECT_EQ(summary(true), "allow of pod shop/web-0 (pods), entered late, from a webhook's spool");
}

}  // namespace
}  // namespace avouch::inspect
