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

// A task of one turn.
LatestPool::Task once(std::function<void()> what) {
  return [what = std::move(what)] {
    what();
    return false;
  };
}

// Runs until it is let go.
struct Held {
  std::promise<void> go;
  std::shared_future<void> gone = go.get_future().share();
  std::atomic<bool> runs = false;
  LatestPool::Task task() {
    return [this] {
      runs = true;
      gone.wait();
      return false;
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
    EXPECT_EQ(pool.post("a", once([&last, i] { last = i; })), WorkPool::Taken::kYes);
  }
  EXPECT_EQ(pool.waiting(), 1U);
  // Another's goes on meanwhile, on the other thread.
  for (int i = 0; i < 3; ++i) {
    pool.post("b" + std::to_string(i), once([&] { ++others; }));
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
  EXPECT_EQ(pool.post("b", once([&] { ran = 1; })), WorkPool::Taken::kYes);
  EXPECT_EQ(pool.post("c", once([&] { ran = 2; })), WorkPool::Taken::kFull);
  EXPECT_EQ(pool.post("a", once([&] { ran = 3; })), WorkPool::Taken::kFull);
  EXPECT_EQ(pool.post("b", once([&] { ran = 4; })), WorkPool::Taken::kYes);
  first.go.set_value();
  EXPECT_TRUE(eventually([&] { return ran == 4; }));
}

TEST(LatestPool, GoesOnAfterAnExceptionAndDropsWhatWaitsAtItsEnd) {
  Held second;
  std::atomic<bool> ran = false;
  {
    LatestPool pool(1, 10);
    pool.post("a", []() -> bool { throw std::runtime_error("unforeseen"); });
    pool.post("b", second.task());
    ASSERT_TRUE(eventually([&] { return second.runs.load(); }));
    pool.post("c", once([&] { ran = true; }));
    std::thread stopping([&] { pool.stop(); });
    // It waits for what runs, and takes nothing more.
    EXPECT_TRUE(eventually(
        [&] { return pool.post("c", once([&] { ran = true; })) == WorkPool::Taken::kFull; }));
    second.go.set_value();
    stopping.join();
  }
  EXPECT_FALSE(ran);
}

// Two that would each hold a thread for long, and a third.
TEST(LatestPool, GivesEveryKeyItsTurnWhileLongPiecesAreInWork) {
  std::atomic<int> turns = 0;
  std::atomic<bool> third = false, end = false;
  LatestPool pool(2, 10);
  for (const char* key : {"a", "b"}) {
    pool.post(key, [&] {
      ++turns;
      return !end;
    });
  }
  ASSERT_TRUE(eventually([&] { return turns > 10; }));
  pool.post("c", once([&] { third = true; }));
  EXPECT_TRUE(eventually([&] { return third.load(); }));
  end = true;
  EXPECT_TRUE(eventually([&] { return pool.waiting() == 0U; }));
}

TEST(LatestPool, CallsAPieceNoMoreOnceANewerOneOfItsKeyWaits) {
  std::atomic<int> turns = 0, newer = 0;
  Held first;
  LatestPool pool(1, 10);
  pool.post("a", [&, held = first.task()] {
    held();
    ++turns;
    return true;
  });
  ASSERT_TRUE(eventually([&] { return first.runs.load(); }));
  pool.post("a", once([&] { ++newer; }));
  first.go.set_value();
  ASSERT_TRUE(eventually([&] { return newer == 1; }));
  EXPECT_TRUE(eventually([&] { return pool.waiting() == 0U; }));
  EXPECT_EQ(turns, 1);
}

}  // namespace
}  // namespace avouch::control
