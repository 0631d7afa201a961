#include "kube/views.h"

#include <gtest/gtest.h>

namespace avouch::kube {
namespace {

Json parse(std::string_view text) { return codec::parse_json(text).value(); }

TEST(NodeView, HasTheFieldsThatAvouchReads) {
  const auto view = node_view(parse(R"({
    "kind":"Node",
    "metadata":{"name":"n1","uid":"u","resourceVersion":"5","generation":2,
                "labels":{"pool":"a","bad":7},"annotations":{"x":"y"}},
    "spec":{"unschedulable":true,
            "taints":[{"key":"avouch.dev/unattested","effect":"NoSchedule"},{"key":"k","value":"v",
                       "effect":"NoExecute","timeAdded":"2026-01-01T00:00:00Z"}]},
    "status":{"nodeInfo":{"bootID":"b-1"},
              "conditions":[{"type":"Ready","status":"True"},
                            {"type":"Attested","status":"False","reason":"PcrMismatch",
                             "message":"m","lastTransitionTime":"t"},
                            {"status":"no type"},"no object"]}})"));
  ASSERT_TRUE(view.has_value());
  EXPECT_EQ(view->meta.name, "n1");
  EXPECT_EQ(view->meta.uid, "u");
  EXPECT_EQ(view->meta.resource_version, "5");
  EXPECT_EQ(view->meta.generation, 2);
  EXPECT_EQ(view->meta.labels, (Labels{{"pool", "a"}}));
  EXPECT_EQ(view->boot_id, "b-1");
  EXPECT_TRUE(view->unschedulable);
  ASSERT_EQ(view->taints.size(), 2U);
  ASSERT_NE(view->taint("avouch.dev/unattested"), nullptr);
  EXPECT_EQ(view->taint("avouch.dev/unattested")->effect, "NoSchedule");
  EXPECT_EQ(view->taint("other"), nullptr);
  ASSERT_EQ(view->conditions.size(), 2U);
  ASSERT_NE(view->condition("Attested"), nullptr);
  EXPECT_EQ(view->condition("Attested")->reason, "PcrMismatch");
  EXPECT_EQ(view->condition("Other"), nullptr);
}

TEST(NodeView, TakesABareNode) {
  const auto view = node_view(parse(R"({"metadata":{"name":"n1","uid":"u"}})"));
  ASSERT_TRUE(view.has_value());
  EXPECT_TRUE(view->taints.empty());
  EXPECT_FALSE(view->unschedulable);
}

TEST(Views, RefuseObjectsWithoutNameOrUid) {
  for (const char* text :
       {"{}", R"({"metadata":[]})", R"({"metadata":{"uid":"u"}})", R"({"metadata":{"name":"n"}})",
        R"({"metadata":{"name":"n","uid":7}})"}) {
    EXPECT_FALSE(node_view(parse(text)).has_value()) << text;
    EXPECT_FALSE(pod_view(parse(text)).has_value()) << text;
    EXPECT_FALSE(namespace_view(parse(text)).has_value()) << text;
  }
}

TEST(Views, SurviveFieldsOfAnyType) {
  for (const char* value : {"7", "null", "[]", "{}", "\"x\"", "[1,null,{}]"}) {
    const std::string v = value;
    const auto node = node_view(parse(R"({"metadata":{"name":"n","uid":"u","labels":)" + v +
                                      R"(},"spec":{"taints":)" + v + R"(},"status":)" + v + "}"));
    EXPECT_TRUE(node.has_value()) << value;
    const auto pod = pod_view(parse(R"({"metadata":{"name":"n","uid":"u"},"spec":)" + v + "}"));
    EXPECT_TRUE(pod.has_value()) << value;
  }
}

TEST(PodView, SaysWhereThePodRunsAndAsWhom) {
  const auto view = pod_view(parse(
      R"({"metadata":{"name":"p","namespace":"a","uid":"u","labels":{"x":"y"}},
          "spec":{"nodeName":"n1","serviceAccountName":"sa"},"status":{"phase":"Running"}})"));
  ASSERT_TRUE(view.has_value());
  EXPECT_EQ(view->meta.ns, "a");
  EXPECT_EQ(view->node_name, "n1");
  EXPECT_EQ(view->service_account, "sa");
  EXPECT_EQ(view->phase, "Running");
}

}  // namespace
}  // namespace avouch::kube
