#pragma once

// An observer that notes nothing, for tests of what is not observed.

#include <chrono>
#include <cstdint>
#include <string_view>

#include "control/control_observer.h"

namespace avouch::control {

class SilentObserver final : public ControlObserver {
 public:
  void heartbeat(std::string_view, std::string_view, std::chrono::microseconds) override {}
  void verdict(std::string_view, std::string_view, std::string_view, std::uint64_t) override {}
  void problem(std::string_view, std::string_view) override {}
  void note(std::string_view, std::string_view) override {}
  void fatal(std::string_view, const Error&) override {}
};

}  // namespace avouch::control
