// Enrolment across restarts, races and other nodes' evidence: rows I3 and I10 of
// src/attest/THREATS.md. The plain cases are in appraiser_test.cc.

#include <gtest/gtest.h>

#include "tests/unit/control/world.h"

namespace avouch::control {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

class EnrolmentTest : public ::testing::Test {
 protected:
  EnrolmentTest() {
    world.set_policies({policy_object("production")});
    world.add_node("node-1");
    world.add_node("node-2");
  }
  std::string problem(const std::string& node) const {
    const auto& found = world.find(node)->enrolment_problem;
    return found ? found->code : "";
  }
  bool is_enrolled(const std::string& node) const {
    return world.find(node)->saved.enrolment != nullptr;
  }

  World world;
  TestAgent one{"node-1"}, two{"node-2"};
};

TEST_F(EnrolmentTest,
       MakesNoNewChallengeWithinThePauseAfterAWrongAnswerWhateverIsClaimedMeanwhile) {
  world.write(one);
  ASSERT_TRUE(world.solve(one));
  one.answer->proof[0] ^= 1;
  world.write(one);
  world.put_evidence("node-1", std::nullopt, "nonsense");
  world.write(one);
  EXPECT_FALSE(world.find("node-1")->challenge.has_value());
  world.pass(seconds(11));
  EXPECT_TRUE(world.find("node-1")->challenge.has_value());
}

TEST_F(EnrolmentTest, ForgetsAChallengeAfterFiveMinutesAndAtARestart) {
  world.write(one);
  ASSERT_TRUE(world.solve(one));
  world.pass(minutes(5));
  world.write(one);
  EXPECT_FALSE(is_enrolled("node-1"));
  ASSERT_TRUE(world.solve(one));
  world.restart();
  world.write(one);
  EXPECT_FALSE(is_enrolled("node-1"));
  ASSERT_TRUE(world.solve(one));
  world.write(one);
  EXPECT_TRUE(is_enrolled("node-1"));
}

// For people; it lasts as long as the enrolment, over restarts of the controller too.
TEST_F(EnrolmentTest, ShowsWhoMadeTheTpmAndByWhichRulesItsCertificateWasAccepted) {
  const auto identity = [&] { return *world.shown.at("node-1").status.find("identity"); };
  world.enrol(one);
  EXPECT_EQ(identity().text({"tpm"}), "STM (id:53544D20), model ST33, version id:0001");
  EXPECT_EQ(identity().find("certificateRules"), nullptr);
  EXPECT_NE(world.events.back().message.find("STM"), std::string::npos);
  world.delete_evidence("node-1");
  world.fields_of_certificates.common_name = "";
  world.fields_of_certificates.name_is_critical = false;
  world.fields_of_certificates.tpm_attributes =
      testing::EkCertificateFields::made_by("id:49465800", "SLB9670");
  world.enrol(one);
  for (const bool restarted : {false, true}) {
    if (restarted) world.restart();
    const Json shown = identity();
    EXPECT_NE(shown.text({"tpm"}).find("SLB9670"), std::string::npos);
    const Json* rules = shown.find("certificateRules");
    ASSERT_NE(rules, nullptr);
    EXPECT_EQ(codec::to_json(*rules), R"(["name-not-critical"])");
  }
}

TEST_F(EnrolmentTest, I3_AnotherTpmCannotTakeAnEnrolledNodeAndCostsItNothing) {
  world.enrol(one);
  world.heartbeat(one);
  TestAgent other("node-1");
  world.write(other);
  EXPECT_EQ(problem("node-1"), "IdentityMismatch");
  EXPECT_EQ(world.phase("node-1"), Phase::kTrusted);  // until its own quotes stop
  EXPECT_EQ(world.heartbeat(other).refusal.code, "SignatureInvalid");
  EXPECT_EQ(world.heartbeat(one).outcome, HeartbeatAnswer::Outcome::kAccepted);
}

// An exchanged board: never silent, never by itself, and by the inventory in the end.
TEST_F(EnrolmentTest, I3_AReplacedTpmIsRefusedAloudUntilInventoryAndAdministratorBothAgree) {
  const auto digest_of = [](const TestAgent& agent) {
    return attest::digest_text(
        crypto::sha256(must_value(tpm::parse_public(agent.tpm.ek_public())).encoded));
  };
  TestAgent fresh("node-1");
  Json policy = policy_object("production");
  policy["spec"]["endorsement"]["enrollment"] = "Inventory";
  policy["spec"]["endorsement"]["inventory"]["configMap"] =
      Json::Object{{"namespace", "ns"}, {"name", "inventory"}};
  world.set_config_map("inventory", {{"node-1", digest_of(one)}});
  world.set_policies({policy});
  world.enrol(one);
  world.heartbeat(one);
  ASSERT_EQ(world.phase("node-1"), Phase::kTrusted);

  world.write(fresh);
  EXPECT_EQ(problem("node-1"), "IdentityMismatch");
  EXPECT_EQ(world.events_of("IdentityMismatch"), 1U);
  world.set_config_map("inventory", {{"node-1", digest_of(one) + "\n" + digest_of(fresh)}});
  world.write(fresh);
  EXPECT_EQ(problem("node-1"), "IdentityMismatch")
      << "that it is expected does not replace the old";
  EXPECT_FALSE(world.solve(fresh));

  world.set_config_map("inventory", {{"node-1", digest_of(one)}});
  world.delete_evidence("node-1");
  world.write(fresh);
  EXPECT_EQ(problem("node-1"), "IdentityMismatch") << "not in the inventory";
  EXPECT_FALSE(is_enrolled("node-1"));

  world.set_config_map("inventory", {{"node-1", digest_of(fresh)}});
  world.enrol(fresh);
  world.heartbeat(fresh);
  EXPECT_TRUE(is_enrolled("node-1"));
  EXPECT_EQ(world.phase("node-1"), Phase::kTrusted);
}

TEST_F(EnrolmentTest, ATpmThatTheInventoryDropsIsDistrustedThoughItIsEnrolled) {
  Json policy = policy_object("production");
  policy["spec"]["endorsement"]["enrollment"] = "Inventory";
  policy["spec"]["endorsement"]["inventory"]["configMap"] =
      Json::Object{{"namespace", "ns"}, {"name", "inventory"}};
  const std::string ek = attest::digest_text(
      crypto::sha256(must_value(tpm::parse_public(one.tpm.ek_public())).encoded));
  world.set_config_map("inventory", {{"node-1", ek}});
  world.set_policies({policy});
  world.enrol(one);
  world.heartbeat(one);
  ASSERT_EQ(world.phase("node-1"), Phase::kTrusted);
  world.set_config_map("inventory", {{"node-2", ek}});
  EXPECT_EQ(world.phase("node-1"), Phase::kContraindicated);
}

TEST_F(EnrolmentTest, I9_AVirtualTpmIsNotEnrolledWhereHardwareIsRequired) {
  Json policy = policy_object("production");
  policy["spec"]["endorsement"]["requireHardware"] = true;
  world.set_policies({policy});
  testing::EkCertificateFields fields;
  fields.tpm_attributes = testing::EkCertificateFields::made_by("id:00001014", "swtpm");
  world.fields_of_certificates = fields;
  world.write(one);
  EXPECT_EQ(problem("node-1"), "HardwareRequired");
  EXPECT_FALSE(world.solve(one));
  world.fields_of_certificates = {};
  world.enrol(one);
  EXPECT_TRUE(is_enrolled("node-1"));
}

TEST_F(EnrolmentTest, I3_HoldsAcrossARestart) {
  world.enrol(one);
  world.restart();
  TestAgent copy = one;
  copy.name = "node-2";
  world.write(copy);
  EXPECT_EQ(problem("node-2"), "IdentityMismatch");
  // People know the other node by its name: in the status, and in the Event.
  const std::string owner = "enrolled for node \"node-1\" (UID " + world.uid_of("node-1") + ")";
  const Json* reasons = world.shown.at("node-2").status.find_path({"verdict", "reasons"});
  ASSERT_NE(reasons, nullptr);
  const Json& reason = reasons->as_array()->front();
  EXPECT_NE(reason.text({"message"}).find(owner), std::string::npos) << codec::to_json(reason);
  const Json* fields = reason.find("fields");
  ASSERT_NE(fields, nullptr);
  EXPECT_EQ(codec::to_json(*fields), R"([{"name":"enrolled node","value":"node-1"}])");
  EXPECT_NE(world.events.back().message.find(owner), std::string::npos);
}

// What `kubectl avouch explain node` promises.
TEST_F(EnrolmentTest, I3_ATpmWhoseNodeIsRetiredIsEnrolledForTheOtherByItself) {
  world.enrol(one);
  TestAgent renamed = one;
  renamed.name = "node-2";
  renamed.answer.reset();
  world.write(renamed);
  EXPECT_EQ(world.heartbeat(renamed).refusal.code, "IdentityMismatch");
  world.delete_evidence("node-1");
  EXPECT_EQ(world.heartbeat(renamed).outcome, HeartbeatAnswer::Outcome::kNotEnrolled);
  ASSERT_TRUE(world.solve(renamed));
  world.write(renamed);
  EXPECT_TRUE(is_enrolled("node-2"));
  EXPECT_FALSE(is_enrolled("node-1"));
}

TEST_F(EnrolmentTest, EvidenceThatWasDeletedWhileTheControllerWasAwayEndsTheEnrolmentToo) {
  world.enrol(one);
  world.heartbeat(one);
  world.log_hangs = true;
  world.delete_evidence("node-1");
  world.log_hangs = false;
  world.restart();
  EXPECT_EQ(world.phase("node-1"), Phase::kPending);
  EXPECT_FALSE(is_enrolled("node-1"));
}

// A Node made anew under a known name, as by `kubectl delete node`.
TEST_F(EnrolmentTest, ANodeMadeAnewHasNoVerdictAndTakesNoOtherTpmEvenAfterARestart) {
  world.set_policies({policy_object("production", {.mode = "Audit"})});
  world.enrol(one);
  world.heartbeat(one);
  const std::string before = world.uid_of("node-1");
  world.add_node("node-1");
  EXPECT_NE(world.phase("node-1"), Phase::kTrusted);
  EXPECT_FALSE(world.disk.contains(before));
  EXPECT_EQ(world.forgotten, std::vector{before});
  world.restart();
  TestAgent other("node-1");
  world.write(other);
  EXPECT_EQ(problem("node-1"), "IdentityMismatch");
  world.restart();
  one.answer.reset();
  world.enrol(one);
  world.heartbeat(one);
  EXPECT_EQ(world.phase("node-1"), Phase::kTrusted);
}

// Its former name has it until an administrator deletes that name's evidence, whatever restarts.
TEST_F(EnrolmentTest, I3_TheTpmOfANodeMadeAnewIsNoOtherNodesEvenAfterARestart) {
  world.enrol(one);
  world.add_node("node-1");
  world.restart();
  TestAgent copy = one;
  copy.name = "node-2";
  copy.answer.reset();
  world.write(copy);
  EXPECT_EQ(problem("node-2"), "IdentityMismatch");
  EXPECT_FALSE(world.solve(copy));
  EXPECT_FALSE(is_enrolled("node-2"));
  world.delete_evidence("node-1");
  world.enrol(copy);
  EXPECT_TRUE(is_enrolled("node-2"));
}

// As an earlier version may have saved it.
TEST_F(EnrolmentTest, I3_WhatAFormerOwnerGivesUpStaysTheEnrolledNodes) {
  world.enrol(one);
  world.add_node("node-1");
  const std::string former = world.disk.at(world.uid_of("node-1"));
  world.delete_evidence("node-1");
  TestAgent second = one;
  second.name = "node-2";
  second.answer.reset();
  world.enrol(second);
  ASSERT_TRUE(is_enrolled("node-2"));
  world.disk[world.uid_of("node-1")] = former;
  world.restart();  // node 1's evidence is not there: it gives up what it had
  one.answer.reset();
  world.write(one);
  EXPECT_EQ(problem("node-1"), "IdentityMismatch");
  EXPECT_FALSE(world.solve(one));
  world.write(second);
  EXPECT_EQ(problem("node-2"), "");
}

TEST_F(EnrolmentTest, I10_EvidenceWithAnotherNodesIdentityIsRefused) {
  world.enrol(one);
  world.enrol(two);
  world.heartbeat(one);
  world.heartbeat(two);
  // By the intake: node 2's agent sends what node 1's TPM quoted for node 1.
  EXPECT_EQ(world.send("node-2", world.quote(one)).refusal.code, "IdentityMismatch");
  attest::UnverifiedEvidence renamed = world.quote(one);
  renamed.node_uid = world.uid_of("node-2");
  EXPECT_EQ(world.send("node-2", renamed).refusal.code, "SignatureInvalid");
  // By the resource.
  attest::UnverifiedEvidence spec = world.identity_of(two);
  spec.node_uid = world.uid_of("node-1");
  world.put_evidence("node-2", spec);
  EXPECT_EQ(problem("node-2"), "IdentityMismatch");
  EXPECT_EQ(world.phase("node-1"), Phase::kTrusted);
}

TEST_F(EnrolmentTest, MalformedEvidenceAffectsItsOwnNodeAlone) {
  world.enrol(one);
  world.enrol(two);
  world.heartbeat(one);
  world.heartbeat(two);
  world.put_evidence("node-2", std::nullopt, "spec.quote: expected an object");
  EXPECT_EQ(problem("node-2"), "EvidenceMalformed");
  world.pass(minutes(6), {&one});
  EXPECT_EQ(world.phase("node-1"), Phase::kTrusted);
  EXPECT_EQ(world.phase("node-2"), Phase::kStale);
}

TEST_F(EnrolmentTest, EvidenceOfANodeThatDoesNotExistEnrolsNothing) {
  attest::UnverifiedEvidence spec = world.identity_of(one);
  spec.node_uid = "uid-of-nobody";
  world.put_evidence("node-9", spec);
  EXPECT_FALSE(is_enrolled("node-9"));
  EXPECT_FALSE(world.find("node-9")->challenge.has_value());
  world.delete_evidence("node-9");
  EXPECT_EQ(world.find("node-9"), nullptr);
}

}  // namespace
}  // namespace avouch::control
