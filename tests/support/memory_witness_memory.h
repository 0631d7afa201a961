#pragma once

#include <map>
#include <mutex>
#include <string>

#include "tlog/witness.h"

namespace avouch::testing {

// What a witness remembers, for as long as this object lives. Thread-safe.
class MemoryWitnessMemory final : public tlog::WitnessMemory {
 public:
  Result<std::optional<std::string>> latest(std::string_view origin) override {
    const std::lock_guard lock(mutex_);
    return present(origin);
  }

  Result<void> replace(std::string_view origin, const std::optional<std::string>& expected,
                       std::string_view next) override {
    if (origin.empty() || next.empty()) return rejected("an origin or note of this size");
    const std::lock_guard lock(mutex_);
    if (present(origin) != expected) return retryable("another checkpoint came first");
    notes_[std::string(origin)] = std::string(next);
    return {};
  }

 private:
  std::optional<std::string> present(std::string_view origin) const {
    const auto found = notes_.find(origin);
    return found == notes_.end() ? std::nullopt : std::optional(found->second);
  }

  std::mutex mutex_;
  std::map<std::string, std::string, std::less<>> notes_;
};

}  // namespace avouch::testing
