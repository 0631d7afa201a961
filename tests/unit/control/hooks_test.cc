#include "control/hooks.h"

#include <gtest/gtest.h>

#include <thread>

#include "kube/resource.h"
#include "support/fake_kube.h"
#include "support/manual_clock.h"

namespace avouch::control {
namespace {

using codec::Json;
using std::chrono::milliseconds;
using std::chrono::seconds;

const kube::ResourcePath kSets{"apps", "v1", "statefulsets", "ns"};

class HooksTest : public ::testing::Test {
 protected:
  void put(const kube::ResourcePath& resource, const std::string& name, Json object = {}) {
    object["metadata"]["name"] = name;
    if (!resource.ns.empty()) object["metadata"]["namespace"] = resource.ns;
    server.put(resource, std::move(object));
  }
  void put_marked_node(const std::string& name) {
    Json node;
    node["metadata"]["labels"]["avouch.node-restriction.kubernetes.io/attested"] = "true";
    node["metadata"]["labels"]["pool"] = "blue";
    node["spec"]["taints"] =
        Json::Array{Json::Object{{"key", "avouch.dev/unattested"}, {"effect", "NoSchedule"}},
                    Json::Object{{"key", "gpu"}, {"value", "yes"}, {"effect", "NoExecute"}}};
    node["status"]["conditions"] =
        Json::Array{Json::Object{{"type", "Ready"}, {"status", "True"}},
                    Json::Object{{"type", "Attested"}, {"status", "True"}}};
    put(kube::nodes(), name, std::move(node));
  }
  void put_namespace(const std::string& name, bool exempt) {
    Json ns;
    if (exempt) ns["metadata"]["labels"]["avouch.dev/exempt"] = "true";
    ns["metadata"]["labels"]["own"] = "1";
    put(kube::namespaces(), name, std::move(ns));
  }
  std::string exempt(const std::string& name) const {
    return std::string(
        server.peek(kube::namespaces(), name)->text({"metadata", "labels", "avouch.dev/exempt"}));
  }

  testing::FakeKube server;
  testing::ManualClock clock;
  kube::Client client{server};
  HookOptions options{.names = {"r", "ns"}, .exempt_namespaces = {"ns", "kube-system", "missing"}};
  HookProgress quiet = [](const std::string&) {};
};

TEST_F(HooksTest, PreparationLabelsWhatExistsAndWritesNothingTwice) {
  put_namespace("ns", false);
  put_namespace("kube-system", true);
  ASSERT_TRUE(prepare(client, clock, options, quiet).has_value());
  EXPECT_EQ(exempt("ns"), "true");
  server.clear_requests();
  ASSERT_TRUE(prepare(client, clock, options, quiet).has_value());
  for (const HttpRequest& request : server.requests()) EXPECT_EQ(request.method, "GET");
}

TEST_F(HooksTest, CleanupLeavesNothingOfOursAndEverythingOfOthers) {
  put(kube::validating_webhook_configurations(), "r");
  put(kube::validating_webhook_configurations(), "another");
  Json set;
  set["spec"]["replicas"] = 1;
  put(kSets, "r-controller", std::move(set));
  for (int i = 0; i < 3; ++i) put_marked_node("node-" + std::to_string(i));
  put_namespace("ns", true);
  put_namespace("kube-system", true);
  put_namespace("shop", true);  // not of this release's list

  ASSERT_TRUE(cleanup(client, clock, options, quiet).has_value());
  EXPECT_FALSE(server.peek(kube::validating_webhook_configurations(), "r").has_value());
  EXPECT_TRUE(server.peek(kube::validating_webhook_configurations(), "another").has_value());
  EXPECT_EQ(*server.peek(kSets, "r-controller")->find_path({"spec", "replicas"})->as_int(), 0);
  for (int i = 0; i < 3; ++i) {
    const Json node = *server.peek(kube::nodes(), "node-" + std::to_string(i));
    EXPECT_EQ(node.find_path({"spec", "taints"})->as_array()->size(), 1U);
    EXPECT_EQ(node.find_path({"spec", "taints"})->as_array()->front().text({"key"}), "gpu");
    EXPECT_EQ(node.find_path({"status", "conditions"})->as_array()->size(), 1U);
    EXPECT_EQ(node.find_path({"metadata", "labels"})->as_object()->size(), 1U);
  }
  EXPECT_EQ(exempt("ns"), "");
  EXPECT_EQ(exempt("kube-system"), "");
  EXPECT_EQ(exempt("shop"), "true");
  EXPECT_TRUE(cleanup(client, clock, options, quiet).has_value()) << "again";
}

// It would put taints and conditions right again.
TEST_F(HooksTest, CleanupTouchesNoNodeBeforeTheControllerIsGone) {
  put(kSets, "r-controller", Json::Object{{"spec", Json::Object{{"replicas", 1}}}});
  put(kube::pods("ns"), "r-controller-0");
  put_marked_node("node-0");
  std::jthread hook([&] { EXPECT_TRUE(cleanup(client, clock, options, quiet).has_value()); });
  clock.await_waiters(1);
  EXPECT_EQ(server.peek(kube::nodes(), "node-0")->find_path({"spec", "taints"})->as_array()->size(),
            2U);
  server.erase(kube::pods("ns"), "r-controller-0");
  clock.advance(options.poll);
  hook.join();
  EXPECT_EQ(server.peek(kube::nodes(), "node-0")->find_path({"spec", "taints"})->as_array()->size(),
            1U);
}

TEST_F(HooksTest, CleanupGivesUpInTimeAndSaysWhatIsLeft) {
  put(kSets, "r-controller", Json::Object{{"spec", Json::Object{{"replicas", 0}}}});
  put(kube::pods("ns"), "r-controller-0");
  options.time = seconds(2);
  std::string left;
  std::jthread hook([&] {
    const auto outcome = cleanup(client, clock, options, quiet);
    left = outcome.has_value() ? "nothing" : outcome.error().message;
  });
  for (int i = 0; i < 4; ++i) {
    clock.await_waiters(1);
    clock.advance(options.poll);
  }
  hook.join();
  EXPECT_EQ(left, "stop the controller: not done in time: the controller's pod is still there");
}

TEST_F(HooksTest, CleanupOutlivesAServerThatIsAwayForAMoment) {
  put_marked_node("node-0");
  server.fail_next(retryable("away"));
  std::jthread hook([&] { EXPECT_TRUE(cleanup(client, clock, options, quiet).has_value()); });
  clock.await_waiters(1);
  clock.advance(options.poll);
  hook.join();
  EXPECT_EQ(server.peek(kube::nodes(), "node-0")->find_path({"spec", "taints"})->as_array()->size(),
            1U);
}

}  // namespace
}  // namespace avouch::control
