// Warnings of policies that are taken, and do less or more than was meant.

#include <gtest/gtest.h>

#include "support/contains.h"
#include "tests/unit/admission/world.h"

namespace avouch::admission {
namespace {

using testing::contains;

// Of kSpec with these members in place of its own.
std::vector<std::string> warnings_of(const std::string& members) {
  const World world;
  Json spec = json(kSpec);
  const Json own = json("{" + members + "}");
  for (const auto& [key, value] : *own.as_object()) spec[key] = value;
  Json object = json(R"({"apiVersion":"avouch.dev/v1alpha1","metadata":{"name":"production"}})");
  object["spec"] = std::move(spec);
  const Decision decision = world.decide_on(
      Endpoint::kPolicies, review_of("avouch.dev", "v1alpha1", "attestationpolicies", "", "CREATE",
                                     std::move(object), "admin"));
  EXPECT_TRUE(decision.allowed) << decision.message;
  for (const std::string& warning : decision.warnings) {
    EXPECT_LE(warning.size(), 250U);
    EXPECT_FALSE(warning.ends_with("...")) << warning;
  }
  return decision.warnings;
}

std::vector<std::string> that_have(const char* word, std::vector<std::string> warnings) {
  std::erase_if(warnings, [word](const std::string& each) { return !contains(each, word); });
  return warnings;
}

std::string max_age(const char* age) {
  return R"("freshness":{"maxAge":")" + std::string(age) + "\"}";
}

TEST(PolicyWarnings, TellOfAMaxAgeThatOneLostHeartbeatUsesUp) {
  const auto found = [](const std::string& members) {
    return that_have("heartbeat", warnings_of(members));
  };
  EXPECT_EQ(found(max_age("10s")),
            std::vector<std::string>{
                "spec.freshness.maxAge is 10s: nodes give evidence every 10s by default, so one "
                "heartbeat that is lost costs a node its trust; give three times the period at "
                "least: 30s by default"});
  EXPECT_EQ(found(max_age("29s999ms")).size(), 1U);
  EXPECT_TRUE(found(max_age("30s")).empty());
  EXPECT_TRUE(found("").empty());
}

TEST(PolicyWarnings, TellOfEvictionForAShortSilence) {
  const std::string evict = R"("onFailure":{"taint":"NoExecute"})";
  const auto found = [](const std::string& members) {
    return that_have("NoExecute", warnings_of(members));
  };
  EXPECT_EQ(
      found(evict + "," + max_age("59s")),
      std::vector<std::string>{
          "spec.onFailure.taint is NoExecute and spec.freshness.maxAge 59s: a node that is silent "
          "that long loses its running pods, but for a maxAge below two beacon periods, where "
          "silence evicts nobody; give a maxAge of 1m at least, or taint NoSchedule"});
  EXPECT_EQ(found(evict + "," + max_age("59s999ms")).size(), 1U) << "and is not cut";
  EXPECT_EQ(found(evict + "," + max_age("10s")).size(), 1U);
  EXPECT_TRUE(found(evict + "," + max_age("1m")).empty());
  EXPECT_TRUE(found(evict).empty());
  EXPECT_TRUE(found(max_age("10s")).empty());
  EXPECT_TRUE(found(evict + "," + max_age("10s") + R"(,"mode":"Audit")").empty())
      << "which taints nothing";
}

TEST(PolicyWarnings, TellOfFileRulesThatANodeSatisfiesWhichMeasuresNothing) {
  const auto found = [](const std::string& members) {
    return that_have("spec.runtime", warnings_of(members));
  };
  const std::string rules = R"("runtime":{"references":[{"name":"files"}]})";
  const std::vector<std::string> told = {
      "spec.runtime: a node whose kernel measures no file satisfies these rules; have the boot log "
      "prove that it measures: spec.bootLog.kernelCommandLine.required: [\"ima_policy=tcb\"]"};
  EXPECT_EQ(found(rules), told);
  EXPECT_EQ(found(rules + R"(,"bootLog":{})"), told);
  EXPECT_EQ(found(rules + R"(,"bootLog":{"kernelCommandLine":{"required":["ima_policy=.*"]}})"),
            told);
  EXPECT_TRUE(
      found(rules + R"(,"bootLog":{"kernelCommandLine":{"required":["a","ima_policy=tcb"]}})")
          .empty());
  EXPECT_TRUE(found("").empty());
  EXPECT_TRUE(found(R"("runtime":{"files":"ReplayOnly"})").empty())
      << "which claims nothing of files";
}

TEST(PolicyWarnings, TellThatExcludesHoldInContainersToo) {
  const auto found = [](const std::string& exclude) {
    return that_have("spec.runtime.exclude",
                     warnings_of(R"("runtime":{"references":[{"name":"files"}])" + exclude + "}"));
  };
  EXPECT_TRUE(found("").empty());
  ASSERT_EQ(found(R"(,"exclude":["/var/log/.*"])").size(), 1U);
  EXPECT_NE(found(R"(,"exclude":["/var/log/.*"])").front().find("in containers too"),
            std::string::npos);
}

}  // namespace
}  // namespace avouch::admission
