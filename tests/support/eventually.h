#pragma once

// Waiting for what other threads and processes do.

#include <chrono>
#include <thread>

namespace avouch::testing {

// Whether `holds()` comes true within `limit`.
template <typename Holds>
bool eventually(Holds holds, std::chrono::seconds limit = std::chrono::seconds(90)) {
  const auto deadline = std::chrono::steady_clock::now() + limit;
  while (!holds()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  return true;
}

}  // namespace avouch::testing
