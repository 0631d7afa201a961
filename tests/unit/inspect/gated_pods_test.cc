#include "inspect/gated_pods.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/time_text.h"
#include "support/answering_transport.h"

namespace avouch::inspect {
namespace {

using ::testing::AllOf;
using testing::AnsweringTransport;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr const char* kPoliciesPath = "/apis/avouch.dev/v1alpha1/attestationpolicies";
constexpr const char* kHooksPath =
    "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/avouch";
constexpr const char* kShopPods = "/api/v1/namespaces/shop/pods";

std::string list_of(const std::string& items, const std::string& more = "") {
  return R"({"kind":"List","metadata":{"resourceVersion":"1")" +
         (more.empty() ? "" : R"(,"continue":")" + more + "\"") + R"(},"items":[)" + items + "]}";
}

// Gates pods with app=web in namespaces with gate=yes, but for what `mode` and `logging` say.
std::string policy_made(const std::string& name, const std::string& time, const std::string& mode,
                        const std::string& logging = "Spool") {
  return R"({"metadata":{"name":")" + name + R"(","uid":"p","generation":2,"creationTimestamp":")" +
         time + R"("},"spec":{"nodeSelector":{"matchLabels":{"pool":"a"}},"mode":")" + mode +
         R"(","logging":")" + logging +
         R"(","workloads":{"namespaceSelector":{"matchLabels":{"gate":"yes"}},)"
         R"("podSelector":{"matchLabels":{"app":"web"}}},)"
         R"("endorsement":{"trustBundles":[{"configMap":{"namespace":"a","name":"makers"}}],)"
         R"("enrollment":"TrustOnFirstUse"},)"
         R"("pcrs":{"banks":["sha256"],"exact":[{"index":7,"sha256":[)"
         R"("7777777777777777777777777777777777777777777777777777777777777777"]}]}}})";
}

std::string namespace_with(const std::string& name, const std::string& labels) {
  return R"({"metadata":{"name":")" + name + R"(","uid":"n","labels":{)" + labels + "}}}";
}

struct PodText {
  std::string name, app = "web", node = "n1", made = "2026-03-01T00:00:00Z", scheduled = "",
                    phase = "Running", more = "";
};
std::string text_of_pod(const PodText& pod) {
  return R"({"metadata":{"name":")" + pod.name + R"(","uid":"uid-)" + pod.name +
         R"(","labels":{"app":")" + pod.app + R"("},"creationTimestamp":")" + pod.made + "\"" +
         pod.more + R"(},"spec":{"nodeName":")" + pod.node + R"("},"status":{"phase":")" +
         pod.phase + R"(","conditions":[{"type":"Ready","status":"True"})" +
         (pod.scheduled.empty()
              ? ""
              : R"(,{"type":"PodScheduled","status":"True","lastTransitionTime":")" +
                    pod.scheduled + "\"}") +
         "]}}";
}

std::vector<std::string> names_of(const std::vector<GatedPod>& pods) {
  std::vector<std::string> out;
  for (const GatedPod& pod : pods) out.push_back(pod.pod.ns + "/" + pod.pod.name);
  return out;
}

class GatedPodsTest : public ::testing::Test {
 protected:
  GatedPodsTest() {
    transport.answer(kPoliciesPath,
                     list_of(policy_made("production", "2026-02-01T00:00:00Z", "Enforce")));
    transport.answer(
        kHooksPath,
        R"({"webhooks":[{"name":"other","namespaceSelector":{"matchExpressions":[)"
        R"({"key":"kubernetes.io/metadata.name","operator":"NotIn","values":["shop"]}]}},)"
        R"({"name":"pods.avouch.dev","namespaceSelector":{"matchExpressions":[)"
        R"({"key":"avouch.dev/exempt","operator":"DoesNotExist"},)"
        R"({"key":"kubernetes.io/metadata.name","operator":"NotIn","values":["named"]},)"
        R"({"key":"kubernetes.io/metadata.name","operator":"In","values":["shop"]},)"
        R"({"key":"gate","operator":"Exists"}]}}]})");
    transport.answer("/api/v1/namespaces", list_of(namespace_with("shop", R"("gate":"yes")")));
    transport.answer("/api/v1/namespaces/shop", namespace_with("shop", R"("gate":"yes")"));
    serve_shop({text_of_pod({"web-0"})});
  }

  void serve_shop(const std::vector<std::string>& pods) {
    std::string items;
    for (const std::string& pod : pods) items += (items.empty() ? "" : ",") + pod;
    transport.answer(kShopPods, list_of(items));
  }

  Result<GatedPods> gather(const PodScope& scope = {}) {
    return gated_pods(kube::Client(transport), {}, scope,
                      [this](const std::string& what) { said.push_back(what); });
  }
  std::string refused(const PodScope& scope = {}) {
    const auto found = gather(scope);
    return found.has_value() ? "nothing" : found.error().message;
  }

  AnsweringTransport transport;
  std::vector<std::string> said;
};

TEST_F(GatedPodsTest, AreThosePlacedThatAnEnforcedPolicyGates) {
  transport.answer(kPoliciesPath,
                   list_of(policy_made("production", "2026-02-01T00:00:00Z", "Enforce") + "," +
                           policy_made("pilot", "2026-05-01T00:00:00Z", "Audit")));
  serve_shop({text_of_pod({"web-1"}), text_of_pod({"web-0"}),
              text_of_pod({.name = "db", .app = "db"}), text_of_pod({.name = "waits", .node = ""}),
              text_of_pod({.name = "ended", .phase = "Succeeded"}),
              text_of_pod({.name = "failed", .phase = "Failed"}),
              text_of_pod({.name = "static",
                           .more = R"(,"annotations":{"kubernetes.io/config.mirror":"x"})"})});
  const auto found = gather();
  ASSERT_TRUE(found.has_value()) << found.error().message;
  EXPECT_THAT(names_of(found->to_record), ElementsAre("shop/static", "shop/web-0", "shop/web-1"));
  EXPECT_THAT(found->before, IsEmpty());
  EXPECT_EQ(found->namespaces, 1U);
  ASSERT_EQ(found->policies.size(), 1U);
  EXPECT_EQ(found->policies[0].name, "production");
  EXPECT_EQ(found->policies[0].generation, 2);
  EXPECT_TRUE(found->to_record[0].is_mirror);
  const GatedPod& web = found->to_record[1];
  EXPECT_EQ(web.pod.uid, "uid-web-0");
  EXPECT_EQ(web.pod.node, "n1");
  EXPECT_EQ(to_rfc3339(web.since), "2026-03-01T00:00:00Z");
  EXPECT_THAT(web.gates, ElementsAre("production"));
  EXPECT_FALSE(web.is_mirror || web.is_strict);
}

TEST_F(GatedPodsTest, AreInNoNamespaceThatIsExemptOrNotSelected) {
  transport.answer("/api/v1/namespaces",
                   list_of(namespace_with("shop", R"("gate":"yes")") + "," +
                           namespace_with("other", R"("gate":"no")") + "," +
                           namespace_with("named", R"("gate":"yes")") + "," +
                           namespace_with("kube-system", R"("gate":"yes")") + "," +
                           namespace_with("avouch-system", R"("gate":"yes")") + "," +
                           namespace_with("lab", R"("gate":"yes","avouch.dev/exempt":"false")")));
  std::vector<std::string> asked;
  transport.otherwise([&](const HttpRequest& request) {
    asked.push_back(request.path);
    return HttpResponse{.status = 500, .body = "{}"};
  });
  const auto found = gather();
  ASSERT_TRUE(found.has_value()) << found.error().message;
  EXPECT_THAT(names_of(found->to_record), ElementsAre("shop/web-0"));
  EXPECT_THAT(found->exempt, ElementsAre("named", "kube-system", "avouch-system", "lab"));
  EXPECT_THAT(asked, IsEmpty());

  // Of one namespace alone no other is read, nor listed.
  transport.on("/api/v1/namespaces",
               [](const HttpRequest&) { return HttpResponse{.status = 403, .body = "{}"}; });
  const auto one = gather({.ns = "shop", .enforced_since = {}});
  ASSERT_TRUE(one.has_value()) << one.error().message;
  EXPECT_THAT(names_of(one->to_record), ElementsAre("shop/web-0"));
}

TEST_F(GatedPodsTest, AreReadPageByPage) {
  std::vector<std::string> queries;
  transport.on(kShopPods, [&](const HttpRequest& request) {
    queries.push_back(request.query);
    const bool is_first = queries.size() == 1;
    return HttpResponse{
        .status = 200,
        .content_type = "application/json",
        .headers = {},
        .body = list_of(text_of_pod({is_first ? "web-0" : "web-1"}), is_first ? "next" : "")};
  });
  const auto found = gather();
  ASSERT_TRUE(found.has_value()) << found.error().message;
  EXPECT_THAT(names_of(found->to_record), ElementsAre("shop/web-0", "shop/web-1"));
  ASSERT_EQ(queries.size(), 2U);
  EXPECT_THAT(queries[0], AllOf(HasSubstr("limit=500"),
                                HasSubstr("fieldSelector=spec.nodeName%21%3D%2Cstatus.phase%21%3D"
                                          "Succeeded%2Cstatus.phase%21%3DFailed")));
  EXPECT_THAT(queries[1], HasSubstr("continue=next"));
  EXPECT_THAT(said,
              ElementsAre("reading policies and namespaces", "listing the pods of namespace shop"));
}

// By the times that the API server sets: what a kubelet writes makes a pod no older than it is.
TEST_F(GatedPodsTest, NeedNoEntryWhereTheyWerePlacedBeforeEachPolicyThatGatesThem) {
  transport.answer(kPoliciesPath,
                   list_of(policy_made("late", "2026-04-01T00:00:00Z", "Enforce") + "," +
                           policy_made("production", "2026-02-01T00:00:00Z", "Enforce")));
  struct Case {
    const char *made, *scheduled, *enforced_since;
    bool is_before;
  };
  for (const Case& one :
       {Case{"2026-01-31T23:59:59Z", "", "", true},
        {"2026-02-01T00:00:00Z", "", "", false},
        {"2026-01-01T00:00:00Z", "2026-01-31T23:59:59Z", "", true},
        {"2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z", "", false},
        {"2026-02-01T00:00:00Z", "2026-01-01T00:00:00Z", "", false},  // as a kubelet can write
        {"2026-03-01T00:00:00Z", "", "2026-03-02T00:00:00Z", true},
        {"2026-03-01T00:00:00Z", "", "2026-03-01T00:00:00Z", false},
        {"2026-01-01T00:00:00Z", "", "2025-01-01T00:00:00Z", true}}) {
    serve_shop({text_of_pod({.name = "web-0", .made = one.made, .scheduled = one.scheduled})});
    PodScope scope;
    if (*one.enforced_since != '\0')
      scope.enforced_since = from_rfc3339(one.enforced_since).value();
    const auto found = gather(scope);
    ASSERT_TRUE(found.has_value()) << found.error().message;
    EXPECT_EQ(found->before.size(), one.is_before ? 1U : 0U) << one.made << " " << one.scheduled;
    EXPECT_EQ(found->to_record.size(), one.is_before ? 0U : 1U) << one.made << " " << one.scheduled;
  }
}

TEST_F(GatedPodsTest, AreGatedByAPolicyThatCannotBeReadAndOfNoKnownAge) {
  transport.answer(
      kPoliciesPath,
      list_of(R"({"metadata":{"name":"broken","uid":"p"},"spec":{"workloads":{"namespaceSelector":)"
              R"({"matchLabels":{"gate":"yes"}}}}})"));
  serve_shop({text_of_pod({.name = "old", .app = "db", .made = "2000-01-01T00:00:00Z"})});
  const auto found = gather();
  ASSERT_TRUE(found.has_value()) << found.error().message;
  EXPECT_THAT(names_of(found->to_record), ElementsAre("shop/old"));
}

TEST_F(GatedPodsTest, AreLetInByNoSpoolWhereAnyPolicyThatGatesThemIsStrict) {
  transport.answer(kPoliciesPath,
                   list_of(policy_made("production", "2026-02-01T00:00:00Z", "Enforce") + "," +
                           policy_made("pilot", "2026-02-01T00:00:00Z", "Audit", "Strict")));
  const auto found = gather();
  ASSERT_TRUE(found.has_value()) << found.error().message;
  ASSERT_EQ(found->to_record.size(), 1U);
  EXPECT_TRUE(found->to_record[0].is_strict);
}

TEST_F(GatedPodsTest, SaysThatThereIsNoWebhookConfiguration) {
  EXPECT_TRUE(gather()->is_configured);
  transport.on(kHooksPath, [](const HttpRequest&) {
    return HttpResponse{.status = 404, .body = R"({"kind":"Status","code":404})"};
  });
  const auto found = gather();
  ASSERT_TRUE(found.has_value()) << found.error().message;
  EXPECT_FALSE(found->is_configured);
  EXPECT_EQ(found->to_record.size(), 1U);
}

// What is left out would look as if it were recorded.
TEST_F(GatedPodsTest, AreRefusedWhereOneCannotBeRead) {
  serve_shop({text_of_pod({"web-0"}), "{}"});
  EXPECT_THAT(refused(), HasSubstr("list pods shop/: item 1: metadata.name is missing"));
  serve_shop({text_of_pod({.name = "web-0", .made = "lately"})});
  EXPECT_THAT(refused(), HasSubstr("pod shop/web-0: metadata.creationTimestamp: "));
  serve_shop({R"({"metadata":{"name":"web-0"},"spec":{"nodeName":"n1"}})"});
  EXPECT_THAT(refused(), HasSubstr("metadata.uid is missing"));
  transport.answer(kShopPods, "junk");
  EXPECT_THAT(refused(), HasSubstr("list pods shop/: answer"));
  transport.answer("/api/v1/namespaces", list_of("{}"));
  EXPECT_THAT(refused(), HasSubstr("list namespaces: item 0"));
  transport.answer(kPoliciesPath, list_of("{}"));
  EXPECT_THAT(refused(), HasSubstr("item 0: metadata.name is missing"));
}

TEST_F(GatedPodsTest, NameTheRightThatIsMissing) {
  const auto forbid = [this](const std::string& path) {
    transport.on(path, [](const HttpRequest&) {
      return HttpResponse{.status = 403,
                          .content_type = "application/json",
                          .headers = {},
                          .body = R"({"kind":"Status","code":403,"reason":"Forbidden",)"
                                  R"("message":"User \"bob\" cannot list"})"};
    });
  };
  EXPECT_THAT(refused({.ns = "nope", .enforced_since = {}}),
              HasSubstr("there is no namespace \"nope\""));
  forbid(kShopPods);
  EXPECT_THAT(refused(), HasSubstr("kubectl -n shop create rolebinding bob-pods --clusterrole=view "
                                   "--user=bob"));
  forbid("/api/v1/namespaces");
  EXPECT_THAT(
      refused(),
      HasSubstr("kubectl create clusterrolebinding bob-pods --clusterrole=view --user=bob"));
  forbid(kHooksPath);
  EXPECT_THAT(refused(), HasSubstr("ClusterRole avouch-node-viewer grants it"));
  forbid(kPoliciesPath);
  EXPECT_THAT(refused(), HasSubstr("ClusterRole avouch-node-viewer grants it"));
}

}  // namespace
}  // namespace avouch::inspect
