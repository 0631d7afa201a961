// How a verdict lives and ends: rows S1, F3, F6 and Q9 of src/attest/THREATS.md, as far as they are
// the controller's.

#include <gtest/gtest.h>

#include <array>

#include "tests/unit/control/world.h"

namespace avouch::control {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

class VerdictTest : public ::testing::Test {
 protected:
  VerdictTest() {
    world.set_policies({policy_object("production")});
    for (TestAgent* agent : {&one, &two}) {
      world.add_node(agent->name);
      world.enrol(*agent);
      world.heartbeat(*agent);
    }
    testing::must(world.phase("node-1") == Phase::kTrusted, "node-1 is trusted");
  }
  // In force for whoever looks: shown as Trusted, with a token that is valid by the clock.
  bool is_trusted(const std::string& node) {
    const NodeVerdict& verdict = *world.find(node)->saved.verdict;
    return verdict.phase == Phase::kTrusted && !verdict.token.empty();
  }

  World world;
  TestAgent one{"node-1"}, two{"node-2"};
};

using S1 = VerdictTest;

TEST_F(S1, AFailTurnsToAPassByNewEvidenceAndByNothingElse) {
  one.tamper();
  world.heartbeat(one);
  ASSERT_EQ(world.phase("node-1"), Phase::kContraindicated);
  ASSERT_EQ(world.first_code("node-1"), "PcrMismatch");
  const std::vector<std::pair<const char*, std::function<void()>>> happenings = {
      {"time passes", [&] { world.pass(seconds(30)); }},
      {"the labels change",
       [&] {
         world.relabel("node-1", {{"a", "b"}});
       }},
      {"the evidence is written again", [&] { world.write(one); }},
      {"the policies are read again", [&] { world.set_policies({policy_object("production")}); }},
      {"a policy that is satisfied joins",
       [&] {
         world.set_policies({policy_object("production"), policy_object("more")});
       }},
      {"the wall clock goes back", [&] { world.pass({}), world.clock.step_wall_clock(-hours(1)); }},
      {"ticks", [&] { world.tick(); }},
      {"the wall clock goes on", [&] { world.clock.step_wall_clock(hours(1)); }},
      {"the controller restarts", [&] { world.restart(seconds(1)); }},
      {"it restarts with a clock that is behind", [&] { world.restart({}, -hours(1)); }},
      {"silence", [&] { world.pass(minutes(10)); }},
      {"a longer maxAge",
       [&] { world.set_policies({policy_object("production", {.max_age = "24h"})}); }},
  };
  for (const auto& [what, happen] : happenings) {
    happen();
    world.tick();
    EXPECT_FALSE(is_trusted("node-1")) << what;
    EXPECT_NE(world.signals("node-1").taint, attest::TaintEffect::kNone) << what;
    EXPECT_FALSE(world.signals("node-1").label) << what;
  }
}

TEST_F(S1, APolicyThatAcceptsWhatWasQuotedIsAnAdministratorsDecision) {
  one.tamper();
  world.heartbeat(one);
  world.set_policies({policy_object("production", {.event = "no node has this"})});
  EXPECT_EQ(world.phase("node-2"), Phase::kContraindicated);
  world.set_policies({policy_object("production")});
  EXPECT_EQ(world.phase("node-2"), Phase::kTrusted);
  EXPECT_EQ(world.phase("node-1"), Phase::kContraindicated);
}

TEST_F(S1, ARefusedQuoteNeitherEndsAVerdictNorProlongsIt) {
  for (int i = 0; i < 40; ++i) {
    world.pass(seconds(10));
    attest::UnverifiedEvidence bad = world.quote(one);
    bad.quote->signature.back() ^= 1;
    EXPECT_EQ(world.send("node-1", bad).outcome, HeartbeatAnswer::Outcome::kRefused);
    EXPECT_EQ(is_trusted("node-1"), i < 29) << i;  // 300 s
  }
}

TEST_F(S1, AQuoteOfBeforeTheTamperingIsRefusedAfterIt) {
  const attest::UnverifiedEvidence good = world.quote(one);
  one.tamper();
  world.heartbeat(one);
  EXPECT_EQ(world.send("node-1", good).refusal.code, "ClockWentBack");
  world.restart();
  EXPECT_EQ(world.send("node-1", good).refusal.code, "BeaconUnknown");
  EXPECT_EQ(world.phase("node-1"), Phase::kContraindicated);
}

TEST_F(S1, ARebootIntoWhatIsAcceptedIsTrustedAgain) {
  one.tamper();
  world.heartbeat(one);
  one.tpm.power_cycle();
  one.tpm.extend_event(7, as_bytes("good firmware"));
  world.heartbeat(one);
  EXPECT_TRUE(is_trusted("node-1"));
  EXPECT_EQ(world.find("node-1")->saved.verdict->boot.reset_count, 8U);
}

using F6 = VerdictTest;

TEST_F(F6, ASilentNodeIsStaleOnceTheShortestMaxAgeIsOver) {
  world.set_policies({policy_object("a"), policy_object("b", {.max_age = "1m"})});
  world.pass(seconds(10), {&one, &two});
  world.pass(seconds(59));
  EXPECT_EQ(world.phase("node-1"), Phase::kTrusted);
  world.pass(seconds(1), {});
  EXPECT_EQ(world.phase("node-1"), Phase::kStale);
  EXPECT_EQ(world.first_code("node-1"), "EvidenceExpired");
  EXPECT_TRUE(world.find("node-1")->saved.verdict->token.empty());
  EXPECT_EQ(world.signals("node-1").taint, attest::TaintEffect::kNoSchedule);
  EXPECT_EQ(world.signals("node-1").condition->status, "Unknown");
  EXPECT_EQ(world.events_of("AttestationStale"), 2U);
  world.heartbeat(one);
  EXPECT_EQ(world.phase("node-1"), Phase::kTrusted);
  EXPECT_EQ(world.phase("node-2"), Phase::kStale);
}

// What is only tried costs what is enforced no trust.
TEST_F(F6, APolicyThatIsNotEnforcedShortensNoVerdictWhereAnotherIs) {
  for (const char* mode : {"Audit", "Warn"}) {
    world.set_policies({policy_object("a"), policy_object("b", {.mode = mode, .max_age = "10s"})});
    world.pass(seconds(10), {&one, &two});
    world.pass(seconds(299));
    EXPECT_EQ(world.phase("node-1"), Phase::kTrusted) << mode;
    world.pass(seconds(1), {});
    EXPECT_EQ(world.phase("node-1"), Phase::kStale) << mode;
  }
  world.set_policies({policy_object("b", {.mode = "Audit", .max_age = "10s"})});
  world.pass(seconds(10), {&one, &two});
  ASSERT_EQ(world.phase("node-1"), Phase::kTrusted);
  world.pass(seconds(10), {});
  EXPECT_EQ(world.phase("node-1"), Phase::kStale) << "it is the only one";
}

TEST_F(F6, AWallClockThatGoesBackProlongsNoVerdict) {
  world.clock.step_wall_clock(-minutes(4));
  // Something that has it judged again, with the same evidence.
  world.set_policies({policy_object("production"), policy_object("more")});
  world.pass(minutes(5));
  EXPECT_EQ(world.phase("node-1"), Phase::kStale);
  EXPECT_EQ(world.renewals, 0U) << "nor is its evidence good for another token";
}

TEST_F(F6, WhatIsStaleStaysSoWhenTheWallClockGoesBack) {
  world.pass(minutes(5));
  ASSERT_EQ(world.phase("node-1"), Phase::kStale);
  world.clock.step_wall_clock(-minutes(5));
  world.tick();
  world.relabel("node-1", {{"a", "b"}});
  EXPECT_EQ(world.phase("node-1"), Phase::kStale);
  world.restart();
  EXPECT_EQ(world.phase("node-1"), Phase::kStale);
}

TEST_F(F6, AWallClockThatJumpsAheadEndsVerdictsUntilTheNextQuote) {
  world.clock.step_wall_clock(hours(2));
  world.tick();
  EXPECT_EQ(world.phase("node-1"), Phase::kStale);
  world.heartbeat(one);
  EXPECT_EQ(world.phase("node-1"), Phase::kTrusted);
}

TEST_F(F6, ATokenOfTheFutureIsWaitedForAndTheReasonSaysSo) {
  world.clock.step_wall_clock(hours(2));
  world.heartbeat(one);
  world.clock.step_wall_clock(-hours(2));
  world.pass(seconds(10), {&one});
  EXPECT_EQ(world.phase("node-1"), Phase::kStale);
  EXPECT_NE(world.find("node-1")->saved.verdict->reasons.front().message.find("clock was set back"),
            std::string::npos);
  const std::size_t entries = world.entries.size();
  world.pass(minutes(1), {&one});
  EXPECT_EQ(world.entries.size(), entries);  // said once
  world.pass(hours(2), {&one});
  EXPECT_EQ(world.phase("node-1"), Phase::kTrusted);
}

TEST_F(F6, TokensThatRunAheadOfTheirEvidenceEndItAndTheReasonSaysSo) {
  for (int i = 0; i < 70; ++i) {
    const char* event = i % 2 == 0 ? "no node has this" : "good firmware";
    world.set_policies({policy_object("production", {.max_age = "1m", .event = event})});
  }
  ASSERT_EQ(world.phase("node-1"), Phase::kStale);
  const attest::Reason& reason = world.find("node-1")->saved.verdict->reasons.at(0);
  EXPECT_EQ(reason.code, "EvidenceExpired");
  EXPECT_NE(reason.message.find("has changed so often that its tokens"), std::string::npos)
      << reason.message;
  EXPECT_EQ(reason.message.find("no acceptable evidence"), std::string::npos) << reason.message;
  world.pass(seconds(10), {&one});
  EXPECT_TRUE(is_trusted("node-1")) << "as it says";
}

TEST_F(F6, ASmallStepBackCostsNoTrust) {
  world.pass(minutes(1), {&one});
  world.clock.step_wall_clock(-seconds(160));
  for (int i = 0; i < 60; ++i) {
    world.pass(seconds(10), {&one});
    EXPECT_EQ(world.phase("node-1"), Phase::kTrusted) << i;
    EXPECT_LT(world.clock.steady_now(), world.find("node-1")->verdict_ends) << i;
  }
}

using Restart = VerdictTest;

TEST_F(Restart, LosesNothingAndLogsNothingTwice) {
  one.tamper();
  world.heartbeat(one);
  const std::map<std::string, std::string> disk = world.disk;
  const std::size_t entries = world.entries.size();
  const std::size_t events = world.events.size();
  const Bytes token = world.find("node-2")->saved.verdict->token;
  world.restart(seconds(20));
  EXPECT_EQ(world.phase("node-1"), Phase::kContraindicated);
  EXPECT_EQ(world.phase("node-2"), Phase::kTrusted);
  EXPECT_EQ(world.find("node-2")->saved.verdict->token, token);
  EXPECT_EQ(world.entries.size(), entries);
  EXPECT_EQ(world.events.size(), events);
  EXPECT_EQ(world.disk, disk);
  EXPECT_EQ(world.signals("node-1").taint, attest::TaintEffect::kNoSchedule);
  EXPECT_TRUE(world.signals("node-2").label);
}

TEST_F(Restart, RevivesNoVerdictWhoseTimeHasPassed) {
  world.restart(minutes(5));
  EXPECT_EQ(world.phase("node-1"), Phase::kStale);
  EXPECT_EQ(world.phase("node-2"), Phase::kStale);
}

TEST_F(Restart, RevivesNoVerdictWithAClockThatIsBehind) {
  world.restart(hours(1), -hours(2));
  world.tick();
  EXPECT_EQ(world.phase("node-1"), Phase::kStale);
}

TEST(LifeLeft, IsNeverLongerThanMaxAgeAndNothingWhereTheClockWentBack) {
  const SystemTime issued{hours(1000)};
  NodeVerdict verdict;
  verdict.phase = Phase::kTrusted;
  verdict.issued_at = issued;
  verdict.expires_at = issued + minutes(5);
  verdict.max_age = minutes(5);
  EXPECT_EQ(life_left(verdict, issued + minutes(4)), minutes(1));
  EXPECT_EQ(life_left(verdict, issued + minutes(6)), minutes(0));
  EXPECT_EQ(life_left(verdict, issued - seconds(60)), minutes(5));
  EXPECT_EQ(life_left(verdict, issued - seconds(61)), minutes(0));
}

// Where nothing tells that the clock is behind, a verdict stands for at most its maxAge.
TEST_F(Restart, BoundsWhatAWrongClockCanDo) {
  world.restart(hours(1), -hours(1));
  world.pass(minutes(5));
  EXPECT_EQ(world.phase("node-1"), Phase::kStale);
}

// The old log's entries are not the new one's, and nobody believes a token whose issuer has ended.
TEST_F(Restart, EntersVerdictsAnewWhereTheReleaseHasBegunANewLog) {
  const std::size_t before = world.entries.size();
  world.origin = "another";
  world.restart(seconds(1));
  EXPECT_EQ(world.phase("node-1"), Phase::kEnrolling) << "enrolled, and waiting for a quote";
  EXPECT_FALSE(world.find("node-1")->saved.verdict->log.has_value());
  ASSERT_EQ(world.entries.size(), before + 1);
  EXPECT_EQ(world.entries.back().kind, "policy-change");
  world.heartbeat(one);
  EXPECT_TRUE(is_trusted("node-1"));
  ASSERT_EQ(world.entries.size(), before + 2);
  EXPECT_EQ(world.find("node-1")->saved.verdict->log.value().index, before + 1);
  world.restart(seconds(1));
  EXPECT_TRUE(is_trusted("node-1")) << "the log is the same";
  EXPECT_EQ(world.entries.size(), before + 2);
}

// Tokens are the chain's: nobody loses trust where one of its logs follows another. What stands is
// entered there.
TEST_F(Restart, EntersWhatStandsIntoTheNextLogOfTheChain) {
  world.chain = "log";
  world.restart(seconds(1));
  ASSERT_TRUE(is_trusted("node-1"));
  two.tamper();
  world.heartbeat(two);
  ASSERT_EQ(world.phase("node-2"), Phase::kContraindicated);
  const Bytes token = world.find("node-1")->saved.verdict->token;
  const std::size_t before = world.entries.size();
  world.origin = "log/2027";
  world.restart(seconds(1));
  EXPECT_TRUE(is_trusted("node-1"));
  EXPECT_EQ(world.phase("node-2"), Phase::kContraindicated);
  EXPECT_EQ(world.find("node-1")->saved.verdict->token, token);
  ASSERT_EQ(world.entries.size(), before + 3);
  EXPECT_EQ(world.entries.at(before).kind, "policy-change");
  for (const char* node : {"node-1", "node-2"}) {
    ASSERT_TRUE(world.find(node)->saved.verdict->log.has_value()) << node;
    EXPECT_GT(world.find(node)->saved.verdict->log->index, before);
    EXPECT_NE(codec::to_json(world.shown.at(node).status).find("log/2027"), std::string::npos);
  }
  const LogJob& entered = world.entries.at(world.find("node-1")->saved.verdict->log->index);
  EXPECT_EQ(entered.kind, "node-verdict");
  EXPECT_EQ(*entered.payload.find("token")->as_bytes(), token);
  EXPECT_EQ(*entered.payload.find("phase")->as_text(), "Trusted");
  EXPECT_EQ(*entered.payload.find("previousPhase")->as_text(), "Trusted");
  // Once, whatever restarts; and new evidence is judged as ever.
  world.restart(seconds(1));
  EXPECT_EQ(world.entries.size(), before + 3);
  world.heartbeat(one);
  EXPECT_TRUE(is_trusted("node-1"));
  EXPECT_EQ(attest::verify_token(world.find("node-1")->saved.verdict->token,
                                 std::array{world.signer.public_key()}, "log")
                ->claims()
                .issuer,
            "log");
}

// Also where nothing says of which log the verdict's beacon was: it rests on none.
TEST_F(Restart, PointsAtNoPlaceOfTheLogBeforeWhateverTheVerdictWas) {
  world.signer.broken = true;
  one.tamper();
  world.heartbeat(one);
  world.signer.broken = false;
  ASSERT_EQ(world.first_code("node-1"), "InternalError");
  world.delete_evidence("node-2");
  ASSERT_EQ(world.phase("node-2"), Phase::kPending);
  for (const char* node : {"node-1", "node-2"}) {
    ASSERT_TRUE(world.find(node)->saved.verdict->log.has_value()) << node;
  }
  world.origin = "another";
  for (int i = 0; i < 2; ++i) {
    world.restart(seconds(1));
    for (const char* node : {"node-1", "node-2"}) {
      EXPECT_FALSE(world.find(node)->saved.verdict->log.has_value()) << node << ", start " << i;
    }
    const std::string shown = codec::to_json(world.shown.at("node-1").status);
    EXPECT_EQ(shown.find("of the log"), std::string::npos) << shown;
    EXPECT_NE(shown.find("no verdict about this node has been logged yet"), std::string::npos);
  }
  world.heartbeat(one);
  EXPECT_EQ(world.phase("node-1"), Phase::kContraindicated);
  EXPECT_EQ(world.find("node-1")->saved.verdict->log.value().index, world.entries.size() - 1);
}

TEST_F(Restart, EntersEachPolicyAsItIsWhereTheReleaseHasBegunANewLog) {
  world.set_policies({policy_object("production"), policy_object("gone")});
  const std::size_t before = world.entries_of("policy-change");
  const std::string record_of_gone = kPolicyKeyPrefix + "policy-gone";
  ASSERT_TRUE(world.disk.contains(record_of_gone));
  world.log_hangs = true;  // it is deleted, and the controller ends before that is recorded
  world.set_policies({policy_object("production")});
  world.log_hangs = false;
  world.origin = "another";
  world.restart(seconds(1));
  EXPECT_EQ(world.entries_of("policy-change"), before + 1) << "the new log never had the other";
  EXPECT_FALSE(world.disk.contains(record_of_gone));
  world.restart(seconds(1));
  EXPECT_EQ(world.entries_of("policy-change"), before + 1);
  world.set_policies({});
  EXPECT_EQ(world.entries_of("policy-change"), before + 2);
}

TEST_F(Restart, JudgesAChangedPolicyWithTheEvidenceThatIsStillFresh) {
  world.restart(seconds(10));
  world.set_policies({policy_object("production", {.event = "no node has this"})});
  EXPECT_EQ(world.phase("node-1"), Phase::kContraindicated);
}

TEST_F(Restart, WhatWasDecidedAndNotLoggedIsDecidedAgainByEvidence) {
  world.log_hangs = true;
  one.tamper();
  world.heartbeat(one);
  world.log_hangs = false;
  world.restart();
  world.heartbeat(one);
  EXPECT_EQ(world.phase("node-1"), Phase::kContraindicated);
}

class Q9 : public VerdictTest {
 protected:
  // The alarm beside the refusal: a warning about this node, and an entry whose record has the
  // reason, which the recorder gives to the metric (recorder_test.cc).
  void expect_alarm(const std::string& node) {
    ASSERT_FALSE(world.events.empty());
    const NodeEvent& event = world.events.back();
    EXPECT_EQ(event.node_name, node);
    EXPECT_EQ(event.severity, NodeEvent::Severity::kWarning);
    EXPECT_EQ(event.reason, "AttestationContraindicated");
    EXPECT_EQ(event.message.rfind("InternalError: ", 0), 0U) << event.message;
    EXPECT_EQ(*world.entries.back().payload.find("phase")->as_text(), "Contraindicated");
    ASSERT_TRUE(world.find(node)->saved.verdict->log.has_value());
    EXPECT_EQ(world.find(node)->saved.verdict->log->index, world.entries.size() - 1);
    world.events.clear();
  }
};

TEST_F(Q9, AnExceptionInANodesAppraisalIsARefusalOfThatNodeAlone) {
  world.signer.broken = true;
  one.tamper();
  EXPECT_EQ(world.heartbeat(one).phase, Phase::kContraindicated);
  expect_alarm("node-1");
  EXPECT_EQ(world.first_code("node-1"), "InternalError");
  EXPECT_TRUE(world.find("node-1")->saved.verdict->token.empty());
  EXPECT_NE(world.signals("node-1").taint, attest::TaintEffect::kNone);
  EXPECT_EQ(world.phase("node-2"), Phase::kTrusted);
  world.signer.broken = false;
  world.tick();
  world.restart();
  EXPECT_EQ(world.phase("node-1"), Phase::kContraindicated);  // evidence, not chance
  one.tpm.power_cycle();
  one.tpm.extend_event(7, as_bytes("good firmware"));
  world.heartbeat(one);
  EXPECT_EQ(world.phase("node-1"), Phase::kTrusted);
}

TEST_F(Q9, AnExceptionOverSavedEvidenceCostsThatNodeItsTrustAndEndsNothing) {
  world.damage = [uid = world.uid_of("node-1")](NodeRecord& record) {
    if (record.node_uid != uid || record.evidence == nullptr) return;
    record.evidence = std::make_shared<const AcceptedEvidence>(
        AcceptedEvidence{.kept = KeptEvidence(record.evidence->kept.pcrs(), Bytes{0xff}),
                         .beacon_published = record.evidence->beacon_published});
  };
  ASSERT_EQ(world.phase("node-1"), Phase::kTrusted);
  world.restart();
  EXPECT_EQ(world.phase("node-1"), Phase::kContraindicated);
  EXPECT_EQ(world.first_code("node-1"), "InternalError");
  expect_alarm("node-1");
  EXPECT_EQ(world.phase("node-2"), Phase::kTrusted);
  world.damage = nullptr;
  world.heartbeat(one);
  EXPECT_EQ(world.phase("node-1"), Phase::kTrusted);
}

TEST_F(Q9, AnExceptionNeverKeepsTheLastGoodVerdict) {
  world.signer.broken = true;
  world.pass(minutes(3), {&two});  // a renewal is due
  EXPECT_EQ(world.phase("node-2"), Phase::kContraindicated);
  EXPECT_GE(world.events_of("AttestationContraindicated"), 1U);
  // Nor does the evidence that it failed on count again once it would not fail.
  world.signer.broken = false;
  world.relabel("node-2", {{"a", "b"}});
  EXPECT_EQ(world.phase("node-2"), Phase::kContraindicated);
  world.restart();
  EXPECT_EQ(world.phase("node-2"), Phase::kContraindicated);
  world.heartbeat(two);
  EXPECT_EQ(world.phase("node-2"), Phase::kTrusted);
}

TEST_F(VerdictTest, ALogThatHangsShowsNoTrustAndHidesNoDistrust) {
  one.tamper();
  world.heartbeat(one);
  world.log_hangs = true;
  one.tpm.power_cycle();
  one.tpm.extend_event(7, as_bytes("good firmware"));
  world.heartbeat(one);
  two.tamper();
  world.heartbeat(two);
  EXPECT_EQ(world.phase("node-1"), Phase::kContraindicated);  // not logged: not shown
  EXPECT_EQ(world.signals("node-1").taint, attest::TaintEffect::kNoSchedule);
  EXPECT_EQ(world.signals("node-2").taint, attest::TaintEffect::kNoSchedule);
  EXPECT_FALSE(world.signals("node-2").label);
  world.log_hangs = false;
  world.settle();
  EXPECT_EQ(world.phase("node-1"), Phase::kTrusted);
  EXPECT_EQ(world.phase("node-2"), Phase::kContraindicated);
}

TEST_F(VerdictTest, RefusedEvidenceIsReportedOncePerKindHoweverItAlternates) {
  for (int i = 0; i < 50; ++i) {
    attest::UnverifiedEvidence bad = world.quote(one);
    if (i % 2 == 0) bad.quote->signature.back() ^= 1;
    if (i % 2 == 1) bad.pcrs.begin()->second.front() ^= 1;
    EXPECT_EQ(world.send("node-1", bad).outcome, HeartbeatAnswer::Outcome::kRefused);
    world.pass(seconds(1));
  }
  EXPECT_EQ(world.events_of("EvidenceRefused"), 2U);
  EXPECT_EQ(world.shown.at("node-1").status.find("conditions")->as_array()->at(1).text({"status"}),
            "False");
}

TEST_F(VerdictTest, AnOldQuoteWrittenBackIntoTheResourceIsRefusedAndReported) {
  one.quoted = world.quote(one);
  world.write(one);
  const attest::UnverifiedEvidence old = *one.quoted;
  world.pass(seconds(10), {&one});
  one.quoted = world.quote(one);
  world.write(one);
  EXPECT_EQ(world.events_of("EvidenceRefused"), 0U);
  one.quoted = old;
  world.write(one);
  EXPECT_EQ(world.events_of("EvidenceRefused"), 1U);
  EXPECT_EQ(world.phase("node-1"), Phase::kTrusted);
}

TEST_F(VerdictTest, TheResourceServesWhereTheIntakeIsOutOfReach) {
  one.tamper();
  one.quoted = world.quote(one);
  world.write(one);
  EXPECT_EQ(world.phase("node-1"), Phase::kContraindicated);
}

TEST_F(VerdictTest, EvidenceBeforeTheBeginningIsNotReady) {
  Appraiser fresh({.origin = "log", .build = "t", .pseudonym_key = Bytes(32, 1)}, world.signer,
                  *world.beacons, crypto::system_random(), world, *world.cold);
  EXPECT_EQ(fresh.heartbeat("node-1", world.quote(one), world.now()).outcome,
            HeartbeatAnswer::Outcome::kNotReady);
}

TEST_F(VerdictTest, ChangesOfPoliciesAreLoggedOnceEach) {
  EXPECT_EQ(world.entries_of("policy-change"), 1U);
  world.set_policies({policy_object("production")});
  world.restart();
  EXPECT_EQ(world.entries_of("policy-change"), 1U);
  world.set_policies({policy_object("production", {.mode = "Warn"})});
  EXPECT_EQ(world.entries_of("policy-change"), 2U);
  world.set_policies({});
  EXPECT_EQ(world.entries_of("policy-change"), 3U);
  world.restart();
  EXPECT_EQ(world.entries_of("policy-change"), 3U);
}

// Taint and label.

constexpr const char* kProduction = R"({"matchLabels": {"pool": "production"}})";

TEST_F(VerdictTest, ANodeThatLeavesTheSelectionWhileItFailsKeepsTheTaint) {
  world.set_policies({policy_object("p", {.taint = "NoExecute", .selector = kProduction})});
  world.relabel("node-1", {{"pool", "production"}});
  one.tamper();
  world.heartbeat(one);
  EXPECT_EQ(world.signals("node-1").taint, attest::TaintEffect::kNoExecute);
  world.relabel("node-1", {});
  EXPECT_EQ(world.signals("node-1").taint, attest::TaintEffect::kNoExecute);
  world.restart();
  EXPECT_EQ(world.signals("node-1").taint, attest::TaintEffect::kNoExecute);
  world.relabel("node-1", {{"pool", "production"}});
  one.tpm.power_cycle();
  one.tpm.extend_event(7, as_bytes("good firmware"));
  world.heartbeat(one);
  EXPECT_EQ(world.signals("node-1").taint, attest::TaintEffect::kNone);
}

TEST_F(VerdictTest, RemovingAPolicyOrMakingItHarmlessLetsItsNodesGo) {
  for (const auto& policies :
       {std::vector<Json>{},
        std::vector<Json>{policy_object("p", {.mode = "Audit", .selector = kProduction})},
        std::vector<Json>{policy_object("p", {.taint = "None", .selector = kProduction})}}) {
    world.set_policies({policy_object("p", {.selector = kProduction})});
    world.relabel("node-1", {{"pool", "production"}});
    one.tamper();
    world.heartbeat(one);
    world.relabel("node-1", {});
    ASSERT_EQ(world.signals("node-1").taint, attest::TaintEffect::kNoSchedule);
    world.set_policies(policies);
    EXPECT_EQ(world.signals("node-1").taint, attest::TaintEffect::kNone);
  }
}

TEST_F(VerdictTest, OnlyEnforcedPoliciesTaintAndTheStrongestEffectWins) {
  one.tamper();
  for (const char* mode : {"Audit", "Warn"}) {
    world.set_policies({policy_object("p", {.mode = mode})});
    world.heartbeat(one);
    EXPECT_EQ(world.signals("node-1").taint, attest::TaintEffect::kNone) << mode;
    EXPECT_FALSE(world.signals("node-1").label) << mode;
    EXPECT_EQ(world.signals("node-1").condition->status, "False") << mode;
  }
  world.set_policies({policy_object("a"), policy_object("b", {.taint = "NoExecute"})});
  EXPECT_EQ(world.signals("node-1").taint, attest::TaintEffect::kNoExecute);
}

TEST_F(VerdictTest, AFailureNamesThePolicyAndItsModeAndThatNothingIsStopped) {
  one.tamper();
  world.set_policies({policy_object("pilot", {.mode = "Audit"})});
  world.heartbeat(one);
  const std::string condition = world.signals("node-1").condition->message;
  EXPECT_NE(condition.find("; not satisfied: \"pilot\" (mode Audit), none of them enforced: no pod "
                           "is denied and no taint set by this"),
            std::string::npos)
      << condition;
  // Worst still wins, and an enforced policy among them is not played down.
  world.set_policies({policy_object("pilot", {.mode = "Audit"}), policy_object("production")});
  world.heartbeat(one);
  EXPECT_EQ(world.phase("node-1"), Phase::kContraindicated);
  const std::string both = world.signals("node-1").condition->message;
  EXPECT_NE(both.find("; not satisfied: \"pilot\" (mode Audit), \"production\" (mode Enforce)"),
            std::string::npos)
      << both;
  EXPECT_EQ(both.find("none of them enforced"), std::string::npos) << both;
  EXPECT_EQ(world.signals("node-1").taint, attest::TaintEffect::kNoSchedule);
  // The evidence says the same, and an Event.
  const Json* conditions = world.shown.at("node-1").status.find("conditions");
  EXPECT_NE(codec::to_json(*conditions).find("(mode Enforce)"), std::string::npos);
}

TEST_F(VerdictTest, TheEventOfAFailureNamesThePolicyAndItsMode) {
  world.set_policies({policy_object("pilot", {.mode = "Audit"})});
  world.heartbeat(one);
  ASSERT_EQ(world.phase("node-1"), Phase::kTrusted);
  EXPECT_EQ(world.signals("node-1").condition->message.find("not satisfied"), std::string::npos);
  world.events.clear();
  one.tamper();
  world.heartbeat(one);
  ASSERT_EQ(world.events.size(), 1U);
  EXPECT_NE(world.events[0].message.find("\"pilot\" (mode Audit), none of them enforced"),
            std::string::npos)
      << world.events[0].message;
}

// What is tried in Audit and fails hides nothing that is enforced and fails later.
TEST_F(VerdictTest, AnEventTellsThatOneMorePolicyIsNotSatisfied) {
  world.set_policies({policy_object("a-pilot", {.mode = "Audit", .event = "another boot"}),
                      policy_object("production")});
  world.heartbeat(one);
  ASSERT_EQ(world.phase("node-1"), Phase::kContraindicated);
  const std::string reason = world.first_code("node-1");
  world.events.clear();
  one.tamper();
  world.heartbeat(one);
  ASSERT_EQ(world.first_code("node-1"), reason) << "the same phase for the same reason";
  ASSERT_EQ(world.events.size(), 1U);
  EXPECT_NE(world.events[0].message.find("\"production\" (mode Enforce)"), std::string::npos)
      << world.events[0].message;
  world.heartbeat(one);
  EXPECT_EQ(world.events.size(), 1U) << "once";
}

TEST_F(VerdictTest, ANodeThatNoPolicySelectsIsNotCalledTrusted) {
  world.set_policies({});
  EXPECT_EQ(world.phase("node-1"), Phase::kPending);
  EXPECT_EQ(world.first_code("node-1"), "NoPolicy");
  EXPECT_FALSE(world.signals("node-1").label);
  EXPECT_FALSE(world.signals("node-1").condition.has_value());
}

}  // namespace
}  // namespace avouch::control
