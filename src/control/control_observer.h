#pragma once

// Seam: what the controller tells those who run it. Implemented with metrics and log lines in the
// deployable; the core itself logs nothing. Thread-safe, quick.

#include <chrono>
#include <cstdint>
#include <string_view>

#include "base/result.h"

namespace avouch::control {

class ControlObserver {
 public:
  virtual ~ControlObserver() = default;

  // `code` is "Accepted" or why it was refused; `via` is "intake" or "resource".
  virtual void heartbeat(std::string_view node, std::string_view code,
                         std::chrono::microseconds took) = 0;
  // A node's verdict was entered in the log.
  virtual void verdict(std::string_view node, std::string_view phase, std::string_view reason,
                       std::uint64_t log_index) = 0;
  // A problem that was survived; `what` names the part ("recorder", "nodes informer").
  virtual void problem(std::string_view what, std::string_view message) = 0;
  // Something worth a line in the log of a well-behaved process.
  virtual void note(std::string_view what, std::string_view message) = 0;
  // The process cannot go on: it must end.
  virtual void fatal(std::string_view what, const Error& error) = 0;
};

}  // namespace avouch::control
