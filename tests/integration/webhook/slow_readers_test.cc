// Clients who ask for much and take nothing: what is held for them is bounded, and others are
// served.

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "integration/webhook/plain_client.h"
#include "support/eventually.h"

namespace avouch::adapters {
namespace {

constexpr const char* kGetLarge = "GET /large HTTP/1.1\r\nHost: pod\r\nConnection: close\r\n\r\n";

// LargeAnswers, but who posts is kept waiting.
class KeepsPosts final : public HttpHandler {
 public:
  Result<BodyPlan> plan(const HttpRequest& head) override {
    return BodyPlan{.limit = head.method == "POST" ? kLarge : 0, .sink = nullptr};
  }
  void handle(HttpRequest request, std::shared_ptr<BodySink> sink, Reply reply) override {
    if (request.method != "POST") return answers_.handle(std::move(request), sink, reply);
    kept_.push_back(std::move(reply));
  }

 private:
  LargeAnswers answers_;
  std::vector<Reply> kept_;  // the one thread's
};

class SlowReaders : public ::testing::Test {
 protected:
  void start(HttpHandler& handler, std::size_t body_bytes) {
    HttpServerOptions options;
    options.listen = "127.0.0.1:0";
    options.threads = 1;
    options.body_bytes = body_bytes;
    options.write = std::chrono::minutes(5);  // room is made because others want it
    auto started = HttpServer::start(std::move(options), handler);
    ASSERT_TRUE(started.has_value()) << started.error().message;
    server = *std::move(started);
  }
  PlainClient client(const char* from) const { return {server->port(), from}; }
  // Ask for much, and take nothing.
  void hold(std::size_t count, const char* from) {
    for (std::size_t i = 0; i < count; ++i) {
      const std::uint64_t before = server->stats().requests;
      held.push_back(std::make_unique<PlainClient>(server->port(), from));
      held.back()->write(kGetLarge);
      ASSERT_TRUE(testing::eventually([&] { return server->stats().requests > before; }));
    }
  }
  // At most so many connections are left in the end.
  bool leaves(std::size_t connections) const {
    return testing::eventually([&] { return server->stats().connections <= connections; });
  }

  LargeAnswers answers;
  KeepsPosts keeps;
  std::unique_ptr<HttpServer> server;
  std::vector<std::unique_ptr<PlainClient>> held;
};

TEST_F(SlowReaders, AreHeldNoMoreThanThereIsRoomForAndOthersAreServed) {
  for (const char* from : {"127.0.0.2", "127.0.0.1"}) {
    start(answers, 2 * kLarge);
    hold(6, from);
    EXPECT_TRUE(leaves(2)) << server->stats().connections;
    EXPECT_LE(server->stats().body_bytes, 2 * kLarge);
    EXPECT_GT(client("127.0.0.1").write(kGetLarge).read_all(), kLarge) << from;
    held.clear();
    EXPECT_TRUE(leaves(0));
    EXPECT_EQ(server->stats().body_bytes, 0U);
  }
}

TEST_F(SlowReaders, AnAnswerThatIsLargerThanAllTheRoomIsGivenAlone) {
  start(answers, 64 * 1024);
  hold(3, "127.0.0.2");
  EXPECT_TRUE(leaves(1));
  EXPECT_GT(client("127.0.0.1").write(kGetLarge).read_all(), kLarge);
}

TEST_F(SlowReaders, WhereNobodyCanGoALargeAnswerIsRefusedAndASmallOneIsNot) {
  start(keeps, 100'000);
  PlainClient waits = client("127.0.0.2");
  waits.write("POST / HTTP/1.1\r\nHost: pod\r\nContent-Length: 90000\r\n\r\n" +
              std::string(90'000, '.'));
  ASSERT_TRUE(testing::eventually([&] { return server->stats().requests > 0; }));
  const std::string refused = client("127.0.0.1").write(kGetLarge).read_head();
  EXPECT_TRUE(refused.starts_with("HTTP/1.1 503")) << refused;
  EXPECT_NE(refused.find("Retry-After: 1"), std::string::npos) << refused;
  EXPECT_TRUE(client("127.0.0.1")
                  .write("GET /small HTTP/1.1\r\nHost: pod\r\n\r\n")
                  .read_head()
                  .starts_with("HTTP/1.1 200"));
}

}  // namespace
}  // namespace avouch::adapters
