// Where pods are stopped while the webhook does not answer: never too few namespaces of enforced
// policies, and each pod is asked for by exactly one of the two webhooks.

#include "control/admission_scope.h"

#include <gtest/gtest.h>

#include "control/names.h"

namespace avouch::control {
namespace {

using attest::LabelRequirement;
using attest::Labels;
using codec::Json;
using Operator = LabelRequirement::Operator;
using Policies = std::vector<std::shared_ptr<const Json>>;

Json json(const std::string& text) { return codec::parse_json(text).value(); }

std::shared_ptr<const Json> policy(const std::string& mode, const std::string& selector) {
  return std::make_shared<const Json>(json(
      R"({"spec":{"mode":")" + mode + R"(","workloads":{"namespaceSelector":)" + selector + "}}}"));
}

bool meets(const LabelRequirement& requirement, const Labels& labels) {
  return attest::matches({{}, {requirement}}, labels);
}

std::string text_of(const LabelRequirement& requirement) {
  std::string text = requirement.key + " " + std::to_string(static_cast<int>(requirement.op));
  for (const std::string& value : requirement.values) text += " " + value;
  return text;
}
const std::string kNone = std::string(kExemptLabel) + " 2";  // Exists
const std::string kAll = std::string(kExemptLabel) + " 3";   // DoesNotExist

const std::string kRequired = R"({"matchLabels":{"attested":"required"}})";

TEST(FailClosedShare, IsNothingWhereNoPolicyIsEnforced) {
  EXPECT_EQ(text_of(fail_closed_share({})), kNone);
  EXPECT_EQ(text_of(fail_closed_share({policy("Audit", "{}"), policy("Warn", kRequired)})), kNone);
}

TEST(FailClosedShare, IsWhatTheEnforcedPolicySelects) {
  EXPECT_EQ(text_of(fail_closed_share({policy("Enforce", kRequired), policy("Audit", "{}")})),
            "attested 0 required");
  EXPECT_EQ(text_of(fail_closed_share({policy("Enforce", R"({"matchExpressions":[
              {"key":"attested","operator":"Exists"}]})")})),
            "attested 2");
}

TEST(FailClosedShare, TakesTheValuesOfAllPoliciesTogether) {
  EXPECT_EQ(text_of(fail_closed_share(
                {policy("Enforce", kRequired), policy("Enforce", R"({"matchExpressions":[
                   {"key":"attested","operator":"In","values":["strict","required"]}]})")})),
            "attested 0 required strict");
  EXPECT_EQ(text_of(fail_closed_share(
                {policy("Enforce", kRequired), policy("Enforce", R"({"matchExpressions":[
                   {"key":"attested","operator":"Exists"}]})")})),
            "attested 2");
}

TEST(FailClosedShare, IsEverythingWherePoliciesHaveNothingInCommonOrCannotBeRead) {
  EXPECT_EQ(text_of(fail_closed_share(
                {policy("Enforce", kRequired), policy("Enforce", R"({"matchLabels":{"a":"b"}})")})),
            kAll);
  EXPECT_EQ(text_of(fail_closed_share({policy("Enforce", "{}")})), kAll);
  EXPECT_EQ(text_of(fail_closed_share({policy("Enforce", R"({"matchExpressions":[
              {"key":"attested","operator":"NotIn","values":["never"]}]})")})),
            kAll);
  EXPECT_EQ(text_of(fail_closed_share({policy("audit", kRequired)})), "attested 0 required");
  for (const char* broken : {R"([])", R"({"matchLabels":{"attested":1}})", R"({"what":{}})",
                             R"({"matchExpressions":[{"key":"attested","operator":"In"}]})"}) {
    EXPECT_EQ(text_of(fail_closed_share({policy("Enforce", broken)})), kAll) << broken;
  }
  EXPECT_EQ(text_of(fail_closed_share({std::make_shared<const Json>(json("{}"))})), kAll);
}

// Every set of up to three of these selectors, on every combination of two labels.
TEST(FailClosedShare, HoldsEveryNamespaceOfAnEnforcedPolicyAndItsOppositeAllOthers) {
  const std::vector<std::string> selectors = {
      "{}",
      kRequired,
      R"({"matchLabels":{"attested":"strict"}})",
      R"({"matchLabels":{"attested":"required","team":"a"}})",
      R"({"matchExpressions":[{"key":"attested","operator":"Exists"}]})",
      R"({"matchExpressions":[{"key":"attested","operator":"DoesNotExist"}]})",
      R"({"matchExpressions":[{"key":"team","operator":"In","values":["a","b"]},
                              {"key":"team","operator":"In","values":["b","c"]}]})",
      R"({"matchLabels":{"team":"b"},
          "matchExpressions":[{"key":"attested","operator":"NotIn","values":["required"]}]})"};
  std::vector<Labels> namespaces;
  for (const std::string attested : {"", "required", "strict"}) {
    for (const std::string team : {"", "a", "b", "c"}) {
      Labels labels;
      if (!attested.empty()) labels["attested"] = attested;
      if (!team.empty()) labels["team"] = team;
      namespaces.push_back(labels);
      labels[std::string(kExemptLabel)] = "true";
      namespaces.push_back(labels);
    }
  }
  const std::size_t n = selectors.size();
  for (std::size_t chosen = 0; chosen < n * n * n; ++chosen) {
    const std::size_t picks[] = {chosen % n, chosen / n % n, chosen / n / n};
    Policies policies;
    std::vector<attest::LabelSelector> parsed;
    for (const std::size_t pick : picks) {
      policies.push_back(policy("Enforce", selectors[pick]));
      codec::FieldErrors errors;
      const Json selector = json(selectors[pick]);
      parsed.push_back(attest::read_selector(codec::Fields(selector, "s", errors)));
      ASSERT_TRUE(errors.empty());
    }
    const LabelRequirement share = fail_closed_share(policies);
    for (const Labels& labels : namespaces) {
      ASSERT_NE(meets(share, labels), meets(opposite(share), labels)) << text_of(share);
      if (labels.contains(kExemptLabel)) continue;
      for (const auto& selector : parsed) {
        ASSERT_TRUE(!attest::matches(selector, labels) || meets(share, labels))
            << chosen << ": " << text_of(share);
      }
    }
  }
}

TEST(Opposite, IsMetByExactlyTheLabelsThatDoNotMeetIt) {
  const LabelRequirement cases[] = {{"a", Operator::kIn, {"x", "y"}},
                                    {"a", Operator::kNotIn, {"x", "y"}},
                                    {"a", Operator::kExists, {}},
                                    {"a", Operator::kDoesNotExist, {}}};
  for (const LabelRequirement& requirement : cases) {
    for (const Labels& labels :
         {Labels{}, Labels{{"a", "x"}}, Labels{{"a", "z"}}, Labels{{"b", "x"}}}) {
      EXPECT_NE(meets(requirement, labels), meets(opposite(requirement), labels))
          << text_of(requirement);
    }
  }
}

// As the chart renders it.
const char* const kConfiguration = R"({"metadata":{"resourceVersion":"7"},"webhooks":[
  {"name":"pods.avouch.dev","namespaceSelector":{"matchExpressions":[
    {"key":"avouch.dev/exempt","operator":"DoesNotExist"},
    {"key":"kubernetes.io/metadata.name","operator":"NotIn","values":["kube-system"]},
    {"key":"avouch.dev/exempt","operator":"DoesNotExist"}]}},
  {"name":"pods-unenforced.avouch.dev","namespaceSelector":{"matchExpressions":[
    {"key":"avouch.dev/exempt","operator":"DoesNotExist"},
    {"key":"kubernetes.io/metadata.name","operator":"NotIn","values":["kube-system"]},
    {"key":"avouch.dev/exempt","operator":"Exists"}]}},
  {"name":"evidence.avouch.dev"}]})";

TEST(SharePatch, SetsTheLastRequirementOfBothAndNothingElse) {
  const auto patch =
      share_patch(json(kConfiguration), fail_closed_share({policy("Enforce", kRequired)}));
  ASSERT_TRUE(patch.has_value());
  EXPECT_EQ(*patch, json(R"([
    {"op":"test","path":"/metadata/resourceVersion","value":"7"},
    {"op":"replace","path":"/webhooks/0/namespaceSelector/matchExpressions/2",
     "value":{"key":"attested","operator":"In","values":["required"]}},
    {"op":"replace","path":"/webhooks/1/namespaceSelector/matchExpressions/2",
     "value":{"key":"attested","operator":"NotIn","values":["required"]}}])"));
}

TEST(SharePatch, IsNothingWhereBothAreRight) {
  EXPECT_FALSE(share_patch(json(kConfiguration), fail_closed_share({policy("Enforce", "{}")})));
}

TEST(SharePatch, NarrowsNeitherWhereTheOtherIsMissingOrHasNoShareToReplace) {
  const LabelRequirement none = fail_closed_share({});
  for (const char* name : {"pods.avouch.dev", "pods-unenforced.avouch.dev"}) {
    Json configuration = json(kConfiguration);
    std::string text = codec::to_json(configuration);
    text.replace(text.find(name), 4, "else");
    EXPECT_FALSE(share_patch(json(text), none)) << name;
  }
  EXPECT_FALSE(share_patch(json(R"({"webhooks":[
    {"name":"pods.avouch.dev","namespaceSelector":{"matchExpressions":[{"key":"avouch.dev/exempt","operator":"DoesNotExist"}]}},
    {"name":"pods-unenforced.avouch.dev"}]})"),
                           none));
  EXPECT_FALSE(share_patch(json("{}"), none));
}

}  // namespace
}  // namespace avouch::control
