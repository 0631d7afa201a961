#pragma once

// The verdict log behind the controller's HTTPS endpoint: POST /v1/log/entries.

#include <chrono>
#include <functional>
#include <memory>
#include <stop_token>

#include "admission/log_endpoint.h"
#include "kube/transport.h"

namespace avouch::webhook {

class ControllerLog final : public admission::LogEndpoint {
 public:
  // The way to the controller, or null while none is known (its CA is not known yet).
  using TransportSource = std::function<std::shared_ptr<kube::Transport>()>;

  explicit ControllerLog(TransportSource transport,
                         std::chrono::milliseconds timeout = std::chrono::seconds(5))
      : transport_(std::move(transport)), timeout_(timeout) {}

  Result<admission::LogPlaces> append(std::span<const admission::LogRecord> records) override;
  void cancel() override { stop_.request_stop(); }

 private:
  const TransportSource transport_;
  const std::chrono::milliseconds timeout_;
  std::stop_source stop_;
};

// Request and answer of the endpoint (docs/interfaces.md, "Log, authenticated side").
std::string write_log_request(std::span<const admission::LogRecord> records);
Result<admission::LogPlaces> read_log_answer(const HttpResponse& response, std::size_t expected);

}  // namespace avouch::webhook
