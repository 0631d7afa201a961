#pragma once

// A client without TLS, and a handler whose answers fill any socket.

#include <boost/asio.hpp>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "adapters/http_server.h"

namespace avouch::adapters {

namespace asio = boost::asio;
using asio::ip::tcp;

class PlainClient {
 public:
  PlainClient(std::uint16_t port, const char* from) : socket_(io_) {
    socket_.open(tcp::v4());
    socket_.bind({asio::ip::make_address(from), 0});
    socket_.connect({asio::ip::make_address("127.0.0.1"), port});
    const timeval limit{20, 0};
    ::setsockopt(socket_.native_handle(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  }
  PlainClient& write(const std::string& bytes) {
    boost::system::error_code ignored;
    asio::write(socket_, asio::buffer(bytes), ignored);
    return *this;
  }
  std::string read_head() {
    std::string text;
    boost::system::error_code ignored;
    asio::read_until(socket_, asio::dynamic_buffer(text), "\r\n\r\n", ignored);
    return text;
  }
  // To the end of the connection; how many bytes came.
  std::size_t read_all() {
    std::size_t sum = 0;
    std::vector<char> piece(1UL << 20);
    boost::system::error_code error;
    while (!error) sum += socket_.read_some(asio::buffer(piece), error);
    return sum;
  }

 private:
  asio::io_context io_;
  tcp::socket socket_;
};

// Answers more than any socket buffers.
inline constexpr std::size_t kLarge = 32UL << 20;

class LargeAnswers final : public HttpHandler {
 public:
  Result<BodyPlan> plan(const HttpRequest&) override { return BodyPlan{}; }
  void handle(HttpRequest request, std::shared_ptr<BodySink>, Reply reply) override {
    HttpResponse response;
    response.status = 200;
    if (request.path == "/large") response.body.assign(kLarge, 'x');
    reply(std::move(response));
  }
};

}  // namespace avouch::adapters
