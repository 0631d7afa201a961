#include "adapters/system_clock.h"

#include <algorithm>
#include <ctime>

namespace avouch::adapters {
namespace {

// A condition variable waits by a clock that stands still while the machine sleeps: look at the
// right one this often.
constexpr std::chrono::milliseconds kLongestSleep{10'000};

}  // namespace

SystemTime SystemClock::now() {
  return std::chrono::time_point_cast<std::chrono::milliseconds>(std::chrono::system_clock::now());
}

SteadyTime SystemClock::steady_now() {
  timespec time{};
  clock_gettime(CLOCK_BOOTTIME, &time);  // fails for no argument of ours
  return SteadyTime(std::chrono::duration_cast<std::chrono::milliseconds>(
      std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec)));
}

bool SystemClock::wait_until(std::unique_lock<std::mutex>& lock, std::condition_variable& wake,
                             SteadyTime deadline, const std::function<bool()>& ready) {
  while (!ready()) {
    const SteadyTime now = steady_now();
    if (now >= deadline) return false;
    wake.wait_for(lock, std::min(deadline - now, kLongestSleep));
  }
  return true;
}

}  // namespace avouch::adapters
