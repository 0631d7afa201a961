#pragma once

// A log that runs apart from a cluster: its writer, and what it serves over HTTP. The same parts as
// in the controller; who may write, a list says.

#include <memory>
#include <stop_token>
#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "config/log_server_config.h"
#include "log/server_signals.h"

namespace avouch::logprogram {

class LogServer {
 public:
  // The references outlive the server.
  LogServer(const config::LogServerConfig& config, Clock& clock, ServerSignals& signals);
  ~LogServer();  // stop()
  LogServer(const LogServer&) = delete;
  LogServer& operator=(const LogServer&) = delete;

  // Opens the log, or begins one, and serves. Faults that pass are waited for, until `stop` is
  // requested: then kRetryable. Any other error is a reason not to start.
  Result<void> start(const std::stop_token& stop);

  // Once it has started.
  std::string address() const;  // "address:port"
  std::string vkey() const;

  // Serves no more, finishes and publishes what was taken, closes the log.
  void stop();

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace avouch::logprogram
