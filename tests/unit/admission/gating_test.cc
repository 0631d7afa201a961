#include "admission/gating.h"

#include <gtest/gtest.h>

#include "tests/unit/admission/world.h"

namespace avouch::admission {
namespace {

NamedFacts<PolicyFacts> two_policies() {
  Json spec = json(kSpec);
  NamedFacts<PolicyFacts> out;
  out["a"] = std::make_shared<const PolicyFacts>(read_policy("a", spec));
  spec["workloads"]["podSelector"] = json(R"({"matchLabels":{"app":"web"}})");
  out["b"] = std::make_shared<const PolicyFacts>(read_policy("b", spec));
  return out;
}

std::string names_in(const std::vector<const PolicyFacts*>& policies) {
  std::string out;
  for (const PolicyFacts* policy : policies) out += policy->name;
  return out;
}

TEST(Gating, IsByTheLabelsOfNamespaceAndPod) {
  const auto policies = two_policies();
  const attest::Labels gated = {{"attested", "required"}}, other = {{"attested", "no"}};
  const attest::Labels web = {{"app", "web"}}, database = {{"app", "db"}};
  EXPECT_EQ(names_in(gating(policies, &gated, &web)), "ab");
  EXPECT_EQ(names_in(gating(policies, &gated, &database)), "a");
  EXPECT_EQ(names_in(gating(policies, &other, &web)), "");
}

TEST(Gating, TakesLabelsThatAreNotKnownForAny) {
  const auto policies = two_policies();
  const attest::Labels other = {{"attested", "no"}}, database = {{"app", "db"}};
  EXPECT_EQ(names_in(gating(policies, nullptr, nullptr)), "ab");
  EXPECT_EQ(names_in(gating(policies, nullptr, &database)), "a");
  EXPECT_EQ(names_in(gating(policies, &other, nullptr)), "");
}

}  // namespace
}  // namespace avouch::admission
