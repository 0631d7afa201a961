// Logs that follow one another, whichever engine keeps them: a closed one has exactly one
// successor, which begins with what it ended with, whatever was interrupted.

#include "control/shard_chain.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "contract/tlog/engine_cases.h"
#include "control/sequenced_log.h"
#include "support/eventually.h"
#include "support/own_entries.h"
#include "support/sanitized.h"
#include "tlog/client.h"
#include "tlog/closed_log.h"
#include "tlog/fsck.h"

namespace avouch::control {
namespace {

using namespace std::chrono;
using testing::Faults;
using ::testing::HasSubstr;
using testing::kTestOrigin;
using tlog::ShardPeriod;

const Bytes kPseudonyms(32, 7);

const crypto::PrivateKey& log_key() {
  static const auto key = crypto::PrivateKey::generate(crypto::KeyType::kEd25519);
  return key;
}
const crypto::PrivateKey& statement_key() {
  static const auto key = crypto::PrivateKey::generate(crypto::KeyType::kEcP256);
  return key;
}
tlog::NoteSigner signer_of(const std::string& label) {
  return tlog::NoteSigner::make(tlog::shard_origin(kTestOrigin, label), log_key()).value();
}

// Where the logs lie, across restarts.
struct Disks {
  explicit Disks(const tlog::EngineCase& engine) : make(engine.make) {}
  testing::LogEngine& at(const std::string& label) {
    auto& one = by_begin[*tlog::begin_of(label)];
    if (one.second == nullptr) one = {label, make()};
    return *one.second;
  }
  std::function<std::unique_ptr<testing::LogEngine>()> make;
  std::map<SystemTime, std::pair<std::string, std::unique_ptr<testing::LogEngine>>> by_begin;
};

// One process.
class ChainProcess final : public ShardLogs {
 public:
  explicit ChainProcess(Disks& disks) : disks_(disks) {}
  ~ChainProcess() override { close(); }

  Result<ShardOpened> run(ShardPeriod period, SystemTime now) {
    return open_newest_shard(*this, {kTestOrigin, period, kPseudonyms}, statement_key(),
                             crypto::system_random(), now);
  }
  void close() {
    log_.reset();
    anchor_.reset();
    store_.reset();
    label_.reset();
  }

  Result<std::vector<std::string>> labels() override {
    std::vector<std::string> out;
    for (const auto& [begin, one] : disks_.by_begin) out.push_back(one.first);
    return out;
  }
  Result<tlog::Log*> open(const std::string& label) override {
    if (label_ == label && log_) return log_.get();
    close();
    label_ = label;
    testing::LogEngine& engine = disks_.at(label);
    AVOUCH_TRY(auto store, engine.open_store());
    store_ = std::make_unique<testing::FaultyLogStore>(std::move(store), faults);
    AVOUCH_TRY(auto anchor, engine.open_anchor("head"));
    anchor_ = std::make_unique<testing::FaultyAnchor>(std::move(anchor), faults);
    tlog::LogOptions options;
    options.origin = tlog::shard_origin(kTestOrigin, label);
    options.read_only_on_conflict = true;
    AVOUCH_TRY(log_, tlog::Log::open(options, *store_, {anchor_.get()}, signer_of(label), clock));
    return log_.get();
  }
  Result<void> begin(const std::optional<tlog::Predecessor>& predecessor) override {
    LogIndex index;
    SequencedLog entries(*log_, index);
    return ensure_genesis(*log_, entries, tlog::shard_origin(kTestOrigin, *label_), kPseudonyms,
                          statement_key(), tlog::format_vkey(signer_of(*label_).verifier()),
                          crypto::system_random(), SystemTime(hours(1)), predecessor);
  }
  Result<void> settle() override {
    AVOUCH_CHECK(log_->publish_now());
    return {};
  }
  Result<Ended> ended(const std::string& label) override {
    AVOUCH_TRY(const auto store, disks_.at(label).open_store());
    const std::string origin = tlog::shard_origin(kTestOrigin, label);
    const tlog::NoteVerifier key = signer_of(label).verifier();
    AVOUCH_TRY(const tlog::ClosedLog closed,
               tlog::ClosedLog::open(*store, std::span(&key, 1), origin));
    return Ended{{origin, closed.checkpoint().note()}, closed.end()};
  }

  Faults faults;
  testing::ManualClock clock;

 private:
  Disks& disks_;
  std::optional<std::string> label_;
  std::unique_ptr<tlog::Store> store_;
  std::unique_ptr<tlog::Anchor> anchor_;
  std::unique_ptr<tlog::Log> log_;
};

SystemTime on(int y, unsigned m, unsigned d) {
  return SystemTime(sys_days(year(y) / month(m) / day(d)));
}

class ShardChain : public ::testing::TestWithParam<tlog::EngineCase> {
 protected:
  // Whether an entry was acknowledged.
  static bool live(ChainProcess& process, ShardPeriod period, SystemTime now,
                   const std::string& entry) {
    const auto opened = process.run(period, now);
    if (!opened.has_value()) return false;
    const bool taken = opened->log->append_and_wait(testing::verdict(entry)).has_value();
    return taken && opened->log->publish_now().has_value();
  }
  std::vector<std::string> labels() {
    ChainProcess process(*disks_);
    return process.labels().value();
  }
  // That the logs follow one another, all but the last are closed, and each is whole. How often a
  // preimage with that text is in them.
  void expect_chain() {
    std::optional<tlog::VerifiedCheckpoint> before;
    const std::vector<std::string> all = labels();
    for (const std::string& label : all) {
      SCOPED_TRACE("log of \"" + label + "\"");
      const std::string origin = tlog::shard_origin(kTestOrigin, label);
      const auto store = disks_->at(label).open_store().value();
      const tlog::NoteVerifier key = signer_of(label).verifier();
      const auto at = tlog::fetch_checkpoint(*store, std::span(&key, 1), origin);
      ASSERT_TRUE(at.has_value()) << at.error().message;
      const auto report = tlog::check_log(*store, *at, {.preimages = true});
      ASSERT_TRUE(report.has_value());
      EXPECT_TRUE(report->is_whole()) << report->damages.front().what;
      const auto links = tlog::stored_shard_links(*store, *at);
      ASSERT_TRUE(links.has_value()) << links.error().message;
      ASSERT_EQ(links->predecessor.has_value(), before.has_value());
      if (before) {
        EXPECT_EQ(links->predecessor->note, before->note());
      }
      ASSERT_EQ(links->end.has_value(), label != all.back());
      if (links->end) {
        const auto next = std::next(std::find(all.begin(), all.end(), label));
        EXPECT_EQ(links->end->next, tlog::shard_origin(kTestOrigin, *next));
      }
      before = *at;
    }
  }
  bool holds(const std::string& entry) {
    return std::any_of(disks_->by_begin.begin(), disks_->by_begin.end(), [&](const auto& each) {
      return each.second.second->holds(testing::secret_of(entry));
    });
  }

  std::unique_ptr<Disks> disks_ = std::make_unique<Disks>(GetParam());
};

using Labels = std::vector<std::string>;

TEST_P(ShardChain, IsOneLogForEverWhereThereAreNoShards) {
  for (const int y : {2026, 2027, 2031}) {
    ChainProcess process(*disks_);
    EXPECT_TRUE(live(process, ShardPeriod::kNone, on(y, 5, 1), std::to_string(y)));
  }
  EXPECT_EQ(labels(), Labels{""});
  expect_chain();
}

TEST_P(ShardChain, GoesOnWithEachPeriod) {
  struct Day {
    ShardPeriod period;
    SystemTime now;
    Labels expected;
  };
  int number = 0;
  for (const auto& [period, now, expected] : std::vector<Day>{
           {ShardPeriod::kNone, on(2026, 5, 1), {""}},
           {ShardPeriod::kQuarter, on(2026, 5, 2), {"", "2026-q2"}},  // switched on
           {ShardPeriod::kQuarter, on(2026, 6, 30), {"", "2026-q2"}},
           {ShardPeriod::kQuarter, on(2026, 7, 1), {"", "2026-q2", "2026-q3"}},
           {ShardPeriod::kQuarter, on(2026, 4, 1), {"", "2026-q2", "2026-q3"}},  // clock went back
           {ShardPeriod::kNone, on(2027, 1, 1), {"", "2026-q2", "2026-q3"}},     // switched off
           {ShardPeriod::kYear, on(2027, 1, 1), {"", "2026-q2", "2026-q3", "2027"}},
           {ShardPeriod::kMonth, on(2027, 1, 9), {"", "2026-q2", "2026-q3", "2027"}},
           {ShardPeriod::kMonth, on(2027, 2, 1), {"", "2026-q2", "2026-q3", "2027", "2027-02"}}}) {
    const std::string entry = "day" + std::to_string(++number);
    ChainProcess process(*disks_);
    ASSERT_TRUE(live(process, period, now, entry)) << entry;
    process.close();
    EXPECT_EQ(labels(), expected) << entry;
    EXPECT_TRUE(disks_->at(expected.back()).holds(testing::secret_of(entry))) << entry;
    expect_chain();
  }
}

TEST_P(ShardChain, BeginsWithALabelWhereNoLogWasThere) {
  ChainProcess process(*disks_);
  ASSERT_TRUE(live(process, ShardPeriod::kMonth, on(2026, 11, 30), "a"));
  process.close();
  EXPECT_EQ(labels(), Labels{"2026-11"});
  expect_chain();
}

// The period passes while a process runs: another one goes on.
TEST_P(ShardChain, SaysWhenItIsOver) {
  EXPECT_FALSE(is_over("", ShardPeriod::kNone, on(2027, 1, 1)));
  EXPECT_TRUE(is_over("", ShardPeriod::kYear, on(2027, 1, 1)));
  EXPECT_FALSE(is_over("2027", ShardPeriod::kYear, on(2028, 1, 1) - milliseconds(1)));
  EXPECT_TRUE(is_over("2027", ShardPeriod::kYear, on(2028, 1, 1)));
}

// Nobody could take it out later: a closed log is not written.
TEST_P(ShardChain, BeginsNoLogBeforeTheOldOneIsPruned) {
  ChainProcess process(*disks_);
  const auto opened = process.run(ShardPeriod::kNone, on(2026, 5, 1));
  ASSERT_TRUE(opened.has_value()) << opened.error().message;
  for (tlog::Submission& each : testing::verdicts("old", 256)) {
    ASSERT_TRUE(opened->log->append_and_wait(std::move(each)).has_value());
  }
  const auto policy = opened->log->append_and_wait(testing::retention_of({hours(24), hours(0)}));
  ASSERT_TRUE(policy.has_value() && opened->log->publish_now().has_value());
  process.faults.fail_each("put preimages/000", ErrorKind::kRetryable);
  const tlog::Pruning pruning{policy->index, 256, 0};
  ASSERT_TRUE(opened->log->append_and_wait(testing::pruning_of(pruning)).has_value());

  for (int again = 0; again < 2; ++again) {
    const auto refused = process.run(ShardPeriod::kYear, on(2026, 5, 2));
    ASSERT_FALSE(refused.has_value());
    EXPECT_EQ(refused.error().kind, ErrorKind::kRetryable);
    EXPECT_THAT(refused.error().message, HasSubstr("is being taken out of it"));
  }
  EXPECT_EQ(labels(), Labels{""});
  EXPECT_TRUE(holds("old0"));

  process.faults.heal();
  EXPECT_TRUE(testing::eventually([&] {
    process.clock.advance(seconds(1));
    return process.run(ShardPeriod::kYear, on(2026, 5, 2)).has_value();
  }));
  process.close();
  EXPECT_EQ(labels(), (Labels{"", "2026"}));
  EXPECT_FALSE(holds("old0"));
  expect_chain();
}

// Each step of the change, failed, or failed but done; then a process that is not disturbed.
TEST_P(ShardChain, IsMadeGoodWhicheverStepFails) {
  std::size_t steps = 0, before = 0;
  const auto begin = [&](ChainProcess& process) {
    return live(process, ShardPeriod::kNone, on(2026, 5, 1), "old");
  };
  {
    ChainProcess process(*disks_);
    ASSERT_TRUE(begin(process));
    process.close();
    before = process.faults.steps();
    ASSERT_TRUE(live(process, ShardPeriod::kYear, on(2026, 5, 2), "new"));
    process.close();
    steps = process.faults.steps() - before;
  }
  std::size_t failed = 0;
  const std::size_t stride = testing::kSanitized && GetParam().name != "Memory" ? 4 : 1;
  for (const auto outcome : {Faults::Outcome::kFailed, Faults::Outcome::kFailedButPersisted}) {
    for (std::size_t step = 0; step < steps; step += stride) {
      SCOPED_TRACE("step " + std::to_string(step) + " outcome " +
                   std::to_string(static_cast<int>(outcome)));
      disks_ = std::make_unique<Disks>(GetParam());
      {
        ChainProcess process(*disks_);
        ASSERT_TRUE(begin(process));
      }
      ChainProcess disturbed(*disks_);
      disturbed.faults.fail_step(step, outcome, ErrorKind::kFatal);
      const bool acknowledged = live(disturbed, ShardPeriod::kYear, on(2026, 5, 2), "new");
      failed += acknowledged ? 0 : 1;
      disturbed.close();
      // Whatever is configured by then: a log that is closed is followed by the one that it names.
      const ShardPeriod period = step % 2 == 0 ? ShardPeriod::kYear : ShardPeriod::kMonth;
      ChainProcess next(*disks_);
      const bool went_on = live(next, period, on(2026, 5, 3), "last");
      next.close();
      ASSERT_TRUE(went_on);
      expect_chain();
      EXPECT_TRUE(holds("old") && holds("last"));
      EXPECT_TRUE(!acknowledged || holds("new"));
      EXPECT_EQ(labels().size(), labels().back() == "2026-05" && labels().size() == 3 ? 3U : 2U);
      if (HasFailure()) return;
    }
  }
  EXPECT_GT(failed * stride, 10U);
}

// A backup of the log from before it was closed, put back beside its successor, or in its place.
TEST_P(ShardChain, TellsWhatWasPutBack) {
  {
    ChainProcess process(*disks_);
    ASSERT_TRUE(live(process, ShardPeriod::kNone, on(2026, 5, 1), "a"));
  }
  disks_->at("").back_up_store();
  {
    ChainProcess process(*disks_);
    ASSERT_TRUE(live(process, ShardPeriod::kYear, on(2026, 5, 2), "b"));
  }
  disks_->at("").restore_store();
  {  // The newest is as it was, and goes on.
    ChainProcess process(*disks_);
    EXPECT_TRUE(live(process, ShardPeriod::kYear, on(2026, 5, 3), "c"));
  }
  // With the newest lost, and forgotten, the one before must not go on: its head file knows more.
  disks_->by_begin.erase(*tlog::begin_of("2026"));
  ChainProcess process(*disks_);
  const auto opened = process.run(ShardPeriod::kYear, on(2026, 5, 4));
  ASSERT_TRUE(opened.has_value()) << opened.error().message;
  EXPECT_TRUE(opened->log->status().read_only.has_value());
}

// A successor without entries whose predecessor is not closed was not made by us.
TEST_P(ShardChain, JoinsNothingToALogThatIsOpen) {
  {
    ChainProcess process(*disks_);
    ASSERT_TRUE(live(process, ShardPeriod::kNone, on(2026, 5, 1), "a"));
  }
  (void)disks_->at("2027");
  ChainProcess process(*disks_);
  const auto opened = process.run(ShardPeriod::kYear, on(2027, 1, 1));
  ASSERT_FALSE(opened.has_value());
  EXPECT_EQ(opened.error().kind, ErrorKind::kFatal);
  EXPECT_THAT(opened.error().message, HasSubstr("is not closed"));
}

INSTANTIATE_TEST_SUITE_P(Engines, ShardChain, ::testing::ValuesIn(tlog::engine_cases()),
                         [](const auto& one) { return one.param.name; });

}  // namespace
}  // namespace avouch::control
