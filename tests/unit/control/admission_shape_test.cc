// Each way in which somebody may change the webhook configuration, on what the chart renders.

#include "control/admission_shape.h"

#include <gtest/gtest.h>

#include <functional>

#include "support/paths.h"
#include "support/process.h"

namespace avouch::control {
namespace {

using codec::Json;

Json shape_json(std::string_view text) { return codec::parse_json(text).value(); }

std::string rendered_webhooks() {
  return testing::read_text((testing::vectors_dir() / "chart/webhooks.json").string());
}

ExpectedWebhooks expected() { return parse_expected_webhooks(rendered_webhooks()).value(); }

// The configuration as an API server keeps it: with the defaults that it fills in, the CA of the
// controller, and the shares that the policies have now.
Json live() {
  Json webhooks = shape_json(rendered_webhooks());
  for (Json& webhook : *webhooks.as_array()) {
    webhook["clientConfig"]["caBundle"] = "Y2E=";
    for (const char* selector : {"namespaceSelector", "objectSelector"}) {
      if (webhook.find(selector) == nullptr) webhook[selector] = Json::Object{};
    }
    if (!webhook.text({"name"}).starts_with("pods")) continue;
    const bool closed = webhook.text({"name"}) == "pods.avouch.dev";
    webhook["namespaceSelector"]["matchExpressions"].as_array()->back() =
        Json::Object{{"key", "attested"},
                     {"operator", closed ? "In" : "NotIn"},
                     {"values", Json::Array{"required"}}};
  }
  return Json::Object{{"metadata", Json::Object{{"name", "avouch"}}}, {"webhooks", webhooks}};
}

Json& webhook(Json& configuration, std::string_view name) {
  for (Json& one : *configuration["webhooks"].as_array()) {
    if (one.text({"name"}) == name) return one;
  }
  throw std::out_of_range(std::string(name));
}

struct Edit {
  const char* name;
  std::function<void(Json& configuration)> make;
  Deviation expected;
};

// Of the webhook for pods that fails closed.
Edit of_pods(const char* name, std::function<void(Json& pods)> make, const char* field,
             std::string found, std::string wanted) {
  return {name,
          [make = std::move(make)](Json& configuration) {
            make(webhook(configuration, "pods.avouch.dev"));
          },
          {"pods.avouch.dev", field, std::move(found), std::move(wanted)}};
}

constexpr const char* kRequirements =
    R"([{"key":"avouch.dev/exempt","operator":"DoesNotExist"},{"key":"kubernetes.io/metadata.name","operator":"NotIn","values":["avouch-system","kube-node-lease","kube-system"]}])";
constexpr const char* kRules =
    R"([{"apiGroups":[""],"apiVersions":["v1"],"operations":["CREATE"],"resources":["bindings","pods","pods/binding"],"scope":"Namespaced"}])";

std::vector<Edit> edits() {
  const auto requirements = [](Json& pods) -> Json::Array& {
    return *pods["namespaceSelector"]["matchExpressions"].as_array();
  };
  const Json extra = shape_json(R"({"key":"shop","operator":"DoesNotExist"})");
  const std::string with_extra =
      std::string(kRequirements).substr(0, std::string(kRequirements).size() - 1) +
      R"(,{"key":"shop","operator":"DoesNotExist"}])";
  return {
      of_pods(
          "a requirement more, before the share",
          [=](Json& pods) {
            Json::Array& list = requirements(pods);
            list.insert(list.end() - 1, extra);
          },
          "namespaceSelector.matchExpressions", with_extra, kRequirements),
      of_pods(
          "a requirement more, after the share",
          [=](Json& pods) { requirements(pods).push_back(extra); },
          "namespaceSelector.matchExpressions",
          R"([{"key":"attested","operator":"In","values":["required"]},)" +
              std::string(kRequirements).substr(1),
          kRequirements),
      of_pods(
          "another name among the exempt ones",
          [=](Json& pods) { requirements(pods)[1]["values"].as_array()->emplace_back("shop"); },
          "namespaceSelector.matchExpressions",
          R"([{"key":"avouch.dev/exempt","operator":"DoesNotExist"},{"key":"kubernetes.io/metadata.name","operator":"NotIn","values":["avouch-system","kube-node-lease","kube-system","shop"]}])",
          kRequirements),
      of_pods(
          "the share taken away", [=](Json& pods) { requirements(pods).pop_back(); },
          "namespaceSelector.matchExpressions",
          R"([{"key":"avouch.dev/exempt","operator":"DoesNotExist"}])", kRequirements),
      of_pods(
          "a label of namespaces",
          [](Json& pods) { pods["namespaceSelector"]["matchLabels"]["a"] = "b"; },
          "namespaceSelector.matchLabels", R"({"a":"b"})", "nothing"),
      of_pods(
          "a selector of objects",
          [](Json& pods) { pods["objectSelector"]["matchLabels"]["a"] = "b"; }, "objectSelector",
          R"({"matchLabels":{"a":"b"}})", "nothing"),
      of_pods(
          "a condition",
          [](Json& pods) {
            pods["matchConditions"] = shape_json(R"([{"name":"n","expression":"false"}])");
          },
          "matchConditions", R"([{"expression":"false","name":"n"}])", "nothing"),
      of_pods(
          "failurePolicy Ignore", [](Json& pods) { pods["failurePolicy"] = "Ignore"; },
          "failurePolicy", R"("Ignore")", R"("Fail")"),
      of_pods(
          "another Service", [](Json& pods) { pods["clientConfig"]["service"]["name"] = "other"; },
          "clientConfig.service.name", R"("other")", R"("avouch-webhook")"),
      of_pods(
          "another namespace of the Service",
          [](Json& pods) { pods["clientConfig"]["service"]["namespace"] = "other"; },
          "clientConfig.service.namespace", R"("other")", R"("avouch-system")"),
      of_pods(
          "another path",
          [](Json& pods) { pods["clientConfig"]["service"]["path"] = "/admit/policies"; },
          "clientConfig.service.path", R"("/admit/policies")", R"("/admit/pods")"),
      of_pods(
          "another port", [](Json& pods) { pods["clientConfig"]["service"]["port"] = 444; },
          "clientConfig.service.port", "444", "443"),
      of_pods(
          "no Service", [](Json& pods) { pods["clientConfig"].as_object()->erase("service"); },
          "clientConfig", "nothing",
          R"({"service":{"name":"avouch-webhook","namespace":"avouch-system","path":"/admit/pods","port":443}})"),
      of_pods(
          "an address besides the Service",
          [](Json& pods) { pods["clientConfig"]["url"] = "https://elsewhere.example"; },
          "clientConfig.url", R"("https://elsewhere.example")", "nothing"),
      of_pods(
          "a resource less",
          [](Json& pods) { pods["rules"].as_array()->front()["resources"] = Json::Array{"pods"}; },
          "rules",
          R"([{"apiGroups":[""],"apiVersions":["v1"],"operations":["CREATE"],"resources":["pods"],"scope":"Namespaced"}])",
          kRules),
      of_pods(
          "another operation",
          [](Json& pods) {
            pods["rules"].as_array()->front()["operations"] = Json::Array{"DELETE"};
          },
          "rules",
          R"([{"apiGroups":[""],"apiVersions":["v1"],"operations":["DELETE"],"resources":["bindings","pods","pods/binding"],"scope":"Namespaced"}])",
          kRules),
      of_pods(
          "another scope",
          [](Json& pods) { pods["rules"].as_array()->front()["scope"] = "Cluster"; }, "rules",
          R"([{"apiGroups":[""],"apiVersions":["v1"],"operations":["CREATE"],"resources":["bindings","pods","pods/binding"],"scope":"Cluster"}])",
          kRules),
      of_pods(
          "no rules", [](Json& pods) { pods["rules"] = Json::Array{}; }, "rules", "nothing",
          kRules),
      of_pods(
          "a time-out too short", [](Json& pods) { pods["timeoutSeconds"] = 1; }, "timeoutSeconds",
          "1", "3"),
      of_pods(
          "matchPolicy Exact", [](Json& pods) { pods["matchPolicy"] = "Exact"; }, "matchPolicy",
          R"("Exact")", R"("Equivalent")"),
      of_pods(
          "a version of reviews that the webhook does not speak",
          [](Json& pods) { pods["admissionReviewVersions"] = Json::Array{"v2"}; },
          "admissionReviewVersions", R"(["v2"])", R"(["v1"])"),
      of_pods(
          "side effects that stop dry runs", [](Json& pods) { pods["sideEffects"] = "None"; },
          "sideEffects", R"("None")", R"("NoneOnDryRun")"),
      of_pods(
          "a field that nobody knows yet", [](Json& pods) { pods["onlyOnSundays"] = true; },
          "onlyOnSundays", "true", "nothing"),
      {"a webhook taken away",
       [](Json& configuration) {
         std::erase_if(*configuration["webhooks"].as_array(), [](const Json& one) {
           return one.text({"name"}) == "exemptions.avouch.dev";
         });
       },
       {"exemptions.avouch.dev", "", "nothing", "a webhook"}},
      {"a webhook more",
       [](Json& configuration) {
         configuration["webhooks"].as_array()->push_back(
             shape_json(R"({"name":"more.example.org"})"));
       },
       {"more.example.org", "", "a webhook", "nothing"}},
      {"a webhook twice",
       [](Json& configuration) {
         const Json again = webhook(configuration, "evidence.avouch.dev");
         configuration["webhooks"].as_array()->push_back(again);
       },
       {"evidence.avouch.dev", "", "two of that name", "one"}},
      {"another rule of one that guards our own kinds",
       [](Json& configuration) {
         webhook(configuration, "policies.avouch.dev")["failurePolicy"] = "Ignore";
       },
       {"policies.avouch.dev", "failurePolicy", R"("Ignore")", R"("Fail")"}},
  };
}

TEST(DeviationsOf, AreNoneWhereTheServerHasWhatTheChartRenders) {
  const Json configuration = live();
  EXPECT_EQ(deviations_of(&configuration, expected()), std::vector<Deviation>{});
}

TEST(DeviationsOf, NameWebhookAndFieldOfEachEdit) {
  for (const Edit& edit : edits()) {
    Json configuration = live();
    edit.make(configuration);
    EXPECT_EQ(deviations_of(&configuration, expected()), std::vector{edit.expected})
        << edit.name << ": " << deviations_text(deviations_of(&configuration, expected()), 4096);
  }
}

TEST(DeviationsOf, AreOneEachWhereTheConfigurationIsEmptied) {
  Json configuration = live();
  configuration["webhooks"] = Json::Array{};
  EXPECT_EQ(deviations_of(&configuration, expected()).size(), 6U);
  configuration.as_object()->erase("webhooks");
  EXPECT_EQ(deviations_of(&configuration, expected()).size(), 6U);
  EXPECT_EQ(deviations_of(nullptr, expected()),
            (std::vector<Deviation>{{"", "", "nothing", "a configuration"}}));
}

TEST(DeviationsOf, DoNotDependOnTheOrderOfWhatHasNone) {
  Json configuration = live();
  Json::Array& webhooks = *configuration["webhooks"].as_array();
  std::reverse(webhooks.begin(), webhooks.end());
  for (Json& one : webhooks) {
    for (const char* list : {"resources", "operations"}) {
      Json::Array& items = *one["rules"].as_array()->front()[list].as_array();
      std::reverse(items.begin(), items.end());
    }
  }
  Json::Array& exempt =
      *webhook(configuration, "pods.avouch.dev")["namespaceSelector"]["matchExpressions"]
           .as_array();
  std::swap(exempt[0], exempt[1]);
  EXPECT_EQ(deviations_of(&configuration, expected()), std::vector<Deviation>{});
}

TEST(DeviationsOf, AreBoundedInNumberAndInLength) {
  Json configuration = live();
  for (int i = 0; i < 200; ++i) {
    configuration["webhooks"].as_array()->push_back(
        Json::Object{{"name", "w" + std::to_string(i) + ".example.org"}});
  }
  webhook(configuration, "pods.avouch.dev")["failurePolicy"] = std::string(100'000, 'x');
  const auto found = deviations_of(&configuration, expected());
  EXPECT_EQ(found.size(), kMostDeviations);
  EXPECT_LT(deviations_text(found, 600).size(), 700U);
  EXPECT_NE(deviations_text(found, 600).find(" more"), std::string::npos);
}

TEST(DeviationsOf, DoNotMindAConfigurationOfWrongTypes) {
  for (
      const char* text :
      {"[]", "7", R"({"webhooks":7})", R"({"webhooks":[7,null,{"name":7}]})",
       R"({"webhooks":[{"name":"pods.avouch.dev","rules":[7],"clientConfig":[],"namespaceSelector":7}]})",
       R"({"webhooks":[{"name":"pods.avouch.dev","namespaceSelector":{"matchExpressions":[7,{"values":7},8]}}]})"}) {
    const Json configuration = shape_json(text);
    EXPECT_GE(deviations_of(&configuration, expected()).size(), 4U) << text;
  }
}

TEST(ParseExpectedWebhooks, RefusesWhatIsNoListOfThem) {
  for (const char* text :
       {"", "{}", "[]", "[7]", R"([{"name":""}])", R"([{"name":"pods.avouch.dev"}])",
        R"([{"name":"pods.avouch.dev"},{"name":"pods.avouch.dev"}])"}) {
    EXPECT_FALSE(parse_expected_webhooks(text).has_value()) << text;
  }
}

}  // namespace
}  // namespace avouch::control
