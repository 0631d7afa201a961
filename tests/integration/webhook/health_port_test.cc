// The port that the kubelet asks, while somebody else holds all of its connections: a probe that
// gets no answer ends the container.

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "integration/webhook/plain_client.h"
#include "observe/health.h"
#include "observe/metrics.h"
#include "support/eventually.h"

namespace avouch::adapters {
namespace {

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

// An answer that nobody takes keeps its connection as a request does that does not come.
TEST(HealthPort, AnswersAProbeWhileAnotherAddressTakesNoAnswers) {
  LargeAnswers handler;
  HttpServerOptions options = health_options("127.0.0.1:0");
  options.connections = 4;
  options.body_bytes = 1UL << 30;  // that is no matter here
  const auto server = HttpServer::start(options, handler);
  ASSERT_TRUE(server.has_value()) << server.error().message;
  std::vector<std::unique_ptr<PlainClient>> held;
  for (std::size_t i = 0; i < options.connections; ++i) {
    held.push_back(std::make_unique<PlainClient>((*server)->port(), "127.0.0.2"));
    held.back()->write("GET /large HTTP/1.1\r\nHost: pod\r\n\r\n");
  }
  ASSERT_TRUE(
      testing::eventually([&] { return (*server)->stats().requests >= options.connections; }));
  for (int i = 0; i < 5; ++i) {
    PlainClient probe((*server)->port(), "127.0.0.1");
    probe.write("GET /healthz HTTP/1.1\r\nHost: pod\r\nConnection: close\r\n\r\n");
    EXPECT_TRUE(probe.read_head().starts_with("HTTP/1.1 200")) << i;
  }
  EXPECT_GE((*server)->stats().shed, 1U);
}

}  // namespace
}  // namespace avouch::adapters
