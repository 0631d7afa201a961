#pragma once

#include "base/clock.h"

namespace avouch::adapters {

// The machine's clocks. steady_now() is CLOCK_BOOTTIME: it also counts the time that the process
// was stopped and the machine slept, so a lease or a verdict never lives longer than it says.
class SystemClock final : public Clock {
 public:
  SystemTime now() override;
  SteadyTime steady_now() override;
  bool wait_until(std::unique_lock<std::mutex>& lock, std::condition_variable& wake,
                  SteadyTime deadline, const std::function<bool()>& ready) override;
};

}  // namespace avouch::adapters
