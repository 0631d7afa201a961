#include "control/latest_pool.h"

#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <future>
#include <stdexcept>
#include <thread>

#include "support/eventually.h"

namespace avouch::control {
namespace {

using testing::eventually;

// Runs until it is let go.
struct Held {
  std::promise<void> go;
  std::shared_future<void> gone = go.get_future().share();
  std::atomic<bool> runs = false;
  std::function<void()> task() {
    return [this] {
      runs = true;
      gone.wait();
    };
  }
};

TEST(LatestPool, RunsOnePieceOfAKeyAtATimeAndTheNewestAlone) {
  Held first;
  std::atomic<int> last = 0, others = 0;
  LatestPool pool(2, 10);
  pool.post("a", first.task());
  ASSERT_TRUE(eventually([&] { return first.runs.load(); }));
  for (int i = 1; i <= 5; ++i) {
    EXPECT_EQ(pool.post("a", [&last, i] { last = i; }), WorkPool::Taken::kYes);
  }
  EXPECT_EQ(pool.waiting(), 1U);
  // Another's goes on meanwhile, on the other thread.
  for (int i = 0; i < 3; ++i) {
    pool.post("b" + std::to_string(i), [&] { ++others; });
  }
  ASSERT_TRUE(eventually([&] { return others == 3; }));
  EXPECT_EQ(last, 0);
  first.go.set_value();
  ASSERT_TRUE(eventually([&] { return last == 5; }));
  EXPECT_EQ(pool.waiting(), 0U);
}

TEST(LatestPool, TakesNoMoreKeysThanMayWaitButTheNewestOfThose) {
  Held first;
  std::atomic<int> ran = 0;
  LatestPool pool(1, 1);
  pool.post("a", first.task());
  ASSERT_TRUE(eventually([&] { return first.runs.load(); }));
  EXPECT_EQ(pool.post("b", [&] { ran = 1; }), WorkPool::Taken::kYes);
  EXPECT_EQ(pool.post("c", [&] { ran = 2; }), WorkPool::Taken::kFull);
  EXPECT_EQ(pool.post("a", [&] { ran = 3; }), WorkPool::Taken::kFull);
  EXPECT_EQ(pool.post("b", [&] { ran = 4; }), WorkPool::Taken::kYes);
  first.go.set_value();
  EXPECT_TRUE(eventually([&] { return ran == 4; }));
}

TEST(LatestPool, GoesOnAfterAnExceptionAndDropsWhatWaitsAtItsEnd) {
  Held second;
  std::atomic<bool> ran = false;
  {
    LatestPool pool(1, 10);
    pool.post("a", [] { throw std::runtime_error("unforeseen"); });
    pool.post("b", second.task());
    ASSERT_TRUE(eventually([&] { return second.runs.load(); }));
    pool.post("c", [&] { ran = true; });
    std::thread stopping([&] { pool.stop(); });
    // It waits for what runs, and takes nothing more.
    EXPECT_TRUE(
        eventually([&] { return pool.post("c", [&] { ran = true; }) == WorkPool::Taken::kFull; }));
    second.go.set_value();
    stopping.join();
  }
  EXPECT_FALSE(ran);
}

}  // namespace
}  // namespace avouch::control
