#pragma once

// The seam between the Kubernetes client and the network. Implemented by
// adapters/rest_transport.h (cpprestsdk) and, in tests, by a fake API server.

#include <chrono>
#include <cstddef>
#include <functional>
#include <stop_token>
#include <string_view>

#include "base/http.h"
#include "base/result.h"

namespace avouch::kube {

struct StreamLimits {
  std::chrono::milliseconds head_timeout{30'000};  // until the answer's head has come
  std::chrono::milliseconds read_timeout{90'000};  // longest silence between two pieces of the body
  std::chrono::milliseconds total_timeout{600'000};  // whole stream
  std::size_t line_bytes = 4 * 1024 * 1024;
};

// Implementations are thread-safe: any number of send() and stream() at once.
//
// Requests: `method`, `path` (relative to the server, starts with '/'; percent-encoded already),
// `query` (encoded already), `headers` and `body` are used; credentials are the transport's own.
// No redirects are followed. Both calls block the calling thread.
class Transport {
 public:
  using OnLine = std::function<Result<void>(std::string_view line)>;

  virtual ~Transport() = default;

  // Any HTTP status is a value. kRetryable: no connection, reset, time-out (the request may or may
  // not have been carried out). kRejected: the request cannot be sent as it is, or the answer's
  // body is larger than the transport's limit (reading stops there). kFatal: never.
  // kRetryable "stopped" within a second once `stop` is requested.
  virtual Result<HttpResponse> send(const HttpRequest& request, std::chrono::milliseconds timeout,
                                    std::stop_token stop) = 0;

  // A 200 answer's body is handed over line by line (without the newline; empty lines are skipped;
  // an unfinished last line is dropped) on the calling thread, and comes back with an empty body
  // when the server has ended the stream cleanly. Any other status comes back with its body.
  //
  // Errors: those of send(); kRetryable "stopped" within a second once `stop` is requested;
  // kRetryable when a time-out of `limits` passes; kRejected for a line over the limit; the error
  // that `on_line` returned, which ends the stream.
  virtual Result<HttpResponse> stream(const HttpRequest& request, const StreamLimits& limits,
                                      const OnLine& on_line, std::stop_token stop) = 0;
};

}  // namespace avouch::kube
