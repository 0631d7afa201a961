#include "log/server_wiring.h"

#include <cstdlib>
#include <iostream>
#include <optional>
#include <string>
#include <thread>

#include "adapters/http_server.h"
#include "adapters/system_clock.h"
#include "log/log_server.h"
#include "log/server_signals.h"
#include "observe/logging.h"

namespace avouch::logprogram {
namespace {

// What is on disk is whole at any moment, and a new process starts from it.
[[noreturn]] void end_log_server() {
  std::cerr.flush();
  std::_Exit(1);
}

}  // namespace

Result<void> run_log_server(const config::LogServerConfig& config,
                            const adapters::Termination& termination) {
  AVOUCH_TRY(const observe::LogLevel level, observe::parse_log_level(config.log_level));
  observe::init_logging(level);
  ServerSignals signals(&end_log_server);
  adapters::SystemClock clock;
  LogServer server(config, clock, signals);
  AVOUCH_TRY(const auto health, adapters::HttpServer::start(adapters::health_options(config.health),
                                                            signals.health()));
  signals.health().add_liveness("process", [] { return std::optional<std::string>(); });
  signals.log().info("starting", {{"version", AVOUCH_VERSION}, {"health", health->address()}});

  // Apart, so that a log that waits for its database is told to end like any other.
  Result<void> outcome;
  std::jthread starting([&](const std::stop_token& stop) {
    outcome = server.start(stop);
    if (outcome.has_value()) {
      signals.log().info("serving", {{"address", server.address()},
                                     {"health", health->address()},
                                     {"tls", !config.tls.is_plain()},
                                     {"vkey", server.vkey()}});
      return;
    }
    if (stop.stop_requested()) {
      outcome = {};
    } else {
      termination.request();
    }
  });
  termination.wait();
  starting.request_stop();
  starting.join();
  signals.log().info("stopping");
  signals.health().fail_readiness("the program is stopping");
  server.stop();
  health->stop(std::chrono::milliseconds(0));
  return outcome;
}

}  // namespace avouch::logprogram
