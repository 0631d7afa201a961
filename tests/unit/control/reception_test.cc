#include "control/reception.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "control/names.h"
#include "kube/transport.h"
#include "support/fake_kube.h"
#include "support/manual_clock.h"

namespace avouch::control {
namespace {

using namespace std::chrono_literals;
using codec::Json;

// An API server that answers nothing while it is shut, and counts what it is asked.
class Gate final : public kube::Transport {
 public:
  explicit Gate(kube::Transport& behind) : behind_(behind) {}

  Result<HttpResponse> send(const HttpRequest& request, std::chrono::milliseconds timeout,
                            std::stop_token stop) override {
    ++asked;
    open_.wait(false);
    return behind_.send(request, timeout, stop);
  }
  Result<HttpResponse> stream(const HttpRequest&, const kube::StreamLimits&, const OnLine&,
                              std::stop_token) override {
    return fatal("nothing is watched here");
  }
  void shut() { open_ = false; }
  void open() {
    open_ = true;
    open_.notify_all();
  }
  void wait_for(int requests) const {
    while (asked < requests) std::this_thread::yield();
  }
  std::atomic<int> asked = 0;

 private:
  kube::Transport& behind_;
  std::atomic<bool> open_ = true;
};

HttpRequest request(const std::string& token, const std::string& network = "192.0.2.1") {
  HttpRequest out;
  out.headers.add("Authorization", "Bearer " + token);
  out.network = network;
  return out;
}

// In an order in which nothing is gone while a thread may still ask for it.
struct Desk {
  Desk(kube::Transport& transport, Clock& clock)
      : callers(
            kube::Client(transport), clock,
            {.ns = "ns", .agent_service_account = "agent", .webhook_service_account = "webhook"}) {}

  Callers callers;
  WorkPool pool{1, 16};
  FairPool strangers{1, 4};
  Reception reception{callers, pool, strangers};
};

class ReceptionTest : public ::testing::Test {
 protected:
  ReceptionTest() {
    Json user;
    user["username"] = "system:serviceaccount:ns:webhook";
    user["uid"] = "u";
    server.add_token("webhook", user, {std::string(kTokenAudience)});
  }
  // What `receive` gives in the end; kFatal where it is full.
  Result<Caller> receive(Reception& reception, const HttpRequest& sent) {
    std::promise<Result<Caller>> answer;
    const auto taken =
        reception.receive(sent, [&](const Result<Caller>& caller) { answer.set_value(caller); });
    if (taken == WorkPool::Taken::kFull) return fatal("full");
    return answer.get_future().get();
  }

  testing::FakeKube server;
  testing::ManualClock clock;
};

TEST_F(ReceptionTest, SaysWhoSendsARequestOrWhyThatIsNotKnown) {
  Desk desk(server, clock);
  Reception& reception = desk.reception;
  for (int i = 0; i < 2; ++i) {  // a stranger, then known
    const auto caller = receive(reception, request("webhook"));
    ASSERT_TRUE(caller.has_value()) << caller.error().message;
    EXPECT_EQ(caller->role, Caller::Role::kWebhook);
    EXPECT_EQ(receive(reception, request("made-up")).error().kind, ErrorKind::kRejected);
  }
  server.set_down(true);
  EXPECT_EQ(receive(reception, request("another")).error().kind, ErrorKind::kRetryable);
}

TEST_F(ReceptionTest, TokensThatAreMadeUpKeepNobodyWaitingWhoIsKnown) {
  Gate gate(server);
  std::atomic<int> answered = 0, gave_way = 0;  // until the threads of the desk have ended
  const auto count = [&](const Result<Caller>& caller) {
    gave_way += !caller.has_value() && caller.error().kind == ErrorKind::kRetryable;
    ++answered;
  };
  Desk desk(gate, clock);
  Reception& reception = desk.reception;
  ASSERT_TRUE(receive(reception, request("webhook")).has_value());
  gate.shut();
  ASSERT_EQ(reception.receive(request("junk"), count), WorkPool::Taken::kYes);
  gate.wait_for(2);  // the only thread for strangers waits for the API server
  for (int i = 0; i < 4; ++i) {
    ASSERT_EQ(reception.receive(request("junk" + std::to_string(i)), count), WorkPool::Taken::kYes);
  }
  EXPECT_EQ(reception.receive(request("junk-more"), count), WorkPool::Taken::kFull);
  EXPECT_EQ(reception.known(request("junk-head")).error().message,
            "too many requests wait; try again later");

  EXPECT_TRUE(receive(reception, request("webhook")).has_value()) << "served all the same";
  EXPECT_EQ(answered, 0);

  // A stranger from elsewhere has room, and what gives way is told so.
  EXPECT_EQ(reception.receive(request("other", "192.0.2.9"), count), WorkPool::Taken::kYes);
  EXPECT_EQ(answered, 1);
  EXPECT_EQ(gave_way, 1);
  gate.open();
  while (answered < 6) std::this_thread::yield();
}

TEST_F(ReceptionTest, AsksAgainBeforeWhoGoesOnCallingIsAStranger) {
  Gate gate(server);
  Desk desk(gate, clock);
  Reception& reception = desk.reception;
  ASSERT_TRUE(receive(reception, request("webhook")).has_value());
  desk.strangers.stop();  // who becomes a stranger now is not served any more
  clock.advance(39s);
  ASSERT_TRUE(receive(reception, request("webhook")).has_value());
  EXPECT_EQ(gate.asked, 1);
  clock.advance(2s);
  for (int i = 0; i < 5; ++i, clock.advance(41s)) {
    ASSERT_TRUE(receive(reception, request("webhook")).has_value()) << i;
    ASSERT_TRUE(receive(reception, request("webhook")).has_value()) << i;
    gate.wait_for(i + 2);
    ASSERT_TRUE(receive(reception, request("webhook")).has_value()) << i;
  }
  EXPECT_EQ(gate.asked, 6) << "once each time";
}

TEST_F(ReceptionTest, WhoIsRefusedWhenAskedAgainIsKnownNoMore) {
  Desk desk(server, clock);
  Reception& reception = desk.reception;
  ASSERT_TRUE(receive(reception, request("webhook")).has_value());
  server.add_token("webhook", Json::Object{{"username", "x"}}, {"another audience"});
  clock.advance(41s);
  static_cast<void>(receive(reception, request("webhook")));
  while (desk.callers.known("webhook")) std::this_thread::yield();
  EXPECT_EQ(receive(reception, request("webhook")).error().kind, ErrorKind::kRejected);
}

TEST_F(ReceptionTest, AnAnswerThatCannotBeRenewedStaysUntilItExpires) {
  Desk desk(server, clock);
  Reception& reception = desk.reception;
  ASSERT_TRUE(receive(reception, request("webhook")).has_value());
  server.set_down(true);
  clock.advance(41s);
  ASSERT_TRUE(receive(reception, request("webhook")).has_value());
  clock.advance(18s);
  ASSERT_TRUE(receive(reception, request("webhook")).has_value());
  clock.advance(2s);
  EXPECT_EQ(receive(reception, request("webhook")).error().kind, ErrorKind::kRetryable);
}

// Each namespace's service accounts share a turn: whoever has one may make any number of them.
TEST_F(ReceptionTest, ServesWhoIsKnownInTurnWhoeverAsksMost) {
  const auto give = [&](const std::string& token, const std::string& name) {
    server.add_token(token, Json::Object{{"username", name}}, {std::string(kTokenAudience)});
  };
  give("a", "system:serviceaccount:tenant:a");
  give("b", "system:serviceaccount:tenant:b");
  give("c", "system:serviceaccount:other:c");
  Desk desk(server, clock);
  FairPool fair(1, 16);
  Reception reception(desk.callers, fair, desk.strangers);
  for (const char* token : {"a", "b", "c"}) {
    ASSERT_TRUE(receive(reception, request(token)).has_value());
  }
  std::promise<void> busy, go_on;
  ASSERT_EQ(reception.receive(request("a"),
                              [&](const Result<Caller>&) {
                                busy.set_value();
                                go_on.get_future().wait();
                              }),
            WorkPool::Taken::kYes);
  busy.get_future().wait();
  std::vector<std::string> order;  // the one thread's, until all are served
  std::atomic<int> served = 0;
  const auto ask = [&](const std::string& token) {
    ASSERT_EQ(reception.receive(request(token),
                                [&, token](const Result<Caller>& caller) {
                                  order.push_back(caller.has_value() ? token : "refused");
                                  ++served;
                                }),
              WorkPool::Taken::kYes);
  };
  for (const char* token : {"a", "b", "a", "b", "c", "c"}) ask(token);
  go_on.set_value();
  while (served < 6) std::this_thread::yield();
  EXPECT_EQ(order, (std::vector<std::string>{"a", "c", "b", "c", "a", "b"}));
}

TEST(TurnOf, IsTheNamespaceOfServiceAccountsAndTheNameOfOthers) {
  const auto turn = [](const std::string& name) { return turn_of({.username = name}); };
  EXPECT_EQ(turn("system:serviceaccount:ns:a"), turn("system:serviceaccount:ns:b"));
  EXPECT_NE(turn("system:serviceaccount:ns:a"), turn("system:serviceaccount:other:a"));
  EXPECT_NE(turn("alice"), turn("bob"));
  EXPECT_NE(turn("namespace ns"), turn("system:serviceaccount:ns:a"));
}

TEST(FairPool, ServesNetworksInTurnAndTheOneWithMostGivesWay) {
  FairPool pool(1, 4);
  std::promise<void> busy, go_on;
  std::vector<std::string> order;  // the one thread's, until it has stopped
  std::vector<std::string> dropped;
  std::promise<void> last;
  const auto task = [&](const std::string& name) {
    return FairPool::Task{.run = [&, name] { order.push_back(name); },
                          .give_way = [&, name] { dropped.push_back(name); }};
  };
  ASSERT_EQ(pool.post("a", {.run =
                                [&] {
                                  busy.set_value();
                                  go_on.get_future().wait();
                                  throw std::runtime_error("a request that failed");
                                },
                            .give_way = nullptr}),
            WorkPool::Taken::kYes);
  busy.get_future().wait();
  for (const char* name : {"a1", "a2", "a3", "a4"}) {
    ASSERT_EQ(pool.post("a", task(name)), WorkPool::Taken::kYes);
  }
  EXPECT_EQ(pool.post("a", task("a5")), WorkPool::Taken::kFull);
  EXPECT_EQ(pool.post("b", task("b1")), WorkPool::Taken::kYes);  // a4 gives way
  EXPECT_EQ(pool.post("b", task("b2")), WorkPool::Taken::kYes);  // a3 gives way
  EXPECT_EQ(pool.post("b", task("b3")), WorkPool::Taken::kFull) << "no more than others have";
  EXPECT_EQ(pool.post("c", {.run = [&] { last.set_value(); }, .give_way = nullptr}),
            WorkPool::Taken::kYes);  // one of two
  EXPECT_EQ(pool.waiting(), 4U);
  EXPECT_EQ(dropped, (std::vector<std::string>{"a4", "a3", "a2"}));
  go_on.set_value();
  last.get_future().wait();
  while (pool.waiting() > 0) std::this_thread::yield();
  pool.stop();
  EXPECT_EQ(order, (std::vector<std::string>{"a1", "b1", "b2"}));
  EXPECT_EQ(pool.post("d", task("d1")), WorkPool::Taken::kFull);
}

}  // namespace
}  // namespace avouch::control
