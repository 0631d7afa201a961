#include "support/http_client.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <utility>

namespace avouch::testing {
namespace {

Error gone(const std::string& what) { return retryable("HTTP client: " + what); }

}  // namespace

HttpClient::~HttpClient() { close(); }

void HttpClient::close() {
  if (socket_ >= 0) ::close(std::exchange(socket_, -1));
  buffer_.clear();
}

Result<void> HttpClient::connect() {
  const std::size_t colon = address_.rfind(':');
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(static_cast<std::uint16_t>(std::stoul(address_.substr(colon + 1))));
  if (::inet_pton(AF_INET, address_.substr(0, colon).c_str(), &to.sin_addr) != 1) {
    return rejected("HTTP client: expected an IPv4 address: " + address_);
  }
  socket_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (socket_ < 0) return gone("no socket");
  const auto seconds = std::chrono::floor<std::chrono::seconds>(timeout_);
  const timeval time{.tv_sec = seconds.count(),
                     .tv_usec = std::chrono::microseconds(timeout_ - seconds).count()};
  ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &time, sizeof time);
  ::setsockopt(socket_, SOL_SOCKET, SO_SNDTIMEO, &time, sizeof time);
  const int yes = 1;
  ::setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  if (::connect(socket_, reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0) return {};
  close();
  return gone("cannot connect to " + address_);
}

Result<HttpResponse> HttpClient::send(const std::string& method, const std::string& path,
                                      const std::string& body, const HttpHeaders& headers) {
  if (socket_ < 0) AVOUCH_CHECK(connect());
  std::string request = method + " " + path + " HTTP/1.1\r\nHost: test\r\n";
  if (method == "POST" || !body.empty()) {
    request += "Content-Length: " + std::to_string(body.size()) + "\r\n";
  }
  for (const auto& [name, value] : headers.list()) request += name + ": " + value + "\r\n";
  request += "\r\n" + body;
  std::string_view rest = request;
  while (!rest.empty()) {
    const ssize_t sent = ::send(socket_, rest.data(), rest.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent <= 0) break;  // the answer may be there already
    rest.remove_prefix(static_cast<std::size_t>(sent));
  }
  auto answer = receive(method != "HEAD");
  if (!answer.has_value() || !rest.empty()) close();
  return answer;
}

Result<void> HttpClient::read_more() {
  std::array<char, 16 * 1024> piece;
  ssize_t got = -1;
  do {
    got = ::recv(socket_, piece.data(), piece.size(), 0);
  } while (got < 0 && errno == EINTR);
  if (got <= 0) return gone("the connection ended before the answer");
  buffer_.append(piece.data(), static_cast<std::size_t>(got));
  return {};
}

Result<HttpResponse> HttpClient::receive(bool has_body) {
  std::size_t end = std::string::npos;
  while ((end = buffer_.find("\r\n\r\n")) == std::string::npos) AVOUCH_CHECK(read_more());
  HttpResponse response;
  std::size_t length = 0;
  bool closes = false;
  std::string_view head = std::string_view(buffer_).substr(0, end);
  response.status = std::atoi(std::string(head.substr(head.find(' ') + 1, 3)).c_str());
  while (true) {
    const std::size_t line_end = head.find("\r\n");
    if (line_end == std::string_view::npos) break;
    head.remove_prefix(line_end + 2);
    const std::string_view line = head.substr(0, head.find("\r\n"));
    const std::size_t colon = line.find(": ");
    if (colon == std::string_view::npos) return gone("not a header: " + std::string(line));
    response.headers.add(std::string(line.substr(0, colon)), std::string(line.substr(colon + 2)));
  }
  if (const auto text = response.headers.find("Content-Length")) {
    std::from_chars(text->data(), text->data() + text->size(), length);
  }
  if (const auto text = response.headers.find("Connection")) closes = *text == "close";
  response.content_type = std::string(response.headers.find("Content-Type").value_or(""));
  if (!has_body) length = 0;
  while (buffer_.size() < end + 4 + length) AVOUCH_CHECK(read_more());
  response.body = buffer_.substr(end + 4, length);
  buffer_.erase(0, end + 4 + length);
  if (closes) close();
  return response;
}

}  // namespace avouch::testing
