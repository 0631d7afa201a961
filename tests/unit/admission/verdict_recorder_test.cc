// Where verdicts go while the log answers, is slow, fails, refuses, or comes back; and that nobody
// waits longer than the deadline, whatever hangs.

#include "admission/verdict_recorder.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <future>
#include <set>

#include "support/manual_clock.h"

namespace avouch::admission {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::ManualClock;

// Something that a test can make hang.
class Gate {
 public:
  void shut() {
    const std::lock_guard lock(mutex_);
    open_ = false;
  }
  void open() {
    const std::lock_guard lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }
  void pass() {
    std::unique_lock lock(mutex_);
    ++inside_;
    changed_.notify_all();
    changed_.wait(lock, [this] { return open_; });
    --inside_;
  }
  void await_somebody() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return inside_ > 0; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool open_ = true;
  int inside_ = 0;
};

class FakeLog final : public LogEndpoint {
 public:
  Result<LogPlaces> append(std::span<const LogRecord> records) override {
    gate.pass();
    const std::lock_guard lock(mutex_);
    if (cancelled_) return retryable("stopped");
    batches_.push_back(records.size());
    if (down_) return retryable("no route to the log");
    for (const LogRecord& record : records) {
      if (bad_.contains(record.id)) return rejected("record " + record.id + " is bad");
    }
    LogPlaces indices;
    for (const LogRecord& record : records) {
      if (no_room_for_.contains(record.id)) {
        indices.emplace_back();
        continue;
      }
      auto known = std::find(ids_.begin(), ids_.end(), record.id);
      if (known == ids_.end()) {
        ids_.push_back(record.id);
        payloads_.push_back(std::string(as_text(record.payload)));
        known = ids_.end() - 1;
      }
      indices.emplace_back(static_cast<std::uint64_t>(known - ids_.begin()));
    }
    return indices;
  }
  void cancel() override {
    {
      const std::lock_guard lock(mutex_);
      cancelled_ = true;
    }
    gate.open();
  }

  void set_down(bool down) {
    const std::lock_guard lock(mutex_);
    down_ = down;
  }
  void set_no_room_for(const std::string& id) {
    const std::lock_guard lock(mutex_);
    no_room_for_.insert(id);
  }
  void set_bad(const std::string& id) {
    const std::lock_guard lock(mutex_);
    bad_.insert(id);
  }
  std::vector<std::string> ids() {
    const std::lock_guard lock(mutex_);
    return ids_;
  }
  std::vector<std::string> payloads() {
    const std::lock_guard lock(mutex_);
    return payloads_;
  }
  std::vector<std::size_t> batches() {
    const std::lock_guard lock(mutex_);
    return batches_;
  }
  Gate gate;

 private:
  std::mutex mutex_;
  bool down_ = false, cancelled_ = false;
  std::set<std::string> bad_, no_room_for_;
  std::vector<std::string> ids_, payloads_;
  std::vector<std::size_t> batches_;
};

class FakeSpool final : public Spool {
 public:
  Result<void> append(std::span<const LogRecord> records, SystemTime now) override {
    gate.pass();
    const std::lock_guard lock(mutex_);
    if (full_) return retryable("no space left on device");
    for (const auto& record : records) kept_.push_back({record, now});
    return {};
  }
  Result<std::vector<LogRecord>> front(std::size_t most, std::size_t) override {
    const std::lock_guard lock(mutex_);
    if (damaged_) return rejected("the checksum does not match");
    std::vector<LogRecord> out;
    for (const auto& [record, time] : kept_) {
      if (out.size() < most) out.push_back(record);
    }
    return out;
  }
  Result<void> drop(std::size_t count) override {
    const std::lock_guard lock(mutex_);
    damaged_ = false;
    kept_.erase(kept_.begin(), kept_.begin() + static_cast<std::ptrdiff_t>(count));
    return {};
  }
  std::size_t records() const override {
    const std::lock_guard lock(mutex_);
    return kept_.size();
  }
  std::size_t bytes() const override {
    const std::lock_guard lock(mutex_);
    std::size_t sum = 0;
    for (const auto& [record, time] : kept_) sum += record.id.size() + record.payload.size();
    return sum;
  }
  std::optional<SystemTime> oldest() const override {
    const std::lock_guard lock(mutex_);
    if (kept_.empty()) return std::nullopt;
    return kept_.front().second;
  }
  void set_full(bool full) {
    const std::lock_guard lock(mutex_);
    full_ = full;
  }
  void damage_front() {
    const std::lock_guard lock(mutex_);
    damaged_ = true;
  }
  Gate gate;

 private:
  mutable std::mutex mutex_;
  std::deque<std::pair<LogRecord, SystemTime>> kept_;
  bool full_ = false, damaged_ = false;
};

class Recorder : public ::testing::Test {
 protected:
  ~Recorder() override {
    log.gate.open();
    spool.gate.open();
  }
  void start(const RecorderOptions& options = {}) {
    recorder = std::make_unique<VerdictRecorder>(log, spool, clock, options);
  }
  std::future<Placed> record(const std::string& id, Need need,
                             milliseconds patience = milliseconds(2'500), std::size_t size = 0,
                             const std::string& caller = {}) {
    auto promise = std::make_shared<std::promise<Placed>>();
    recorder->record(
        id, need, clock.steady_now() + patience,
        [id, size](bool late) {
          const std::string text = id + (late ? " late" : "") + std::string(size, '.');
          return Bytes(text.begin(), text.end());
        },
        [promise](Placed placed) { promise->set_value(std::move(placed)); }, caller);
    return promise->get_future();
  }
  // Moves the clock until `done` is there.
  Placed await(std::future<Placed>& done, milliseconds step = milliseconds(100)) {
    while (done.wait_for(milliseconds(5)) != std::future_status::ready) clock.advance(step);
    return done.get();
  }
  void put_log_down() {
    log.set_down(true);
    auto first = record("first", Need::kLogOrSpool);
    EXPECT_EQ(first.get().where, Placed::Where::kSpool);
  }

  ManualClock clock;
  FakeLog log;
  FakeSpool spool;
  std::unique_ptr<VerdictRecorder> recorder;
};

TEST_F(Recorder, PlacesVerdictsInTheLogWithTheirIndex) {
  start();
  for (std::uint64_t i = 0; i < 20; ++i) {
    const Placed placed =
        record("id" + std::to_string(i), i % 2 == 0 ? Need::kLog : Need::kLogOrSpool).get();
    EXPECT_EQ(placed.where, Placed::Where::kLog);
    EXPECT_EQ(placed.index, i);
  }
  EXPECT_EQ(recorder->stats().logged, 20U);
  EXPECT_EQ(spool.records(), 0U);
}

TEST_F(Recorder, GivesARepeatedIdTheSamePlace) {
  start();
  record("other", Need::kLog).get();
  EXPECT_EQ(record("same", Need::kLog).get().index, 1U);
  EXPECT_EQ(record("same", Need::kLogOrSpool).get().index, 1U);
  EXPECT_EQ(log.ids().size(), 2U);
}

TEST_F(Recorder, SendsWhatComesMeanwhileInOneBatchOfBoundedSize) {
  RecorderOptions options;
  options.batch_records = 10;
  start(options);
  log.gate.shut();
  std::vector<std::future<Placed>> waiting;
  waiting.push_back(record("first", Need::kLog));
  log.gate.await_somebody();
  for (int i = 0; i < 25; ++i) waiting.push_back(record("id" + std::to_string(i), Need::kLog));
  log.gate.open();
  for (auto& one : waiting) EXPECT_EQ(one.get().where, Placed::Where::kLog);
  EXPECT_EQ(log.batches(), (std::vector<std::size_t>{1, 10, 10, 5}));
}

TEST_F(Recorder, SplitsBatchesByBytesAndKeepsTheOrder) {
  RecorderOptions options;
  options.batch_bytes = 250;
  start(options);
  log.gate.shut();
  std::vector<std::future<Placed>> waiting;
  waiting.push_back(record("first", Need::kLog));
  log.gate.await_somebody();
  for (int i = 0; i < 6; ++i) {
    waiting.push_back(record("id" + std::to_string(i), Need::kLog, seconds(2), 100));
  }
  log.gate.open();
  for (std::size_t i = 0; i < waiting.size(); ++i) EXPECT_EQ(waiting[i].get().index, i);
  EXPECT_EQ(log.batches(), (std::vector<std::size_t>{1, 2, 2, 2}));
}

TEST_F(Recorder, SpoolsWhileTheLogIsOutOfReachAndDrainsInOrderMarkedLate) {
  start();
  put_log_down();
  for (const char* id : {"b", "c", "d"}) {
    EXPECT_EQ(record(id, Need::kLogOrSpool).get().where, Placed::Where::kSpool);
  }
  EXPECT_EQ(spool.records(), 4U);
  log.set_down(false);
  while (recorder->stats().drained < 4U) clock.advance(milliseconds(100));
  EXPECT_EQ(log.payloads(), (std::vector<std::string>{"first late", "b late", "c late", "d late"}));
  EXPECT_EQ(record("e", Need::kLogOrSpool).get().where, Placed::Where::kLog);
  EXPECT_EQ(recorder->stats().drained, 4U);
  EXPECT_EQ(recorder->stats().log_error, "");
}

TEST_F(Recorder, SpoolsWhenTheLogIsSlowAndDeniesStrictOnesAtTheirDeadline) {
  start();
  log.gate.shut();
  auto tolerant = record("tolerant", Need::kLogOrSpool);
  auto strict = record("strict", Need::kLog);
  log.gate.await_somebody();
  EXPECT_EQ(await(tolerant).where, Placed::Where::kSpool);
  EXPECT_LT(clock.steady_now(), SteadyTime(std::chrono::hours(1) + milliseconds(1'500)));
  const Placed placed = await(strict);
  EXPECT_EQ(placed.where, Placed::Where::kNowhere);
  EXPECT_NE(placed.why.find("in time"), std::string::npos);
  EXPECT_LE(clock.steady_now(), SteadyTime(std::chrono::hours(1) + milliseconds(2'700)));
}

TEST_F(Recorder, RefusesStrictOnesWhileTheLogIsDownAtTheirDeadlineWithTheLogsReason) {
  start();
  put_log_down();
  auto strict = record("strict", Need::kLog);
  const Placed placed = await(strict);
  EXPECT_EQ(placed.where, Placed::Where::kNowhere);
  EXPECT_NE(placed.why.find("no route to the log"), std::string::npos) << placed.why;
}

TEST_F(Recorder, AnswersAtTheDeadlineThoughLogAndDiskHang) {
  start();
  log.gate.shut();
  spool.gate.shut();
  auto first = record("first", Need::kLogOrSpool);
  log.gate.await_somebody();
  clock.advance(milliseconds(1'000));
  spool.gate.await_somebody();
  auto second = record("second", Need::kLog);
  auto third = record("third", Need::kLogOrSpool);
  for (auto* one : {&first, &second, &third}) {
    EXPECT_EQ(await(*one).where, Placed::Where::kNowhere);
  }
  EXPECT_LE(clock.steady_now(), SteadyTime(std::chrono::hours(1) + milliseconds(4'000)));
}

TEST_F(Recorder, RefusesWhenTheDiskIsFullAndSaysSo) {
  start();
  spool.set_full(true);
  log.set_down(true);
  auto done = record("a", Need::kLogOrSpool);
  const Placed placed = done.get();
  EXPECT_EQ(placed.where, Placed::Where::kNowhere);
  EXPECT_NE(placed.why.find("no space left"), std::string::npos) << placed.why;
  EXPECT_EQ(recorder->stats().lost, 1U);
  spool.set_full(false);
  EXPECT_EQ(record("b", Need::kLogOrSpool).get().where, Placed::Where::kSpool);
}

TEST_F(Recorder, SaysWhichDenialsTheLogHadNoRoomForAndGoesOn) {
  std::atomic<std::uint64_t> of_spool = 0;
  RecorderOptions options;
  options.on_left_out = [&of_spool](std::uint64_t count) { of_spool += count; };
  start(options);
  log.set_no_room_for("no");
  const Placed placed = record("no", Need::kSometime).get();
  EXPECT_EQ(placed.where, Placed::Where::kNowhere);
  EXPECT_NE(placed.why.find("no room"), std::string::npos) << placed.why;
  EXPECT_EQ(record("yes", Need::kLog).get().where, Placed::Where::kLog);
  EXPECT_EQ(recorder->stats().left_out, 1U);
  EXPECT_EQ(recorder->stats().log_error, "") << "the log is well";

  put_log_down();
  EXPECT_EQ(record("no", Need::kSometime).get().where, Placed::Where::kSpool);
  EXPECT_EQ(record("later", Need::kLogOrSpool).get().where, Placed::Where::kSpool);
  log.set_down(false);
  while (spool.records() > 0) clock.advance(milliseconds(100));
  ASSERT_TRUE(recorder->flush(clock.steady_now() + seconds(1)));
  EXPECT_EQ(of_spool, 1U);
  EXPECT_EQ(recorder->stats().left_out, 2U);
  EXPECT_EQ(recorder->stats().drained, 2U);
  EXPECT_EQ(recorder->stats().lost, 0U);
}

TEST_F(Recorder, TellsWhoWaitsWhenTheLogHasNoRoomForAnAllow) {
  start();
  log.set_no_room_for("allow");
  EXPECT_EQ(record("allow", Need::kLogOrSpool).get().where, Placed::Where::kNowhere);
  EXPECT_EQ(recorder->stats().refused, 1U);
  EXPECT_EQ(recorder->stats().left_out, 0U);
}

TEST_F(Recorder, BoundsTheSpoolInBytes) {
  RecorderOptions options;
  options.spool_bytes = 1'000;
  start(options);
  put_log_down();
  std::size_t spooled = 0;
  for (int i = 0; i < 20; ++i) {
    const Placed placed =
        record("id" + std::to_string(i), Need::kLogOrSpool, seconds(2), 100).get();
    if (placed.where == Placed::Where::kSpool) ++spooled;
    EXPECT_LE(spool.bytes(), 1'000U);
    if (placed.where == Placed::Where::kNowhere) {
      EXPECT_NE(placed.why.find("spool is full"), std::string::npos);
    }
  }
  EXPECT_GE(spooled, 5U);
  EXPECT_LT(spooled, 10U);
}

TEST_F(Recorder, KeepsHalfOfTheSpoolForWhatIsWaitedFor) {
  RecorderOptions options;
  options.spool_bytes = 1'000;
  start(options);
  put_log_down();
  for (int i = 0; i < 20; ++i) {
    record("no" + std::to_string(i), Need::kSometime, seconds(2), 100).wait();
  }
  EXPECT_LE(spool.bytes(), 500U);
  EXPECT_GT(recorder->stats().lost, 0U);
  EXPECT_EQ(record("yes", Need::kLogOrSpool, seconds(2), 100).get().where, Placed::Where::kSpool);
}

TEST_F(Recorder, GivesEachCallerItsShareOfTheSpoolAndGivesItBackWhenItIsDrained) {
  RecorderOptions options;
  options.spool_bytes = 20'000;
  start(options);
  put_log_down();
  const auto fill = [this](const std::string& caller) {
    for (int i = 0; i < 100; ++i) {
      const auto placed =
          record(caller + std::to_string(i), Need::kLogOrSpool, seconds(2), 500, caller).get();
      if (placed.where == Placed::Where::kSpool) continue;
      EXPECT_NE(placed.why.find(caller + " has had its share of the spool"), std::string::npos)
          << placed.why;
      return i;
    }
    return 100;
  };
  const int first = fill("flood");
  EXPECT_GE(first, 8);
  EXPECT_LE(first, 12);  // a third, about
  EXPECT_EQ(fill("flood"), 0);
  const int second = fill("server");
  EXPECT_GE(second, 5);
  EXPECT_LT(second, first);
  // Who shares with nobody takes what there is.
  EXPECT_EQ(record("mine", Need::kLogOrSpool, seconds(2), 5'000).get().where,
            Placed::Where::kSpool);
  EXPECT_EQ(recorder->stats().over_share, 3U);
  log.set_down(false);
  while (spool.records() > 0) clock.advance(milliseconds(100));
  EXPECT_TRUE(recorder->flush(clock.steady_now() + seconds(1)));
  put_log_down();
  EXPECT_EQ(fill("flood"), first);
}

TEST_F(Recorder, GivesAShareBackWhenTheSpoolCannotBeWritten) {
  RecorderOptions options;
  options.spool_bytes = 3'000;
  start(options);
  put_log_down();
  spool.set_full(true);
  for (int i = 0; i < 20; ++i) {
    const std::string id = "id" + std::to_string(i);
    const auto placed = record(id, Need::kLogOrSpool, seconds(2), 500, "server").get();
    EXPECT_NE(placed.why.find("no space left"), std::string::npos) << placed.why;
  }
  spool.set_full(false);
  EXPECT_EQ(record("now", Need::kLogOrSpool, seconds(2), 500, "server").get().where,
            Placed::Where::kSpool);
}

TEST_F(Recorder, DenialsInTheSpoolDoNotCountAgainstWhatTheirCallerWaitsFor) {
  RecorderOptions options;
  options.spool_bytes = 20'000;
  start(options);
  put_log_down();
  for (int i = 0; i < 50; ++i) {
    record("no" + std::to_string(i), Need::kSometime, seconds(2), 500, "server").wait();
  }
  EXPECT_GE(recorder->stats().over_share, 1U);
  EXPECT_EQ(record("yes", Need::kLogOrSpool, seconds(2), 500, "server").get().where,
            Placed::Where::kSpool);
}

TEST_F(Recorder, DenialsNeverFillTheQueueForWhatIsWaitedFor) {
  RecorderOptions options;
  options.queue_records = 30;
  start(options);
  log.gate.shut();
  spool.gate.shut();
  auto taken = record("taken", Need::kLog);
  log.gate.await_somebody();
  for (int i = 0; i < 100; ++i) {
    record("flood" + std::to_string(i), Need::kSometime, seconds(2), 0, "flood");
  }
  // A third of the room for denials at most: another caller's find room too.
  EXPECT_EQ(recorder->stats().waiting, 10U);
  EXPECT_EQ(recorder->stats().over_share, 90U);
  for (int i = 0; i < 100; ++i) {
    record("server" + std::to_string(i), Need::kSometime, seconds(2), 0, "server");
  }
  EXPECT_GE(recorder->stats().waiting, 15U);
  for (int i = 0; i < 100; ++i) record("mine" + std::to_string(i), Need::kSometime);
  std::vector<std::future<Placed>> waiting;
  waiting.reserve(15);
  for (int i = 0; i < 15; ++i) waiting.push_back(record("w" + std::to_string(i), Need::kLog));
  EXPECT_EQ(recorder->stats().refused, 0U);
  log.gate.open();
  spool.gate.open();
  for (auto& one : waiting) EXPECT_EQ(one.get().where, Placed::Where::kLog);
}

TEST_F(Recorder, BoundsTheSpoolInAge) {
  RecorderOptions options;
  options.spool_age = std::chrono::minutes(10);
  start(options);
  put_log_down();
  clock.advance(std::chrono::minutes(10));
  EXPECT_EQ(record("a", Need::kLogOrSpool).get().where, Placed::Where::kSpool);
  clock.advance(milliseconds(1));
  const Placed placed = record("b", Need::kLogOrSpool).get();
  EXPECT_EQ(placed.where, Placed::Where::kNowhere);
  EXPECT_NE(placed.why.find("longer than verdicts may be spooled"), std::string::npos);
}

TEST_F(Recorder, DoesNotLetOneBadRecordTakeTheOthersWithIt) {
  start();
  log.set_bad("bad");
  log.gate.shut();
  auto first = record("first", Need::kLog);
  log.gate.await_somebody();
  auto before = record("before", Need::kLog);
  auto bad = record("bad", Need::kLog);
  auto after = record("after", Need::kLogOrSpool);
  log.gate.open();
  EXPECT_EQ(first.get().where, Placed::Where::kLog);
  EXPECT_EQ(before.get().where, Placed::Where::kLog);
  const Placed placed = bad.get();
  EXPECT_EQ(placed.where, Placed::Where::kNowhere);
  EXPECT_NE(placed.why.find("record bad is bad"), std::string::npos);
  EXPECT_EQ(after.get().where, Placed::Where::kLog);
}

TEST_F(Recorder, PassesOverSpooledRecordsThatAreDamagedOrRefused) {
  log.set_bad("bad");
  start();
  put_log_down();
  for (const char* id : {"bad", "good"}) record(id, Need::kLogOrSpool).get();
  spool.damage_front();
  log.set_down(false);
  while (spool.records() > 0) clock.advance(milliseconds(100));
  EXPECT_TRUE(recorder->flush(clock.steady_now() + seconds(1)));
  EXPECT_EQ(log.ids(), std::vector<std::string>{"good"});
  EXPECT_EQ(recorder->stats().lost, 2U);
}

TEST_F(Recorder, BoundsBothQueues) {
  RecorderOptions options;
  options.queue_records = 4;
  start(options);
  log.gate.shut();
  spool.gate.shut();
  auto taken = record("taken", Need::kLog);
  log.gate.await_somebody();
  std::vector<std::future<Placed>> waiting;
  for (int i = 0; i < 4; ++i) waiting.push_back(record("q" + std::to_string(i), Need::kLog));
  const Placed refused = record("too many", Need::kLog).get();
  EXPECT_EQ(refused.where, Placed::Where::kNowhere);
  EXPECT_NE(refused.why.find("too many verdicts"), std::string::npos);
  for (int i = 0; i < 20; ++i) record("d" + std::to_string(i), Need::kSometime);
  EXPECT_LE(recorder->stats().waiting, 4U + 4U);
  EXPECT_GE(recorder->stats().lost, 12U);
  EXPECT_EQ(recorder->stats().refused, 1U);
}

// The API server passes on what timeout a request asks for: whoever may send any can give up at
// once.
TEST_F(Recorder, WhoHasGivenUpTakesNobodysPlaceInTheQueues) {
  RecorderOptions options;
  options.queue_records = 4;
  options.spool_after = seconds(30);
  start(options);
  log.gate.shut();
  auto taken = record("taken", Need::kLog, seconds(60));
  log.gate.await_somebody();
  for (int round = 0; round < 5; ++round) {
    std::vector<std::future<Placed>> impatient;
    for (int i = 0; i < 4; ++i) {
      impatient.push_back(record("gone" + std::to_string(4 * round + i),
                                 i % 2 == 0 ? Need::kLog : Need::kLogOrSpool, milliseconds(20)));
    }
    EXPECT_EQ(recorder->stats().waiting, 4U);
    for (auto& one : impatient)
      EXPECT_EQ(await(one, milliseconds(20)).why.find("too many"), std::string::npos);
    EXPECT_EQ(recorder->stats().waiting, 0U);
  }
  auto patient = record("patient", Need::kLog, seconds(60));
  EXPECT_EQ(recorder->stats().waiting, 1U);
  log.gate.open();
  EXPECT_EQ(patient.get().where, Placed::Where::kLog);
  EXPECT_EQ(log.ids(), (std::vector<std::string>{"taken", "patient"}));
}

TEST_F(Recorder, WhoHasGivenUpTakesNobodysPlaceBeforeADiskThatHangs) {
  RecorderOptions options;
  options.queue_records = 4;
  start(options);
  put_log_down();
  spool.gate.shut();
  auto taken = record("taken", Need::kLogOrSpool, seconds(60));
  spool.gate.await_somebody();
  std::vector<std::future<Placed>> impatient;
  for (int i = 0; i < 4; ++i) {
    impatient.push_back(record("gone" + std::to_string(i), Need::kLogOrSpool, milliseconds(20)));
  }
  for (auto& one : impatient) await(one, milliseconds(20));
  auto patient = record("patient", Need::kLogOrSpool, seconds(60));
  spool.gate.open();
  EXPECT_EQ(patient.get().where, Placed::Where::kSpool);
}

// Those of the refused batch alone, and nobody after them.
TEST_F(Recorder, SendsTogetherAgainOnceARefusedBatchHasGoneOneByOne) {
  start();
  log.set_bad("bad");
  log.gate.shut();
  auto first = record("first", Need::kLog);
  log.gate.await_somebody();
  std::vector<std::future<Placed>> all;
  for (const char* id : {"a", "bad", "b"}) all.push_back(record(id, Need::kLog, seconds(60)));
  log.gate.open();
  for (auto& one : all) one.get();
  log.gate.shut();
  auto next = record("next", Need::kLog, seconds(60));
  log.gate.await_somebody();
  std::vector<std::future<Placed>> more;
  for (const char* id : {"c", "d"}) more.push_back(record(id, Need::kLog, seconds(60)));
  log.gate.open();
  for (auto& one : more) EXPECT_EQ(one.get().where, Placed::Where::kLog);
  EXPECT_EQ(log.batches(), (std::vector<std::size_t>{1, 3, 1, 1, 1, 1, 2}));
}

TEST_F(Recorder, FlushWaitsForQueueAndSpool) {
  start();
  put_log_down();
  auto ended = std::async(std::launch::async,
                          [&] { return recorder->flush(clock.steady_now() + seconds(10)); });
  log.set_down(false);
  while (ended.wait_for(milliseconds(5)) != std::future_status::ready) {
    clock.advance(milliseconds(100));
  }
  EXPECT_TRUE(ended.get());
  EXPECT_EQ(spool.records(), 0U);
  put_log_down();
  ended = std::async(std::launch::async,
                     [&] { return recorder->flush(clock.steady_now() + seconds(1)); });
  while (ended.wait_for(milliseconds(5)) != std::future_status::ready) {
    clock.advance(milliseconds(100));
  }
  EXPECT_FALSE(ended.get());
}

TEST_F(Recorder, SpoolsWhatMayBeSpooledWhenItStopsAndTellsTheRest) {
  start();
  log.gate.shut();
  auto taken = record("taken", Need::kLogOrSpool);
  log.gate.await_somebody();
  auto tolerant = record("tolerant", Need::kLogOrSpool);
  auto strict = record("strict", Need::kLog);
  recorder->record("denial", Need::kSometime, {}, [](bool) { return Bytes{1}; }, {});
  recorder->stop();
  EXPECT_EQ(taken.get().where, Placed::Where::kSpool);
  EXPECT_EQ(tolerant.get().where, Placed::Where::kSpool);
  EXPECT_EQ(strict.get().where, Placed::Where::kNowhere);
  EXPECT_EQ(spool.records(), 3U);
  EXPECT_EQ(record("later", Need::kLogOrSpool).get().where, Placed::Where::kNowhere);
}

TEST_F(Recorder, LivesThroughExceptionsOfItsCallers) {
  start();
  auto told = std::make_shared<std::promise<Placed>>();
  auto placed = told->get_future();
  recorder->record(
      "throws", Need::kLog, clock.steady_now() + seconds(1),
      [](bool) -> Bytes { throw std::bad_alloc(); },
      [told](Placed where) { told->set_value(std::move(where)); });
  EXPECT_EQ(await(placed).where, Placed::Where::kNowhere);
  recorder->record(
      "done throws", Need::kLog, clock.steady_now() + seconds(1), [](bool) { return Bytes{1}; },
      [](const Placed&) { throw std::runtime_error("done"); });
  auto fine = record("fine", Need::kLog, std::chrono::minutes(1));
  EXPECT_EQ(await(fine).where, Placed::Where::kLog);
}

}  // namespace
}  // namespace avouch::admission
