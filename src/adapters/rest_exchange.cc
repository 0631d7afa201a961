#include "adapters/rest_exchange.h"

#include <cpprest/astreambuf.h>
#include <cpprest/http_client.h>
#include <cpprest/streams.h>
#include <pplx/threadpool.h>

#include <boost/asio/ssl.hpp>
#include <utility>

namespace avouch::adapters {
namespace {

using web::http::http_exception;
using web::http::http_request;
using web::http::http_response;
using web::http::client::http_client;

// The pool does not block: it takes a moment.
constexpr std::chrono::seconds kMostOfEnding{5};

// A write-only stream buffer that hands each piece to the exchange.
class BodyBuffer final
    : public concurrency::streams::details::streambuf_state_manager<std::uint8_t> {
 public:
  explicit BodyBuffer(std::shared_ptr<RestExchange> exchange)
      : streambuf_state_manager(std::ios_base::out), exchange_(std::move(exchange)) {}

  bool can_seek() const override { return false; }
  bool has_size() const override { return false; }
  std::size_t buffer_size(std::ios_base::openmode) const override { return 0; }
  void set_buffer_size(std::size_t, std::ios_base::openmode) override {}
  std::size_t in_avail() const override { return 0; }
  pos_type getpos(std::ios_base::openmode) const override { return kNoPosition; }
  pos_type seekpos(pos_type, std::ios_base::openmode) override { return kNoPosition; }
  pos_type seekoff(off_type, std::ios_base::seekdir, std::ios_base::openmode) override {
    return kNoPosition;
  }
  bool acquire(std::uint8_t*& data, std::size_t& count) override {
    data = nullptr;
    count = 0;
    return false;
  }
  void release(std::uint8_t*, std::size_t) override {}

 protected:
  pplx::task<int_type> _putc(std::uint8_t byte) override {
    return exchange_->put(&byte, 1).then([byte](std::size_t) { return int_type(byte); });
  }
  pplx::task<std::size_t> _putn(const std::uint8_t* data, std::size_t count) override {
    return exchange_->put(data, count);
  }
  pplx::task<int_type> _bumpc() override { return end(); }
  int_type _sbumpc() override { return traits::eof(); }
  pplx::task<int_type> _getc() override { return end(); }
  int_type _sgetc() override { return traits::eof(); }
  pplx::task<int_type> _nextc() override { return end(); }
  pplx::task<int_type> _ungetc() override { return end(); }
  pplx::task<std::size_t> _getn(std::uint8_t*, std::size_t) override {
    return pplx::task_from_result<std::size_t>(0);
  }
  std::size_t _scopy(std::uint8_t*, std::size_t) override { return 0; }
  pplx::task<bool> _sync() override { return pplx::task_from_result(true); }
  std::uint8_t* _alloc(std::size_t) override { return nullptr; }
  void _commit(std::size_t) override {}

 private:
  static inline const pos_type kNoPosition = static_cast<pos_type>(traits::eof());
  static pplx::task<int_type> end() { return pplx::task_from_result<int_type>(traits::eof()); }

  std::shared_ptr<RestExchange> exchange_;
};

HttpResponse head_of(const http_response& response) {
  HttpResponse head;
  head.status = response.status_code();
  for (const auto& [name, value] : response.headers()) head.headers.add(name, value);
  head.content_type = head.headers.find("Content-Type").value_or("");
  return head;
}

// The library puts OpenSSL's codes and its own reading of refused connections into one number.
std::string text_of(const std::error_code& code) {
  if (code == std::errc::host_unreachable) return "refused or no route";
  const char* tls = ERR_reason_error_string(static_cast<unsigned long>(code.value()));
  if (code.value() < 0x10000 || tls == nullptr) return code.message();
  const std::string reason = tls;
  return reason == "certificate verify failed"
             ? reason + ": the server's must be of the given CA and for the host in the URL"
             : reason;
}

// Why a task failed; nothing where it did not. Looking is also what keeps the library from ending
// the process over an exception that nobody has seen.
template <typename Task>
std::optional<std::string> fault_of(const Task& task) {
  try {
    task.get();
    return std::nullopt;
  } catch (const http_exception& exception) {
    const std::string code = text_of(exception.error_code());
    const std::string what = exception.what();
    return what.find(code) != std::string::npos ? what : what + " (" + code + ")";
  } catch (const std::exception& exception) {
    return exception.what();
  } catch (...) {
    return "unknown failure";
  }
}

}  // namespace

RestExchange::RestExchange(std::string peer, std::size_t window)
    : peer_(std::move(peer)), window_(window) {}

void RestExchange::start(http_client& client, http_request& request) {
  const auto self = shared_from_this();
  request.set_response_stream(concurrency::streams::ostream(
      concurrency::streams::streambuf<std::uint8_t>(std::make_shared<BodyBuffer>(self))));
  client.request(request, cancellation_.get_token())
      .then([self](const pplx::task<http_response>& task) {
        if (const auto fault = fault_of(task)) return self->fail(*fault);
        const http_response response = task.get();
        self->take_head(head_of(response));
        response.content_ready().then([self](const pplx::task<http_response>& body) {
          if (const auto fault = fault_of(body)) return self->fail(*fault);
          self->finish();
        });
      });
}

void RestExchange::take_head(HttpResponse head) {
  const std::lock_guard guard(mutex_);
  head_ = std::move(head);
  changed_.notify_all();
}

void RestExchange::fail(const std::string& message) {
  const std::lock_guard guard(mutex_);
  if (!failure_) failure_ = retryable(peer_ + ": " + message);
  changed_.notify_all();
}

void RestExchange::finish() {
  const std::lock_guard guard(mutex_);
  finished_ = true;
  changed_.notify_all();
}

pplx::task<std::size_t> RestExchange::put(const std::uint8_t* data, std::size_t size) {
  const std::lock_guard guard(mutex_);
  // Never a failed task: the library waits for a buffer of one to close, in the pool's only thread.
  if (abandoned_) return pplx::task_from_result(size);
  unread_.append(as_text(ByteView(data, size)));
  changed_.notify_all();
  if (unread_.size() < window_) return pplx::task_from_result(size);
  room_.emplace();
  return pplx::create_task(*room_).then([size] { return size; });
}

template <typename Ready>
RestExchange::Wait RestExchange::wait(std::unique_lock<std::mutex>& lock, Deadline deadline,
                                      const std::stop_token& stop, Ready ready) {
  while (!ready()) {
    if (stop.stop_requested()) return Wait::kStopped;
    if (changed_.wait_until(lock, deadline) == std::cv_status::timeout && !ready()) {
      return stop.stop_requested() ? Wait::kStopped : Wait::kTimedOut;
    }
  }
  return Wait::kReady;
}

Error RestExchange::why(Wait wait) const {
  if (wait == Wait::kStopped) return retryable(peer_ + ": stopped");
  return retryable(peer_ + ": " + (head_ ? "the answer's body" : "the answer") +
                   " did not come in time");
}

Result<HttpResponse> RestExchange::wait_for_head(Deadline deadline, const std::stop_token& stop) {
  const std::stop_callback wake(stop, [this] {
    const std::lock_guard guard(mutex_);
    changed_.notify_all();
  });
  std::unique_lock lock(mutex_);
  const Wait outcome = wait(lock, deadline, stop, [&] { return head_ || failure_; });
  if (outcome != Wait::kReady) return why(outcome);
  if (!head_) return *failure_;
  return *head_;
}

Result<std::optional<std::string>> RestExchange::next_piece(Deadline deadline,
                                                            const std::stop_token& stop) {
  const std::stop_callback wake(stop, [this] {
    const std::lock_guard guard(mutex_);
    changed_.notify_all();
  });
  std::optional<pplx::task_completion_event<void>> room;
  std::string piece;
  {
    std::unique_lock lock(mutex_);
    const Wait outcome =
        wait(lock, deadline, stop, [&] { return !unread_.empty() || finished_ || failure_; });
    if (outcome != Wait::kReady) return why(outcome);
    piece.swap(unread_);
    room.swap(room_);
    if (piece.empty() && failure_) return *failure_;
  }
  if (room) room->set();
  if (piece.empty()) return std::optional<std::string>();
  return std::optional<std::string>(std::move(piece));
}

void RestExchange::abandon() {
  std::optional<pplx::task_completion_event<void>> room;
  std::unique_lock lock(mutex_);
  abandoned_ = true;
  unread_.clear();
  room.swap(room_);
  const bool unfinished = !finished_ && !failure_;
  lock.unlock();
  if (room) room->set();
  if (!unfinished) return;
  // The library closes the socket where it is told to, beside a read of another thread, which asio
  // forbids: told by the pool's one thread, nothing else is at work on the socket.
  crossplat::threadpool::shared_instance().service().post(
      [cancellation = cancellation_] { cancellation.cancel(); });
  // So that nothing of the request is left when the program ends.
  lock.lock();
  changed_.wait_for(lock, kMostOfEnding, [this] { return finished_ || failure_; });
}

}  // namespace avouch::adapters
