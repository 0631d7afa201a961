// When the want of an answer evicts pods: not before a node has had maxAge to give one.

#include <gtest/gtest.h>

#include "tests/unit/control/world.h"

namespace avouch::control {
namespace {

using attest::TaintEffect;
using std::chrono::minutes;
using std::chrono::seconds;

const PolicyText kEvicting{.taint = "NoExecute"};
const minutes kMaxAge{5};

class HoldTest : public ::testing::Test {
 protected:
  HoldTest() {
    world.set_policies({policy_object("production", kEvicting)});
    world.add_node("node-1");
    world.enrol(one);
    world.heartbeat(one);
    testing::must(taint() == TaintEffect::kNone, "the node is trusted");
  }
  TaintEffect taint() { return world.signals("node-1").taint; }
  // Nothing happens but time, in steps that no tick is missed by.
  void wait(std::chrono::milliseconds time) { world.pass(time); }

  World world;
  TestAgent one{"node-1"};
};

TEST_F(HoldTest, AControllerThatWasAwayForLongEvictsNothingFromANodeThatAnswers) {
  world.restart(kMaxAge + minutes(1));
  EXPECT_EQ(world.phase("node-1"), Phase::kStale);
  EXPECT_EQ(taint(), TaintEffect::kNoSchedule);
  wait(kMaxAge - seconds(10));
  EXPECT_EQ(taint(), TaintEffect::kNoSchedule);
  world.heartbeat(one);
  EXPECT_EQ(taint(), TaintEffect::kNone);
  wait(seconds(20));
  EXPECT_EQ(taint(), TaintEffect::kNone);
}

TEST_F(HoldTest, ANodeThatDoesNotAnswerAControllerThatCameBackIsEmptiedAfterMaxAge) {
  world.restart(kMaxAge + minutes(1));
  wait(kMaxAge - seconds(1));
  ASSERT_EQ(taint(), TaintEffect::kNoSchedule);
  wait(seconds(1));
  EXPECT_EQ(taint(), TaintEffect::kNoExecute);
  // And stays so, whatever becomes of the controller.
  world.restart(seconds(1));
  EXPECT_EQ(taint(), TaintEffect::kNoExecute);
  world.heartbeat(one);
  EXPECT_EQ(taint(), TaintEffect::kNone);
}

TEST_F(HoldTest, ANodeThatFallsSilentIsEmptiedWhenItsVerdictEnds) {
  wait(kMaxAge - seconds(1));
  EXPECT_EQ(taint(), TaintEffect::kNone);
  wait(seconds(1));
  EXPECT_EQ(world.phase("node-1"), Phase::kStale);
  EXPECT_EQ(taint(), TaintEffect::kNoExecute);
}

TEST_F(HoldTest, AVerdictThatOutlivesTheControllerEndsAsItWouldHaveAndThenThereIsPatience) {
  wait(minutes(3));
  world.restart(seconds(1));
  EXPECT_EQ(taint(), TaintEffect::kNone);
  wait(minutes(2));
  EXPECT_EQ(world.phase("node-1"), Phase::kStale);
  EXPECT_EQ(taint(), TaintEffect::kNoSchedule);
  wait(minutes(3) - seconds(1));
  EXPECT_EQ(taint(), TaintEffect::kNoSchedule);
  wait(seconds(1));
  EXPECT_EQ(taint(), TaintEffect::kNoExecute);
}

TEST_F(HoldTest, ANodeThatFailsIsEmptiedAtOnceAndStaysSoOverARestart) {
  one.tamper();
  world.heartbeat(one);
  EXPECT_EQ(taint(), TaintEffect::kNoExecute);
  world.restart(kMaxAge + minutes(1));
  EXPECT_EQ(world.phase("node-1"), Phase::kStale);
  EXPECT_EQ(taint(), TaintEffect::kNoExecute);
}

TEST_F(HoldTest, ANodeThatFailsWhenTheControllerIsBackIsEmptiedAtOnce) {
  world.restart(kMaxAge + minutes(1));
  ASSERT_EQ(taint(), TaintEffect::kNoSchedule);
  one.tamper();
  world.heartbeat(one);
  EXPECT_EQ(world.phase("node-1"), Phase::kContraindicated);
  EXPECT_EQ(taint(), TaintEffect::kNoExecute);
}

TEST_F(HoldTest, APolicyThatLostWhatItRefersToEvictsNothing) {
  PolicyText lost = kEvicting;
  lost.makers = "gone";
  world.set_policies({policy_object("production", lost)});
  world.heartbeat(one);
  ASSERT_EQ(world.phase("node-1"), Phase::kContraindicated);
  EXPECT_EQ(taint(), TaintEffect::kNoSchedule);
  wait(kMaxAge + seconds(1));
  EXPECT_EQ(taint(), TaintEffect::kNoSchedule) << "nor is there anything to be silent about";
  world.set_policies({policy_object("production", kEvicting)});
  world.heartbeat(one);
  EXPECT_EQ(taint(), TaintEffect::kNone);
}

TEST_F(HoldTest, ANodeThatFailedStaysEmptiedWhenThePolicyLosesWhatItRefersTo) {
  one.tamper();
  world.heartbeat(one);
  ASSERT_EQ(taint(), TaintEffect::kNoExecute);
  PolicyText lost = kEvicting;
  lost.makers = "gone";
  world.set_policies({policy_object("production", lost)});
  world.heartbeat(one);
  EXPECT_EQ(taint(), TaintEffect::kNoExecute);
}

TEST_F(HoldTest, ANodeThatWasNeverJudgedHasMaxAgeFromItsFirstDayToAnswer) {
  wait(minutes(1));
  world.add_node("node-2");
  EXPECT_EQ(world.signals("node-2").taint, TaintEffect::kNoSchedule);
  TestAgent two{"node-2"};
  world.enrol(two);  // which is no answer yet
  for (int minute = 1; minute < 5; ++minute) {
    wait(minutes(1));
    world.relabel("node-2", {{"minute", std::to_string(minute)}});
    EXPECT_EQ(world.signals("node-2").taint, TaintEffect::kNoSchedule) << minute;
  }
  wait(minutes(1));
  EXPECT_EQ(world.signals("node-2").taint, TaintEffect::kNoExecute);
  world.heartbeat(two);
  EXPECT_EQ(world.signals("node-2").taint, TaintEffect::kNone);
}

TEST_F(HoldTest, APolicyThatBeginsWithNoExecuteEvictsNothingFromANodeThatAnswersIt) {
  world.set_policies({});
  ASSERT_EQ(taint(), TaintEffect::kNone);
  wait(minutes(10));  // no quote is held any more
  world.set_policies({policy_object("new", kEvicting)});
  EXPECT_NE(taint(), TaintEffect::kNoExecute);
  world.heartbeat(one);
  EXPECT_EQ(taint(), TaintEffect::kNone);
}

// A beacon is 10 s old when the next is there: under such a policy every node is Stale again and
// again.
TEST_F(HoldTest, APolicyThatLeavesNoTimeToAnswerEvictsNothingForSilence) {
  PolicyText hasty = kEvicting;
  hasty.max_age = "19s";
  world.set_policies({policy_object("production", hasty)});
  world.heartbeat(one);
  ASSERT_EQ(taint(), TaintEffect::kNone);
  wait(minutes(10));
  EXPECT_EQ(world.phase("node-1"), Phase::kStale);
  EXPECT_EQ(taint(), TaintEffect::kNoSchedule) << "no new pods";
  one.tamper();
  world.heartbeat(one);
  EXPECT_EQ(taint(), TaintEffect::kNoExecute) << "an answer that is wrong is another thing";

  hasty.max_age = "20s";
  TestAgent two{"node-2"};
  world.set_policies({policy_object("production", hasty)});
  world.add_node("node-2");
  world.enrol(two);
  world.heartbeat(two);
  wait(minutes(1));
  EXPECT_EQ(world.signals("node-2").taint, TaintEffect::kNoExecute);
}

TEST_F(HoldTest, LeavingTheSelectionDoesNotEndTheWaitingNorGainTime) {
  world.set_policies({policy_object(
      "production", {.taint = "NoExecute", .selector = R"({"matchLabels": {"pool": "a"}})"})});
  world.add_node("node-2", {{"pool", "a"}});
  ASSERT_EQ(world.signals("node-2").taint, TaintEffect::kNoSchedule);
  wait(minutes(2));
  world.relabel("node-2", {});
  EXPECT_EQ(world.signals("node-2").taint, TaintEffect::kNoSchedule);
  wait(minutes(2));
  world.relabel("node-2", {{"pool", "a"}});
  world.relabel("node-2", {});
  wait(minutes(1));
  EXPECT_EQ(world.signals("node-2").taint, TaintEffect::kNoExecute);
}

TEST_F(HoldTest, TheShortestMaxAgeOfThePoliciesThatEvictCounts) {
  PolicyText patient = kEvicting;
  patient.max_age = "20m";
  world.set_policies({policy_object("patient", patient), policy_object("production", kEvicting)});
  world.add_node("node-2");
  wait(kMaxAge - seconds(1));
  EXPECT_EQ(world.signals("node-2").taint, TaintEffect::kNoSchedule);
  wait(seconds(1));
  EXPECT_EQ(world.signals("node-2").taint, TaintEffect::kNoExecute);
}

// By which the webhook's pods are taken away, whatever the policy's taint.
TEST_F(HoldTest, NodesMayHaveTheWebhooksKeyWhileNoEnforcedPolicyIsAgainstThem) {
  const auto standing = [&](const std::string& node) { return world.signals(node).standing; };
  EXPECT_EQ(standing("node-1"), Standing::kGood);
  for (const char* taint : {"NoExecute", "None"}) {
    world.set_policies({policy_object("production", {.taint = taint})});
    world.heartbeat(one);
    ASSERT_EQ(standing("node-1"), Standing::kGood) << taint;
    const std::string other = std::string("other-") + (taint[2] == 'E' ? "a" : "b");
    world.add_node(other);
    world.heartbeat(one);
    EXPECT_EQ(standing(other), Standing::kSilent) << "it has shown nothing yet";
  }
  wait(kMaxAge);
  EXPECT_EQ(standing("node-1"), Standing::kSilent);
  one.tamper();
  world.heartbeat(one);
  EXPECT_EQ(standing("node-1"), Standing::kFails);
  world.set_policies({policy_object("production", {.mode = "Audit"})});
  world.heartbeat(one);
  EXPECT_EQ(standing("node-1"), Standing::kGood);
}

}  // namespace
}  // namespace avouch::control
