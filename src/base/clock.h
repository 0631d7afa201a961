#pragma once

// Time as a parameter: pure functions take `now`, loops hold a Clock& and wait on it.

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>

namespace avouch {

using SystemTime =
    std::chrono::sys_time<std::chrono::milliseconds>;  // may step; for humans and tokens
using SteadyTime =
    std::chrono::time_point<std::chrono::steady_clock, std::chrono::milliseconds>;  // never steps

// Thread-safe. The real one is adapters/system_clock.h; tests have a manual one.
class Clock {
 public:
  virtual ~Clock() = default;

  virtual SystemTime now() = 0;
  virtual SteadyTime steady_now() = 0;

  // Waits on `wake`, whose mutex `lock` holds, until `ready()` is true (checked with the
  // lock held) or `deadline` has passed. Returns the last value of `ready()`.
  virtual bool wait_until(std::unique_lock<std::mutex>& lock, std::condition_variable& wake,
                          SteadyTime deadline, const std::function<bool()>& ready) = 0;
};

}  // namespace avouch
