#include "adapters/http_server.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <thread>
#include <vector>

#include "adapters/http_connection.h"
#include "adapters/http_tls.h"

namespace avouch::adapters {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds kAcceptPause{100};  // after a failed accept (no file descriptors left)

Result<tcp::endpoint> parse_listen(const std::string& text) {
  const std::size_t colon = text.rfind(':');
  const Error bad =
      rejected("listen \"" + text + "\": expected address:port, such as 0.0.0.0:8443 or [::]:8443");
  if (colon == std::string::npos || colon + 1 == text.size() || text.size() - colon > 6) return bad;
  std::uint32_t port = 0;
  for (const char c : text.substr(colon + 1)) {
    if (c < '0' || c > '9') return bad;
    port = port * 10 + static_cast<std::uint32_t>(c - '0');
  }
  std::string host = text.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  error_code error;
  const auto address = asio::ip::make_address(host, error);
  if (error || port > 65535) return bad;
  return tcp::endpoint(address, static_cast<std::uint16_t>(port));
}

}  // namespace

struct HttpServer::Impl {
  Impl(HttpServerOptions options, HttpHandler& handler)
      : shared(std::move(options), handler),
        acceptor(io),
        accept_timer(io),
        reload_timer(io),
        pulse_timer(io) {}

  Result<void> open();
  void accept();
  void on_accept(const error_code& error, tcp::socket socket);
  void admit(tcp::socket socket);
  bool shed_one();
  bool shed_busy();
  void schedule_reload();
  void schedule_pulse();
  Result<void> reload();
  void run();

  ServerShared shared;
  asio::io_context io;
  asio::executor_work_guard<asio::io_context::executor_type> work{io.get_executor()};
  tcp::acceptor acceptor;
  asio::steady_timer accept_timer;
  asio::steady_timer reload_timer;
  asio::steady_timer pulse_timer;
  TlsStore tls;
  tcp::endpoint bound;
  std::vector<std::thread> threads;
  std::mutex stop_mutex;
  bool stopped = false;
};

Result<void> HttpServer::Impl::open() {
  if (shared.options.tls) AVOUCH_CHECK(reload());
  AVOUCH_TRY(const tcp::endpoint endpoint, parse_listen(shared.options.listen));
  error_code error;
  acceptor.open(endpoint.protocol(), error);
  if (!error && endpoint.address().is_v6()) acceptor.set_option(asio::ip::v6_only(false), error);
  if (!error) acceptor.set_option(tcp::acceptor::reuse_address(true), error);
  if (!error) acceptor.bind(endpoint, error);
  if (!error) acceptor.listen(tcp::acceptor::max_listen_connections, error);
  if (!error) bound = acceptor.local_endpoint(error);
  if (!error) return {};
  return retryable("listen \"" + shared.options.listen + "\": " + error.message());
}

void HttpServer::Impl::accept() {
  acceptor.async_accept(asio::make_strand(io), [this](const error_code& error, tcp::socket socket) {
    on_accept(error, std::move(socket));
  });
}

void HttpServer::Impl::on_accept(const error_code& error, tcp::socket socket) {
  if (shared.stopping || error == asio::error::operation_aborted) return;
  if (error) {
    shared.log.warn("accept failed", {{"error", error.message()}});
    accept_timer.expires_after(kAcceptPause);
    return accept_timer.async_wait([this](const error_code& cancelled) {
      if (!cancelled) accept();
    });
  }
  try {
    admit(std::move(socket));
  } catch (const std::exception& e) {
    shared.log.error("connection not admitted", {{"error", e.what()}});
  }
  accept();
}

void HttpServer::Impl::admit(tcp::socket socket) {
  ++shared.accepted;
  if (shared.table.size() >= shared.options.connections) {
    ++shared.shed;
    if (!shed_one()) return;  // `socket` closes
  }
  const auto connection = shared.options.tls
                              ? make_tls_connection(shared, std::move(socket), *tls.context())
                              : make_plain_connection(shared, std::move(socket));
  shared.table.add(connection);
  connection->start();
}

// False where nobody can go.
bool HttpServer::Impl::shed_one() {
  const auto chosen = shared.table.most_crowding();
  if (!chosen) return shed_busy();
  if (chosen->idle_since.exchange(0) != 0) {  // chosen once
    chosen->stop_when_idle();
  } else {
    chosen->end_if_reading();
  }
  return true;
}

bool HttpServer::Impl::shed_busy() {
  const auto chosen = shared.table.most_occupying();
  if (!chosen || chosen->busy_since.exchange(0) == 0) return false;
  chosen->abort();
  return true;
}

Result<void> HttpServer::Impl::reload() {
  AVOUCH_TRY(const TlsMaterial material, shared.options.tls());
  return tls.use(material);
}

void HttpServer::Impl::schedule_reload() {
  if (!shared.options.tls) return;
  reload_timer.expires_after(shared.options.tls_reload);
  reload_timer.async_wait([this](const error_code& cancelled) {
    if (cancelled || shared.stopping) return;
    if (const auto reloaded = reload(); !reloaded.has_value()) {
      shared.log.warn("TLS certificate not reloaded; the old one stays in use",
                      {{"error", reloaded.error().message}});
    }
    schedule_reload();
  });
}

void HttpServer::Impl::schedule_pulse() {
  shared.pulse.expect_next();
  pulse_timer.expires_after(Pulse::kEvery);
  pulse_timer.async_wait([this](const error_code& cancelled) {
    if (cancelled || shared.stopping) return;
    shared.pulse.beat();
    schedule_pulse();
  });
}

void HttpServer::Impl::run() {
  for (;;) {
    try {
      io.run();
      return;
    } catch (const std::exception& e) {
      shared.log.error("connection ended by an exception", {{"error", e.what()}});
    } catch (...) {
      shared.log.error("connection ended by an exception");
    }
  }
}

HttpServer::HttpServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
HttpServer::~HttpServer() { stop({}); }

HttpServerOptions health_options(std::string listen) {
  HttpServerOptions options;
  options.listen = std::move(listen);
  options.threads = 1;
  options.connections = 64;
  options.body_bytes = 1024UL * 1024;  // a few answers to those who collect metrics
  return options;
}

Result<std::unique_ptr<HttpServer>> HttpServer::start(HttpServerOptions options,
                                                      HttpHandler& handler) {
  auto impl = std::make_unique<Impl>(std::move(options), handler);
  AVOUCH_CHECK(impl->open());
  impl->accept();
  impl->schedule_reload();
  impl->schedule_pulse();
  for (int i = 0; i < std::max(1, impl->shared.options.threads); ++i) {
    impl->threads.emplace_back([running = impl.get()] { running->run(); });
  }
  return std::unique_ptr<HttpServer>(new HttpServer(std::move(impl)));
}

std::uint16_t HttpServer::port() const { return impl_->bound.port(); }

std::string HttpServer::address() const {
  const auto address = impl_->bound.address();
  const std::string text = address.is_v6() ? "[" + address.to_string() + "]" : address.to_string();
  return text + ":" + std::to_string(port());
}

HttpServerStats HttpServer::stats() const {
  ServerShared& shared = impl_->shared;
  return {shared.table.size(), shared.accepted,   shared.shed,       shared.requests,
          shared.refused,      shared.body_bytes, shared.pulse.lag()};
}

Result<void> HttpServer::reload_tls() { return impl_->reload(); }

std::optional<SystemTime> HttpServer::certificate_not_after() const {
  return impl_->tls.not_after();
}

void HttpServer::stop(milliseconds grace) {
  const std::lock_guard lock(impl_->stop_mutex);
  if (std::exchange(impl_->stopped, true)) return;
  ServerShared& shared = impl_->shared;
  shared.stopping = true;
  asio::post(impl_->io, [impl = impl_.get()] {
    error_code ignored;
    impl->acceptor.close(ignored);
    impl->accept_timer.cancel();
    impl->reload_timer.cancel();
    impl->pulse_timer.cancel();
  });
  for (const auto& connection : shared.table.all()) connection->stop_when_idle();
  shared.table.wait_until_empty(steady_clock::now() + grace);
  for (const auto& connection : shared.table.all()) connection->abort();
  {
    const std::unique_lock closing(shared.gate->mutex);
    shared.gate->open = false;
  }
  impl_->work.reset();
  impl_->io.stop();
  for (auto& thread : impl_->threads) thread.join();
  error_code ignored;
  impl_->acceptor.close(ignored);
}

}  // namespace avouch::adapters
