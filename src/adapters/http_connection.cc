#include "adapters/http_connection.h"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/bind_handler.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/ssl/ssl_stream.hpp>
#include <exception>
#include <limits>
#include <optional>
#include <utility>

#include "adapters/http_peer.h"
#include "adapters/http_request_rules.h"

namespace avouch::adapters {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using beast::error_code;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

using PlainStream = beast::tcp_stream;
using TlsStream = beast::ssl_stream<beast::tcp_stream>;

constexpr std::size_t kBodyPiece = 64 * 1024;
constexpr std::size_t kFirstRead = 8 * 1024;
constexpr std::size_t kDrainBytes = 1024 * 1024;  // of a body that nobody wants
constexpr milliseconds kDrainTime{1'000};
constexpr milliseconds kCloseTime{2'000};
constexpr milliseconds kRoomWait{5};  // for room for a piece of a body
constexpr int kRoomPatience = 3;      // waits before another one's connection has to go
constexpr int kRoomTries = 40;
constexpr std::size_t kSmallAnswer = 4 * 1024;  // is given whether or not there is room
constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";

std::int64_t steady_millis() {
  const auto since = steady_clock::now().time_since_epoch();
  return std::max<std::int64_t>(1, std::chrono::duration_cast<milliseconds>(since).count());
}

std::string to_string(beast::string_view text) { return {text.data(), text.size()}; }

HttpRequest to_request(const http::request_header<>& head) {
  HttpRequest request;
  request.method = to_string(head.method_string());
  const std::string target = to_string(head.target());
  const std::size_t question = target.find('?');
  request.path = target.substr(0, question);
  if (question != std::string::npos) request.query = target.substr(question + 1);
  for (const auto& field : head) {
    request.headers.add(to_string(field.name_string()), to_string(field.value()));
  }
  return request;
}

bool has_control(std::string_view text) {
  return std::any_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

http::response<http::string_body> to_beast(HttpResponse response, int version, bool keep_alive) {
  http::response<http::string_body> out;
  out.version(static_cast<unsigned>(version));
  const bool known = response.status >= 200 && response.status <= 599;
  out.result(static_cast<unsigned>(known ? response.status : 500));
  if (!response.content_type.empty() && !has_control(response.content_type)) {
    out.set(http::field::content_type, response.content_type);
  }
  for (const auto& [name, value] : response.headers.list()) {
    if (!name.empty() && !has_control(name) && !has_control(value)) out.insert(name, value);
  }
  out.keep_alive(keep_alive);
  out.body() = std::move(response.body);
  out.prepare_payload();
  return out;
}

template <typename Stream>
class Connection final : public ConnectionBase,
                         public std::enable_shared_from_this<Connection<Stream>> {
  static constexpr bool kTls = std::is_same_v<Stream, TlsStream>;

 public:
  template <typename... Tls>
  Connection(ServerShared& shared, asio::ip::tcp::socket socket, Tls&... tls)
      : shared_(shared),
        stream_(std::move(socket), tls...),
        reply_timer_(stream_.get_executor()),
        room_timer_(stream_.get_executor()),
        buffer_(shared.options.header_bytes) {
    error_code ignored;
    const auto endpoint = lowest().socket().remote_endpoint(ignored);
    if (!ignored) {
      HttpPeer peer = peer_of(endpoint);
      peer_ = std::move(peer.address);
      network = std::move(peer.network);
    }
    lowest().socket().set_option(asio::ip::tcp::no_delay(true), ignored);
  }

  ~Connection() override {
    release_body();
    shared_.table.remove(this);
  }

  void start() override {
    asio::post(stream_.get_executor(), [self = this->shared_from_this()] { self->begin(); });
  }

  void stop_when_idle() override {
    asio::post(stream_.get_executor(), [self = this->shared_from_this()] {
      if (self->waiting_) self->close();
    });
  }

  bool end_if_reading() override {
    std::int64_t since = reading_since;
    if (since <= 0 || !reading_since.compare_exchange_strong(since, -since)) return false;
    asio::post(stream_.get_executor(), [self = this->shared_from_this(), chosen = -since] {
      if (self->reading_since == chosen) self->close();  // else it has got on meanwhile
    });
    return true;
  }

  void abort() override {
    asio::post(stream_.get_executor(), [self = this->shared_from_this()] { self->close(); });
  }

  void deliver(std::uint64_t request, HttpResponse response) override {
    asio::post(stream_.get_executor(), [self = this->shared_from_this(), request,
                                        response = std::move(response)]() mutable {
      self->on_reply(request, std::move(response));
    });
  }

 private:
  beast::tcp_stream& lowest() { return beast::get_lowest_layer(stream_); }

  template <typename... Args>
  auto then(void (Connection::*member)(Args...)) {
    return beast::bind_front_handler(member, this->shared_from_this());
  }

  void close() {
    leave_waiting();
    reading_since = 0;
    busy_since = 0;
    room_timer_.cancel();
    error_code ignored;
    lowest().socket().shutdown(asio::ip::tcp::socket::shutdown_both, ignored);
    lowest().close();
  }

  void leave_waiting() {
    waiting_ = false;
    idle_since = 0;
  }

  // ---- opening ----

  void begin() {
    if constexpr (kTls) {
      reading_since = steady_millis();
      lowest().expires_after(shared_.options.header_read);
      stream_.async_handshake(asio::ssl::stream_base::server, then(&Connection::on_handshake));
    } else {
      wait_for_request();
    }
  }

  void on_handshake(error_code error) {
    if (error) return close();
    if constexpr (kTls) {
      SSL* const tls = stream_.native_handle();
      authenticated_ =
          SSL_get0_peer_certificate(tls) != nullptr && SSL_get_verify_result(tls) == X509_V_OK;
    }
    wait_for_request();
  }

  // ---- head ----

  void wait_for_request() {
    parser_.emplace();
    parser_->header_limit(static_cast<std::uint32_t>(shared_.options.header_bytes));
    // plan() says, and it is counted below. Not boost::none: Beast of Boost 1.74 compares every
    // Content-Length with the empty optional, and finds it greater.
    parser_->body_limit(std::numeric_limits<std::uint64_t>::max());
    request_ = {};
    sink_.reset();
    release_body();
    if (buffer_.size() > 0) return read_head();
    reading_since = 0;
    idle_since = steady_millis();
    waiting_ = true;
    if (shared_.stopping) return finish_close();
    lowest().expires_after(shared_.options.idle);
    stream_.async_read_some(buffer_.prepare(std::min(kFirstRead, buffer_.max_size())),
                            then(&Connection::on_first_bytes));
  }

  void on_first_bytes(error_code error, std::size_t count) {
    leave_waiting();
    if (error) return finish_close();
    buffer_.commit(count);
    read_head();
  }

  void read_head() {
    reading_since = steady_millis();
    request_deadline_ = steady_clock::now() + shared_.options.request_read;
    lowest().expires_after(shared_.options.header_read);
    http::async_read_header(stream_, buffer_, *parser_, then(&Connection::on_head));
  }

  void on_head(error_code error, std::size_t) {
    if (error) return answer_read_error(error);
    version_ = static_cast<int>(parser_->get().version());
    head_method_ = parser_->get().method() == http::verb::head;
    request_ = to_request(parser_->get());
    request_.peer = peer_;
    request_.network = network;
    request_.authenticated = authenticated_;
    HeadFacts facts;
    facts.version = version_;
    facts.chunked = parser_->chunked();
    if (const auto length = parser_->content_length()) facts.content_length = *length;
    if (auto refusal = refuse_head(request_, facts)) return refuse(std::move(*refusal));

    auto plan = call_plan();
    if (!plan.has_value()) return refuse(answer_to_handler_error(plan.error()));
    if (plan->refusal) return refuse(*std::move(plan->refusal));
    limit_ = plan->limit;
    sink_ = std::move(plan->sink);
    if (facts.content_length && *facts.content_length > limit_) {
      return refuse(body_too_large(limit_));
    }
    // A chunk that says that it is larger is refused by its first line.
    if (facts.chunked) parser_->body_limit(limit_);
    if (parser_->is_done()) return dispatch();
    if (request_.headers.find("Expect") && buffer_.size() == 0) {
      lowest().expires_at(request_deadline_);
      return asio::async_write(stream_, asio::buffer(kContinue.data(), kContinue.size()),
                               then(&Connection::on_continue_sent));
    }
    prepare_body();
  }

  Result<BodyPlan> call_plan() {
    try {
      return shared_.handler.plan(request_);
    } catch (const std::exception& e) {
      shared_.log.error("handler's plan threw", {{"error", e.what()}});
      return fatal("plan");
    } catch (...) {
      return fatal("plan");
    }
  }

  // ---- body ----

  void on_continue_sent(error_code error, std::size_t) {
    if (error) return close();
    prepare_body();
  }

  void prepare_body() {
    if (!sink_) {
      const auto length = parser_->content_length();
      request_.body.reserve(length ? static_cast<std::size_t>(*length) : limit_ + 1);
    }
    read_body();
  }

  // Reads the next piece: straight into the request's body, or into a piece for the sink. One byte
  // more than the limit is asked for, to tell "at the limit" from "over it".
  void read_body() {
    const std::size_t room = limit_ - body_size_;
    std::size_t want = room < kBodyPiece ? room + 1 : kBodyPiece;
    if (const auto rest = parser_->content_length_remaining()) {
      want = static_cast<std::size_t>(std::min<std::uint64_t>(want, *rest));
    }
    std::string& target = sink_ ? piece_ : request_.body;
    const std::size_t offset = sink_ ? 0 : body_size_;
    if (!sink_) {
      if (!shared_.reserve_body(want)) return wait_for_room();
      room_tries_ = 0;
      body_held += want;
    }
    target.resize(offset + want);
    parser_->get().body().data = target.data() + offset;
    parser_->get().body().size = want;
    asked_ = want;
    lowest().expires_at(request_deadline_);
    http::async_read(stream_, buffer_, *parser_, then(&Connection::on_body));
  }

  void on_body(error_code error, std::size_t) {
    if (error == http::error::need_buffer) error = {};
    if (error == http::error::body_limit) return refuse(body_too_large(limit_));
    if (error) return answer_read_error(error);
    const std::size_t got = asked_ - parser_->get().body().size;
    body_size_ += got;
    if (body_size_ > limit_) return refuse(body_too_large(limit_));
    if (sink_) {
      if (auto written = call_sink(got); !written.has_value()) {
        return refuse(answer_to_handler_error(written.error()));
      }
    } else {
      request_.body.resize(body_size_);
    }
    if (!parser_->is_done()) return read_body();
    dispatch();
  }

  Result<void> call_sink(std::size_t count) {
    if (count == 0) return {};
    try {
      return sink_->write(as_bytes(std::string_view(piece_).substr(0, count)));
    } catch (const std::exception& e) {
      shared_.log.error("body sink threw", {{"error", e.what()}});
      return fatal("sink");
    } catch (...) {
      return fatal("sink");
    }
  }

  // Others' bodies come and go within milliseconds; after a few of them somebody has to go.
  void wait_for_room() {
    if (++room_tries_ > kRoomTries) return refuse_for_room();
    if (room_tries_ > kRoomPatience && !shared_.end_a_hoarder(this)) return refuse_for_room();
    room_timer_.expires_after(kRoomWait);
    room_timer_.async_wait([self = this->shared_from_this()](error_code error) {
      if (!error && self->lowest().socket().is_open()) self->read_body();
    });
  }

  void release_body() { shared_.release_body(body_held.exchange(0)); }

  void refuse_for_room() {
    HttpResponse response =
        problem(503, "Overloaded", "too many request bodies at once; try again later");
    response.headers.add("Retry-After", "1");
    refuse(std::move(response));
  }

  // ---- answer ----

  void dispatch() {
    ++shared_.requests;
    reading_since = 0;
    busy_since = steady_millis();
    body_size_ = 0;
    piece_ = {};
    const std::uint64_t number = ++request_number_;
    handling_ = true;
    reply_timer_.expires_after(shared_.options.reply);
    reply_timer_.async_wait([self = this->shared_from_this(), number](error_code error) {
      if (error) return;
      self->keep_alive_ = false;
      self->on_reply(number, problem(504, "HandlerTimeout", "no answer in time"));
    });
    keep_alive_ = parser_->keep_alive();
    const auto began = request_deadline_ - shared_.options.request_read;
    request_.waited =
        shared_.pulse.lag() + std::chrono::duration_cast<milliseconds>(steady_clock::now() - began);
    HttpHandler::Reply reply = make_reply(shared_.gate, this->shared_from_this(), number);
    try {
      shared_.handler.handle(std::move(request_), std::move(sink_), reply);
      if (shared_.options.bodies_end_with_handle) release_body();
    } catch (const std::exception& e) {
      shared_.log.error("handler threw", {{"error", e.what()}});
      reply(problem(500, "InternalError", "the request failed; see the server's log"));
    } catch (...) {
      reply(problem(500, "InternalError", "the request failed; see the server's log"));
    }
  }

  void on_reply(std::uint64_t number, HttpResponse response) {
    if (!handling_ || number != request_number_) return;
    handling_ = false;
    busy_since = 0;
    reply_timer_.cancel();
    if (!lowest().socket().is_open()) return;
    unread_body_ = false;
    release_body();  // who is being answered hoards nothing
    write(std::move(response));
  }

  void answer_read_error(error_code error) {
    auto answer = answer_to_read_error(error, shared_.options.header_bytes);
    if (!answer) return close();
    refuse(std::move(*answer));
  }

  // Answers without having read the whole request, and closes.
  void refuse(HttpResponse response) {
    ++shared_.refused;
    keep_alive_ = false;
    unread_body_ = true;
    reading_since = 0;
    room_tries_ = 0;
    body_size_ = 0;
    piece_ = {};
    sink_.reset();
    request_ = {};  // what has come of the body is of no use
    release_body();
    write(std::move(response));
  }

  // What its client does not take is held as long as a body that does not come.
  HttpResponse with_room(HttpResponse response) {
    if (response.body.size() <= kSmallAnswer) return response;
    // One that is larger than all the room there is takes all of it.
    const std::size_t size = std::min(response.body.size(), shared_.options.body_bytes);
    if (shared_.reserve_answer(size, this)) {
      body_held += size;
      return response;
    }
    ++shared_.refused;
    response = problem(503, "Overloaded", "too many answers at once; try again later");
    response.headers.add("Retry-After", "1");
    return response;
  }

  void write(HttpResponse response) {
    if (shared_.stopping) keep_alive_ = false;
    response = with_room(std::move(response));
    response_.emplace(to_beast(std::move(response), version_, keep_alive_));
    reading_since = steady_millis();  // who does not take the answer waits at others' cost as well
    lowest().expires_after(shared_.options.write);
    if (head_method_) {
      serializer_.emplace(*response_);
      return http::async_write_header(stream_, *serializer_, then(&Connection::on_written));
    }
    http::async_write(stream_, *response_, then(&Connection::on_written));
  }

  void on_written(error_code error, std::size_t) {
    serializer_.reset();
    response_.reset();
    release_body();
    reading_since = 0;
    head_method_ = false;
    if (error) return close();
    if (keep_alive_) return wait_for_request();
    if (unread_body_) return begin_drain();
    finish_close();
  }

  // ---- closing ----

  // A close with unread bytes would reset the connection and could take the answer with it, so a
  // little is read and thrown away first.
  void begin_drain() {
    if constexpr (!kTls) {
      error_code ignored;
      lowest().socket().shutdown(asio::ip::tcp::socket::shutdown_send, ignored);
    }
    drained_ = 0;
    reading_since = steady_millis();
    drain_deadline_ = steady_clock::now() + kDrainTime;
    buffer_.consume(buffer_.size());
    drain();
  }

  void drain() {
    lowest().expires_at(drain_deadline_);
    stream_.async_read_some(buffer_.prepare(buffer_.max_size()), then(&Connection::on_drained));
  }

  void on_drained(error_code error, std::size_t count) {
    drained_ += count;
    if (error || drained_ >= kDrainBytes) return close();
    drain();
  }

  void finish_close() {
    if constexpr (kTls) {
      if (!lowest().socket().is_open()) return close();
      reading_since = steady_millis();
      lowest().expires_after(kCloseTime);
      stream_.async_shutdown(then(&Connection::on_tls_closed));
    } else {
      close();
    }
  }

  void on_tls_closed(error_code) { close(); }

  ServerShared& shared_;
  Stream stream_;
  asio::steady_timer reply_timer_;
  asio::steady_timer room_timer_;
  beast::flat_buffer buffer_;
  std::string peer_;
  std::optional<http::request_parser<http::buffer_body>> parser_;
  std::optional<http::response<http::string_body>> response_;
  std::optional<http::response_serializer<http::string_body>> serializer_;
  HttpRequest request_;
  std::shared_ptr<BodySink> sink_;
  std::string piece_;
  std::size_t limit_ = 0;
  std::size_t body_size_ = 0;
  std::size_t asked_ = 0;
  std::size_t drained_ = 0;
  std::uint64_t request_number_ = 0;
  int version_ = 11;
  int room_tries_ = 0;
  bool authenticated_ = false;
  bool head_method_ = false;
  bool keep_alive_ = false;
  bool handling_ = false;
  bool waiting_ = false;
  bool unread_body_ = false;
  steady_clock::time_point request_deadline_;
  steady_clock::time_point drain_deadline_;
};

}  // namespace

std::shared_ptr<ConnectionBase> make_plain_connection(ServerShared& shared,
                                                      asio::ip::tcp::socket socket) {
  return std::make_shared<Connection<PlainStream>>(shared, std::move(socket));
}

std::shared_ptr<ConnectionBase> make_tls_connection(ServerShared& shared,
                                                    asio::ip::tcp::socket socket,
                                                    asio::ssl::context& tls) {
  return std::make_shared<Connection<TlsStream>>(shared, std::move(socket), tls);
}

}  // namespace avouch::adapters
