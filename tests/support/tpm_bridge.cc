#include "support/tpm_bridge.h"

#include <fcntl.h>
#include <poll.h>

#include <algorithm>
#include <utility>

#include "base/bytes.h"
#include "support/unix_socket.h"

namespace avouch::testing {
namespace {

constexpr std::size_t kHeader = 10;  // tag, size, command or response code
constexpr std::uint32_t kMaxMessage = 64 * 1024;

std::uint32_t be32_at(const std::string& message, std::size_t offset) {
  std::uint32_t out = 0;
  for (std::size_t i = 0; i < 4; ++i) {
    out = out << 8 | static_cast<unsigned char>(message.at(offset + i));
  }
  return out;
}

std::string refusal(std::uint32_t code) {
  Bytes out = {0x80, 0x01};
  append_be32(out, kHeader);
  append_be32(out, code);
  return std::string(as_text(out));
}

}  // namespace

TpmBridge::TpmBridge(std::string tpm_socket) : tpm_socket_(std::move(tpm_socket)) {
  UnixSocket listener;
  if (!listener.listen(dir_ / "sock") || ::pipe2(end_.data(), O_CLOEXEC) != 0) {
    throw std::runtime_error("cannot listen at " + (dir_ / "sock"));
  }
  listener_ = ::dup(listener.fd());
  thread_ = std::thread([this] { serve(); });
}

TpmBridge::~TpmBridge() {
  ::close(end_[1]);
  thread_.join();
  ::close(end_[0]);
  ::close(listener_);
}

void TpmBridge::set_fault(Fault fault) {
  const std::lock_guard lock(mutex_);
  fault_ = std::move(fault);
}

std::optional<std::uint32_t> TpmBridge::fault_for(std::uint32_t command) {
  const std::lock_guard lock(mutex_);
  return fault_ ? fault_(command) : std::nullopt;
}

// Whether there is something to read before the bridge ends.
bool TpmBridge::wait_for(int fd) {
  std::array<pollfd, 2> both = {pollfd{fd, POLLIN, 0}, pollfd{end_[0], POLLIN, 0}};
  return ::poll(both.data(), both.size(), -1) > 0 && both[1].revents == 0;
}

void TpmBridge::serve() {
  while (wait_for(listener_)) serve_one(::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC));
}

bool TpmBridge::read_message(int fd, std::string& message) {
  message.clear();
  std::size_t size = kHeader;
  while (message.size() < size) {
    std::array<char, 4096> buffer{};
    if (!wait_for(fd)) return false;
    const ssize_t got = ::read(fd, buffer.data(), std::min(buffer.size(), size - message.size()));
    if (got <= 0) return false;
    message.append(buffer.data(), static_cast<std::size_t>(got));
    if (message.size() == kHeader) size = std::min(be32_at(message, 2), kMaxMessage);
  }
  return true;
}

void TpmBridge::serve_one(int accepted) {
  const UnixSocket client(accepted);
  const UnixSocket tpm;
  if (!tpm.connect(tpm_socket_)) return;
  std::string message;
  while (read_message(client.fd(), message)) {
    if (const auto code = fault_for(be32_at(message, 6)); code.has_value()) {
      message = refusal(*code);
    } else if (!tpm.send(message) || !read_message(tpm.fd(), message)) {
      return;
    }
    if (!client.send(message)) return;
  }
}

}  // namespace avouch::testing
