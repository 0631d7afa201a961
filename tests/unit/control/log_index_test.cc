// What is found of a name, and what that costs in memory.

#include "control/log_index.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "codec/cbor.h"
#include "tests/support/counted_memory.h"
#include "tests/support/sanitized.h"
#include "tlog/remark.h"

namespace avouch::control {
namespace {

using codec::Cbor;
using Indexes = std::vector<std::uint64_t>;

constexpr std::uint64_t kNoEnd = 1ULL << 62;

Bytes verdict_on(const std::string& ns, const std::string& pod, const std::string& uid = "") {
  Cbor::Map payload;
  for (const auto& [name, value] : {std::pair<std::string, std::string>{"decision", "allow"},
                                    {"namespace", ns},
                                    {"pod", pod}}) {
    payload.emplace_back(Cbor::text(name), Cbor::text(value));
  }
  if (!uid.empty()) payload.emplace_back(Cbor::text("podUID"), Cbor::text(uid));
  return codec::to_cbor(Cbor::array({Cbor::bytes(Bytes(32, 7)), Cbor::map(std::move(payload))}));
}

TEST(LogIndex, FindsTheNewestOfEachNameAndSaysFromWhereOnItKnowsAll) {
  LogIndex index;
  for (std::uint64_t i = 0; i < LogIndex::kPerKey + 10; ++i) {
    index.add(2 * i, verdict_on("shop", "web"));
    index.add(2 * i + 1, verdict_on("shop", "db"));
  }
  const std::string web = pod_key("shop", "web");
  EXPECT_EQ(index.find(web, kNoEnd, 3), (Indexes{530, 528, 526}));
  EXPECT_EQ(index.find(web, 528, 2), (Indexes{526, 524}));
  EXPECT_EQ(index.find(web, kNoEnd, 1000).size(), LogIndex::kPerKey);
  EXPECT_EQ(index.find(web, kNoEnd, 1000).back(), 20U);
  EXPECT_EQ(index.known_from(web), 19U) << "what was before was given up";
  EXPECT_TRUE(index.find(pod_key("shop", "other"), kNoEnd, 10).empty());
  EXPECT_EQ(index.known_from(pod_key("shop", "other")), 0U) << "there are none of it";
  EXPECT_EQ(index.keys(), 2U);
}

TEST(LogIndex, TakesWhatComesLateOrTwice) {
  LogIndex index;
  const std::string key = pod_key("shop", "web");
  for (const std::uint64_t i : {5U, 3U, 9U, 5U, 3U}) index.add(i, verdict_on("shop", "web"));
  EXPECT_EQ(index.find(key, kNoEnd, 10), (Indexes{9, 5, 3}));
  for (std::uint64_t i = 0; i < LogIndex::kPerKey - 3; ++i) {
    index.add(1000 + 2 * i, verdict_on("shop", "web"));
  }
  EXPECT_EQ(index.known_from(key), 0U);
  index.add(1, verdict_on("shop", "web"));  // older than all of those that are kept
  EXPECT_EQ(index.known_from(key), 2U);
  EXPECT_EQ(index.find(key, 1000, 10), (Indexes{9, 5, 3}));
  index.add(1001, verdict_on("shop", "web"));  // between two of them
  EXPECT_EQ(index.known_from(key), 4U);
  EXPECT_EQ(index.find(key, 1003, 10), (Indexes{1002, 1001, 1000, 9, 5}));
  EXPECT_EQ(index.find(key, kNoEnd, 1000).size(), LogIndex::kPerKey);
}

TEST(LogIndex, FindsRemarksByEachEntryThatTheyReferTo) {
  LogIndex index;
  tlog::Remark remark;
  remark.kind = tlog::RemarkKind::kSupersede;
  remark.refs = {{"log", 3, {}, ""}, {"log", 40, {}, ""}};
  remark.replacement = tlog::EntryReference{"log", 41, {}, ""};
  const Cbor payload = tlog::remark_payload({remark, "somebody", SystemTime{}}, "log").value();
  index.add(50, codec::to_cbor(Cbor::array({Cbor::bytes(Bytes(32, 7)), payload})));
  for (const std::uint64_t at : {3U, 40U, 41U}) {
    EXPECT_EQ(index.find(entry_key("log", at), kNoEnd, 10), (Indexes{50})) << at;
    EXPECT_TRUE(index.find(entry_key("another", at), kNoEnd, 10).empty()) << at;
  }
  EXPECT_TRUE(index.find(entry_key("log", 4), kNoEnd, 10).empty());
  EXPECT_EQ(index.keys(), 3U);
}

// Whoever may create pods can have any number of verdicts on one name logged, each with a new UID.
TEST(LogIndex, FindsTheVerdictOnAPodByItsUidAmongAnyNumberOfItsName) {
  LogIndex index;
  index.add(7, verdict_on("shop", "web", "uid-that-runs"));
  for (std::uint64_t i = 0; i < 2'000; ++i) {
    index.add(100 + i, verdict_on("shop", "web", "uid-" + std::to_string(i)));
  }
  EXPECT_EQ(index.find(pod_key("shop", "web", "uid-that-runs"), kNoEnd, 10), Indexes{7});
  EXPECT_EQ(index.known_from(pod_key("shop", "web", "uid-that-runs")), 0U);
  EXPECT_EQ(index.find(pod_key("shop", "web"), kNoEnd, 1), Indexes{2'099});
  EXPECT_TRUE(index.find(pod_key("shop", "db", "uid-that-runs"), kNoEnd, 10).empty());
}

std::string long_name(std::size_t i) {
  std::string name = std::to_string(i);
  return name + std::string(253 - name.size(), 'n');
}

TEST(LogIndexMemory, OfAKeyDoesNotDependOnItsLength) {
  constexpr std::size_t kKeys = testing::kSanitized ? 2'000 : 10'000;
  const std::size_t before = testing::live_bytes;
  LogIndex index(kKeys);
  for (std::size_t i = 0; i < kKeys + 1000; ++i) {
    index.add(i, verdict_on(std::string(63, 's'), long_name(i)));
  }
  const std::size_t held = testing::live_bytes - before;
  RecordProperty("bytes_a_key", static_cast<int>(held / kKeys));
  EXPECT_EQ(index.keys(), kKeys);
  EXPECT_LT(held, kKeys * 200);
  EXPECT_EQ(index.known_from(pod_key("never", "seen")), 1000U) << "what was given up";
}

TEST(LogIndexMemory, OfAllIndexesIsBoundedHoweverManyAKeyHas) {
  constexpr std::size_t kFull =
      testing::kSanitized ? 16 : 64;  // keys that fit with all that is kept of one
  constexpr std::size_t kBytes = kFull * LogIndex::kPerKey * 8;
  const std::size_t before = testing::live_bytes;
  LogIndex index(LogIndex::kKeys, kBytes);
  std::uint64_t next = 0;
  for (std::size_t pod = 0; pod < kFull + 10; ++pod) {
    const Bytes verdict = verdict_on("shop", "web-" + std::to_string(pod));
    for (std::size_t i = 0; i < LogIndex::kPerKey; ++i) index.add(next++, verdict);
  }
  const std::size_t held = testing::live_bytes - before;
  EXPECT_EQ(index.keys(), kFull);
  EXPECT_LT(held, kBytes + kFull * 400);
  const std::string newest = pod_key("shop", "web-" + std::to_string(kFull + 9));
  EXPECT_EQ(index.find(newest, kNoEnd, 1000).size(), LogIndex::kPerKey);
  EXPECT_TRUE(index.find(pod_key("shop", "web-0"), kNoEnd, 1).empty());
  EXPECT_EQ(index.known_from(pod_key("shop", "web-0")), 10U * LogIndex::kPerKey);
}

}  // namespace
}  // namespace avouch::control
