// A webhook that cannot tell the API server from others, and others who flood it: with reviews that
// they made up, with connections, with bodies. The API server is served all the same, also where a
// flood comes from its own address.

#include <atomic>
#include <thread>

#include "integration/webhook/client.h"
#include "support/eventually.h"

namespace avouch::webhook {
namespace {

constexpr const char* kServer = "127.0.0.1";
constexpr const char* kElsewhere = "127.0.0.2";
constexpr const char* kTarget = "/admit/pods";
constexpr milliseconds kPatience{20'000};  // machines may be slow here

Json review(const std::string& node, const std::string& uid) {
  Json out = binding(node);
  out["request"]["uid"] = uid;
  return out;
}

// The request; to be answered within the time that the webhook gives itself.
std::string asks(const std::string& node, const std::string& uid) {
  return post(review(node, uid), kTarget);
}

// Sends reviews over several connections at once, each the next as soon as it has an answer.
class Flood {
 public:
  Flood(std::uint16_t port, const std::string& from, int threads, int connections) {
    for (int t = 0; t < threads; ++t) {
      threads_.emplace_back([this, port, from, t, connections] {
        std::vector<std::unique_ptr<Client>> clients;
        clients.reserve(static_cast<std::size_t>(connections));
        for (int i = 0; i < connections; ++i) {
          clients.push_back(std::make_unique<Client>(port, Client::Identity{}, from));
        }
        for (int n = 0; !stop_; ++n) send(clients, from + "-" + std::to_string(t), n);
      });
    }
  }
  ~Flood() {
    stop_ = true;
    for (auto& thread : threads_) thread.join();
  }
  bool await(int answers) const {
    return testing::eventually([&] { return answers_ >= answers; });
  }

 private:
  void send(std::vector<std::unique_ptr<Client>>& clients, const std::string& who, int n) {
    for (std::size_t i = 0; i < clients.size(); ++i) {
      const std::string uid = who + "-" + std::to_string(i) + "-" + std::to_string(n);
      clients[i]->write(asks(i % 2 == 0 ? "good" : "bad", uid));
    }
    for (auto& client : clients) {
      if (!client->read().empty()) ++answers_;
    }
  }

  std::atomic<bool> stop_{false};
  std::atomic<int> answers_{0};
  std::vector<std::thread> threads_;
};

class FloodedWebhook : public WebhookServer {
 protected:
  static adapters::HttpServerOptions fair() {
    adapters::HttpServerOptions options;
    options.bodies_end_with_handle = true;
    // Room is made because others want it, not because somebody was too slow.
    options.header_read = options.request_read = std::chrono::minutes(1);
    return options;
  }
  std::string ask_from(const char* address, const std::string& request) const {
    return Client(port(), {}, address).ask(request);
  }
  bool taken(std::uint64_t requests) const {
    return testing::eventually([&] { return webhook_->server->stats().requests >= requests; });
  }

  // The API server asks while others flood; every answer is the right one. What came too late would
  // be denied as Overloaded. (How late answers come is for webhook_bench --flood to say: sanitizers
  // and busy machines are slow.)
  void ask_under_flood(const char* flood_from) {
    start(fair(), kPatience);
    const Flood flood(port(), flood_from, 2, 8);
    ASSERT_TRUE(flood.await(100));
    Client server(port(), {}, kServer);
    std::vector<milliseconds> took;
    for (int i = 0; i < 60; ++i) {
      const bool good = i % 2 == 0;
      const auto began = steady_clock::now();
      const std::string answer =
          server.ask(asks(good ? "good" : "bad", "real-" + std::to_string(i)));
      took.push_back(std::chrono::duration_cast<milliseconds>(steady_clock::now() - began));
      const Json response = response_of(answer);
      ASSERT_EQ(*response.find("allowed")->as_bool(), good) << answer;
      if (!good) {
        ASSERT_EQ(response.text({"auditAnnotations", "reason"}), "NoVerdict") << answer;
      }
    }
    std::sort(took.begin(), took.end());
    EXPECT_LT(took[30], milliseconds(2'500));  // the webhook's own deadline, by default
  }

  // Four half-sent bodies from elsewhere take all the room there is.
  void ask_without_room_for_bodies(const char* address) {
    adapters::HttpServerOptions options = fair();
    options.body_bytes = 512UL * 1024;
    start(options, kPatience);
    const std::string half =
        "POST /admit/pods HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        "Content-Length: 3000000\r\n\r\n" +
        std::string(100'000, ' ');
    std::vector<std::unique_ptr<Client>> held;
    for (int i = 0; i < 4; ++i) {
      held.push_back(std::make_unique<Client>(port(), Client::Identity{}, kElsewhere));
      held.back()->write(half);
    }
    ASSERT_TRUE(
        testing::eventually([&] { return webhook_->server->stats().body_bytes >= 512UL * 1024; }));
    std::string body = codec::to_json(review("good", "large"));
    body += std::string(200'000, ' ');
    EXPECT_TRUE(allowed(ask_from(address, post(body, kTarget))));
    held.clear();
    EXPECT_TRUE(testing::eventually([&] { return webhook_->server->stats().connections == 0; }));
    EXPECT_EQ(webhook_->server->stats().body_bytes, 0U);
  }
};

TEST_F(FloodedWebhook, AnswersTheApiServerRightWhileAnotherAddressFloods) {
  ask_under_flood(kElsewhere);
}

TEST_F(FloodedWebhook, AnswersTheApiServerRightWhileItsOwnAddressFloods) {
  ask_under_flood(kServer);
}

TEST_F(FloodedWebhook, LogsWhoSentAReview) {
  start(fair(), kPatience);
  EXPECT_TRUE(allowed(ask_from(kServer, asks("good", "real"))));
  EXPECT_TRUE(allowed(ask_from(kElsewhere, asks("good", "made-up"))));
  EXPECT_EQ(*log_.payload("real").find("caller")->as_text(), "unauthenticated");
  EXPECT_EQ(*log_.payload("real").find("peer")->as_text(), kServer);
  EXPECT_EQ(*log_.payload("made-up").find("caller")->as_text(), "unauthenticated");
  EXPECT_EQ(*log_.payload("made-up").find("peer")->as_text(), kElsewhere);
}

TEST_F(FloodedWebhook, KeepsRoomInTheSpoolForAnAddressThatHasNotHadItsShare) {
  start(fair(), kPatience, 60'000);
  log_.set(true, false);
  int spooled = 0;
  std::string last;
  for (int i = 0; i < 1'000; ++i) {
    last = ask_from(kElsewhere, asks("good", "made-up-" + std::to_string(i)));
    if (!allowed(last)) break;
    ++spooled;
  }
  EXPECT_GE(spooled, 10);
  EXPECT_NE(last.find("127.0.0.2 has had its share of the spool"), std::string::npos) << last;
  EXPECT_EQ(response_of(ask_from(kServer, asks("good", "real"))).text({"auditAnnotations", "log"}),
            "spooled");
  EXPECT_GE(webhook_->recorder.stats().over_share, 1U);
}

TEST_F(FloodedWebhook, TakesANewConnectionWhenSomebodyHoldsAllOfThem) {
  adapters::HttpServerOptions options = fair();
  options.connections = 20;
  start(options, kPatience);
  std::vector<std::unique_ptr<Client>> held;
  for (int i = 0; i < 20; ++i) {
    held.push_back(std::make_unique<Client>(port(), Client::Identity{}, kElsewhere));
    held.back()->write("POST /admit/pods HTTP/1.1\r\nHos");
  }
  for (const char* address : {kServer, kElsewhere}) {
    for (int i = 0; i < 5; ++i) {
      EXPECT_TRUE(allowed(ask_from(address, asks("good", "real-" + std::to_string(i)))));
    }
  }
  EXPECT_GE(webhook_->server->stats().shed, 1U);
}

TEST_F(FloodedWebhook, ClosesNoConnectionOfTheQuietAddressForOneOfTheCrowd) {
  adapters::HttpServerOptions options = fair();
  options.connections = 20;
  start(options, kPatience);
  Client server(port(), {}, kServer);
  EXPECT_TRUE(allowed(server.ask(asks("good", "first"))));  // idle longest of all
  std::vector<std::unique_ptr<Client>> crowd;
  crowd.reserve(60);
  for (int i = 0; i < 60; ++i) {
    crowd.push_back(std::make_unique<Client>(port(), Client::Identity{}, kElsewhere));
  }
  EXPECT_GE(webhook_->server->stats().shed, 20U);
  EXPECT_TRUE(allowed(server.ask(asks("good", "second"))));
}

TEST_F(FloodedWebhook, TakesANewConnectionWhenEveryOtherOneWaitsForAVerdict) {
  adapters::HttpServerOptions options = fair();
  options.connections = 10;
  start(options, milliseconds(60'000));
  log_.set(false, true);  // hangs
  std::vector<std::unique_ptr<Client>> waiting;
  for (std::uint64_t i = 0; i < 10; ++i) {
    waiting.push_back(std::make_unique<Client>(port(), Client::Identity{}, kElsewhere));
    waiting.back()->write(asks("good", "waits-" + std::to_string(i)));
    ASSERT_TRUE(taken(i + 1));
  }
  EXPECT_FALSE(allowed(ask_from(kServer, asks("bad", "real"))));
  log_.set(false, false);
  std::size_t answered = 0;
  for (auto& client : waiting) answered += client->read().empty() ? 0U : 1U;
  EXPECT_EQ(answered, 9U);
}

TEST_F(FloodedWebhook, ReadsABodyWhenAnotherAddressHoldsAllTheRoomForBodies) {
  ask_without_room_for_bodies(kServer);
}

TEST_F(FloodedWebhook, ReadsABodyWhenItsOwnAddressHoldsAllTheRoomForBodies) {
  ask_without_room_for_bodies(kElsewhere);
}

TEST_F(FloodedWebhook, LetsGoOfABodyOnceItIsDecidedOn) {
  adapters::HttpServerOptions options = fair();
  options.body_bytes = 512 * 1024;
  start(options, kPatience);
  log_.set(false, true);  // hangs: the requests are under way until it is back
  std::vector<std::unique_ptr<Client>> waiting;
  for (std::uint64_t i = 0; i < 4; ++i) {
    std::string body = codec::to_json(review("good", "waits-" + std::to_string(i)));
    body += std::string(300'000, ' ');
    waiting.push_back(std::make_unique<Client>(port()));
    waiting.back()->write(post(body, kTarget));
    ASSERT_TRUE(taken(i + 1));
    // Before the next one comes, which is patient for 200 ms only.
    ASSERT_TRUE(testing::eventually([&] { return webhook_->server->stats().body_bytes == 0; }));
  }
  log_.set(false, false);
  for (auto& client : waiting) EXPECT_TRUE(allowed(client->read()));
}

}  // namespace
}  // namespace avouch::webhook
