// Batches, cadence, back-pressure: on the engine in memory, whose steps can be held up.

#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "contract/tlog/engine_cases.h"
#include "support/eventually.h"

namespace avouch::tlog {
namespace {

using std::chrono::milliseconds;
using testing::LogProcess;
using testing::ManualClock;
using testing::MemoryDisk;
using testing::MemoryLogStore;
using testing::submission;
using testing::submissions;

// Who passes waits while it is shut.
class Gate {
 public:
  void pass() {
    std::unique_lock lock(mutex_);
    ++waiting_;
    changed_.notify_all();
    changed_.wait(lock, [this] { return open_; });
    --waiting_;
  }
  void shut() {
    const std::lock_guard lock(mutex_);
    open_ = false;
  }
  void open() {
    const std::lock_guard lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }
  void await_one() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return waiting_ > 0; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool open_ = true;
  int waiting_ = 0;
};

class GatedStore final : public Store {
 public:
  explicit GatedStore(MemoryDisk& disk) : inner_(disk) {}

  Result<std::optional<Bytes>> fetch(std::string_view path) override { return inner_.fetch(path); }
  Result<std::vector<Record>> recover(std::uint64_t from) override { return inner_.recover(from); }
  Result<void> commit(std::span<const Record> batch) override {
    commits.pass();
    return inner_.commit(batch);
  }
  Result<void> put(std::span<const Object> objects) override {
    puts.pass();
    return inner_.put(objects);
  }
  Result<void> set_aside(std::string_view path) override { return inner_.set_aside(path); }
  Result<void> publish(std::string_view checkpoint, std::uint64_t size) override {
    return inner_.publish(checkpoint, size);
  }

  Gate commits, puts;

 private:
  MemoryLogStore inner_;
};

// Of an entry with an id of one character.
const std::size_t kBytes = submission("0").entry.size() + submission("0").preimage.size();

class LogLoad : public ::testing::Test {
 protected:
  void open(LogOptions options) {
    options.origin = testing::kTestOrigin;
    auto opened = Log::open(std::move(options), store_, {}, testing::test_log_signer(), clock_);
    ASSERT_TRUE(opened.has_value());
    log_ = std::move(opened).value();
  }
  void TearDown() override {
    store_.commits.open();
    store_.puts.open();
  }

  // Queues one entry; its result is counted.
  void append(const std::string& id) {
    log_->append({submission(id)}, [this](Result<std::vector<Sequenced>> places) {
      const std::lock_guard lock(mutex_);
      ++(places.has_value() ? done_ : refused_);
      if (!places.has_value()) last_error_ = places.error();
      changed_.notify_all();
    });
  }
  void await_done(int count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return done_ >= count; });
  }
  int refused() {
    const std::lock_guard lock(mutex_);
    return refused_;
  }
  // Waits until the log waits for nothing but this moment.
  void await_deadline(SteadyTime deadline) {
    while (clock_.next_deadline() != deadline) std::this_thread::yield();
  }

  MemoryDisk disk_;
  GatedStore store_{disk_};
  ManualClock clock_;
  std::mutex mutex_;
  std::condition_variable changed_;
  int done_ = 0, refused_ = 0;
  Error last_error_;
  std::unique_ptr<Log> log_;  // last: it stops before what it uses goes
};

TEST_F(LogLoad, CommitsTogetherWhatArrivesDuringACommit) {
  open({});
  store_.commits.shut();
  append("first");
  store_.commits.await_one();
  for (int i = 0; i < 511; ++i) append("a" + std::to_string(i));
  store_.commits.open();
  await_done(512);
  EXPECT_EQ(log_->status().sequenced, 512U);
  EXPECT_EQ(log_->status().commits, 2U);
}

TEST_F(LogLoad, KeepsBatchesWithinTheirSize) {
  LogOptions options;
  options.batch_entries = 100;
  open(options);
  store_.commits.shut();
  append("first");
  store_.commits.await_one();
  for (int i = 0; i < 250; ++i) append("a" + std::to_string(i));
  store_.commits.open();
  await_done(251);
  EXPECT_EQ(log_->status().commits, 4U);
}

TEST_F(LogLoad, LetsABatchGrowUntilItIsOldEnoughOrFull) {
  LogOptions options;
  options.batch_age = milliseconds(5);
  options.batch_entries = 3;
  open(options);
  append("a");
  await_deadline(clock_.steady_now() + milliseconds(5));
  EXPECT_EQ(log_->status().sequenced, 0U);
  EXPECT_EQ(log_->status().queued, 1U);
  clock_.advance(milliseconds(5));
  await_done(1);
  for (const char* id : {"b", "c", "d"}) append(id);
  await_done(4);
  EXPECT_EQ(log_->status().commits, 2U);
}

TEST_F(LogLoad, RefusesMoreThanItsQueueHolds) {
  LogOptions options;
  options.queue_entries = 10;
  open(options);
  store_.commits.shut();
  append("first");
  store_.commits.await_one();
  for (int i = 0; i < 15; ++i) append("a" + std::to_string(i));
  EXPECT_EQ(refused(), 5);
  EXPECT_EQ(last_error_.kind, ErrorKind::kRetryable);
  store_.commits.open();
  await_done(11);
  EXPECT_EQ(log_->status().refused, 5U);
  append("later");
  await_done(12);
}

TEST_F(LogLoad, TakesARequestWholeOrNotAtAll) {
  LogOptions options;
  options.queue_entries = 10;
  open(options);
  store_.commits.shut();
  append("first");
  store_.commits.await_one();
  for (int i = 0; i < 5; ++i) append("a" + std::to_string(i));
  std::optional<ErrorKind> refusal;
  log_->append(submissions("b", 6), [&](auto places) { refusal = places.error().kind; });
  EXPECT_EQ(refusal, ErrorKind::kRetryable);
  log_->append(submissions("c", 11), [&](auto places) { refusal = places.error().kind; });
  EXPECT_EQ(refusal, ErrorKind::kRejected);
  store_.commits.open();
  await_done(6);
  EXPECT_EQ(log_->status().sequenced, 6U);
}

TEST_F(LogLoad, RefusesSizesThatItCannotKeep) {
  open({});
  const auto refusal = [&](Submission one) {
    const auto placed = log_->append_and_wait(std::move(one));
    return placed.has_value() ? std::optional<ErrorKind>() : placed.error().kind;
  };
  EXPECT_EQ(refusal({Bytes(65'535, 1), Bytes(65'535, 1), std::string(128, 'i')}), std::nullopt);
  EXPECT_EQ(refusal({Bytes(65'536, 1), {}, ""}), ErrorKind::kRejected);
  EXPECT_EQ(refusal({{}, {}, ""}), ErrorKind::kRejected);
  EXPECT_EQ(refusal({Bytes(1, 1), Bytes(65'536, 1), ""}), ErrorKind::kRejected);
  EXPECT_EQ(refusal({Bytes(1, 1), {}, std::string(129, 'i')}), ErrorKind::kRejected);
  EXPECT_EQ(log_->status().sequenced, 1U);
}

TEST_F(LogLoad, PublishesAtItsCadenceAndOnlyWhatIsNew) {
  std::vector<std::uint64_t> published;
  LogOptions options;
  options.publish_within = milliseconds(1000);
  options.on_published = [&](const VerifiedCheckpoint& checkpoint) {
    const std::lock_guard lock(mutex_);
    published.push_back(checkpoint.size());
    changed_.notify_all();
  };
  open(options);
  await_deadline(SteadyTime::max());
  const SteadyTime begin = clock_.steady_now();
  append("a");
  await_done(1);
  await_deadline(begin + milliseconds(750));
  clock_.advance(milliseconds(100));
  append("b");
  await_done(2);
  await_deadline(begin + milliseconds(750));
  clock_.advance(milliseconds(650));
  {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return !published.empty(); });
  }
  await_deadline(SteadyTime::max());
  clock_.advance(std::chrono::hours(1));
  await_deadline(SteadyTime::max());
  EXPECT_EQ(published, std::vector<std::uint64_t>{2});
}

TEST_F(LogLoad, PublishesBeforeItsCadenceWhereMuchIsUnpublished) {
  std::atomic<std::uint64_t> published = 0;
  LogOptions options;
  options.publish_bytes = 3 * kBytes;
  options.on_published = [&](const VerifiedCheckpoint& checkpoint) {
    published = checkpoint.size();
  };
  open(options);
  append("0");
  append("1");
  await_done(2);
  await_deadline(clock_.steady_now() + milliseconds(750));
  EXPECT_EQ(published, 0U);
  append("2");
  await_done(3);
  EXPECT_TRUE(testing::eventually([&] { return published == 3; }));
  await_deadline(SteadyTime::max());
  append("3");  // counted anew
  await_done(4);
  await_deadline(clock_.steady_now() + milliseconds(750));
  EXPECT_EQ(published, 3U);
}

TEST_F(LogLoad, LetsBatchesWaitForThePublicationUnderWayButNotForOneThatHangs) {
  LogOptions options;
  options.ahead_bytes = 2 * kBytes;
  open(options);
  store_.puts.shut();
  const SteadyTime begin = clock_.steady_now();
  append("0");
  await_done(1);
  log_->publish([](const auto&) {});
  store_.puts.await_one();
  append("1");  // not so much that it would wait
  await_done(2);
  append("2");
  await_deadline(begin + milliseconds(1000));
  EXPECT_EQ(log_->status().queued, 1U);
  clock_.advance(milliseconds(999));
  append("3");
  await_deadline(begin + milliseconds(1000));
  EXPECT_EQ(log_->status().sequenced, 2U);
  clock_.advance(milliseconds(1));
  await_done(4);
  EXPECT_EQ(log_->status().published, 0U);
  append("4");  // it hangs still
  await_done(5);
  store_.puts.open();
  EXPECT_TRUE(testing::eventually([&] { return log_->status().published == 5; }));
}

TEST_F(LogLoad, TakesABatchAsSoonAsThePublicationThatItWaitsForIsThrough) {
  LogOptions options;
  options.ahead_bytes = kBytes;
  open(options);
  store_.puts.shut();
  append("0");
  await_done(1);
  log_->publish([](const auto&) {});
  store_.puts.await_one();
  append("1");
  await_deadline(clock_.steady_now() + milliseconds(1000));
  EXPECT_EQ(log_->status().queued, 1U);
  store_.puts.open();
  await_done(2);
}

TEST_F(LogLoad, AnswersPublishWithThePresentCheckpointWhereNothingIsNew) {
  open({});
  append("a");
  await_done(1);
  const auto first = log_->publish_now();
  const auto second = log_->publish_now();
  EXPECT_EQ(first->note(), second->note());
  EXPECT_EQ(log_->status().publications, 1U);
}

TEST_F(LogLoad, GivesEveryWriterOfManyItsOwnIndex) {
  open({});
  constexpr int kWriters = 8, kEach = 200;
  std::vector<std::atomic<int>> taken(kWriters * kEach);
  std::vector<std::thread> writers;
  for (int writer = 0; writer < kWriters; ++writer) {
    writers.emplace_back([&, writer] {
      for (int i = 0; i < kEach; ++i) {
        const auto id = std::to_string(writer) + "/" + std::to_string(i);
        const auto placed = log_->append_and_wait(submission(id));
        if (placed.has_value()) ++taken[placed->index];
        if (i % 50 == 0 && !log_->publish_now().has_value()) return;
      }
    });
  }
  for (std::thread& writer : writers) writer.join();
  for (const auto& count : taken) EXPECT_EQ(count, 1);
  const auto checkpoint = log_->publish_now();
  testing::check_whole_log(store_, checkpoint->checkpoint());
}

TEST(LogBackPressure, HoldsAppendsWhilePublishingFailsAndRecovers) {
  testing::MemoryLogEngine engine;
  LogProcess process(engine);
  process.options.unpublished_entries = 20;
  ASSERT_TRUE(process.open().has_value());
  process.faults.fail_all_but_commits(ErrorKind::kRetryable);
  ASSERT_TRUE(process.append(submissions("a", 15)).has_value());
  process.clock.advance(std::chrono::seconds(1));
  ASSERT_TRUE(process.append(submissions("b", 5)).has_value());
  const auto refused = process.append(submissions("c", 1));
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().kind, ErrorKind::kRetryable);
  EXPECT_EQ(refused.error().message, "log: publishing does not keep up; try again in a second");
  process.faults.heal();
  EXPECT_EQ(process.publish()->size(), 20U);
  EXPECT_TRUE(process.append(submissions("c", 1)).has_value());
}

TEST(LogBackPressure, ReportsWhyAPublicationIsRepeated) {
  testing::MemoryLogEngine engine;
  LogProcess process(engine);
  ASSERT_TRUE(process.open().has_value());
  process.faults.fail_all_but_commits(ErrorKind::kRetryable);
  ASSERT_TRUE(process.append(submissions("a", 1)).has_value());
  process.log().publish([](auto) {});
  while (!process.log().status().publish_trouble) std::this_thread::yield();
  EXPECT_EQ(process.log().status().publish_trouble, "put tile/0/000.p/1: injected fault");
  process.faults.heal();
  EXPECT_TRUE(process.publish().has_value());
  EXPECT_FALSE(process.log().status().publish_trouble.has_value());
  EXPECT_GE(process.log().status().publish_retries, 1U);
}

}  // namespace
}  // namespace avouch::tlog
