#include "support/https_status.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <memory>

namespace avouch::testing {
namespace {

struct Socket {
  ~Socket() {
    if (fd >= 0) ::close(fd);
  }
  int fd = -1;
};

bool connect_to(const Socket& socket, std::uint16_t port) {
  const timeval limit{5, 0};
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return socket.fd >= 0 &&
         ::setsockopt(socket.fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit) == 0 &&
         ::connect(socket.fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
}

}  // namespace

int https_status(std::uint16_t port, const std::string& path) {
  const Socket socket{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  if (!connect_to(socket, port)) return 0;
  const std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context(SSL_CTX_new(TLS_client_method()),
                                                                  &SSL_CTX_free);
  const std::unique_ptr<SSL, decltype(&SSL_free)> tls(SSL_new(context.get()), &SSL_free);
  if (tls == nullptr || SSL_set_fd(tls.get(), socket.fd) != 1) return 0;
  const std::string request =
      "GET " + path + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
  if (SSL_connect(tls.get()) != 1 ||
      SSL_write(tls.get(), request.data(), static_cast<int>(request.size())) <= 0) {
    return 0;
  }
  constexpr std::size_t kStatusLine = 12;  // HTTP/1.1 200
  std::string head(kStatusLine, '\0');
  std::size_t got = 0;
  while (got < head.size()) {
    const int more = SSL_read(tls.get(), head.data() + got, static_cast<int>(head.size() - got));
    if (more <= 0) return 0;
    got += static_cast<std::size_t>(more);
  }
  return head.starts_with("HTTP/1.") ? std::atoi(head.c_str() + 9) : 0;
}

}  // namespace avouch::testing
