// Content that is pruned, whichever engine keeps the log: what is left of it and of all else, after
// every interruption.

#include <gtest/gtest.h>

#include "contract/tlog/engine_cases.h"
#include "support/eventually.h"
#include "support/own_entries.h"
#include "support/sanitized.h"
#include "tlog/fsck.h"
#include "tlog/recovery.h"
#include "tlog/retention.h"

namespace avouch::tlog {
namespace {

using std::chrono::hours;
using testing::erasure_of;
using testing::Faults;
using testing::LogProcess;
using testing::pruning_of;
using testing::retention_of;
using testing::secret_of;
using testing::verdict;
using testing::verdicts;

constexpr RetentionPolicy kDays{hours(24), hours(48)};

class PruningContract : public LogContract {
 protected:
  static FsckReport check(LogProcess& process) {
    FsckOptions options;
    options.preimages = true;
    const auto report = check_log(process.store(), process.log().checkpoint(), options);
    EXPECT_TRUE(report.has_value()) << report.error().message;
    return report.has_value() ? *report : FsckReport{.damage_count = 1, .damages = {}};
  }
  static void expect_whole(LogProcess& process, std::uint64_t pruned) {
    const FsckReport report = check(process);
    EXPECT_TRUE(report.is_whole())
        << report.damages.front().path << ": " << report.damages.front().what;
    EXPECT_EQ(report.pruned, pruned);
  }
  // Until what is pruned is gone, or the log has failed.
  static bool wait_for_pruning(LogProcess& process) {
    return testing::eventually([&] {
             const auto retention = process.log().retention();
             return process.log().status().failure ||
                    retention->content_gone == retention->pruning.content_from;
           }) &&
           !process.log().status().failure;
  }
  static std::uint64_t append_one(LogProcess& process, Submission submission) {
    return process.append({std::move(submission)}).value().front().index;
  }
};

TEST_P(PruningContract, TakesContentBelowTheBoundaryAndLeavesAllElse) {
  std::vector<Submission> all = verdicts("a", 600);
  // Kinds that explain the log, and what another party signed.
  all[0] = testing::own_submission(
      kGenesis, codec::Cbor::map({{codec::Cbor::text("type"), codec::Cbor::text("x")}}), "genesis");
  all[300] = testing::own_submission(
      kEpoch, codec::Cbor::map({{codec::Cbor::text("time"), codec::Cbor::integer(1)}}), "epoch");
  all[301] = Submission{to_bytes("{signed by another}"), {}, ""};
  const auto stays = [](std::uint64_t index) {
    return index == 0 || index == 300 || index == 301 || index >= 512;
  };
  std::uint64_t pruning = 0;
  {
    LogProcess process(*engine_);
    ASSERT_TRUE(process.open().has_value());
    ASSERT_TRUE(process.append(all).has_value());
    ASSERT_TRUE(process.publish().has_value());
    const std::uint64_t policy = append_one(process, retention_of(kDays));
    pruning = append_one(process, pruning_of({policy, 512, 256}));
    EXPECT_FALSE(process.log().get(1)->preimage.empty());  // once it is published
    EXPECT_EQ(process.log().retention()->pruning.minimum_index, 0U);
    ASSERT_TRUE(process.publish().has_value());
    EXPECT_TRUE(process.log().get(1)->is_pruned);  // from then on
    EXPECT_TRUE(process.log().get(1)->preimage.empty());
    ASSERT_TRUE(wait_for_pruning(process));
    expect_whole(process, 512 - 3);
    ASSERT_TRUE(process.append({verdict("b")}).has_value());
    ASSERT_TRUE(process.publish().has_value());
  }
  LogProcess process(*engine_);
  ASSERT_TRUE(process.open().has_value());
  EXPECT_EQ(process.log().retention()->policy, kDays);
  EXPECT_EQ(process.log().retention()->pruning, (Pruning{600, 512, 256}));
  EXPECT_EQ(process.log().retention()->pruning_index, pruning);
  for (std::uint64_t index = 0; index < all.size(); ++index) {
    const auto stored = process.log().get(index);
    ASSERT_TRUE(stored.has_value()) << stored.error().message;
    EXPECT_EQ(stored->entry, all[index].entry);
    EXPECT_EQ(stored->preimage, stays(index) ? all[index].preimage : Bytes()) << index;
    EXPECT_EQ(stored->id, stays(index) ? all[index].id : "") << index;
    EXPECT_EQ(stored->is_pruned, !stays(index)) << index;
    EXPECT_EQ(stored->erased_by,
              stays(index) ? std::optional<std::uint64_t>() : std::optional(pruning));
    EXPECT_TRUE(process.log().inclusion_proof(index, process.log().checkpoint()).has_value());
  }
  testing::check_whole_log(process.store(), process.log().checkpoint().checkpoint());
  expect_whole(process, 512 - 3);
  EXPECT_FALSE(engine_->holds(secret_of("a1")));
  EXPECT_FALSE(engine_->holds(secret_of("a511")));
  EXPECT_TRUE(engine_->holds(secret_of("a512")));
}

// It holds nothing up, and a person may mend it yet.
TEST_P(PruningContract, SetsAsideWhatItCannotRead) {
  LogProcess process(*engine_);
  std::vector<std::string> lost;
  process.options.on_lost_content = [&](const std::string& what) { lost.push_back(what); };
  ASSERT_TRUE(process.open().has_value());
  ASSERT_TRUE(process.append(verdicts("a", 300)).has_value());
  const std::uint64_t policy = append_one(process, retention_of(kDays));
  ASSERT_TRUE(process.publish().has_value());
  const Object damaged{"preimages/000", to_bytes("what was there"), true};
  ASSERT_TRUE(process.store().put(std::span(&damaged, 1)).has_value());
  // And ends before it has written it anew.
  process.faults.fail_each("put preimages/000", ErrorKind::kRetryable);
  (void)append_one(process, pruning_of({policy, 256, 0}));
  ASSERT_TRUE(process.publish().has_value());
  EXPECT_TRUE(testing::eventually([&] { return !*process.store().fetch("preimages/000"); }));
  process.die();
  const auto opened = process.open();
  ASSERT_TRUE(opened.has_value()) << opened.error().message;
  ASSERT_TRUE(wait_for_pruning(process));
  EXPECT_TRUE(engine_->holds("what was there"));
  expect_whole(process, 256);
  process.close();
  ASSERT_EQ(lost.size(), 1U);
  EXPECT_NE(lost[0].find("preimages/000: "), std::string::npos) << lost[0];
  EXPECT_NE(lost[0].find("is set aside"), std::string::npos) << lost[0];
  ASSERT_TRUE(process.open().has_value());
  EXPECT_EQ(process.log().status().failure, std::nullopt);
}

TEST_P(PruningContract, GoesOnFromOneToTheNextAndKeepsWhatWasErased) {
  LogProcess process(*engine_);
  ASSERT_TRUE(process.open().has_value());
  const auto places = process.append(verdicts("a", 1024)).value();
  ASSERT_TRUE(process.publish().has_value());
  const std::uint64_t erasure = append_one(process, erasure_of(places[7]));
  const std::uint64_t policy = append_one(process, retention_of(kDays));
  for (const std::uint64_t boundary : {256U, 512U, 768U, 1024U}) {
    (void)append_one(process, pruning_of({policy, boundary, boundary - 256}));
    ASSERT_TRUE(process.publish().has_value());
    ASSERT_TRUE(wait_for_pruning(process));
    expect_whole(process, boundary - 1);
  }
  // Of what is gone already.
  (void)append_one(process, erasure_of(places[8]));
  ASSERT_TRUE(process.publish().has_value());
  EXPECT_EQ(process.log().get(7)->erased_by, erasure);
  EXPECT_FALSE(process.log().get(7)->is_pruned);
  EXPECT_TRUE(process.log().get(8)->is_pruned);
  EXPECT_EQ(check(process).erased, 1U);
  process.close();
  ASSERT_TRUE(process.open().has_value());
  EXPECT_EQ(process.log().retention()->pruning, (Pruning{policy, 1024, 768}));
  expect_whole(process, 1023);
}

// Whatever is entered: nothing goes that the newest policy does not allow, and nothing comes back.
TEST_P(PruningContract, LeavesWhatThePolicyDoesNotAllow) {
  LogProcess process(*engine_);
  ASSERT_TRUE(process.open().has_value());
  ASSERT_TRUE(process.append(verdicts("a", 1024)).has_value());
  const auto expect_no_effect = [&](const Pruning& pruning) {
    const Pruning before = process.log().retention()->pruning;
    (void)append_one(process, pruning_of(pruning));
    ASSERT_TRUE(process.publish().has_value());
    EXPECT_EQ(process.log().retention()->pruning, before);
  };
  expect_no_effect({0, 256, 0});  // no policy
  const std::uint64_t content_alone = append_one(process, retention_of({hours(24), hours(0)}));
  expect_no_effect({0, 256, 0});                // of another entry
  expect_no_effect({content_alone, 512, 256});  // its bundles are served for ever
  const std::uint64_t both = append_one(process, retention_of(kDays));
  expect_no_effect({content_alone, 256, 0});  // no longer in force
  (void)append_one(process, pruning_of({both, 512, 256}));
  ASSERT_TRUE(process.publish().has_value());
  EXPECT_EQ(process.log().retention()->pruning, (Pruning{both, 512, 256}));
  expect_no_effect({both, 512, 0});    // back
  expect_no_effect({both, 256, 256});  // back
  const std::uint64_t off = append_one(process, retention_of({}));
  expect_no_effect({off, 768, 256});
  ASSERT_TRUE(wait_for_pruning(process));
  expect_whole(process, 512);
  process.close();
  ASSERT_TRUE(process.open().has_value());
  EXPECT_EQ(process.log().retention()->policy, RetentionPolicy());
  EXPECT_EQ(process.log().retention()->policy_index, off);
  EXPECT_EQ(process.log().retention()->pruning, (Pruning{both, 512, 256}));
  EXPECT_FALSE(process.log().get(512)->preimage.empty());
  expect_whole(process, 512);
}

// A store of before that publication, restored: the start makes it again, as the anchor has it.
TEST_P(PruningContract, IsMadeAgainWhereOnlyAnAnchorKnowsOfIt) {
  {
    LogProcess process(*engine_);
    ASSERT_TRUE(process.open().has_value());
    ASSERT_TRUE(process.append(verdicts("a", 300)).has_value());
    ASSERT_TRUE(process.publish().has_value());
    const std::uint64_t policy = append_one(process, retention_of(kDays));
    (void)append_one(process, pruning_of({policy, 256, 0}));
    engine_->back_up_store();
    ASSERT_TRUE(process.publish().has_value());
    ASSERT_TRUE(wait_for_pruning(process));
    process.die();
  }
  engine_->restore_store();
  LogProcess process(*engine_);
  ASSERT_TRUE(process.open().has_value());
  EXPECT_EQ(process.log().checkpoint().size(), 302U);
  ASSERT_TRUE(wait_for_pruning(process));
  expect_whole(process, 256);
}

// A log that may not sign prunes nothing either.
TEST_P(PruningContract, PrunesNothingWhereTheLogIsReadOnly) {
  LogProcess process(*engine_);
  ASSERT_TRUE(process.open().has_value());
  ASSERT_TRUE(process.append(verdicts("a", 300)).has_value());
  const std::uint64_t policy = append_one(process, retention_of(kDays));
  (void)append_one(process, pruning_of({policy, 256, 0}));
  process.log().stop_signing("somebody saw another one");
  EXPECT_FALSE(process.publish().has_value());
  EXPECT_FALSE(process.log().get(1)->preimage.empty());
  process.close();
  EXPECT_TRUE(engine_->holds(secret_of("a1")));
}

TEST_P(PruningContract, GoesOnAfterAFaultThatPasses) {
  bool hit = true;
  for (std::size_t step = 0; hit; ++step) {
    SCOPED_TRACE("step " + std::to_string(step));
    engine_ = GetParam().make();
    LogProcess process(*engine_);
    ASSERT_TRUE(process.open().has_value());
    ASSERT_TRUE(process.append(verdicts("a", 300)).has_value());
    ASSERT_TRUE(process.append({retention_of(kDays), pruning_of({300, 256, 0})}).has_value());
    process.faults.fail_step(step, Faults::Outcome::kFailed, ErrorKind::kRetryable);
    ASSERT_TRUE(process.publish().has_value());
    ASSERT_TRUE(testing::eventually([&] {
      process.clock.advance(std::chrono::seconds(1));
      return process.log().retention()->content_gone == 256;
    }));
    expect_whole(process, 256);
    hit = process.faults.failures() > 0;
    if (HasFailure()) return;
  }
}

class PruningSweep : public PruningContract {
 protected:
  static constexpr int kEntries = 600;

  // One life; whether the pruning was acknowledged.
  static bool live(LogProcess& process) {
    static const std::vector<Submission> all = verdicts("a", kEntries);
    if (!process.open().has_value()) return false;
    if (!process.append(all).has_value() || !process.publish().has_value()) return false;
    const bool acknowledged =
        process.append({retention_of(kDays), pruning_of({kEntries, 512, 256})}).has_value();
    if (acknowledged && process.publish().has_value() && wait_for_pruning(process)) {
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
    ASSERT_TRUE(wait_for_pruning(process));
    ASSERT_TRUE(process.append({verdict("last")}).has_value());
    ASSERT_TRUE(process.publish().has_value());
    const FsckReport report = check(process);
    EXPECT_TRUE(report.is_whole())
        << report.damages.front().path << ": " << report.damages.front().what;
    EXPECT_TRUE(!acknowledged || report.pruned == 512U) << report.pruned;
    EXPECT_EQ(process.log().retention()->pruning.minimum_index, report.pruned / 2);
    const bool are_there = report.entries > kEntries;
    EXPECT_EQ(engine_->holds(secret_of("a1")), report.pruned == 0 && are_there);
    EXPECT_EQ(engine_->holds(secret_of("a511")), report.pruned == 0 && are_there);
    EXPECT_EQ(engine_->holds(secret_of("a512")), are_there);
  }
};

TEST_P(PruningSweep, FinishesItWhicheverStepFails) {
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

AVOUCH_ON_EVERY_ENGINE(PruningContract);
AVOUCH_ON_EVERY_ENGINE(PruningSweep);

}  // namespace
}  // namespace avouch::tlog
