#pragma once

// HTTP messages as plain values, and the seam between a server and what it serves. Clients use the
// same values (kube/transport.h). Adapters translate.

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace avouch {

// Header fields in order; names compare without case.
class HttpHeaders {
 public:
  HttpHeaders() = default;
  HttpHeaders(std::initializer_list<std::pair<std::string, std::string>> fields)
      : fields_(fields) {}

  void add(std::string name, std::string value) {
    fields_.emplace_back(std::move(name), std::move(value));
  }
  // The first value, or nothing.
  std::optional<std::string_view> find(std::string_view name) const;
  const std::vector<std::pair<std::string, std::string>>& list() const { return fields_; }

 private:
  std::vector<std::pair<std::string, std::string>> fields_;
};

struct HttpRequest {
  std::string method;  // upper case
  std::string path;    // percent-decoded by nobody: as received, without the query
  std::string query;   // after '?', may be empty
  HttpHeaders headers;
  std::string body;
  std::string peer;  // "address:port" of the client; empty in clients
  // Of servers: what one client can take addresses from: its IPv4 address, or the /64 of its IPv6
  // address; and whether it has shown a certificate by an authority of the server's.
  std::string network;
  bool authenticated = false;
  // Of servers: since its first byte, and how long a first byte has to wait to be read now.
  std::chrono::milliseconds waited{0};
};

struct HttpResponse {
  int status = 500;
  std::string content_type = "text/plain; charset=utf-8";
  HttpHeaders headers;
  std::string body;
};

// The value of `name` in a query string, percent-decoded; nothing if it is missing; kRejected if it
// is given twice or badly encoded.
Result<std::optional<std::string>> query_value(std::string_view query, std::string_view name);

// application/problem+json (RFC 9457), with a machine-readable `code`.
HttpResponse problem(int status, std::string_view code, std::string_view detail);

// Takes a body piece by piece, so that a large one never lies in memory.
class BodySink {
 public:
  virtual ~BodySink() = default;
  virtual Result<void> write(ByteView piece) = 0;  // an error ends the request with 4xx or 5xx
};

// What a handler allows for the body of one request, decided from its head alone.
struct BodyPlan {
  std::size_t limit = 0;           // bytes; one more is answered 413 and the connection is closed
  std::shared_ptr<BodySink> sink;  // where the bytes go instead of HttpRequest::body, if set
  std::optional<HttpResponse> refusal;  // answered at once, and no byte of the body is read
};

// What a server serves. All calls may come from several threads at once.
class HttpHandler {
 public:
  using Reply = std::function<void(HttpResponse)>;

  virtual ~HttpHandler() = default;

  // Before the body is read. An error status refuses the request without reading its body.
  virtual Result<BodyPlan> plan(const HttpRequest& head) = 0;

  // Answers by calling `reply` once, now or later, from any thread. A reply that is destroyed
  // uncalled answers 500. An exception answers 500. `sink` is what plan() gave.
  virtual void handle(HttpRequest request, std::shared_ptr<BodySink> sink, Reply reply) = 0;
};

}  // namespace avouch
