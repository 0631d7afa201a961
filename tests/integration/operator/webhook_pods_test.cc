// A controller as a process on a real API server, with a pod of the webhook on a node that nobody
// vouches for: it goes, and its key with it.

#include <gtest/gtest.h>

#include "codec/base64.h"
#include "integration/operator/controller_scene.h"

namespace avouch::testing {
namespace {

using codec::Json;

class WebhookPodsScene : public ControllerScene {
 protected:
  void SetUp() override {
    ASSERT_NO_FATAL_FAILURE(ControllerScene::SetUp());
    Json configuration = Json::Object{{"apiVersion", "admissionregistration.k8s.io/v1"},
                                      {"kind", "ValidatingWebhookConfiguration"}};
    configuration["metadata"]["name"] = "avouch";
    configuration["webhooks"] =
        codec::parse_json(read_text(vectors_dir() / "chart/webhooks.json")).value();
    // Nothing of these tests is to be reviewed.
    for (Json& webhook : *configuration["webhooks"].as_array()) webhook["failurePolicy"] = "Ignore";
    const auto made = client_->create(kube::validating_webhook_configurations(), configuration);
    ASSERT_TRUE(made.has_value()) << made.error().message;
    controller_.configure("", "webhook: {pods: \"app=webhook\"}\n");
  }

  void add_node(const std::string& name) {
    codec::Json node{codec::Json::Object{}};
    node["metadata"]["name"] = name;
    const auto made = client_->create(kube::nodes(), node);
    ASSERT_TRUE(made.has_value()) << made.error().message;
  }
  // `owner`: its kind.
  void add_pod(const std::string& name, const std::string& node, bool is_ready,
               const std::string& owner = "ReplicaSet", const std::string& component = "webhook") {
    Json pod = codec::parse_json(R"({"apiVersion":"v1","kind":"Pod","metadata":{
        "labels":{"app":"webhook"}},"spec":{"terminationGracePeriodSeconds":1,
        "containers":[{"name":"c","image":"i"}]}})")
                   .value();
    pod["metadata"]["name"] = name;
    pod["metadata"]["labels"]["app.kubernetes.io/component"] = component;
    pod["spec"]["nodeName"] = node;
    pod["metadata"]["ownerReferences"] = Json::Array{Json::Object{{"apiVersion", "apps/v1"},
                                                                  {"kind", owner},
                                                                  {"name", "owner"},
                                                                  {"uid", "of-owner"},
                                                                  {"controller", true}}};
    const auto made = client_->create(kube::pods(kNamespace), pod);
    ASSERT_TRUE(made.has_value()) << made.error().message;
    const auto shown =
        client_->patch(kube::pods(kNamespace), name, kube::PatchType::kMerge,
                       codec::parse_json(is_ready ? R"({"status":{"phase":"Running",
            "conditions":[{"type":"Ready","status":"True"}]}})"
                                                  : R"({"status":{"phase":"Running"}})")
                           .value(),
                       "status");
    ASSERT_TRUE(shown.has_value()) << shown.error().message;
  }
  bool has_pod(const std::string& name) const {
    return client_->get(kube::pods(kNamespace), name).has_value();
  }
  std::string reminded_of(const std::string& name) const {
    const auto pod = client_->get(kube::pods(kNamespace), name);
    if (!pod.has_value()) return "";
    return std::string(pod->text({"metadata", "annotations", "avouch.dev/webhook-key"}));
  }
  bool is_leaving(const std::string& name) const {
    const auto pod = client_->get(kube::pods(kNamespace), name);
    return pod.has_value() && !pod->text({"metadata", "deletionTimestamp"}).empty();
  }
  std::string secret_member(const std::string& name) const {
    const auto secret = client_->get(kube::secrets(kNamespace), "avouch-webhook-tls");
    return secret.has_value() ? std::string(secret->text({"data", name})) : "";
  }
  std::string held_by() const {
    const auto secret = client_->get(kube::secrets(kNamespace), "avouch-webhook-tls");
    if (!secret.has_value()) return "";
    return std::string(secret->text({"metadata", "annotations", "avouch.dev/held-by"}));
  }
  std::string accepted() const {
    const auto live = client_->get(kube::validating_webhook_configurations(), "avouch");
    if (!live.has_value()) return "";
    const Json& first = live->find("webhooks")->as_array()->front();
    const auto pem = codec::from_base64(first.text({"clientConfig", "caBundle"}));
    return pem.has_value() ? std::string(as_text(*pem)) : "";
  }
  bool has_event(const std::string& reason) const {
    const auto all = client_->list(kube::events("default"));
    return all.has_value() && std::any_of(all->items.begin(), all->items.end(), [&](const Json& e) {
             return e.text({"reason"}) == reason;
           });
  }
};

TEST_F(WebhookPodsScene, OnesThatNobodyVouchesForGoAndTheirKeyIsReplaced) {
  ASSERT_NO_FATAL_FAILURE(add_node("good"));
  ASSERT_NO_FATAL_FAILURE(add_pod("stays", "good", false));
  ASSERT_NO_FATAL_FAILURE(add_pod("goes", "gone", true));
  // As its kubelet may have it before it fails.
  const auto held = client_->patch(
      kube::pods(kNamespace), "goes", kube::PatchType::kMerge,
      codec::parse_json(R"({"metadata":{"finalizers":["example.org/hold"]}})").value(), "status");
  ASSERT_TRUE(held.has_value()) << held.error().message;
  ASSERT_NO_FATAL_FAILURE(start());
  ASSERT_TRUE(eventually([&] { return !secret_member("tls.key").empty(); })) << log();
  const std::string key = secret_member("tls.key");
  ASSERT_TRUE(eventually([&] {
    return get(serving_address(log(), "health"), "/metrics")
               .find("avouch_webhook_pods_on_failing_nodes 1") != std::string::npos;
  })) << log();
  EXPECT_FALSE(is_leaving("goes")) << "no other is ready: it is all there is";
  const std::string before = accepted();

  ASSERT_TRUE(client_
                  ->patch(kube::pods(kNamespace), "stays", kube::PatchType::kMerge,
                          codec::parse_json(R"({"status":{"conditions":[
                              {"type":"Ready","status":"True"}]}})")
                              .value(),
                          "status")
                  .has_value());
  ASSERT_TRUE(eventually([&] { return is_leaving("goes") || !has_pod("goes"); })) << log();
  // There is no kubelet that would let it go.
  ASSERT_TRUE(eventually([&] { return !has_pod("goes"); })) << log();
  EXPECT_TRUE(has_pod("stays"));
  ASSERT_NO_FATAL_FAILURE(add_pod("foreign", "good", true, "Job"));
  EXPECT_TRUE(eventually([&] { return !has_pod("foreign"); })) << "an endpoint of the Service";
  ASSERT_NO_FATAL_FAILURE(add_pod("poses", "good", true, "ReplicaSet", "controller"));
  EXPECT_TRUE(eventually([&] { return !has_pod("poses"); })) << "an endpoint of the other Service";
  ASSERT_TRUE(eventually([&] { return secret_member("tls.key") != key; })) << log();
  const std::string authority(as_text(codec::from_base64(secret_member("ca.crt")).value()));
  EXPECT_EQ(accepted(), authority + before);
  EXPECT_TRUE(eventually([&] { return has_event("WebhookKeyReplaced"); })) << log();
  EXPECT_TRUE(eventually([&] { return !reminded_of("stays").empty(); }))
      << "its kubelet is to look";
  EXPECT_TRUE(eventually([&] { return accepted() == authority; }, std::chrono::seconds(45)))
      << "half a minute later, before anything else is looked at again";
}

// Root on a node that passes has its key already: deleting the pod before the node fails must not
// keep it.
TEST_F(WebhookPodsScene, OneThatLeftANodeBeforeItFailedLeavesNoKeyThatIsGood) {
  ASSERT_NO_FATAL_FAILURE(add_node("good"));
  ASSERT_NO_FATAL_FAILURE(add_node("fails-later"));
  ASSERT_NO_FATAL_FAILURE(add_pod("stays", "good", true));
  ASSERT_NO_FATAL_FAILURE(add_pod("left", "fails-later", true));
  ASSERT_NO_FATAL_FAILURE(start());
  ASSERT_TRUE(eventually([&] { return held_by() == "fails-later,good"; })) << held_by() << log();
  const std::string key = secret_member("tls.key");
  kube::DeleteOptions at_once;
  at_once.grace_seconds = 0;
  ASSERT_TRUE(client_->remove(kube::pods(kNamespace), "left", at_once).has_value());
  ASSERT_TRUE(eventually([&] { return !has_pod("left"); }));
  EXPECT_EQ(secret_member("tls.key"), key) << "a pod may leave";

  ASSERT_TRUE(client_->remove(kube::nodes(), "fails-later").has_value());
  ASSERT_TRUE(eventually([&] { return secret_member("tls.key") != key; })) << log();
  EXPECT_TRUE(eventually([&] { return held_by() == "good"; })) << held_by();
  EXPECT_TRUE(has_pod("stays"));
}

}  // namespace
}  // namespace avouch::testing
