#pragma once

// One connection to a plain HTTP server, kept alive; requests one after the other. For tests and
// load programs. One thread.

#include <chrono>
#include <string>

#include "base/http.h"
#include "base/result.h"

namespace avouch::testing {

class HttpClient {
 public:
  // "127.0.0.1:8080"; connects with the first request, and again after the server has closed.
  explicit HttpClient(std::string address,
                      std::chrono::milliseconds timeout = std::chrono::seconds(30))
      : address_(std::move(address)), timeout_(timeout) {}
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  // kRetryable: no connection, or it ended before the answer had come.
  Result<HttpResponse> send(const std::string& method, const std::string& path,
                            const std::string& body = "", const HttpHeaders& headers = {});

 private:
  Result<void> connect();
  Result<HttpResponse> receive(bool has_body);
  Result<void> read_more();
  void close();

  std::string address_;
  std::chrono::milliseconds timeout_;
  int socket_ = -1;
  std::string buffer_;  // received, and not yet of an answer
};

}  // namespace avouch::testing
