#include "control/leader_mark.h"

#include <gtest/gtest.h>

#include "codec/json.h"
#include "control/names.h"
#include "support/fake_kube.h"

namespace avouch::control {
namespace {

using codec::Json;

class LeaderMarkTest : public ::testing::Test {
 protected:
  void add_pod(const std::string& name, const std::string& leads = "",
               const std::string& ns = "ns") {
    Json pod = Json::Object{{"apiVersion", "v1"}, {"kind", "Pod"}};
    pod["metadata"]["name"] = name;
    pod["metadata"]["namespace"] = ns;
    pod["metadata"]["labels"]["app"] = "controller";
    if (!leads.empty()) pod["metadata"]["labels"][std::string(kLeadsLabel)] = leads;
    ASSERT_TRUE(client_.create(kube::pods(ns), pod).has_value());
  }
  std::string leads(const std::string& name, const std::string& ns = "ns") const {
    const auto pod = client_.get(kube::pods(ns), name);
    return pod.has_value() ? std::string(pod->text({"metadata", "labels", kLeadsLabel})) : "(none)";
  }
  static LeaderMark mark(const std::string& pod) {
    return LeaderMark({.ns = "ns", .release = "r", .pod = pod});
  }

  testing::FakeKube server_;
  kube::Client client_{server_};
};

TEST_F(LeaderMarkTest, IsOnTheOnePodThatLeads) {
  add_pod("a", "r");
  add_pod("b");
  add_pod("c", "r");
  add_pod("other", "another-release");
  add_pod("elsewhere", "r", "ns2");
  ASSERT_TRUE(mark("b").take(client_).has_value());
  EXPECT_EQ(leads("a"), "");
  EXPECT_EQ(leads("b"), "r");
  EXPECT_EQ(leads("c"), "");
  EXPECT_EQ(leads("other"), "another-release");
  EXPECT_EQ(leads("elsewhere", "ns2"), "r");
  const auto kept = client_.get(kube::pods("ns"), "a");
  EXPECT_EQ(kept->text({"metadata", "labels", "app"}), "controller");
}

TEST_F(LeaderMarkTest, IsTakenOffTheOwnPodAlone) {
  add_pod("a", "r");
  add_pod("b", "r");
  ASSERT_TRUE(mark("a").drop(client_).has_value());
  EXPECT_EQ(leads("a"), "");
  EXPECT_EQ(leads("b"), "r");
  EXPECT_TRUE(mark("never").drop(client_).has_value());
}

TEST_F(LeaderMarkTest, IsTriedAgainWhereThePodIsNotThereOrTheServerFails) {
  add_pod("a", "r");
  for (int call = 0; call < 3; ++call) {  // the list, the other pod, the own one
    int seen = 0;
    server_.fail_next(retryable("away"), [&](const HttpRequest&) { return seen++ == call; });
    const auto failed = mark("b").take(client_);
    ASSERT_FALSE(failed.has_value()) << call;
    EXPECT_EQ(failed.error().kind, ErrorKind::kRetryable) << call;
    if (call == 1) {
      EXPECT_EQ(leads("b"), "") << "first off the others";
    }
    if (call == 0) add_pod("b");
  }
  ASSERT_TRUE(mark("b").take(client_).has_value());
  EXPECT_EQ(leads("b"), "r");
  const auto missing = mark("never").take(client_);
  ASSERT_FALSE(missing.has_value());
  EXPECT_EQ(missing.error().kind, ErrorKind::kRetryable);
  EXPECT_NE(missing.error().message.find("pod never"), std::string::npos);
}

}  // namespace
}  // namespace avouch::control
