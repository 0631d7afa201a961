// A review that came by a webhook whose selector the namespace does not meet, as it is known here:
// the API server knows more, and nothing is let in by what is known here alone.

#include <gtest/gtest.h>

#include "tests/unit/admission/world.h"

namespace avouch::admission {
namespace {

using attest::Labels;

// As the webhook's own decision: without what World looks up.
Decision decide_by_the_snapshot(const World& world, Endpoint endpoint, const Json& review) {
  const auto parsed = parse_review(codec::to_json(review));
  return decide(endpoint, *parsed, world.gathered, world.snapshot, world.rules, world.now);
}

std::optional<std::string> to_read(const World& world, Endpoint endpoint, const Json& review) {
  const auto parsed = parse_review(codec::to_json(review));
  return namespace_to_read(endpoint, *parsed, world.gathered, world.snapshot, world.rules);
}

std::vector<Json> ways(const std::string& node, const std::string& ns) {
  Json legacy = binding(node, ns);
  legacy["request"]["resource"]["resource"] = "bindings";
  legacy["request"]["subResource"] = "";
  return {binding(node, ns), std::move(legacy), pod_on(node, ns), pod_on("", ns)};
}

TEST(NamespaceToRead, IsNoneInTheOrdinaryCase) {
  World world;
  for (const Json& review : ways("good", "shop")) {
    EXPECT_FALSE(to_read(world, Endpoint::kPods, review));
  }
  for (const Json& review : ways("good", "free")) {
    EXPECT_FALSE(to_read(world, Endpoint::kUnenforcedPods, review));
  }
  EXPECT_FALSE(to_read(world, Endpoint::kPods, binding("good", "kube-system")));
  // Whose labels are not known is gated by every policy.
  EXPECT_FALSE(to_read(world, Endpoint::kPods, binding("good", "unheard-of")));
  // All namespaces fail closed where policies have no label in common.
  world.add_policy("other",
                   json(R"({"workloads":{"namespaceSelector":{"matchLabels":{"a":"b"}}}})"));
  EXPECT_FALSE(to_read(world, Endpoint::kPods, binding("good", "free")));
}

TEST(NamespaceToRead, IsOneThatDoesNotMeetTheSelectorOfItsWebhook) {
  World world;
  for (const Json& review : ways("good", "free")) {
    EXPECT_EQ(to_read(world, Endpoint::kPods, review), "free");
  }
  world.add_namespace("tools", {{"attested", "required"}, {"avouch.dev/exempt", "true"}});
  EXPECT_EQ(to_read(world, Endpoint::kPods, binding("good", "tools")), "tools");
  EXPECT_EQ(to_read(world, Endpoint::kUnenforcedPods, binding("good", "tools")), "tools");
  world.snapshot.policies.clear();
  EXPECT_EQ(to_read(world, Endpoint::kPods, binding("good")), "shop");
  EXPECT_EQ(to_read(world, Endpoint::kPods, binding("good", "unheard-of")), "unheard-of");
  world.add_policy("production", json(R"({"mode":"Audit"})"));
  EXPECT_EQ(to_read(world, Endpoint::kPods, binding("good")), "shop");
}

TEST(NamespaceToRead, IsNoneWhereNothingIsDecidedAnyhow) {
  World world;
  const Json review = binding("good", "free");
  world.gathered.late = true;
  EXPECT_FALSE(to_read(world, Endpoint::kPods, review));
  world.gathered.late = false;
  world.gathered.not_ready = "nothing is known yet";
  EXPECT_FALSE(to_read(world, Endpoint::kPods, review));
  world.gathered.not_ready.clear();
  EXPECT_FALSE(to_read(world, Endpoint::kEvidence, review));
  Json strange = review;
  strange["request"]["operation"] = "DELETE";
  EXPECT_FALSE(to_read(world, Endpoint::kPods, strange));
}

TEST(DecideLive, DeniesAReviewThatItCannotDecideByTheSnapshotAlone) {
  World world;
  for (const Json& review : ways("good", "free")) {
    const Decision decision = decide_by_the_snapshot(world, Endpoint::kPods, review);
    EXPECT_FALSE(decision.allowed);
    EXPECT_EQ(decision.code, code::kNotReady);
    EXPECT_NE(decision.message.find("newer labels"), std::string::npos) << decision.message;
  }
  // Also where silence would let it in.
  world.add_namespace("tools", {{"avouch.dev/exempt", "true"}});
  const auto endpoint = Endpoint::kUnenforcedPods;
  const Decision unread = decide_by_the_snapshot(world, endpoint, binding("good", "tools"));
  EXPECT_FALSE(waive(endpoint, unread).allowed);
}

TEST(DecideLive, JudgesByTheLabelsThatTheServerHas) {
  World world;
  world.snapshot.verdicts.clear();
  world.gathered.live = LiveFacts{Labels{{"attested", "required"}}};
  const Decision gated = decide_by_the_snapshot(world, Endpoint::kPods, binding("good", "free"));
  EXPECT_EQ(gated.code, code::kNoVerdict);
  EXPECT_TRUE(gated.verdict);
  world.trust("good", {"production"});
  const Decision allowed = decide_by_the_snapshot(world, Endpoint::kPods, binding("good", "free"));
  EXPECT_TRUE(allowed.allowed);
  EXPECT_TRUE(allowed.verdict);               // and so it is recorded
  world.gathered.live = LiveFacts{Labels{}};  // the webhook configuration is behind
  const Decision free = decide_by_the_snapshot(world, Endpoint::kPods, binding("good", "free"));
  EXPECT_TRUE(free.allowed);
  EXPECT_FALSE(free.verdict);
  world.snapshot.verdicts.clear();
  world.gathered.live = LiveFacts{};  // too large to be read: any policy may gate
  EXPECT_EQ(decide_by_the_snapshot(world, Endpoint::kPods, binding("good", "free")).code,
            code::kNoVerdict);
}

TEST(DecideLive, ForgetsAnExemptionThatTheServerHasEnded) {
  World world;
  world.snapshot.verdicts.clear();
  world.add_namespace("tools", {{"attested", "required"}, {"avouch.dev/exempt", "true"}});
  world.gathered.live = LiveFacts{Labels{{"attested", "required"}}};
  EXPECT_EQ(decide_by_the_snapshot(world, Endpoint::kPods, binding("good", "tools")).code,
            code::kNoVerdict);
  world.gathered.live = LiveFacts{*world.snapshot.namespaces.at("tools")};
  EXPECT_TRUE(decide_by_the_snapshot(world, Endpoint::kPods, binding("good", "tools")).allowed);
}

TEST(DecideLive, DeniesWhereTheServerCouldNotBeAsked) {
  World world;
  world.gathered.live = LiveFacts{};
  world.gathered.not_ready = "no route to the API server";
  const Json review = binding("good", "free");
  for (const Endpoint endpoint : {Endpoint::kPods, Endpoint::kUnenforcedPods}) {
    const Decision decision = waive(endpoint, decide_by_the_snapshot(world, endpoint, review));
    EXPECT_FALSE(decision.allowed);
    EXPECT_EQ(decision.code, code::kNotReady);
  }
}

}  // namespace
}  // namespace avouch::admission
