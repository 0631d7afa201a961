#include "adapters/system_clock.h"

#include <gtest/gtest.h>

#include <thread>

namespace avouch::adapters {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

TEST(SystemClock, AgreesWithTheMachine) {
  SystemClock clock;
  const auto apart = clock.now() - std::chrono::system_clock::now();
  EXPECT_LT(std::chrono::abs(apart), seconds(1));
}

TEST(SystemClock, NeverStepsBack) {
  SystemClock clock;
  SteadyTime last = clock.steady_now();
  for (int i = 0; i < 10000; ++i) {
    const SteadyTime now = clock.steady_now();
    ASSERT_GE(now, last);
    last = now;
  }
}

TEST(SystemClock, WaitsUntilTheDeadline) {
  SystemClock clock;
  std::mutex mutex;
  std::condition_variable wake;
  std::unique_lock lock(mutex);
  const SteadyTime deadline = clock.steady_now() + milliseconds(30);
  EXPECT_FALSE(clock.wait_until(lock, wake, deadline, [] { return false; }));
  EXPECT_GE(clock.steady_now(), deadline);
  EXPECT_TRUE(lock.owns_lock());
}

TEST(SystemClock, ReturnsAtOnceWhenReadyOrLate) {
  SystemClock clock;
  std::mutex mutex;
  std::condition_variable wake;
  std::unique_lock lock(mutex);
  EXPECT_TRUE(clock.wait_until(lock, wake, SteadyTime::max(), [] { return true; }));
  EXPECT_FALSE(clock.wait_until(lock, wake, SteadyTime(), [] { return false; }));
}

TEST(SystemClock, WakesWhenNotified) {
  SystemClock clock;
  std::mutex mutex;
  std::condition_variable wake;
  bool ready = false;
  std::thread other([&] {
    const std::lock_guard guard(mutex);
    ready = true;
    wake.notify_all();
  });
  std::unique_lock lock(mutex);
  EXPECT_TRUE(clock.wait_until(lock, wake, SteadyTime::max(), [&] { return ready; }));
  lock.unlock();
  other.join();
}

}  // namespace
}  // namespace avouch::adapters
