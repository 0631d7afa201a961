#include "inspect/rights.h"

#include <gmock/gmock.h>

#include "inspect/absent.h"
#include "inspect/log_access.h"
#include "inspect/nodes.h"
#include "support/answering_transport.h"

namespace avouch::inspect {
namespace {

using testing::AnsweringTransport;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;

const ReleaseName kGuardRelease{.name = "guard", .ns = "guard-system"};

AnsweringTransport::Answer refusing(int status, std::string_view body) {
  return [status, body = std::string(body)](const HttpRequest&) {
    return HttpResponse{.status = status, .content_type = "application/json", .body = body};
  };
}
constexpr std::string_view kForbidden =
    R"({"kind":"Status","code":403,"reason":"Forbidden","message":"nodes is forbidden: User \"bob\" cannot list resource \"nodes\""})";

TEST(Rights, NamesTheRoleAndTheCommandThatGivesItToThatUser) {
  EXPECT_EQ(grant_text(Role::kNodeViewer, kGuardRelease, "User \"bob\" cannot list"),
            "ClusterRole guard-node-viewer grants it: kubectl create clusterrolebinding "
            "guard-node-viewer-bob --clusterrole=guard-node-viewer --user=bob");
  EXPECT_EQ(
      grant_text(Role::kLogReader, kGuardRelease, "User \"system:serviceaccount:a:b\" cannot"),
      "Role guard-log-reader grants it: kubectl -n guard-system create rolebinding "
      "guard-log-reader-system:serviceaccount:a:b --role=guard-log-reader "
      "--user=system:serviceaccount:a:b");
}

TEST(Rights, PutsNoUserIntoACommandWhomAShellWouldReadOtherwise) {
  for (const char* refusal : {"", "User", "User \"", "User \"bob", "User \"\" cannot",
                              "User \"a;b\" cannot", "User \"$(b)\" c", "User \"-u\" cannot",
                              "User \"a b\" cannot", "User \"a'b\" cannot", "User \"a/b\" c"}) {
    EXPECT_THAT(grant_text(Role::kNodeViewer, kGuardRelease, refusal), EndsWith(" --user=USER"))
        << refusal;
  }
}

TEST(Rights, AreNamedWhereNodesOrEvidenceMayNotBeRead) {
  AnsweringTransport transport;
  transport.on("/api/v1/nodes", refusing(403, kForbidden));
  transport.on("/api/v1/nodes/n1", refusing(403, kForbidden));
  const kube::Client api(transport);
  const auto all = report_nodes(api, {}, kGuardRelease);
  ASSERT_FALSE(all.has_value());
  EXPECT_EQ(all.error().kind, ErrorKind::kRejected);
  EXPECT_THAT(all.error().message, HasSubstr("ClusterRole guard-node-viewer grants it"));
  const auto one = report_node(api, "n1", {}, kGuardRelease);
  ASSERT_FALSE(one.has_value());
  EXPECT_THAT(one.error().message, HasSubstr("--user=bob"));

  transport.answer("/api/v1/nodes", R"({"metadata":{"resourceVersion":"1"},"items":[]})");
  transport.answer("/api/v1/nodes/n1", R"({"metadata":{"name":"n1","uid":"u"}})");
  const std::string evidences = "/apis/avouch.dev/v1alpha1/attestationevidences";
  transport.on(evidences, refusing(403, kForbidden));
  transport.on(evidences + "/n1", refusing(403, kForbidden));
  EXPECT_THAT(report_nodes(api, {}, kGuardRelease).error().message, HasSubstr("guard-node-viewer"));
  EXPECT_THAT(report_node(api, "n1", {}, kGuardRelease).error().message,
              HasSubstr("guard-node-viewer"));
}

TEST(Rights, ToPodsAreKubernetesOwnInOneNamespaceOrInAll) {
  kube::ApiError refusal(rejected("User \"bob\" cannot list pods"));
  EXPECT_EQ(with_pods_grant(refusal, "shop").message, refusal.message);
  refusal.code = 403;
  EXPECT_THAT(with_pods_grant(refusal, "shop").message,
              EndsWith("; ClusterRole view grants it: kubectl -n shop create rolebinding bob-pods "
                       "--clusterrole=view --user=bob"));
  EXPECT_THAT(with_pods_grant(refusal, "").message,
              EndsWith("; ClusterRole view grants it: kubectl create clusterrolebinding bob-pods "
                       "--clusterrole=view --user=bob"));
}

TEST(Rights, OfTheReaderAccountAreToldFromThoseOfTheUser) {
  AnsweringTransport transport;
  const std::string path =
      "/api/v1/namespaces/guard-system/services/https:guard-controller:443/proxy/v1/log/entries";
  LogAccess log(transport, kGuardRelease, "token");
  transport.on(path, refusing(403, kForbidden));
  EXPECT_THAT(log.list("node=n1", 1).error().message, HasSubstr("Role guard-log-reader"));
  transport.on(path, refusing(403, R"({"code":"NotEntitled","detail":"no"})"));
  const std::string message = log.list("node=n1", 1).error().message;
  EXPECT_THAT(message, HasSubstr("bind ClusterRole guard-reader-nodes or guard-reader-pods"));
  EXPECT_THAT(message, Not(HasSubstr("log-reader")));
}

TEST(Absent, NamesWhatLooksAlikeAndHowToListWhatThereIs) {
  AnsweringTransport transport;
  transport.answer(
      "/api/v1/namespaces/shop/pods",
      R"({"metadata":{"resourceVersion":"1"},"items":[{"metadata":{"name":"web-0"}},{"metadata":{"name":"db-0"}}]})");
  const kube::Client api(transport);
  const auto gone = expect_in_cluster(api, sought_pod("shop", "wob-0"), "so far, and ");
  ASSERT_FALSE(gone.has_value());
  EXPECT_EQ(gone.error().kind, ErrorKind::kRejected);
  EXPECT_EQ(gone.error().message,
            "so far, and there is no pod shop/wob-0 in the cluster; did you mean \"web-0\"?; "
            "kubectl get pods -n shop lists those that are there");
  EXPECT_THAT(expect_in_cluster(api, sought_pod("shop", "web"), "").error().message,
              HasSubstr("; did you mean \"web-0\"?; "));
  EXPECT_THAT(expect_in_cluster(api, sought_pod("shop", "nope"), "").error().message,
              Not(HasSubstr("did you mean")));
}

TEST(Absent, IsNothingToSayOfAnObjectThatIsThere) {
  AnsweringTransport transport;
  transport.answer("/api/v1/nodes/n1", R"({"metadata":{"name":"n1"}})");
  EXPECT_TRUE(expect_in_cluster(kube::Client(transport), sought_node("n1"), "").has_value());
}

TEST(Absent, IsNotClaimedOfWhatCouldNotBeRead) {
  AnsweringTransport transport;
  const kube::Client api(transport);
  transport.on("/api/v1/nodes/n1", refusing(403, kForbidden));
  const auto hidden = expect_in_cluster(api, sought_node("n1"), "");
  EXPECT_THAT(hidden.error().message, HasSubstr("cannot be seen"));
  EXPECT_EQ(hidden.error().kind, ErrorKind::kRejected);
  transport.on("/api/v1/nodes/n1", refusing(503, "{}"));
  EXPECT_EQ(expect_in_cluster(api, sought_node("n1"), "").error().kind, ErrorKind::kRetryable);
}

}  // namespace
}  // namespace avouch::inspect
