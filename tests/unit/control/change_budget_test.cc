// How often the log says something new of one node: row S5 of src/attest/THREATS.md.

#include <gtest/gtest.h>

#include "tests/support/sanitized.h"
#include "tests/unit/control/world.h"
#include "tlog/entry.h"

namespace avouch::control {
namespace {

using std::chrono::minutes;

// More than any budget allows; a sanitizer takes minutes for ten times as much.
constexpr int kFlood = testing::kSanitized ? 40 : 500;
constexpr int kTimesAnew = testing::kSanitized ? 40 : 100;

// A node that its kubelet puts under the policy and takes out of it, by a label within its reach.
class S5 : public ::testing::Test {
 protected:
  S5() {
    PolicyText text;
    text.taint = "NoExecute";
    text.selector = R"({"matchLabels": {"attested": "yes"}})";
    world.set_policies({policy_object("production", text)});
    world.add_node("node-1", {{"attested", "yes"}});
    world.enrol(agent);
    world.heartbeat(agent);
    testing::must(world.phase("node-1") == Phase::kTrusted, "trust");
  }
  void leave() { world.relabel("node-1", {}); }
  void join() { world.relabel("node-1", {{"attested", "yes"}}); }
  void flip(int times) {
    for (int i = 0; i < times; ++i) {
      leave();
      join();
    }
  }
  enum class With { kEvidence, kNodeAlone };
  void make_anew(With with) {
    world.remove_node("node-1");
    if (with == With::kEvidence) world.delete_evidence("node-1");
    world.add_node("node-1", {{"attested", "yes"}});
    world.enrol(agent);
    world.heartbeat(agent);
  }
  std::size_t entries() const { return world.entries_of(std::string(tlog::kNodeVerdict)); }
  const NodeVerdict& verdict() const { return *world.find("node-1")->saved.verdict; }

  World world;
  TestAgent agent{"node-1"};
};

TEST_F(S5, ANodeThatChangesWithoutEndWritesNoMoreThanItsBudget) {
  flip(kFlood);
  EXPECT_EQ(entries(), 60U);
  for (int i = 0; i < 60; ++i) {
    world.pass(minutes(1), {&agent});
    flip(testing::kSanitized ? 2 : 20);
  }
  EXPECT_LE(entries(), 80U) << "twenty an hour";
  EXPECT_GE(entries(), 76U) << "and hardly fewer";
}

TEST_F(S5, BeyondItsBudgetItIsTrustedByNobodyAndSaysWhy) {
  flip(kFlood);
  EXPECT_EQ(world.phase("node-1"), Phase::kContraindicated);
  EXPECT_EQ(world.first_code("node-1"), "VerdictUnsteady");
  EXPECT_TRUE(verdict().token.empty());
  EXPECT_EQ(world.entries.back().kind, tlog::kNodeVerdict) << "the log has it too";
  EXPECT_TRUE(world.find("node-1")->record.held_by.contains("production"));
}

TEST_F(S5, TheNewestStateIsSaidOnceThereIsRoomForIt) {
  flip(kFlood);
  world.pass(minutes(2), {&agent});
  EXPECT_EQ(world.first_code("node-1"), "VerdictUnsteady");
  world.pass(minutes(5), {&agent});
  EXPECT_EQ(world.phase("node-1"), Phase::kTrusted);
  EXPECT_FALSE(world.find("node-1")->record.held_by.contains("production"));

  flip(kFlood);
  leave();
  world.pass(minutes(7));
  EXPECT_EQ(world.phase("node-1"), Phase::kPending);
  EXPECT_EQ(world.first_code("node-1"), "NoPolicy");
}

TEST_F(S5, AnUnsteadyVerdictPointsAtNoPlaceOfALogBefore) {
  flip(kFlood);
  ASSERT_EQ(world.first_code("node-1"), "VerdictUnsteady");
  ASSERT_TRUE(verdict().log.has_value());
  world.origin = "another";
  world.restart();
  EXPECT_FALSE(verdict().log.has_value());
  EXPECT_TRUE(world.find("node-1")->record.held_by.contains("production")) << "nor is it trusted";
}

// The last room is for the change that takes the trust, and says what took it.
TEST_F(S5, DistrustIsNeverHeldBack) {
  flip(29);
  ASSERT_EQ(entries(), 59U);
  ASSERT_EQ(world.phase("node-1"), Phase::kTrusted);
  agent.tamper();
  world.heartbeat(agent);
  EXPECT_EQ(world.phase("node-1"), Phase::kContraindicated);
  EXPECT_TRUE(verdict().token.empty());
  ASSERT_GE(verdict().reasons.size(), 2U);
  EXPECT_EQ(verdict().reasons[1].code, "PcrMismatch");
  const auto& held = world.find("node-1")->record.held_by;
  ASSERT_TRUE(held.contains("production"));
  EXPECT_EQ(held.at("production"), attest::TaintEffect::kNoExecute) << "at once";
  EXPECT_EQ(entries(), 60U);
}

// Whoever edits policies, or has a program that does, takes no trust by it; a node gets no more
// than one change by each edit.
TEST_F(S5, EditsOfPoliciesAreNotTheNodes) {
  const auto edit = [this](int number) {
    PolicyText text;
    text.selector = R"({"matchLabels": {"attested": "yes"}})";
    text.max_age = std::to_string(100 + number) + "s";
    world.set_policies({policy_object("production", text)});
  };
  for (int i = 0; i < 200; ++i) {
    edit(i);
    ASSERT_EQ(world.phase("node-1"), Phase::kTrusted) << i;
  }
  EXPECT_EQ(entries(), 201U);
  flip(kFlood);
  EXPECT_EQ(entries(), 260U);
  EXPECT_EQ(world.first_code("node-1"), "VerdictUnsteady");
}

// By an administrator's program, or a cloud's that deletes the Nodes of machines that are off.
TEST_F(S5, NoNodeGetsAnotherBudgetByBeingDeletedAndMadeAnew) {
  for (int i = 0; i < kTimesAnew; ++i) make_anew(With::kEvidence);
  EXPECT_EQ(entries(), 60U);
  EXPECT_EQ(world.first_code("node-1"), "VerdictUnsteady");
  EXPECT_TRUE(verdict().token.empty());
  EXPECT_NE(world.signals("node-1").taint, attest::TaintEffect::kNone);
  for (int i = 0; i < kTimesAnew; ++i) make_anew(With::kNodeAlone);
  EXPECT_EQ(entries(), 60U) << "nor does an entry come of each new Node";
  EXPECT_EQ(world.first_code("node-1"), "VerdictUnsteady");

  world.pass(minutes(7), {&agent});
  EXPECT_EQ(world.phase("node-1"), Phase::kTrusted);
  EXPECT_LE(entries(), 62U);
}

TEST_F(S5, AsLittleDoesANodeWhoseEvidenceStays) {
  for (int i = 0; i < kTimesAnew; ++i) make_anew(With::kNodeAlone);
  EXPECT_EQ(entries(), 60U);
  EXPECT_EQ(world.first_code("node-1"), "VerdictUnsteady");
}

TEST_F(S5, ANodeThatIsMadeAnewForOnceIsTrustedAtOnce) {
  flip(10);
  for (const With with : {With::kEvidence, With::kNodeAlone}) {
    make_anew(with);
    EXPECT_EQ(world.phase("node-1"), Phase::kTrusted);
  }
}

TEST(FormerBudgets, KeepWhatIsNotFullAgainOfABoundedNumberOfNames) {
  FormerBudgets budgets;
  const SteadyTime now{std::chrono::hours(1)};
  const auto spent = [&](int times) {
    FormerBudget out;
    for (int i = 0; i < times; ++i) out.changes.spend(now);
    return out;
  };
  budgets.keep("untouched", {}, now);
  EXPECT_EQ(budgets.size(), 0U);
  budgets.keep("bad", spent(60), now);
  for (std::size_t i = 0; i < FormerBudgets::kMost + 100; ++i) {
    budgets.keep("n" + std::to_string(i), spent(2), now);
  }
  EXPECT_EQ(budgets.size(), FormerBudgets::kMost);
  budgets.keep("worse", spent(30), now);
  EXPECT_EQ(budgets.size(), FormerBudgets::kMost);
  EXPECT_TRUE(budgets.take("worse").has_value());
  EXPECT_TRUE(budgets.take("bad").has_value());
  EXPECT_FALSE(budgets.take("bad").has_value()) << "it has it again";

  const SteadyTime later = now + minutes(10);
  FormerBudget newest;
  newest.changes.spend(later);
  for (int i = 0; i < 3; ++i) budgets.keep("later" + std::to_string(i), newest, later);
  EXPECT_EQ(budgets.size(), 3U) << "the others are full again, and there was no room";
}

// What goes wrong in there each time costs no more than once.
TEST_F(S5, AnAppraisalThatFailsAgainAndAgainEndsToo) {
  flip(kFlood);
  world.signer.broken = true;
  world.pass(minutes(7), {&agent});
  EXPECT_NE(world.phase("node-1"), Phase::kTrusted);
  EXPECT_LE(entries(), 62U);
  world.signer.broken = false;
  world.pass(minutes(12), {&agent});
  EXPECT_EQ(world.phase("node-1"), Phase::kTrusted);
}

}  // namespace
}  // namespace avouch::control
