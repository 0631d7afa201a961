// Content that is erased, whichever engine keeps the log: what is left of it and of all else, after
// every interruption.

#include <gtest/gtest.h>

#include <map>

#include "contract/tlog/engine_cases.h"
#include "support/own_entries.h"
#include "support/sanitized.h"
#include "tlog/fsck.h"

namespace avouch::tlog {
namespace {

using testing::erasure_of;
using testing::Faults;
using testing::LogProcess;
using testing::secret_of;
using testing::verdict;
using testing::verdicts;

class ErasureContract : public LogContract {
 protected:
  static FsckReport check(LogProcess& process) {
    FsckOptions options;
    options.preimages = true;
    const auto report = check_log(process.store(), process.log().checkpoint(), options);
    EXPECT_TRUE(report.has_value());
    return report.has_value() ? *report : FsckReport{.damage_count = 1, .damages = {}};
  }
  static void expect_whole(LogProcess& process, std::uint64_t erased) {
    const FsckReport report = check(process);
    EXPECT_TRUE(report.is_whole()) << report.damages.front().what;
    EXPECT_EQ(report.erased, erased);
  }
};

TEST_P(ErasureContract, TakesTheContentOfOneEntryAndLeavesTheTree) {
  std::vector<Submission> all = verdicts("a", 300);
  std::map<std::uint64_t, std::uint64_t> erased;  // by which entry
  {
    LogProcess process(*engine_);
    ASSERT_TRUE(process.open().has_value());
    const auto places = process.append(all).value();
    ASSERT_TRUE(process.publish().has_value());
    // Of a full group and of the one that is written again, its own neighbours.
    for (const std::uint64_t index : {0U, 255U, 256U, 299U}) {
      all.push_back(erasure_of(places[index]));
      erased[index] = process.append({all.back()}).value().front().index;
      EXPECT_FALSE(process.log().get(index)->preimage.empty());  // once it is published
      ASSERT_TRUE(process.publish().has_value());
      EXPECT_EQ(process.log().get(index)->erased_by, erased[index]);
    }
    // Another one of the same changes nothing; more entries, neither.
    all.push_back(erasure_of(places[0]));
    all.back().id = "again";
    ASSERT_TRUE(process.append({all.back()}).has_value());
    for (const Submission& more : verdicts("b", 300)) all.push_back(more);
    ASSERT_TRUE(process.append(std::vector<Submission>(all.end() - 300, all.end())).has_value());
    ASSERT_TRUE(process.publish().has_value());
    expect_whole(process, erased.size());
    ASSERT_TRUE(process.append({verdict("c")}).has_value());
    ASSERT_TRUE(process.publish().has_value());
  }
  LogProcess process(*engine_);
  ASSERT_TRUE(process.open().has_value());
  for (std::uint64_t index = 0; index < all.size(); ++index) {
    const auto stored = process.log().get(index);
    ASSERT_TRUE(stored.has_value()) << stored.error().message;
    EXPECT_EQ(stored->entry, all[index].entry);
    const bool is_erased = erased.contains(index);
    EXPECT_EQ(stored->preimage, is_erased ? Bytes() : all[index].preimage) << index;
    EXPECT_EQ(stored->id, is_erased ? "" : all[index].id) << index;
    EXPECT_EQ(stored->erased_by,
              is_erased ? std::optional(erased[index]) : std::optional<std::uint64_t>());
  }
  testing::check_whole_log(process.store(), process.log().checkpoint().checkpoint());
  expect_whole(process, erased.size());
  for (const std::uint64_t index : {0U, 255U, 256U, 299U}) {
    EXPECT_FALSE(engine_->holds(secret_of("a" + std::to_string(index)))) << index;
  }
  EXPECT_TRUE(engine_->holds(secret_of("a1")));
}

// What the journal has of it goes once something newer is published, by this process or the next.
TEST_P(ErasureContract, LeavesNothingInTheJournal) {
  for (const bool dies : {false, true}) {
    engine_ = GetParam().make();
    LogProcess process(*engine_);
    ASSERT_TRUE(process.open().has_value());
    const auto places = process.append(verdicts("a", 3)).value();
    ASSERT_TRUE(process.publish().has_value());
    ASSERT_TRUE(process.append({erasure_of(places[1])}).has_value());
    ASSERT_TRUE(process.publish().has_value());
    if (dies) {
      process.die();
      ASSERT_TRUE(process.open().has_value());
    }
    ASSERT_TRUE(process.append({verdict("b")}).has_value());
    ASSERT_TRUE(process.publish().has_value());
    EXPECT_FALSE(engine_->holds(secret_of("a1"))) << dies;
    EXPECT_TRUE(engine_->holds(secret_of("a0"))) << dies;
  }
}

// A store of before that publication, restored: the start makes it again, as the anchor has it.
TEST_P(ErasureContract, IsMadeAgainWhereOnlyAnAnchorKnowsOfIt) {
  {
    LogProcess process(*engine_);
    ASSERT_TRUE(process.open().has_value());
    const auto places = process.append(verdicts("a", 259)).value();
    ASSERT_TRUE(process.publish().has_value());
    ASSERT_TRUE(process.append({erasure_of(places[1])}).has_value());
    engine_->back_up_store();
    ASSERT_TRUE(process.publish().has_value());
    process.die();
  }
  engine_->restore_store();
  LogProcess process(*engine_);
  ASSERT_TRUE(process.open().has_value());
  EXPECT_EQ(process.log().checkpoint().size(), 260U);
  EXPECT_EQ(process.log().get(1)->erased_by, 259U);
  expect_whole(process, 1);
}

class ErasureSweep : public ErasureContract {
 protected:
  static constexpr int kEntries = 259;

  // One life; whether the erasures were acknowledged: of entry 1, in a group that is full, and of
  // 257, in the one that is written again.
  static bool live(LogProcess& process) {
    static const std::vector<Submission> all = verdicts("a", kEntries);
    if (!process.open().has_value()) return false;
    const auto places = process.append(all);
    if (!places.has_value() || !process.publish().has_value()) return false;
    const bool acknowledged =
        process.append({erasure_of((*places)[1]), erasure_of((*places)[257])}).has_value();
    if (acknowledged && process.publish().has_value()) {
      if (process.append({verdict("b")}).has_value()) (void)process.publish();
    }
    return acknowledged;
  }
  void expect_finished(bool acknowledged) {
    LogProcess process(*engine_);
    const auto opened = process.open();
    ASSERT_TRUE(opened.has_value()) << opened.error().message;
    ASSERT_TRUE(process.append({verdict("after")}).has_value());
    ASSERT_TRUE(process.publish().has_value());
    ASSERT_TRUE(process.append({verdict("last")}).has_value());
    ASSERT_TRUE(process.publish().has_value());
    const FsckReport report = check(process);
    EXPECT_TRUE(report.is_whole()) << report.damages.front().what;
    if (acknowledged) {
      EXPECT_EQ(report.erased, 2U);
      EXPECT_EQ(process.log().get(1)->erased_by, kEntries);
      EXPECT_EQ(process.log().get(257)->erased_by, kEntries + 1);
    }
    const bool are_there = report.entries > kEntries;
    EXPECT_EQ(engine_->holds(secret_of("a1")), report.erased == 0 && are_there);
    EXPECT_EQ(engine_->holds(secret_of("a257")), report.erased == 0 && are_there);
    EXPECT_EQ(engine_->holds(secret_of("a0")), are_there);
  }
};

TEST_P(ErasureSweep, FinishesItWhicheverStepFails) {
  std::size_t steps = 0;
  {
    LogProcess process(*engine_);
    ASSERT_TRUE(live(process));
    steps = process.faults.steps();
    process.close();
    expect_finished(true);
  }
  std::size_t finished = 0;
  const std::size_t stride = testing::kSanitized && GetParam().name != "Memory" ? 4 : 1;
  for (const auto outcome : {Faults::Outcome::kFailed, Faults::Outcome::kFailedButPersisted}) {
    for (std::size_t step = 0; step < steps; step += stride) {
      SCOPED_TRACE("step " + std::to_string(step) + " outcome " +
                   std::to_string(static_cast<int>(outcome)));
      engine_ = GetParam().make();
      LogProcess process(*engine_);
      process.faults.fail_step(step, outcome, ErrorKind::kFatal);
      const bool acknowledged = live(process);
      finished += acknowledged ? 1 : 0;
      process.close();
      process.faults.heal();
      expect_finished(acknowledged);
      if (HasFailure()) return;
    }
  }
  EXPECT_GT(finished, 5U);
}

AVOUCH_ON_EVERY_ENGINE(ErasureContract);
AVOUCH_ON_EVERY_ENGINE(ErasureSweep);

}  // namespace
}  // namespace avouch::tlog
