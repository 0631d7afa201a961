// A controller as a process on a real API server whose webhook configuration somebody edits and
// deletes: every policy's condition, an Event and the log say so, and that it was put back. And one
// whose volume comes back from a backup: every policy says that its log is read-only.

#include <gtest/gtest.h>

#include "integration/operator/controller_scene.h"

namespace avouch::testing {
namespace {

using codec::Json;

constexpr const char* kPolicy = R"({"apiVersion":"avouch.dev/v1alpha1","kind":"AttestationPolicy",
  "metadata":{"name":"production"},"spec":{"nodeSelector":{},
  "workloads":{"namespaceSelector":{"matchLabels":{"attested":"required"}}},
  "endorsement":{"trustBundles":[{"configMap":{"namespace":"avouch-system","name":"makers"}}],
    "enrollment":"TrustOnFirstUse"},
  "pcrs":{"banks":["sha256"],"exact":[{"index":7,"sha256":
    ["0000000000000000000000000000000000000000000000000000000000000007"]}]}}})";

class Guard : public ControllerScene {
 protected:
  void SetUp() override {
    ASSERT_NO_FATAL_FAILURE(ControllerScene::SetUp());
    const auto policy =
        client_->create(kube::attestation_policies(), codec::parse_json(kPolicy).value());
    ASSERT_TRUE(policy.has_value()) << policy.error().message;
    // As the chart renders both.
    const std::string webhooks = read_text(vectors_dir() / "chart/webhooks.json");
    configuration_["apiVersion"] = "admissionregistration.k8s.io/v1";
    configuration_["kind"] = "ValidatingWebhookConfiguration";
    configuration_["metadata"]["name"] = "avouch";
    configuration_["webhooks"] = codec::parse_json(webhooks).value();
    Json map{Json::Object{}};
    map["metadata"]["name"] = "avouch-controller";
    map["data"]["webhooks.json"] = webhooks;
    const auto made = client_->create(kube::config_maps(kNamespace), map);
    ASSERT_TRUE(made.has_value()) << made.error().message;
    install();
    configure("");
    launch();
  }

  static void run(const std::vector<std::string>& command) {
    const auto ran = run_command(command);
    ASSERT_TRUE(ran.has_value()) << ran.error().message;
  }

  void install() {
    const auto made = client_->create(kube::validating_webhook_configurations(), configuration_);
    ASSERT_TRUE(made.has_value()) << made.error().message;
  }
  // The webhooks of the configuration are found by their place: 0 and 1 are the two for pods.
  void edit(const std::string& patch) {
    const auto edited = client_->patch(kube::validating_webhook_configurations(), "avouch",
                                       kube::PatchType::kJson, codec::parse_json(patch).value());
    ASSERT_TRUE(edited.has_value()) << edited.error().message;
  }
  // "status reason: message" of the policy's condition of that type.
  std::string condition_of(std::string_view type) {
    const auto policy = client_->get(kube::attestation_policies(), "production");
    const Json* conditions =
        policy.has_value() ? policy->find_path({"status", "conditions"}) : nullptr;
    if (conditions == nullptr || conditions->as_array() == nullptr) return "";
    for (const Json& condition : *conditions->as_array()) {
      if (condition.text({"type"}) != type) continue;
      return std::string(condition.text({"status"})) + " " +
             std::string(condition.text({"reason"})) + ": " +
             std::string(condition.text({"message"}));
    }
    return "";
  }
  std::string guarded() { return condition_of("Guarded"); }
  bool becomes(const std::string& start, const std::string& part = "") {
    return eventually([&] {
      const std::string now = guarded();
      return now.starts_with(start) && now.find(part) != std::string::npos;
    });
  }
  std::size_t events(std::string_view reason) {
    const auto all = client_->list(kube::events("default"));
    std::size_t count = 0;
    if (!all.has_value()) return count;
    for (const Json& event : all->items) count += event.text({"reason"}) == reason ? 1U : 0U;
    return count;
  }
  std::string beacon() {
    const auto map = client_->get(kube::config_maps(kNamespace), "avouch-beacon");
    const Json* data = map.has_value() ? map->find("data") : nullptr;
    return data == nullptr ? "" : codec::to_json(*data);
  }
  std::string metric(const std::string& name) const { return controller_.metric(name); }
  std::string deviations() { return metric("avouch_webhook_configuration_deviations"); }
  int departures() {
    return std::stoi("0" + metric("avouch_webhook_configuration_departures_total"));
  }
  std::string state() { return guarded() + "\n" + log(); }

  Json configuration_{Json::Object{}};
};

TEST_F(Guard, TellsEditsAndDeletionOfTheWebhookConfigurationAndThatItIsBack) {
  // The controller has put its share and its CA in, which are no deviations.
  ASSERT_TRUE(becomes("True AsInstalled")) << state();
  ASSERT_TRUE(eventually([&] {
    const auto live = client_->get(kube::validating_webhook_configurations(), "avouch");
    return live.has_value() && codec::to_json(*live).find(R"("caBundle")") != std::string::npos &&
           codec::to_json(*live).find(R"("attested")") != std::string::npos;
  })) << log();
  EXPECT_TRUE(guarded().starts_with("True")) << state();
  EXPECT_EQ(events("ConfigurationChanged"), 0U) << log();
  EXPECT_EQ(deviations(), "0") << state();
  EXPECT_EQ(metric("avouch_webhook_configuration_departures_total"), "0") << state();

  edit(R"([{"op":"replace","path":"/webhooks/1/failurePolicy","value":"Ignore"}])");
  EXPECT_TRUE(becomes("False ConfigurationChanged",
                      R"(pods.avouch.dev: failurePolicy is "Ignore", expected "Fail")"))
      << state();
  EXPECT_EQ(deviations(), "1") << state();
  EXPECT_EQ(departures(), 1) << state();
  edit(R"([{"op":"replace","path":"/webhooks/1/failurePolicy","value":"Fail"}])");
  EXPECT_TRUE(becomes("True")) << state();
  EXPECT_EQ(deviations(), "0") << state();
  EXPECT_EQ(departures(), 1) << state();

  // One that is put back at once is told as well.
  const std::size_t before = events("ConfigurationChanged");
  edit(R"([{"op":"add","path":"/webhooks/1/objectSelector","value":{"matchLabels":{"a":"b"}}}])");
  edit(R"([{"op":"add","path":"/webhooks/1/objectSelector","value":{}}])");
  EXPECT_TRUE(eventually([&] { return events("ConfigurationChanged") > before; })) << state();
  EXPECT_NE(log().find("objectSelector is"), std::string::npos) << log();
  EXPECT_TRUE(eventually([&] { return departures() == 2; })) << state();
  EXPECT_TRUE(becomes("True")) << state();

  ASSERT_TRUE(client_->remove(kube::validating_webhook_configurations(), "avouch").has_value());
  EXPECT_TRUE(becomes("False ConfigurationAbsent", "NO pod is guarded")) << state();
  EXPECT_EQ(deviations(), "1") << state();
  EXPECT_EQ(departures(), 3) << state();
  EXPECT_TRUE(eventually([&] { return events("ConfigurationAbsent") == 1; })) << state();
  install();
  EXPECT_TRUE(becomes("True")) << state();
  EXPECT_TRUE(eventually([&] { return events("AsInstalled") >= 1; })) << state();
  stop();
}

TEST_F(Guard, EveryPolicySaysThatTheLogOfARestoredVolumeIsReadOnly) {
  const auto recorded = [&](const std::string& begin, const std::string& part) {
    return eventually([&] {
      const std::string now = condition_of("Recorded");
      return now.starts_with(begin) && now.find(part) != std::string::npos;
    });
  };
  ASSERT_TRUE(recorded("True EntriesTaken", "")) << condition_of("Recorded") << log();
  ASSERT_NO_FATAL_FAILURE(stop());
  ASSERT_NO_FATAL_FAILURE(run({"cp", "-a", dir_ / "data", dir_ / "backup"}));
  const std::string backed_up = beacon();
  launch();
  ASSERT_TRUE(eventually([&] { return beacon() != backed_up; })) << log();
  ASSERT_NO_FATAL_FAILURE(stop());

  ASSERT_NO_FATAL_FAILURE(run({"mv", dir_ / "data", dir_ / "newest"}));
  ASSERT_NO_FATAL_FAILURE(run({"mv", dir_ / "backup", dir_ / "data"}));
  launch();
  EXPECT_TRUE(recorded("False LogReadOnly", "ConfigMap avouch-system/avouch-beacon"))
      << condition_of("Recorded") << log();
  ASSERT_NO_FATAL_FAILURE(stop());

  // The volume that has everything is put back.
  ASSERT_NO_FATAL_FAILURE(run({"mv", dir_ / "data", dir_ / "backup"}));
  ASSERT_NO_FATAL_FAILURE(run({"mv", dir_ / "newest", dir_ / "data"}));
  launch();
  EXPECT_TRUE(recorded("True EntriesTaken", "")) << condition_of("Recorded") << log();
  stop();
}

// Where no webhook answers, the share alone says which namespaces' pods are stopped.
TEST_F(Guard, KeepsTheShareOfThePoliciesWhereATrustAnchorCannotBeKept) {
  const auto has_share = [&] {
    return eventually([&] {
      const auto live = client_->get(kube::validating_webhook_configurations(), "avouch");
      return live.has_value() && codec::to_json(*live).find(R"("attested")") != std::string::npos;
    });
  };
  ASSERT_TRUE(has_share()) << log();
  // What cannot be changed is not put right any more.
  const auto damaged = client_->patch(
      kube::config_maps(kNamespace), "avouch-trust", kube::PatchType::kMerge,
      codec::parse_json(R"({"immutable":true,"data":{"ca.crt":"no certificate"}})").value());
  ASSERT_TRUE(damaged.has_value()) << damaged.error().message;
  ASSERT_TRUE(eventually([&] { return log().find("field is immutable") != std::string::npos; }))
      << log();
  ASSERT_TRUE(client_->remove(kube::validating_webhook_configurations(), "avouch").has_value());
  install();  // for all namespaces, as the chart does
  EXPECT_TRUE(has_share()) << log();
  stop();
}

}  // namespace
}  // namespace avouch::testing
