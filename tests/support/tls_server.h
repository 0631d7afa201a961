#pragma once

// A TLS server that does to its client whatever a test wants, byte by byte.

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <utility>

namespace avouch::testing {

class TlsConnection {
 public:
  virtual ~TlsConnection() = default;
  // Head and body (by Content-Length) of the next request; "" when the client is gone.
  virtual std::string read_request() = 0;
  virtual bool write(const std::string& bytes) = 0;  // false when the client is gone
  virtual void await_close() = 0;                    // until the client closes
  virtual std::string client_name() const = 0;       // CN of its certificate, or ""
};

struct TlsServerOptions {
  std::string certificate_pem, key_pem;
  std::string client_ca_pem;  // then a client certificate is required
  bool ipv6 = false;          // listens on ::1 instead of 127.0.0.1
};

// Each connection has a thread of its own, which runs `serve`; the connection is closed when it
// returns. The destructor closes all connections and waits.
class TlsServer {
 public:
  using Serve = std::function<void(TlsConnection&)>;

  TlsServer(const TlsServerOptions& options, Serve serve);  // throws where it cannot listen
  ~TlsServer();
  TlsServer(const TlsServer&) = delete;
  TlsServer& operator=(const TlsServer&) = delete;

  std::string url() const;
  int port() const;
  int connections() const;  // with a finished handshake, so far

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// "HTTP/1.1 STATUS\r\n..." with Content-Length.
std::string http_answer(int status, const std::string& body, const std::string& headers = {});
// The head of a chunked answer, a chunk, and the end of one.
std::string chunked_head(int status = 200);
std::string chunk(const std::string& data);
inline const char* const kLastChunk = "0\r\n\r\n";

}  // namespace avouch::testing
