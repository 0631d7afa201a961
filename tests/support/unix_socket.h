#pragma once

// Unix stream sockets of tests.

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <stdexcept>
#include <string>
#include <utility>

namespace avouch::testing {

class UnixSocket {
 public:
  UnixSocket() : fd_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {}
  explicit UnixSocket(int fd) : fd_(fd) {}
  ~UnixSocket() {
    if (fd_ >= 0) ::close(fd_);
  }
  UnixSocket(UnixSocket&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  UnixSocket& operator=(UnixSocket&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }

  int fd() const { return fd_; }
  bool connect(const std::string& path) const {
    const sockaddr_un address = address_of(path);
    return ::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  }
  bool listen(const std::string& path) const {
    const sockaddr_un address = address_of(path);
    return ::bind(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 &&
           ::listen(fd_, 8) == 0;
  }
  bool send(const std::string& bytes) const {
    return ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL) ==
           static_cast<ssize_t>(bytes.size());
  }

 private:
  static sockaddr_un address_of(const std::string& path) {
    sockaddr_un out{};
    out.sun_family = AF_UNIX;
    if (path.size() >= sizeof out.sun_path) throw std::runtime_error("too long: " + path);
    std::memcpy(out.sun_path, path.data(), path.size());
    return out;
  }

  int fd_;
};

}  // namespace avouch::testing
