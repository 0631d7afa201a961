// A log that is closed, whichever engine keeps it: nothing comes behind the entry that closed it,
// whatever was interrupted.

#include "tlog/shard.h"

#include <gtest/gtest.h>

#include "contract/tlog/engine_cases.h"
#include "support/own_entries.h"
#include "support/sanitized.h"
#include "tlog/closed_log.h"
#include "tlog/fsck.h"

namespace avouch::tlog {
namespace {

using testing::Faults;
using testing::LogProcess;
using testing::verdict;
using testing::verdicts;

const ShardEnd kEnd{SystemTime(std::chrono::seconds(1'800'000'000)),
                    std::string(testing::kTestOrigin) + "/2027"};

Submission end_of_log() { return testing::own_submission(kShardKind, shard_end_payload(kEnd), ""); }

class ShardContract : public LogContract {
 protected:
  static void expect_refused(LogProcess& process) {
    const auto refused = process.append({verdict("late")});
    ASSERT_FALSE(refused.has_value());
    EXPECT_EQ(refused.error().kind, ErrorKind::kRetryable);
    EXPECT_NE(refused.error().message.find("is closed"), std::string::npos)
        << refused.error().message;
    const auto again = process.append({end_of_log()});
    ASSERT_FALSE(again.has_value());  // nor is it closed a second time
  }
  static void expect_closed(LogProcess& process, std::uint64_t size) {
    EXPECT_EQ(process.log().status().closed_by, size - 1);
    expect_refused(process);
    const auto checkpoint = process.publish();
    ASSERT_TRUE(checkpoint.has_value()) << checkpoint.error().message;
    EXPECT_EQ(checkpoint->size(), size);
    const auto closed =
        ClosedLog::open(process.store(), std::span(&testing::test_log_signer().verifier(), 1),
                        testing::kTestOrigin);
    ASSERT_TRUE(closed.has_value()) << closed.error().message;
    EXPECT_EQ(closed->end(), kEnd);
    FsckOptions options;
    options.preimages = true;
    const auto report = check_log(process.store(), *checkpoint, options);
    ASSERT_TRUE(report.has_value());
    EXPECT_TRUE(report->is_whole()) << report->damages.front().what;
  }
};

TEST_P(ShardContract, TakesNothingBehindTheEntryThatClosesIt) {
  for (const int before : {2, 254, 255, 256, 511}) {
    SCOPED_TRACE(before);
    engine_ = GetParam().make();
    const auto size = static_cast<std::uint64_t>(before) + 1;
    {
      LogProcess process(*engine_);
      ASSERT_TRUE(process.open().has_value());
      ASSERT_TRUE(process.append(verdicts("a", before)).has_value());
      EXPECT_EQ(process.log().status().closed_by, std::nullopt);
      ASSERT_TRUE(process.append({end_of_log()}).has_value());
      expect_refused(process);  // from the moment on that it is sequenced
      expect_closed(process, size);
    }
    LogProcess process(*engine_);
    ASSERT_TRUE(process.open().has_value());
    expect_closed(process, size);
  }
}

// Killed between the entry's index and its publication.
TEST_P(ShardContract, StaysClosedWhereItWasOnlyCommitted) {
  {
    LogProcess process(*engine_);
    ASSERT_TRUE(process.open().has_value());
    ASSERT_TRUE(process.append(verdicts("a", 5)).has_value());
    ASSERT_TRUE(process.append({end_of_log()}).has_value());
    process.die();
  }
  LogProcess process(*engine_);
  ASSERT_TRUE(process.open().has_value());
  expect_closed(process, 6);
}

TEST_P(ShardContract, TakesItAsTheLastOfACallAlone) {
  LogProcess process(*engine_);
  ASSERT_TRUE(process.open().has_value());
  const auto refused = process.append({verdict("a"), end_of_log(), verdict("b")});
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().kind, ErrorKind::kRejected);
  EXPECT_EQ(process.log().status().sequenced, 0U);
  ASSERT_TRUE(process.append({verdict("a"), end_of_log()}).has_value());
  expect_closed(process, 2);
}

// Somebody else's entry of that kind is one like any other.
TEST_P(ShardContract, IsClosedByItsOwnWordAlone) {
  LogProcess process(*engine_);
  ASSERT_TRUE(process.open().has_value());
  static const auto key = crypto::PrivateKey::generate(crypto::KeyType::kEcP256);
  auto others =
      make_entry(key, {"somebody", "log:1", std::string(kShardKind), shard_end_payload(kEnd)},
                 crypto::system_random())
          .value();
  ASSERT_TRUE(process.append({{std::move(others.statement), {}, ""}}).has_value());
  EXPECT_EQ(process.log().status().closed_by, std::nullopt);
  ASSERT_TRUE(process.append({verdict("a")}).has_value());
  ASSERT_TRUE(process.publish().has_value());
  process.close();
  ASSERT_TRUE(process.open().has_value());
  ASSERT_TRUE(process.append({verdict("b")}).has_value());
}

// A disk that is full when it is to be closed leaves it open.
TEST_P(ShardContract, StaysOpenWhereItsLastEntryIsNotTaken) {
  LogProcess process(*engine_);
  ASSERT_TRUE(process.open().has_value());
  ASSERT_TRUE(process.append(verdicts("a", 3)).has_value());
  process.faults.fail_all(ErrorKind::kRetryable);
  ASSERT_FALSE(process.append({end_of_log()}).has_value());
  process.faults.heal();
  EXPECT_EQ(process.log().status().closed_by, std::nullopt);
  ASSERT_TRUE(process.append({verdict("b")}).has_value());
  ASSERT_TRUE(process.append({end_of_log()}).has_value());
  expect_closed(process, 5);
}

class ShardSweep : public ShardContract {};

// One life that closes the log, interrupted at every step; then another.
TEST_P(ShardSweep, IsOpenOrClosedWhicheverStepFails) {
  const auto live = [](LogProcess& process) {
    if (!process.open().has_value()) return false;
    if (!process.append(verdicts("a", 255)).has_value() || !process.publish().has_value()) {
      return false;
    }
    const bool acknowledged = process.append({end_of_log()}).has_value();
    if (acknowledged) (void)process.publish();
    return acknowledged;
  };
  std::size_t steps = 0, closed = 0, open = 0;
  {
    LogProcess process(*engine_);
    ASSERT_TRUE(live(process));
    steps = process.faults.steps();
  }
  const std::size_t stride = testing::kSanitized && GetParam().name != "Memory" ? 4 : 1;
  for (const auto outcome : {Faults::Outcome::kFailed, Faults::Outcome::kFailedButPersisted}) {
    for (std::size_t step = 0; step < steps; step += stride) {
      SCOPED_TRACE("step " + std::to_string(step) + " outcome " +
                   std::to_string(static_cast<int>(outcome)));
      engine_ = GetParam().make();
      LogProcess process(*engine_);
      process.faults.fail_step(step, outcome, ErrorKind::kFatal);
      const bool acknowledged = live(process);
      process.close();
      process.faults.heal();
      const auto opened = process.open();
      ASSERT_TRUE(opened.has_value()) << opened.error().message;
      const LogStatus status = process.log().status();
      EXPECT_TRUE(!acknowledged || status.closed_by) << "an acknowledged end was lost";
      if (status.closed_by) {
        ++closed;
        expect_closed(process, 256);
      } else {
        ++open;
        ASSERT_TRUE(process.append({verdict("b"), end_of_log()}).has_value());
        expect_closed(process, process.log().status().sequenced);
      }
      if (HasFailure()) return;
    }
  }
  EXPECT_GT(closed * stride, 3U);
  EXPECT_GT(open * stride, 3U);
}

AVOUCH_ON_EVERY_ENGINE(ShardContract);
AVOUCH_ON_EVERY_ENGINE(ShardSweep);

}  // namespace
}  // namespace avouch::tlog
