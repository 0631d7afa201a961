#include "observe/repeats.h"

namespace avouch::observe {
namespace {

constexpr std::chrono::seconds kSayAgainAfter{10};

}  // namespace

bool Repeats::is_due(std::string_view part, std::string_view message) {
  const auto now = std::chrono::steady_clock::now();
  const std::lock_guard lock(mutex_);
  Said& last = said_[std::string(part)];
  if (last.message == message && now - last.at < kSayAgainAfter) return false;
  last = {std::string(message), now};
  return true;
}

}  // namespace avouch::observe
