#pragma once

// What the controller shows to those who run it: metrics and log lines.

#include <chrono>
#include <functional>
#include <string>

#include "control/control_observer.h"
#include "observe/health.h"
#include "observe/logging.h"
#include "observe/metrics.h"
#include "observe/repeats.h"

namespace avouch::controller {

class Signals final : public control::ControlObserver {
 public:
  // `on_fatal` is called once, on the thread that met the fault; it must end the process.
  explicit Signals(std::function<void()> on_fatal);

  observe::Metrics& metrics() { return metrics_; }
  observe::HealthHandler& health() { return health_; }
  const observe::Logger& log() const { return log_; }

  void heartbeat(std::string_view node, std::string_view code,
                 std::chrono::microseconds took) override;
  void verdict(std::string_view node, std::string_view phase, std::string_view reason,
               std::uint64_t log_index) override;
  // Counted each time; a part's line in the same words as its last is written once in ten seconds.
  void problem(std::string_view what, std::string_view message) override;
  void note(std::string_view what, std::string_view message) override;
  void fatal(std::string_view what, const Error& error) override;

 private:
  const std::function<void()> on_fatal_;
  observe::Metrics metrics_;
  observe::HealthHandler health_{metrics_};
  observe::Logger log_{"controller"};
  observe::Histogram verification_;
  observe::Repeats repeats_;
};

}  // namespace avouch::controller
