#pragma once

// A TCP relay that can be cut as networks are: connections stay open, and nothing arrives any more.
// Or an address that stays, as a Service's, while what serves behind it is replaced.

#include <array>
#include <atomic>
#include <boost/asio.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

namespace avouch::testing {

class Relay {
 public:
  // To 127.0.0.1:`target_port`.
  explicit Relay(std::uint16_t target_port)
      : target_port_(target_port), acceptor_(io_, {boost::asio::ip::address_v4::loopback(), 0}) {
    accept();
    thread_ = std::jthread([this] { io_.run(); });
  }
  ~Relay() { io_.stop(); }

  std::uint16_t port() const { return acceptor_.local_endpoint().port(); }
  // Of connections that are made from now on.
  void point_to(std::uint16_t target_port) { target_port_ = target_port; }
  void cut() { cut_ = true; }
  // What was sent meanwhile arrives now.
  void mend() {
    cut_ = false;
    boost::asio::post(io_, [this] {
      auto waiting = std::move(waiting_);
      waiting_.clear();
      for (auto& deliver : waiting) deliver();
    });
  }

 private:
  using Socket = boost::asio::ip::tcp::socket;
  struct Pair {
    explicit Pair(boost::asio::io_context& io) : client(io), server(io) {}
    Socket client, server;
    std::array<char, 16 * 1024> up{}, down{};
  };
  using PairPtr = std::shared_ptr<Pair>;

  void accept() {
    auto pair = std::make_shared<Pair>(io_);
    acceptor_.async_accept(pair->client, [this, pair](boost::system::error_code failed) {
      if (!failed) connect(pair);
      accept();
    });
  }
  void connect(const PairPtr& pair) {
    if (cut_) {
      waiting_.emplace_back([this, pair] { connect(pair); });
      return;
    }
    const boost::asio::ip::tcp::endpoint target(boost::asio::ip::address_v4::loopback(),
                                                target_port_);
    pair->server.async_connect(target, [this, pair](boost::system::error_code failed) {
      if (failed) return;
      pump(pair, pair->client, pair->server, pair->up);
      pump(pair, pair->server, pair->client, pair->down);
    });
  }
  void pump(const PairPtr& pair, Socket& from, Socket& to, std::array<char, 16 * 1024>& buffer) {
    from.async_read_some(
        boost::asio::buffer(buffer),
        [this, pair, &from, &to, &buffer](boost::system::error_code failed, std::size_t size) {
          const auto deliver = [this, pair, &from, &to, &buffer, failed, size] {
            if (failed) {
              boost::system::error_code ignored;
              to.shutdown(Socket::shutdown_send, ignored);
              return;
            }
            boost::asio::async_write(
                to, boost::asio::buffer(buffer.data(), size),
                [this, pair, &from, &to, &buffer](boost::system::error_code lost, std::size_t) {
                  if (!lost) pump(pair, from, to, buffer);
                });
          };
          if (cut_) {
            waiting_.emplace_back(deliver);
          } else {
            deliver();
          }
        });
  }

  boost::asio::io_context io_;
  std::atomic<std::uint16_t> target_port_;
  boost::asio::ip::tcp::acceptor acceptor_;
  std::vector<std::function<void()>> waiting_;  // of the relay's thread
  std::atomic<bool> cut_ = false;
  std::jthread thread_;  // ends first
};

}  // namespace avouch::testing
