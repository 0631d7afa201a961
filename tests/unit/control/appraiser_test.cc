#include "control/appraiser.h"

#include <gmock/gmock.h>

#include "tests/unit/control/scene.h"

namespace avouch::control {
namespace {

using attest::TaintEffect;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using ::testing::HasSubstr;

using Outcome = HeartbeatAnswer::Outcome;

class AppraiserTest : public Scene {
 protected:
  AppraiserTest() { set_policies({policy("production", one)}); }
  Machine one{maker}, two{maker};
};

TEST_F(AppraiserTest, TrustsANodeThatProvesWhatThePolicyAsks) {
  put_node("n", "uid-n");
  EXPECT_EQ(phase("n"), Phase::kPending);
  EXPECT_EQ(taint("n"), TaintEffect::kNoSchedule) << "untrusted from its first moment";
  enrol("n", one);
  EXPECT_EQ(phase("n"), Phase::kEnrolling);
  EXPECT_EQ(heartbeat("n", one).outcome, Outcome::kAccepted);
  EXPECT_EQ(phase("n"), Phase::kTrusted);
  EXPECT_EQ(taint("n"), TaintEffect::kNone);
  EXPECT_TRUE(heard.outlooks.at("n").signals.label);
  const auto token = attest::verify_token(appraiser->find("n")->saved.verdict->token,
                                          std::vector{signer.public_key()}, kOrigin);
  ASSERT_TRUE(token.has_value()) << token.error().message;
  EXPECT_EQ(token->claims().node_uid, "uid-n");
  EXPECT_EQ(token->claims().status, attest::Status::kAffirming);
}

TEST_F(AppraiserTest, ShowsNoTrustBeforeItIsRecorded) {
  put_node("n", "uid-n");
  enrol("n", one);
  publish_beacon();
  appraiser->heartbeat("n", quote("n", one), now);
  EXPECT_EQ(taint("n"), TaintEffect::kNoSchedule);
  EXPECT_NE(heard.outlooks.at("n").status.text({"phase"}), "Trusted");
  record_all();
  EXPECT_EQ(taint("n"), TaintEffect::kNone);
}

TEST_F(AppraiserTest, ContraindicatesAChangedNodeAndSaysWhichPcr) {
  trusted("n", one);
  one.tpm.extend_event(7, to_bytes("bad"));
  EXPECT_EQ(heartbeat("n", one).phase, Phase::kContraindicated);
  EXPECT_EQ(reason("n"), "PcrMismatch");
  EXPECT_THAT(appraiser->find("n")->saved.verdict->reasons.front().message, HasSubstr("PCR 7"));
  EXPECT_EQ(taint("n"), TaintEffect::kNoSchedule);
  EXPECT_EQ(heard.outlooks.at("n").signals.condition->status, "False");
}

TEST_F(AppraiserTest, TellsATransitionOnceAndNoHeartbeat) {
  trusted("n", one);
  heard.events.clear();
  for (int i = 0; i < 5; ++i) {
    advance(seconds(10));
    heartbeat("n", one);
  }
  EXPECT_TRUE(heard.events.empty());
  one.tpm.extend_event(7, to_bytes("bad"));
  for (int i = 0; i < 5; ++i) {
    advance(seconds(10));
    heartbeat("n", one);
  }
  EXPECT_EQ(heard.events.size(), 1U);
}

// F6, S1: silence ends trust, and nothing but new evidence brings it back.
TEST_F(AppraiserTest, F6_LetsASilentNodeGoStaleByItself) {
  trusted("n", one);
  advance(seconds(59));
  EXPECT_EQ(phase("n"), Phase::kTrusted);
  advance(seconds(2));
  EXPECT_EQ(phase("n"), Phase::kStale);
  EXPECT_EQ(reason("n"), "EvidenceExpired");
  EXPECT_EQ(taint("n"), TaintEffect::kNoSchedule);
  EXPECT_EQ(heard.outlooks.at("n").signals.condition->status, "Unknown");
  heartbeat("n", one);
  EXPECT_EQ(phase("n"), Phase::kTrusted);
}

TEST_F(AppraiserTest, S1_TurnsNoFailureIntoAPassWithoutNewEvidence) {
  trusted("n", one);
  const attest::UnverifiedEvidence good = quote("n", one);
  one.tpm.extend_event(7, to_bytes("bad"));
  heartbeat("n", one);
  ASSERT_EQ(phase("n"), Phase::kContraindicated);

  advance(seconds(1));
  EXPECT_EQ(send("n", good).outcome, Outcome::kRefused) << "evidence from before";
  EXPECT_EQ(phase("n"), Phase::kContraindicated);
  restart();
  EXPECT_NE(phase("n"), Phase::kTrusted) << "a restart is no evidence";
  set_policies({policy("production", two), policy("other", two)});
  EXPECT_NE(phase("n"), Phase::kTrusted) << "nor is a change of other policies";
  advance(minutes(5));
  EXPECT_EQ(phase("n"), Phase::kStale);
}

TEST_F(AppraiserTest, S1_RevivesNoExpiredVerdictAfterARestart) {
  trusted("n", one);
  now.wall += minutes(2);
  now.steady += minutes(2);
  restart();
  EXPECT_EQ(phase("n"), Phase::kStale);
}

TEST_F(AppraiserTest, KeepsALastingVerdictOverARestartAndNoLonger) {
  trusted("n", one);
  advance(seconds(30));
  restart();
  EXPECT_EQ(phase("n"), Phase::kTrusted);
  advance(seconds(31));
  EXPECT_EQ(phase("n"), Phase::kStale);
}

TEST_F(AppraiserTest, F3_LetsNoStepOfTheWallClockLengthenAVerdict) {
  trusted("n", one);
  now.wall -= hours(1);
  advance(seconds(61));
  EXPECT_EQ(phase("n"), Phase::kStale);
}

TEST_F(AppraiserTest, F3_TrustsNothingAfterARestartUnderAClockThatWentBack) {
  trusted("n", one);
  now.wall -= hours(1);
  restart();
  EXPECT_NE(phase("n"), Phase::kTrusted);
}

TEST_F(AppraiserTest, F1_RefusesAReplayAndAnotherNodesAnswer) {
  trusted("a", one);
  trusted("b", two);
  publish_beacon();
  const attest::UnverifiedEvidence of_a = quote("a", one);
  attest::UnverifiedEvidence as_b = of_a;
  as_b.node_uid = "uid-b";
  EXPECT_EQ(send("b", as_b).outcome, Outcome::kRefused);
  EXPECT_EQ(phase("b"), Phase::kTrusted) << "refused evidence changes no verdict";
  EXPECT_EQ(send("a", of_a).outcome, Outcome::kAccepted);
  advance(seconds(50));
  heartbeat("a", one);
  advance(seconds(50));
  EXPECT_EQ(send("a", of_a).outcome, Outcome::kRefused);
}

TEST_F(AppraiserTest, I1_TakesNoQuoteBeforeActivation) {
  put_node("n", "uid-n");
  put_evidence("n", identity_of("n", one));
  EXPECT_EQ(heartbeat("n", one).outcome, Outcome::kNotEnrolled);
  EXPECT_NE(phase("n"), Phase::kTrusted);
}

TEST_F(AppraiserTest, I2_GivesOneAttemptAChallengeAndThenAPause) {
  put_node("n", "uid-n");
  attest::UnverifiedEvidence spec = identity_of("n", one);
  put_evidence("n", spec);
  const std::string first = appraiser->find("n")->challenge->id;
  spec.activation = attest::ActivationAnswer{first, Bytes(32, 7)};
  put_evidence("n", spec);
  EXPECT_FALSE(appraiser->find("n")->challenge.has_value());
  EXPECT_EQ(appraiser->find("n")->enrolment_problem->code, "ActivationFailed");
  put_evidence("n", spec);
  EXPECT_FALSE(appraiser->find("n")->challenge.has_value()) << "no second try at once";
  advance(seconds(11));
  ASSERT_TRUE(appraiser->find("n")->challenge.has_value());
  EXPECT_NE(appraiser->find("n")->challenge->id, first);
}

TEST_F(AppraiserTest, I3_RefusesOneTpmOnTwoNodes) {
  trusted("a", one);
  put_node("b", "uid-b");
  enrol("b", one);
  EXPECT_EQ(appraiser->find("b")->enrolment_problem->code, "IdentityMismatch");
  EXPECT_EQ(heartbeat("b", one).outcome, Outcome::kNotEnrolled);
  EXPECT_EQ(phase("a"), Phase::kTrusted);
}

TEST_F(AppraiserTest, I3_RefusesAnotherTpmOnAnEnrolledNodeUntilAnAdministratorAgrees) {
  trusted("n", one);
  enrol("n", two);
  EXPECT_EQ(appraiser->find("n")->enrolment_problem->code, "IdentityMismatch");
  EXPECT_NE(heartbeat("n", two).outcome, Outcome::kAccepted);

  appraiser->remove_evidence("n", now);
  record_all();
  evidence.erase("n");
  evidence["n"].uid = "evidence-anew";
  enrol("n", two);
  heartbeat("n", two);
  EXPECT_EQ(phase("n"), Phase::kTrusted) << reason("n");
}

TEST_F(AppraiserTest, I3_GivesATpmToTheFirstOfTwoNodesThatClaimItAtOnce) {
  put_node("a", "uid-a");
  put_node("b", "uid-b");
  put_evidence("a", identity_of("a", one));
  put_evidence("b", identity_of("b", one));
  enrol("b", one);
  enrol("a", one);
  const bool a = appraiser->find("a")->record.enrolment != nullptr;
  const bool b = appraiser->find("b")->record.enrolment != nullptr;
  EXPECT_TRUE(b);
  EXPECT_FALSE(a);
}

TEST_F(AppraiserTest, I3_KnowsANodeMadeAnewByItsUid) {
  trusted("n", one);
  put_node("n", "uid-anew");
  EXPECT_NE(phase("n"), Phase::kTrusted);
  EXPECT_THAT(heard.forgotten, ::testing::ElementsAre("uid-n"));
  enrol("n", two);
  EXPECT_EQ(appraiser->find("n")->enrolment_problem->code, "IdentityMismatch");
  restart();
  enrol("n", two);
  EXPECT_EQ(appraiser->find("n")->enrolment_problem->code, "IdentityMismatch")
      << "remembered over a restart";
  enrol("n", one);
  heartbeat("n", one);
  EXPECT_EQ(phase("n"), Phase::kTrusted) << "the same machine may come back";
}

TEST_F(AppraiserTest, I7_EnrolsNoTpmOfAnUnknownMaker) {
  const testing::EkAuthority stranger("a stranger");
  Machine strange(stranger);
  put_node("n", "uid-n");
  enrol("n", strange);
  EXPECT_EQ(appraiser->find("n")->enrolment_problem->code, "EndorsementInvalid");
  EXPECT_NE(heartbeat("n", strange).outcome, Outcome::kAccepted);
}

TEST_F(AppraiserTest, LetsMalformedEvidenceOfOneNodeHurtNoOther) {
  trusted("a", one);
  trusted("b", two);
  EvidenceFacts broken{"a", "evidence-a", 99, std::nullopt, "spec.quote: not an object"};
  appraiser->set_evidence(broken, now);
  record_all();
  heartbeat("b", two);
  EXPECT_EQ(phase("b"), Phase::kTrusted);
  EXPECT_EQ(appraiser->find("a")->enrolment_problem->code, "EvidenceMalformed");
}

TEST_F(AppraiserTest, KeepsAnEnrolmentOverAReboot) {
  trusted("n", one);
  const SystemTime enrolled_at = appraiser->find("n")->record.enrolment->enrolled_at;
  one.reboot();
  advance(seconds(10));
  EXPECT_EQ(heartbeat("n", one).phase, Phase::kTrusted);
  EXPECT_EQ(appraiser->find("n")->record.enrolment->enrolled_at, enrolled_at);
  EXPECT_EQ(appraiser->find("n")->saved.verdict->boot.reset_count, one.tpm.clock.reset_count);
}

TEST_F(AppraiserTest, JudgesAnewWhenAPolicyChanges) {
  trusted("n", one);
  Machine other(maker);
  other.tpm.extend_event(7, to_bytes("another state"));
  set_policies({policy("production", other)});
  EXPECT_EQ(phase("n"), Phase::kContraindicated);
  set_policies({policy("production", one)});
  EXPECT_EQ(phase("n"), Phase::kTrusted) << "its evidence is still fresh";
}

TEST_F(AppraiserTest, JudgesEachOfSeveralPoliciesAndShowsTheWorst) {
  trusted("n", one);
  Machine other(maker);
  other.tpm.extend_event(7, to_bytes("another state"));
  set_policies({policy("production", one), policy("strict", other)});
  EXPECT_EQ(phase("n"), Phase::kContraindicated);
  const auto& judged = appraiser->find("n")->saved.verdict->policies;
  ASSERT_EQ(judged.size(), 2U);
  EXPECT_EQ(judged[0].status, attest::Status::kAffirming);
  EXPECT_EQ(judged[1].status, attest::Status::kContraindicated);
}

TEST_F(AppraiserTest, TrustsNothingUnderAPolicyWhoseBundleIsGone) {
  trusted("n", one);
  makers_missing = true;
  set_policies({policy("production", one)});
  EXPECT_EQ(phase("n"), Phase::kContraindicated);
  EXPECT_EQ(reason("n"), "PolicyUnusable");
}

TEST_F(AppraiserTest, LeavesTheTaintOnANodeThatLeavesTheSelectionWhileItFails) {
  trusted("n", one);
  one.tpm.extend_event(7, to_bytes("bad"));
  heartbeat("n", one);
  put_node("n", "uid-n", {});  // it dropped its own label
  EXPECT_EQ(taint("n"), TaintEffect::kNoSchedule);
  restart();
  EXPECT_EQ(taint("n"), TaintEffect::kNoSchedule);
  set_policies({});
  EXPECT_EQ(taint("n"), TaintEffect::kNone) << "an administrator removed the policy";
}

TEST_F(AppraiserTest, TaintsForNoPolicyThatOnlyWatches) {
  set_policies({policy("production", one, R"(,"mode":"Audit")")});
  put_node("n", "uid-n");
  EXPECT_EQ(taint("n"), TaintEffect::kNone);
}

TEST_F(AppraiserTest, RenewsAVerdictAtHalfItsLifeWithoutAnEntryOfItsOwn) {
  trusted("n", one);
  const std::uint64_t before = entries;
  const Bytes token = appraiser->find("n")->saved.verdict->token;
  advance(seconds(20));
  heartbeat("n", one);
  EXPECT_EQ(appraiser->find("n")->saved.verdict->token, token) << "more than half is left";
  advance(seconds(20));
  heartbeat("n", one);
  EXPECT_NE(appraiser->find("n")->saved.verdict->token, token);
  EXPECT_EQ(entries, before);
}

TEST_F(AppraiserTest, ForgetsANodeThatIsGone) {
  trusted("n", one);
  appraiser->remove_evidence("n", now);
  appraiser->remove_node("n", now);
  record_all();
  EXPECT_EQ(appraiser->find("n"), nullptr);
  EXPECT_FALSE(saved.contains("uid-n"));
  EXPECT_FALSE(heard.outlooks.contains("n"));
}

}  // namespace
}  // namespace avouch::control
