#pragma once

// One request of cpprestsdk on its way: what its thread pool delivers, for the thread that waits.

#include <pplx/pplxtasks.h>

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>

#include "base/http.h"
#include "base/result.h"

namespace web::http::client {
class http_client;
}
namespace web::http {
class http_request;
}

namespace avouch::adapters {

// Made by start(), used by one waiting thread, fed by the pool. Dropping the last Exchange handle
// of the waiting side must be preceded by abandon() (RestCall does it).
class RestExchange : public std::enable_shared_from_this<RestExchange> {
 public:
  using Deadline = std::chrono::steady_clock::time_point;

  // `window`: how many bytes of body may lie unread before the server is made to wait.
  RestExchange(std::string peer, std::size_t window);

  void start(web::http::client::http_client& client, web::http::http_request& request);

  // The answer's status, type and headers. kRetryable when `deadline` passes, on `stop`, and for
  // every fault of the connection.
  Result<HttpResponse> wait_for_head(Deadline deadline, const std::stop_token& stop);

  // The next piece of the body; nothing at its end.
  Result<std::optional<std::string>> next_piece(Deadline deadline, const std::stop_token& stop);

  // Ends the request, finished or not; the connection of an unfinished one is closed. Waits for
  // that; never called by the pool.
  void abandon();

  // The pool's side: takes a piece of the body. The task ends when there is room for more.
  pplx::task<std::size_t> put(const std::uint8_t* data, std::size_t size);

 private:
  enum class Wait { kReady, kTimedOut, kStopped };
  template <typename Ready>
  Wait wait(std::unique_lock<std::mutex>& lock, Deadline deadline, const std::stop_token& stop,
            Ready ready);
  Error why(Wait wait) const;
  void take_head(HttpResponse head);
  void fail(const std::string& message);
  void finish();

  const std::string peer_;
  const std::size_t window_;
  pplx::cancellation_token_source cancellation_;

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::optional<HttpResponse> head_;
  std::optional<Error> failure_;
  bool finished_ = false;
  bool abandoned_ = false;
  std::string unread_;
  std::optional<pplx::task_completion_event<void>> room_;
};

// Owns an exchange for the length of a call.
class RestCall {
 public:
  explicit RestCall(std::shared_ptr<RestExchange> exchange) : exchange_(std::move(exchange)) {}
  ~RestCall() { exchange_->abandon(); }
  RestCall(const RestCall&) = delete;
  RestCall& operator=(const RestCall&) = delete;
  RestExchange* operator->() { return exchange_.get(); }

 private:
  std::shared_ptr<RestExchange> exchange_;
};

}  // namespace avouch::adapters
