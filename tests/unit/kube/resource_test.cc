#include "kube/resource.h"

#include <gtest/gtest.h>

namespace avouch::kube {
namespace {

TEST(ResourcePath, IsThatOfTheApiDocumentation) {
  EXPECT_EQ(nodes().path("n1").value(), "/api/v1/nodes/n1");
  EXPECT_EQ(nodes().path("n1", "status").value(), "/api/v1/nodes/n1/status");
  EXPECT_EQ(pods().path().value(), "/api/v1/pods");
  EXPECT_EQ(pods("a").path("p", "binding").value(), "/api/v1/namespaces/a/pods/p/binding");
  EXPECT_EQ(namespaces().path("kube-system").value(), "/api/v1/namespaces/kube-system");
  EXPECT_EQ(leases("a").path("l").value(), "/apis/coordination.k8s.io/v1/namespaces/a/leases/l");
  EXPECT_EQ(attestation_evidences().path("n1", "status").value(),
            "/apis/avouch.dev/v1alpha1/attestationevidences/n1/status");
  EXPECT_EQ(validating_webhook_configurations().path("avouch").value(),
            "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/avouch");
}

TEST(ResourcePath, RefusesNamesThatChangeThePath) {
  for (const char* name : {"..", ".", "a/b", "a?x", "a#b", "a%2fb", "a b", "a\nb", "\xc3\xa9"}) {
    EXPECT_FALSE(nodes().path(name).has_value()) << name;
    EXPECT_FALSE(pods(name).path("p").has_value()) << name;
    EXPECT_FALSE(pods("a").path("p", name).has_value()) << name;
  }
  EXPECT_FALSE(nodes().path(std::string(254, 'a')).has_value());
  EXPECT_TRUE(nodes().path(std::string(253, 'a')).has_value());
  const ResourcePath roles{"rbac.authorization.k8s.io", "v1", "clusterroles", ""};
  EXPECT_TRUE(roles.path("system:node").has_value());
}

TEST(ResourcePath, SaysItsApiVersion) {
  EXPECT_EQ(nodes().api_version(), "v1");
  EXPECT_EQ(leases().api_version(), "coordination.k8s.io/v1");
  EXPECT_EQ(pods().in("x"), pods("x"));
}

TEST(ObjectKey, HasTheNamespaceInFrontOfTheName) {
  codec::Json object;
  EXPECT_EQ(object_key(object), "");
  object["metadata"]["name"] = "p";
  EXPECT_EQ(object_key(object), "p");
  object["metadata"]["namespace"] = "a";
  EXPECT_EQ(object_key(object), "a/p");
}

TEST(UrlEncode, LeavesOnlyUnreservedCharacters) {
  EXPECT_EQ(url_encode("aZ09-._~"), "aZ09-._~");
  EXPECT_EQ(url_encode("a=b,c in (d)"), "a%3Db%2Cc%20in%20%28d%29");
  EXPECT_EQ(url_encode("\xc3\xa9&+"), "%C3%A9%26%2B");
}

}  // namespace
}  // namespace avouch::kube
