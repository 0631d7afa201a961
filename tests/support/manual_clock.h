#pragma once

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <mutex>

#include "base/clock.h"

namespace avouch::testing {

// A clock that stands still until a test moves it. Thread-safe.
//
//   ManualClock clock;
//   ... start a loop that waits on the clock ...
//   clock.await_waiters(1);            // the loop is waiting
//   clock.advance(std::chrono::seconds(5));
class ManualClock final : public Clock {
 public:
  explicit ManualClock(SystemTime start = SystemTime(std::chrono::milliseconds(1'800'000'000'000)))
      : system_(start) {}

  SystemTime now() override {
    const std::lock_guard guard(mutex_);
    return system_;
  }
  SteadyTime steady_now() override {
    const std::lock_guard guard(mutex_);
    return steady_;
  }

  bool wait_until(std::unique_lock<std::mutex>& lock, std::condition_variable& wake,
                  SteadyTime deadline, const std::function<bool()>& ready) override {
    while (!ready()) {
      std::list<Waiter>::iterator self;
      {
        const std::lock_guard guard(mutex_);
        if (steady_ >= deadline) return false;
        waiters_.push_front({&wake, deadline, ++registrations_});
        self = waiters_.begin();
        changed_.notify_all();
      }
      // A notification that comes before the wait begins is lost: look again soon.
      wake.wait_for(lock, std::chrono::milliseconds(2));
      const std::lock_guard guard(mutex_);
      waiters_.erase(self);
    }
    return true;
  }

  // Moves both clocks and wakes every waiter, due or not: each looks again.
  void advance(std::chrono::milliseconds by) {
    const std::lock_guard guard(mutex_);
    system_ += by;
    steady_ += by;
    for (const Waiter& waiter : waiters_) waiter.wake->notify_all();
  }

  // Moves the wall clock alone, as an administrator or NTP does.
  void step_wall_clock(std::chrono::milliseconds by) {
    const std::lock_guard guard(mutex_);
    system_ += by;
  }

  // Blocks until at least `count` threads wait on this clock.
  void await_waiters(std::size_t count) {
    std::unique_lock guard(mutex_);
    changed_.wait(guard, [&] { return waiters_.size() >= count; });
  }

  // Blocks until at least `count` threads wait that have found, since this call began, that they
  // have nothing to do: where there are no more than `count`, nothing happens any more until the
  // clock is moved or they are given something.
  void settle(std::size_t count) {
    std::unique_lock guard(mutex_);
    const std::uint64_t before = registrations_;
    changed_.wait(guard, [&] {
      const auto fresh = std::count_if(waiters_.begin(), waiters_.end(), [&](const Waiter& waiter) {
        return waiter.registration > before;
      });
      return static_cast<std::size_t>(fresh) >= count;
    });
  }

  // The earliest deadline that a thread waits for; the farthest future when none does.
  SteadyTime next_deadline() {
    const std::lock_guard guard(mutex_);
    SteadyTime next = SteadyTime::max();
    for (const Waiter& waiter : waiters_) next = std::min(next, waiter.deadline);
    return next;
  }

 private:
  struct Waiter {
    std::condition_variable* wake;
    SteadyTime deadline;
    std::uint64_t registration;
  };

  std::mutex mutex_;
  std::condition_variable changed_;
  SystemTime system_;
  SteadyTime steady_{std::chrono::hours(1)};
  std::list<Waiter> waiters_;
  std::uint64_t registrations_ = 0;
};

}  // namespace avouch::testing
