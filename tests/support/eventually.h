#pragma once

// Waiting for what other threads and processes do.

#include <algorithm>
#include <chrono>
#include <thread>

namespace avouch::testing {

// Whether `holds()` comes true within `limit`. Asked again after a millisecond, then ever less
// often, down to twenty times a second.
template <typename Holds>
bool eventually(Holds holds, std::chrono::seconds limit = std::chrono::seconds(90)) {
  const auto deadline = std::chrono::steady_clock::now() + limit;
  std::chrono::milliseconds pause{1};
  while (!holds()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(pause);
    pause = std::min(pause * 2, std::chrono::milliseconds(50));
  }
  return true;
}

}  // namespace avouch::testing
