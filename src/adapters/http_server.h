#pragma once

// An HTTPS (or plain HTTP) server for an HttpHandler, on Boost.Beast: HTTP/1.1 and 1.0 with
// keep-alive; pipelined requests are answered in order, one at a time.
//
// Every limit below is enforced before memory is spent beyond it. A request that is refused is
// answered with application/problem+json where an answer is possible; a peer that is too slow is
// cut off. Bodies come with Content-Length or chunked; another transfer coding is 501, a content
// coding other than identity 415, an expectation other than 100-continue 417.

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/http.h"
#include "base/result.h"

namespace avouch::adapters {

struct TlsMaterial {
  std::string certificate_pem;  // leaf first
  std::string key_pem;
  std::string client_ca_pem;  // if not empty, clients must show a certificate by one of these
  bool operator==(const TlsMaterial&) const = default;
};

// Called at the start and then once a `tls_reload`; a change is used for new connections. An error,
// or material that does not fit together (a rotation half done), keeps what is in use and is
// logged.
using TlsSource = std::function<Result<TlsMaterial>()>;
// `client_ca` must hold a certificate at least; errors about it also say `client_ca_source`, where
// that file comes from.
TlsSource tls_from_files(std::filesystem::path certificate, std::filesystem::path key,
                         std::filesystem::path client_ca = {}, std::string client_ca_source = {});

struct HttpServerOptions {
  std::string listen;  // "address:port", IPv6 in brackets; port 0 takes a free one
  TlsSource tls;       // TLS 1.2 or newer; empty: plain HTTP
  std::chrono::milliseconds tls_reload{10'000};
  int threads = 2;

  std::size_t header_bytes = 16 * 1024;
  // Beyond these two limits, room is made at the cost of the network (HttpRequest::network) that
  // has the most connections or bytes of bodies and answers: its connection that has been idle
  // longest, or else has kept the server waiting longest, is closed. Nobody is locked out, not even
  // who shares the network. A connection whose request is with the handler is closed last: where
  // every one's is, and the longest first. A body or an answer for which there is no room all the
  // same is 503.
  std::size_t connections = 4096;
  // Of all requests that are not answered and all answers that are not taken, together. An answer
  // of up to 4 KiB is given in any case; one that is larger than this takes all of it.
  std::size_t body_bytes = 256 * 1024 * 1024;
  bool bodies_end_with_handle = false;  // handle() keeps nothing of a body when it returns

  std::chrono::milliseconds header_read{5'000};    // also the TLS handshake
  std::chrono::milliseconds request_read{10'000};  // from the first byte to the body's last
  std::chrono::milliseconds idle{90'000};          // between requests
  std::chrono::milliseconds reply{60'000};         // the handler's time; then 504
  std::chrono::milliseconds write{30'000};
};

// For health and metrics: plain HTTP, one thread, few connections, and the kubelet's probe gets one
// whoever else holds them.
HttpServerOptions health_options(std::string listen);

struct HttpServerStats {
  std::size_t connections = 0;  // open now
  std::uint64_t accepted = 0;
  std::uint64_t shed = 0;            // connections closed for want of room
  std::uint64_t requests = 0;        // given to the handler
  std::uint64_t refused = 0;         // answered by the server itself
  std::size_t body_bytes = 0;        // held now
  std::chrono::milliseconds lag{0};  // how long the threads leave things waiting now
};

// All calls are thread-safe. The handler must outlive the server; its plan(), handle() and the
// sinks run on the server's threads.
class HttpServer {
 public:
  // kRejected: the listen address or the TLS material is unusable. kRetryable: the address is in
  // use.
  static Result<std::unique_ptr<HttpServer>> start(HttpServerOptions options, HttpHandler& handler);
  ~HttpServer();  // stop({})
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  std::uint16_t port() const;
  std::string address() const;  // "address:port" as bound
  HttpServerStats stats() const;

  // Asks the TLS source now. A value if its material is in use afterwards.
  Result<void> reload_tls();
  // The end of the serving certificate's life; nothing for plain HTTP.
  std::optional<SystemTime> certificate_not_after() const;

  // Accepts no more, closes idle connections, lets requests under way finish for at most `grace`,
  // then cuts what is left. Replies that come later are dropped. Idempotent; returns when all
  // threads have ended. Not to be called from a handler.
  void stop(std::chrono::milliseconds grace);

 private:
  struct Impl;
  explicit HttpServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace avouch::adapters
