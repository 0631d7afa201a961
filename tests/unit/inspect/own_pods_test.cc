#include "inspect/own_pods.h"

#include <gmock/gmock.h>

#include <sstream>
#include <string>

#include "support/answering_transport.h"

namespace avouch::inspect {
namespace {

using ::testing::AllOf;
using testing::AnsweringTransport;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

const ReleaseName kOwn{.name = "guard", .ns = "guard-system"};
constexpr std::string_view kPodsPath = "/api/v1/namespaces/guard-system/pods";

NodeReport node_in(std::string name, std::string phase) {
  NodeReport out;
  out.name = std::move(name);
  out.phase = std::move(phase);
  return out;
}

std::string pod_on(const std::string& name, const std::string& on, const std::string& phase) {
  return R"({"metadata":{"name":")" + name + R"(","uid":"u","namespace":"guard-system"},)" +
         R"("spec":{"nodeName":")" + on + R"("},"status":{"phase":")" + phase + R"("}})";
}
void serve_pods(AnsweringTransport& transport, const std::string& items) {
  transport.answer(
      std::string(kPodsPath),
      R"({"kind":"PodList","metadata":{"resourceVersion":"1"},"items":[)" + items + "]}");
}

TEST(OwnPods, NamesPodsWithKeysOnNodesThatFail) {
  AnsweringTransport transport;
  serve_pods(transport, pod_on("guard-webhook-1", "bad", "Running") + "," +
                            pod_on("guard-controller-0", "silent", "Running") + "," +
                            pod_on("guard-webhook-2", "good", "Running") + "," +
                            pod_on("guard-webhook-3", "bad", "Succeeded") + "," +
                            pod_on("other-webhook-4", "bad", "Running") + "," +
                            pod_on("guard-webhook-5", "", "Pending"));
  const OwnPods found =
      own_pods_on_failing(kube::Client(transport), kOwn,
                          {node_in("good", "Trusted"), node_in("bad", "Contraindicated"),
                           node_in("silent", "Stale"), node_in("new", "Pending")});
  const std::string said = own_pods_text(found, kOwn);
  EXPECT_THAT(said,
              AllOf(StartsWith("KEYS ON A FAILING NODE: 2 pods of the release run where nobody "
                               "vouches for the node.\n"
                               "  guard-controller-0 on node silent (Stale)\n"
                               "  guard-webhook-1 on node bad (Contraindicated)\n"
                               "  It means: root of such a node"),
                    HasSubstr("kubectl cordon NODE, then kubectl -n guard-system delete pod POD"),
                    Not(HasSubstr("webhook-2")), Not(HasSubstr("webhook-3")),
                    Not(HasSubstr("other-")), Not(HasSubstr("webhook-5"))));
  constexpr std::size_t kWidest = 140;
  std::istringstream lines(said);
  for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), kWidest) << line;
  EXPECT_EQ(codec::to_json(own_pods_json(found)),
            R"([{"name":"guard-controller-0","node":"silent","phase":"Stale"},)"
            R"({"name":"guard-webhook-1","node":"bad","phase":"Contraindicated"}])");
}

TEST(OwnPods, AreNamedOnNodesThatNobodyHasJudgedWhereTheyCouldBeElsewhere) {
  AnsweringTransport transport;
  serve_pods(transport, pod_on("guard-webhook-1", "new", "Running"));
  NodeReport unknown = node_in("new", "Pending");
  unknown.taints = {"NoSchedule"};
  const kube::Client api(transport);
  EXPECT_TRUE(own_pods_on_failing(api, kOwn, {unknown}).on_failing.empty()) << "a cold cluster";
  EXPECT_EQ(own_pods_on_failing(api, kOwn, {unknown, node_in("good", "Trusted")}).on_failing.size(),
            1U);
}

TEST(OwnPods, AsksForPodsOnlyWhereANodeFailsAndForThoseWithKeysAlone) {
  AnsweringTransport transport;
  std::string asked;
  transport.on(std::string(kPodsPath), [&](const HttpRequest& request) {
    asked += request.query;
    return HttpResponse{.status = 403,
                        .content_type = "application/json",
                        .body = R"({"kind":"Status","code":403,"reason":"Forbidden",)"
                                R"("message":"cannot list pods"})"};
  });
  const kube::Client api(transport);
  const OwnPods none = own_pods_on_failing(api, kOwn, {node_in("good", "Trusted")});
  EXPECT_EQ(asked, "");
  EXPECT_EQ(codec::to_json(own_pods_json(none)), "[]");
  const OwnPods unread = own_pods_on_failing(api, kOwn, {node_in("bad", "Contraindicated")});
  EXPECT_THAT(asked, AllOf(HasSubstr("labelSelector="), HasSubstr("controller%2Cwebhook")));
  EXPECT_THAT(unread.not_read, HasSubstr("cannot list pods"));
  EXPECT_EQ(own_pods_text(unread, kOwn), "");
  EXPECT_TRUE(own_pods_json(unread).is_null());
}

// In a pilot, where a policy is in Audit, each node may differ from it, and nothing follows.
TEST(OwnPods, ANodeThatFailsAnUnenforcedPolicyAloneIsNoneThatFails) {
  AnsweringTransport transport;
  serve_pods(transport, pod_on("guard-controller-0", "a", "Running"));
  const kube::Client api(transport);
  NodeReport failing = node_in("a", "Contraindicated");
  failing.policies = {{"pilot", "contraindicated", "Audit"},
                      {"production", "affirming", "Enforce"}};
  EXPECT_TRUE(own_pods_on_failing(api, kOwn, {failing}).on_failing.empty());
  failing.phase = "Stale";
  EXPECT_EQ(own_pods_on_failing(api, kOwn, {failing}).on_failing.size(), 1U);
  failing.phase = "Contraindicated";
  failing.policies[1].result = "contraindicated";
  EXPECT_EQ(own_pods_on_failing(api, kOwn, {failing}).on_failing.size(), 1U);
  failing.policies = {{"unread", "contraindicated", ""}};
  EXPECT_EQ(own_pods_on_failing(api, kOwn, {failing}).on_failing.size(), 1U);
  failing.policies.clear();
  EXPECT_EQ(own_pods_on_failing(api, kOwn, {failing}).on_failing.size(), 1U);
}

TEST(OwnPods, ObeysNoEscapeSequenceAndNamesEightAtMost) {
  OwnPods many;
  for (int i = 0; i < 9; ++i) {
    many.on_failing.push_back({"guard-webhook-" + std::to_string(i), "n\x1b[2J", "Stale"});
  }
  EXPECT_THAT(own_pods_text(many, kOwn), AllOf(HasSubstr("n\\x1b[2J"), Not(HasSubstr("\x1b")),
                                               HasSubstr("\n  and 1 more\n  It means")));
}

}  // namespace
}  // namespace avouch::inspect
