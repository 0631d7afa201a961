#pragma once

// What a log server shows to those who run it: metrics and log lines.

#include <functional>
#include <string_view>

#include "control/control_observer.h"
#include "observe/health.h"
#include "observe/logging.h"
#include "observe/metrics.h"
#include "observe/repeats.h"

namespace avouch::logprogram {

// Thread-safe.
class ServerSignals final : public control::ControlObserver {
 public:
  // `on_fatal` is called once, on the thread that met the fault; it must end the process.
  explicit ServerSignals(std::function<void()> on_fatal) : on_fatal_(std::move(on_fatal)) {}

  observe::Metrics& metrics() { return metrics_; }
  observe::HealthHandler& health() { return health_; }
  const observe::Logger& log() const { return log_; }

  // Counted each time; written as observe::Repeats says.
  void problem(std::string_view what, std::string_view message) override;
  void note(std::string_view what, std::string_view message) override;
  void fatal(std::string_view what, const Error& error) override;

  // A log that runs apart judges no nodes.
  void heartbeat(std::string_view, std::string_view, std::chrono::microseconds) override {}
  void verdict(std::string_view, std::string_view, std::string_view, std::uint64_t) override {}

 private:
  const std::function<void()> on_fatal_;
  observe::Metrics metrics_;
  observe::HealthHandler health_{metrics_};
  observe::Logger log_{"log-server"};
  observe::Repeats repeats_;
};

}  // namespace avouch::logprogram
