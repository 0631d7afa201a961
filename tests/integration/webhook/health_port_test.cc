// The port that the kubelet asks, while somebody else holds all of its connections: a probe that
// gets no answer ends the container.

#include <gtest/gtest.h>

#include <boost/asio.hpp>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "adapters/http_server.h"
#include "observe/health.h"
#include "observe/metrics.h"

namespace avouch::adapters {
namespace {

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
  void write(const std::string& bytes) {
    boost::system::error_code ignored;
    asio::write(socket_, asio::buffer(bytes), ignored);
  }
  std::string read_head() {
    std::string text;
    boost::system::error_code ignored;
    asio::read_until(socket_, asio::dynamic_buffer(text), "\r\n\r\n", ignored);
    return text;
  }

 private:
  asio::io_context io_;
  tcp::socket socket_;
};

TEST(HealthPort, AnswersAProbeWhileAnotherAddressHoldsEveryConnection) {
  observe::Metrics metrics;
  observe::HealthHandler health(metrics);
  const HttpServerOptions options = health_options("127.0.0.1:0");
  const auto server = HttpServer::start(options, health);
  ASSERT_TRUE(server.has_value()) << server.error().message;
  std::vector<std::unique_ptr<PlainClient>> held;
  for (std::size_t i = 0; i < 2 * options.connections; ++i) {
    held.push_back(std::make_unique<PlainClient>((*server)->port(), "127.0.0.2"));
    held.back()->write("GET /healthz HTTP/1.1\r\nHos");
  }
  for (int i = 0; i < 5; ++i) {
    PlainClient probe((*server)->port(), "127.0.0.1");
    probe.write("GET /healthz HTTP/1.1\r\nHost: pod\r\nConnection: close\r\n\r\n");
    EXPECT_TRUE(probe.read_head().starts_with("HTTP/1.1 200")) << i;
  }
  EXPECT_GE((*server)->stats().shed, 1U);
}

// Answers more than any socket buffers.
class LargeAnswers final : public HttpHandler {
 public:
  Result<BodyPlan> plan(const HttpRequest&) override { return BodyPlan{}; }
  void handle(HttpRequest request, std::shared_ptr<BodySink>, Reply reply) override {
    HttpResponse response;
    response.status = 200;
    if (request.path == "/large") response.body.assign(32UL << 20, 'x');
    reply(std::move(response));
  }
};

// An answer that nobody takes keeps its connection as a request does that does not come.
TEST(HealthPort, AnswersAProbeWhileAnotherAddressTakesNoAnswers) {
  LargeAnswers handler;
  HttpServerOptions options = health_options("127.0.0.1:0");
  options.connections = 4;
  const auto server = HttpServer::start(options, handler);
  ASSERT_TRUE(server.has_value()) << server.error().message;
  std::vector<std::unique_ptr<PlainClient>> held;
  for (std::size_t i = 0; i < options.connections; ++i) {
    held.push_back(std::make_unique<PlainClient>((*server)->port(), "127.0.0.2"));
    held.back()->write("GET /large HTTP/1.1\r\nHost: pod\r\n\r\n");
  }
  while ((*server)->stats().requests < options.connections) std::this_thread::yield();
  for (int i = 0; i < 5; ++i) {
    PlainClient probe((*server)->port(), "127.0.0.1");
    probe.write("GET /healthz HTTP/1.1\r\nHost: pod\r\nConnection: close\r\n\r\n");
    EXPECT_TRUE(probe.read_head().starts_with("HTTP/1.1 200")) << i;
  }
  EXPECT_GE((*server)->stats().shed, 1U);
}

}  // namespace
}  // namespace avouch::adapters
