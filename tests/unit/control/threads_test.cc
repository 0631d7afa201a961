// The controller's threads: the appraiser's loop, the pool for requests, the sink of Events.

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <future>
#include <stdexcept>

#include "control/appraiser_loop.h"
#include "control/event_sink.h"
#include "control/work_pool.h"
#include "kube/resource.h"
#include "support/fake_kube.h"
#include "tests/unit/control/world.h"

namespace avouch::control {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class Observed final : public ControlObserver {
 public:
  void heartbeat(std::string_view, std::string_view, std::chrono::microseconds) override {}
  void verdict(std::string_view, std::string_view, std::string_view, std::uint64_t) override {}
  void problem(std::string_view, std::string_view) override { ++problems; }
  void note(std::string_view, std::string_view) override {}
  void fatal(std::string_view what, const Error& error) override {
    ended.set_value(std::string(what) + ": " + error.message);
  }
  std::atomic<int> problems = 0;
  std::promise<std::string> ended;
};

TEST(AppraiserLoop, RunsTasksInOrderOnOneThread) {
  World world;
  Observed observer;
  AppraiserLoop loop(*world.appraiser, world.clock, observer);
  std::vector<int> order;
  std::promise<void> last;
  for (int i = 0; i < 100; ++i) {
    loop.post([&order, &last, i](Appraiser&, Moment) {
      order.push_back(i);
      if (i == 99) last.set_value();
    });
  }
  loop.start();
  last.get_future().get();
  loop.stop();
  ASSERT_EQ(order.size(), 100U);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(order[static_cast<std::size_t>(i)], i);
}

TEST(AppraiserLoop, EndsTheProcessRatherThanGoOnAfterAnException) {
  World world;
  Observed observer;
  AppraiserLoop loop(*world.appraiser, world.clock, observer);
  loop.start();
  std::atomic<bool> later = false;
  loop.post([](Appraiser&, Moment) { throw std::runtime_error("half a decision"); });
  loop.post([&](Appraiser&, Moment) { later = true; });
  EXPECT_EQ(observer.ended.get_future().get(), "appraiser: unexpected: half a decision");
  loop.stop();
  EXPECT_FALSE(later);
}

TEST(AppraiserLoop, RefusesEvidenceWhenTooMuchWaitsAndChangesOfTheClusterNever) {
  World world;
  Observed observer;
  AppraiserLoop loop(*world.appraiser, world.clock, observer);
  for (std::size_t i = 0; i < AppraiserLoop::kMaxOffered; ++i) {
    ASSERT_EQ(loop.offer([](Appraiser&, Moment) {}), AppraiserLoop::Offer::kTaken);
  }
  EXPECT_EQ(loop.offer([](Appraiser&, Moment) {}), AppraiserLoop::Offer::kFull);
  loop.post([](Appraiser&, Moment) {});
  EXPECT_EQ(loop.waiting(), AppraiserLoop::kMaxOffered + 1);
}

TEST(AppraiserLoop, ShowsByItsLastTurnThatSomethingHangs) {
  World world;
  Observed observer;
  AppraiserLoop loop(*world.appraiser, world.clock, observer);
  std::promise<void> hangs;
  std::promise<void> go_on;
  loop.post([&, wait = go_on.get_future().share()](Appraiser&, Moment) {
    hangs.set_value();
    wait.wait();
  });
  loop.start();
  hangs.get_future().get();
  world.clock.advance(seconds(90));
  EXPECT_EQ(world.clock.steady_now() - loop.last_turn(), seconds(90));
  go_on.set_value();
  std::promise<void> turned;
  loop.post([&](Appraiser&, Moment) { turned.set_value(); });
  turned.get_future().get();
  EXPECT_EQ(world.clock.steady_now(), loop.last_turn());
  loop.stop();
}

TEST(WorkPool, IsBoundedOutlivesExceptionsAndDropsWhatWaitsWhenItStops) {
  WorkPool pool(1, 2);
  std::promise<void> busy;
  std::promise<void> go_on;
  ASSERT_EQ(pool.post([&, wait = go_on.get_future().share()] {
    busy.set_value();
    wait.wait();
    throw std::runtime_error("a request that failed");
  }),
            WorkPool::Taken::kYes);
  busy.get_future().get();
  std::promise<void> ran;
  EXPECT_EQ(pool.post([&] { ran.set_value(); }), WorkPool::Taken::kYes);
  EXPECT_EQ(pool.post([] {}), WorkPool::Taken::kYes);
  EXPECT_EQ(pool.post([] {}), WorkPool::Taken::kFull);
  go_on.set_value();
  ran.get_future().get();
  pool.stop();
  EXPECT_EQ(pool.post([] {}), WorkPool::Taken::kFull);
}

TEST(EventSink, TellsOfTheNodeAndOfItsEvidenceAndBoundsWhatWaits) {
  testing::FakeKube server;
  testing::ManualClock clock;
  const kube::Client client(server);
  const kube::EventRecorder recorder(client, clock, "avouch-controller", "pod-0");
  Observed observer;
  EventSink sink(recorder, observer);
  const NodeEvent event{.node_name = "node-1",
                        .node_uid = "n",
                        .evidence_uid = "e",
                        .severity = NodeEvent::Severity::kWarning,
                        .reason = "AttestationStale",
                        .message = "silence"};
  sink.send(EventSink::about_node(event));
  std::vector<std::string> about;
  const auto listed = client.list(kube::events("default"));
  ASSERT_TRUE(listed.has_value());
  for (const Json& stored : listed.value().items) {
    about.emplace_back(stored.text({"involvedObject", "kind"}));
    EXPECT_EQ(stored.text({"reason"}), "AttestationStale");
    EXPECT_EQ(stored.text({"type"}), "Warning");
  }
  std::sort(about.begin(), about.end());
  EXPECT_EQ(about, (std::vector<std::string>{"AttestationEvidence", "Node"}));

  for (std::size_t i = 0; i < EventSink::kMostWaiting + 3; ++i)
    sink.add(EventSink::about_node(event));
  EXPECT_EQ(observer.problems, 3);
  server.set_down(true);
  sink.send(EventSink::about_node(event));
  EXPECT_EQ(observer.problems, 5);
}

}  // namespace
}  // namespace avouch::control
