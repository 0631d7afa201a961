#pragma once

#include <csignal>

namespace avouch::adapters {

// Turns SIGTERM and SIGINT into a wait. Make it first in main(), before any thread: threads inherit
// the mask. SIGPIPE is ignored.
class Termination {
 public:
  Termination();
  int wait() const;      // blocks; returns the signal
  void request() const;  // makes wait() return, from any thread

 private:
  sigset_t signals_{};
};

}  // namespace avouch::adapters
