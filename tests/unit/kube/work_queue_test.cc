#include "kube/work_queue.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "support/manual_clock.h"

namespace avouch::kube {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::ManualClock;

TEST(WorkQueue, HandsOutKeysInTheOrderTheyCame) {
  ManualClock clock;
  WorkQueue queue(clock);
  for (const char* key : {"a", "b", "c"}) queue.add(key);
  EXPECT_EQ(queue.try_take(), "a");
  EXPECT_EQ(queue.try_take(), "b");
  EXPECT_EQ(queue.try_take(), "c");
  EXPECT_EQ(queue.try_take(), std::nullopt);
}

TEST(WorkQueue, HandsOutAKeyOnceHoweverOftenItWasAdded) {
  ManualClock clock;
  WorkQueue queue(clock);
  for (int i = 0; i < 5; ++i) queue.add("a");
  EXPECT_EQ(queue.waiting(), 1U);
  EXPECT_EQ(queue.try_take(), "a");
  EXPECT_EQ(queue.try_take(), std::nullopt);
}

TEST(WorkQueue, GivesAKeyToOneWorkerAtATime) {
  ManualClock clock;
  WorkQueue queue(clock);
  queue.add("a");
  ASSERT_EQ(queue.try_take(), "a");
  queue.add("a");
  queue.add("a");
  EXPECT_EQ(queue.try_take(), std::nullopt);
  queue.done("a");
  EXPECT_EQ(queue.try_take(), "a");
  queue.done("a");
  EXPECT_EQ(queue.try_take(), std::nullopt);
  EXPECT_EQ(queue.waiting(), 0U);
}

TEST(WorkQueue, HandsOutADelayedKeyWhenItsTimeHasComeAndNotBefore) {
  ManualClock clock;
  WorkQueue queue(clock);
  queue.add_after("a", seconds(10));
  clock.advance(milliseconds(9'999));
  EXPECT_EQ(queue.try_take(), std::nullopt);
  clock.advance(milliseconds(1));
  EXPECT_EQ(queue.try_take(), "a");
}

TEST(WorkQueue, KeepsTheEarliestOfSeveralTimes) {
  ManualClock clock;
  WorkQueue queue(clock);
  queue.add_after("a", seconds(10));
  queue.add_after("a", seconds(5));
  queue.add_after("a", seconds(20));
  EXPECT_EQ(queue.waiting(), 1U);
  clock.advance(seconds(5));
  EXPECT_EQ(queue.try_take(), "a");
  queue.done("a");
  clock.advance(seconds(60));
  EXPECT_EQ(queue.try_take(), std::nullopt);
}

TEST(WorkQueue, ForgetsADelayWhenTheKeyIsAddedAtOnce) {
  ManualClock clock;
  WorkQueue queue(clock);
  queue.add_after("a", seconds(10));
  queue.add("a");
  EXPECT_EQ(queue.try_take(), "a");
  queue.done("a");
  clock.advance(seconds(10));
  EXPECT_EQ(queue.try_take(), std::nullopt);
}

TEST(WorkQueue, KeepsADelayThatAWorkerAsksForItsOwnKey) {
  ManualClock clock;
  WorkQueue queue(clock);
  queue.add("a");
  ASSERT_EQ(queue.try_take(), "a");
  queue.add_after("a", seconds(1));
  queue.done("a");
  EXPECT_EQ(queue.try_take(), std::nullopt);
  clock.advance(seconds(1));
  EXPECT_EQ(queue.try_take(), "a");
}

TEST(WorkQueue, DoublesTheBackOffUpToItsLimit) {
  ManualClock clock;
  WorkQueue queue(clock, {.base_backoff = milliseconds(100), .max_backoff = milliseconds(1000)});
  for (const int expected : {100, 200, 400, 800, 1000, 1000, 1000}) {
    queue.add_with_backoff("a");
    clock.advance(milliseconds(expected - 1));
    EXPECT_EQ(queue.try_take(), std::nullopt) << expected;
    clock.advance(milliseconds(1));
    EXPECT_EQ(queue.try_take(), "a") << expected;
    queue.done("a");
  }
  queue.forget("a");
  queue.add_with_backoff("a");
  clock.advance(milliseconds(100));
  EXPECT_EQ(queue.try_take(), "a");
}

TEST(WorkQueue, BacksOffEachKeyByItself) {
  ManualClock clock;
  WorkQueue queue(clock, {.base_backoff = milliseconds(100), .max_backoff = seconds(10)});
  for (int i = 0; i < 5; ++i) {
    queue.add_with_backoff("bad");
    clock.advance(seconds(10));
    ASSERT_EQ(queue.try_take(), "bad");
    queue.done("bad");
  }
  queue.add_with_backoff("good");
  clock.advance(milliseconds(100));
  EXPECT_EQ(queue.try_take(), "good");
}

TEST(WorkQueue, WakesAWaitingWorker) {
  ManualClock clock;
  WorkQueue queue(clock);
  std::optional<std::string> taken;
  std::thread worker([&] { taken = queue.take(); });
  clock.await_waiters(1);
  queue.add("a");
  worker.join();
  EXPECT_EQ(taken, "a");
}

TEST(WorkQueue, WakesAWaitingWorkerForAnEarlierDelay) {
  ManualClock clock;
  WorkQueue queue(clock);
  queue.add_after("late", seconds(100));
  std::optional<std::string> taken;
  std::thread worker([&] { taken = queue.take(); });
  clock.await_waiters(1);
  queue.add_after("soon", seconds(1));
  while (clock.next_deadline() > clock.steady_now() + seconds(1)) std::this_thread::yield();
  clock.advance(seconds(1));
  worker.join();
  EXPECT_EQ(taken, "soon");
}

TEST(WorkQueue, EndsEveryWorkerOnShutdown) {
  ManualClock clock;
  WorkQueue queue(clock);
  std::atomic<int> ended = 0;
  std::vector<std::thread> workers;
  for (int i = 0; i < 4; ++i) {
    workers.emplace_back([&] {
      while (queue.take()) {
      }
      ++ended;
    });
  }
  clock.await_waiters(4);
  queue.add_after("a", seconds(1));
  queue.shutdown();
  for (auto& worker : workers) worker.join();
  EXPECT_EQ(ended, 4);
  queue.add("b");
  EXPECT_EQ(queue.take(), std::nullopt);
  EXPECT_EQ(queue.waiting(), 0U);
}

TEST(WorkQueue, NeverRunsOneKeyTwiceAtOnceNorLosesTheLastAdd) {
  ManualClock clock;
  WorkQueue queue(clock);
  constexpr int kKeys = 8;
  constexpr int kAdds = 2000;
  std::atomic<int> running[kKeys] = {};
  std::atomic<int> added[kKeys] = {};
  std::atomic<int> seen[kKeys] = {};
  std::atomic<bool> overlapped = false;
  std::vector<std::thread> workers;
  for (int i = 0; i < 4; ++i) {
    workers.emplace_back([&] {
      while (const auto key = queue.take()) {
        const auto k = static_cast<std::size_t>(std::stoi(*key));
        if (running[k].fetch_add(1) != 0) overlapped = true;
        seen[k] = added[k].load();
        running[k].fetch_sub(1);
        queue.done(*key);
      }
    });
  }
  for (int i = 0; i < kAdds; ++i) {
    for (std::size_t k = 0; k < kKeys; ++k) {
      ++added[k];
      queue.add(std::to_string(k));
    }
  }
  for (std::size_t k = 0; k < kKeys; ++k) {
    while (seen[k] != kAdds) std::this_thread::yield();
  }
  queue.shutdown();
  for (auto& worker : workers) worker.join();
  EXPECT_FALSE(overlapped);
}

}  // namespace
}  // namespace avouch::kube
