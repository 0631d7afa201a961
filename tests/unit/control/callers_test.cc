#include "control/callers.h"

#include <gtest/gtest.h>

#include "control/names.h"
#include "kube/views.h"
#include "support/fake_kube.h"
#include "support/manual_clock.h"

namespace avouch::control {
namespace {

using codec::Json;
using testing::FakeKube;

Json account(const std::string& ns, const std::string& name) {
  Json user;
  user["username"] = "system:serviceaccount:" + ns + ":" + name;
  user["uid"] = "u";
  return user;
}

Json agent(const std::string& pod, const std::string& uid) {
  Json user = account("ns", "agent");
  user["extra"]["authentication.kubernetes.io/pod-name"] = Json::Array{pod};
  user["extra"]["authentication.kubernetes.io/pod-uid"] = Json::Array{uid};
  return user;
}

class CallersTest : public ::testing::Test {
 protected:
  // Returns the pod's UID.
  std::string put_pod(const std::string& name, const std::string& node,
                      const std::string& service_account = "agent") {
    Json pod;
    pod["apiVersion"] = "v1";
    pod["kind"] = "Pod";
    pod["metadata"]["name"] = name;
    pod["metadata"]["namespace"] = "ns";
    pod["spec"]["serviceAccountName"] = service_account;
    if (!node.empty()) pod["spec"]["nodeName"] = node;
    return std::string(server.put(kube::pods("ns"), pod).text({"metadata", "uid"}));
  }
  void give(const std::string& token, Json user,
            const std::string& audience = std::string(kTokenAudience)) {
    server.add_token(token, std::move(user), {audience});
  }
  std::string refusal(const std::string& token) {
    const auto caller = callers.identify(token);
    return caller.has_value() ? "" : caller.error().message;
  }

  FakeKube server;
  testing::ManualClock clock;
  Callers callers{
      kube::Client(server),
      clock,
      {.ns = "ns", .agent_service_account = "agent", .webhook_service_account = "webhook"}};
};

TEST_F(CallersTest, SpeakForTheNodeOfTheirPod) {
  const std::string uid = put_pod("agent-1", "node-1");
  give("t", agent("agent-1", uid));
  const auto caller = callers.identify("t");
  ASSERT_TRUE(caller.has_value()) << caller.error().message;
  EXPECT_EQ(caller->role, Caller::Role::kAgent);
  EXPECT_EQ(caller->node, "node-1");
}

TEST_F(CallersTest, AreNoAgentsWithoutAPodOfTheirOwn) {
  const std::string uid = put_pod("agent-1", "node-1");
  give("unbound", account("ns", "agent"));
  give("gone", agent("agent-9", uid));
  give("remade", agent("agent-1", "another-uid"));
  const std::string unplaced = put_pod("agent-2", "");
  give("unplaced", agent("agent-2", unplaced));
  const std::string foreign = put_pod("shop", "node-1", "shopkeeper");
  give("foreign", agent("shop", foreign));
  for (const char* token : {"unbound", "gone", "remade", "unplaced", "foreign"}) {
    EXPECT_NE(refusal(token), "") << token;
  }
}

TEST_F(CallersTest, AreWhatTheirServiceAccountSays) {
  give("w", account("ns", "webhook"));
  EXPECT_EQ(callers.identify("w")->role, Caller::Role::kWebhook);
  give("same-name-elsewhere", account("other", "webhook"));
  EXPECT_EQ(callers.identify("same-name-elsewhere")->role, Caller::Role::kReader);
  give("agent-elsewhere", account("other", "agent"));
  EXPECT_EQ(callers.identify("agent-elsewhere")->role, Caller::Role::kReader);
}

TEST_F(CallersTest, AreRefusedWithATokenForAnotherAudience) {
  give("t", account("ns", "webhook"), "https://kubernetes.default.svc");
  EXPECT_NE(refusal("t").find("not valid for the audience avouch.dev/controller"),
            std::string::npos);
  EXPECT_NE(refusal("never-issued"), "");
}

TEST_F(CallersTest, AreAskedForOnceAMinute) {
  give("t", account("ns", "webhook"));
  ASSERT_TRUE(callers.identify("t").has_value());
  const std::size_t asked = server.requests().size();
  clock.advance(std::chrono::seconds(59));
  ASSERT_TRUE(callers.identify("t").has_value());
  EXPECT_TRUE(callers.known("t").has_value());
  EXPECT_EQ(server.requests().size(), asked);
  clock.advance(std::chrono::seconds(2));
  EXPECT_FALSE(callers.known("t").has_value());
  ASSERT_TRUE(callers.identify("t").has_value());
  EXPECT_GT(server.requests().size(), asked);
}

TEST_F(CallersTest, AreNobodyWhileTheServerCannotBeAsked) {
  give("t", account("ns", "webhook"));
  server.set_down(true);
  const auto caller = callers.identify("t");
  ASSERT_FALSE(caller.has_value());
  EXPECT_EQ(caller.error().kind, ErrorKind::kRetryable);
  server.set_down(false);
  EXPECT_TRUE(callers.identify("t").has_value()) << "a failure is not remembered as a refusal";
}

TEST(TokenOf, TakesOurOwnHeaderBeforeTheProxys) {
  EXPECT_EQ(token_of({{"Authorization", "Bearer a"}}), "a");
  EXPECT_EQ(token_of({{"Authorization", "Bearer a"}, {"Avouch-Token", "b"}}), "b");
  EXPECT_EQ(token_of({{"Authorization", "Bearer "}}), std::nullopt);
  EXPECT_EQ(token_of({{"Authorization", "Basic a"}}), std::nullopt);
  EXPECT_EQ(token_of({}), std::nullopt);
}

}  // namespace
}  // namespace avouch::control
