// Boot logs and runtime logs in a node's verdict: awaited, judged, judged again.

#include "tests/unit/control/logs.h"

namespace avouch::control {
namespace {

TEST_F(Logs, ANodeIsNotTrustedBeforeItsBootLogHasArrivedAndIsOnceItHas) {
  enrol(kBootPolicy);
  beat();
  EXPECT_EQ(world.phase("n"), Phase::kEnrolling);
  EXPECT_EQ(first(), "LogsAwaited");
  store_boot_log();
  EXPECT_EQ(world.phase("n"), Phase::kTrusted) << verdict().reasons.front().message;
  const auto token = must_value(
      attest::verify_token(verdict().token, std::vector{world.signer.public_key()}, "log"));
  EXPECT_EQ(token.claims().boot_log, crypto::sha256(boot_log));
  EXPECT_FALSE(token.claims().runtime_log.has_value());
}

TEST_F(Logs, AQuoteWithoutWhereSystemdMeasuresTheCommandLineThatIsJudgedIsRefused) {
  enrol(kBootPolicy);
  store_boot_log();
  world.quoted_mask = 0x47ff;
  beat();
  EXPECT_EQ(world.phase("n"), Phase::kEnrolling);
  world.quoted_mask = 0x57ff;
  beat();
  EXPECT_EQ(world.phase("n"), Phase::kTrusted);
}

TEST_F(Logs, ANodeThatNamesNoBootLogIsContraindicated) {
  enrol(kBootPolicy);
  auto without = evidence();
  without.boot_log.reset();
  world.send("n", without);
  EXPECT_EQ(world.phase("n"), Phase::kContraindicated);
  EXPECT_EQ(first(), "BootLogMissing");
}

TEST_F(Logs, APcrThatTheLogDoesNotExplainCostsTheTrustAtTheNextHeartbeat) {
  enrol(kBootPolicy);
  store_boot_log();
  beat();
  ASSERT_EQ(world.phase("n"), Phase::kTrusted);
  agent.tpm.extend_event(4, as_bytes("another program"));
  beat();
  EXPECT_EQ(world.phase("n"), Phase::kContraindicated);
  EXPECT_EQ(first(), "BootLogReplayMismatch");
}

TEST_F(Logs, F4_ANewBootWithTheOldBootLogIsContraindicated) {
  enrol(kBootPolicy);
  store_boot_log();
  beat();
  ASSERT_EQ(world.phase("n"), Phase::kTrusted);
  reboot();
  agent.tpm.extend_event(4, as_bytes("another boot loader"));
  beat();
  EXPECT_EQ(first(), "BootLogReplayMismatch");
}

// Warning: every policy is satisfied, one with a reservation.
TEST_F(Logs, AViolationThatThePolicyRecordsIsAWarningThatCostsNoTrust) {
  set_manifest(manifest({"good"}));
  enrol(R"("runtime": {"references": [{"name": "files"}], "violations": "Record"})");
  measure_aggregate();
  measure(ima_file("/bin/a", "good"));
  store_runtime_log();
  beat();
  arrived();
  ASSERT_EQ(world.phase("n"), Phase::kTrusted) << first();
  append(runtime_log, testing::ima_violation("/bin/b").bytes());
  ++runtime_entries;
  agent.tpm.extend(10, kBank, Bytes(32, 0xff));
  store_runtime_log();
  beat();
  arrived();
  EXPECT_EQ(world.phase("n"), Phase::kWarning);
  EXPECT_EQ(first(), "RuntimeViolation");
  const NodeSignals signals = world.signals("n");
  EXPECT_TRUE(signals.label);
  EXPECT_EQ(signals.taint, attest::TaintEffect::kNone);
  EXPECT_EQ(signals.standing, Standing::kGood);
  ASSERT_TRUE(signals.condition.has_value());
  EXPECT_EQ(signals.condition->status, "True");
  EXPECT_EQ(signals.condition->reason, "RuntimeViolation");
  EXPECT_EQ(signals.condition->message.find("not satisfied"), std::string::npos);
  ASSERT_EQ(verdict().policies.size(), 1U);
  EXPECT_EQ(verdict().policies[0].status, attest::Status::kWarning);
}

TEST_F(Logs, ABootPcrThatChangesAfterTheFirstEntryWasJudgedIsFoundAtOnceAndJudgedAnewOnce) {
  set_manifest(manifest({"good"}));
  enrol(kRuntimePolicy);
  measure_aggregate();
  measure(ima_file("/bin/a", "good"));
  store_runtime_log();
  beat();
  arrived();
  ASSERT_EQ(world.phase("n"), Phase::kTrusted) << first();
  agent.tpm.extend_event(5, as_bytes("late"));
  beat();
  arrived();
  EXPECT_EQ(first(), "RuntimeBootAggregate") << "as a controller that has just started finds it";
  const std::size_t read = world.store.log_bytes_read;
  for (int i = 0; i < 3; ++i) {
    agent.tpm.extend_event(5, as_bytes("later"));
    beat();
    arrived();
  }
  EXPECT_EQ(first(), "RuntimeBootAggregate");
  EXPECT_EQ(world.store.log_bytes_read, read) << "a node cannot have its log judged over and over";
}

// The first entry alone is read again where boot PCRs change: whatever the store answers to that,
// the log is judged anew by the new values.
TEST_F(Logs, ABootPcrThatChangesIsFoundAlsoWhereTheFirstEntryCannotBeReadAgain) {
  set_manifest(manifest({"good"}));
  enrol(kRuntimePolicy);
  measure_aggregate();
  measure(ima_file("/usr/bin/good", "good"));
  store_runtime_log();
  beat();
  const Bytes whole = runtime_log;
  const std::vector<std::pair<const char*, Result<Bytes>>> answers = {
      {"an error", retryable("the disk does not answer")},
      {"nothing", Bytes()},
      {"half of it", Bytes(whole.begin(), whole.begin() + 20)},
      {"other bytes", Bytes(64, 0xff)},
  };
  for (const auto& [name, answer] : answers) {
    SCOPED_TRACE(name);
    reboot();
    measure_aggregate();
    measure(ima_file("/usr/bin/good", "good"));
    store_runtime_log();
    beat();
    arrived();
    ASSERT_EQ(world.phase("n"), Phase::kTrusted) << first();
    int failed = 0;
    world.store.answers_instead = [&, given = answer](
                                      std::uint64_t offset,
                                      std::size_t size) -> std::optional<Result<Bytes>> {
      if (offset != 0 || size != 4096 || failed > 0) return std::nullopt;
      ++failed;
      return given;
    };
    agent.tpm.extend_event(5, as_bytes("late"));
    beat();
    arrived();
    EXPECT_EQ(failed, 1);
    EXPECT_EQ(first(), "RuntimeBootAggregate");
    world.store.answers_instead = nullptr;
  }
}

TEST_F(Logs, ABootLogIsReadOnceForAllHeartbeatsOfABoot) {
  enrol(kBootPolicy);
  store_boot_log();
  beat();
  const std::size_t reads = world.store.blob_reads;
  for (int i = 0; i < 5; ++i) beat();
  EXPECT_EQ(world.store.blob_reads, reads);
  EXPECT_EQ(world.phase("n"), Phase::kTrusted);
}

TEST_F(Logs, WhatFailsWithoutTheLogsFailsBeforeTheyArrive) {
  Json policy = policy_with(kBootPolicy);
  policy["spec"]["pcrs"]["exact"] =
      *policy_object("p").find_path({"spec", "pcrs", "exact"});  // PCR 7 of another machine
  world.set_policies({policy});
  world.enrol(agent);
  beat();
  EXPECT_EQ(world.phase("n"), Phase::kContraindicated);
  EXPECT_EQ(first(), "PcrMismatch");
}

TEST_F(Logs, WhileANewBootsLogIsAwaitedTheOldVerdictStaysAndThenExpires) {
  enrol(kBootPolicy, "60s");
  store_boot_log();
  beat();
  ASSERT_EQ(world.phase("n"), Phase::kTrusted);
  reboot();
  boot_log.push_back(0);  // another log, which never comes
  for (int i = 0; i < 5; ++i) {
    beat();
    EXPECT_EQ(world.phase("n"), Phase::kTrusted) << i;
  }
  beat();
  beat();
  EXPECT_EQ(world.phase("n"), Phase::kStale);
}

// Of two policies, one wants a log that does not come.
TEST_F(Logs, ALogThatOnlyAPolicyInAuditWantsHoldsBackNoOther) {
  for (const char* mode : {"Enforce", "Audit", "Warn"}) {
    Json trying = policy_with(kRuntimePolicy);
    trying["metadata"]["name"] = std::string("q");
    trying["metadata"]["uid"] = std::string("policy-q");
    trying["spec"]["mode"] = std::string(mode);
    world.manifests = {std::make_shared<const Json>(manifest({"good"}))};
    world.set_policies({policy_with(kBootPolicy), trying});
    if (std::string(mode) == "Enforce") world.enrol(agent);
    reboot();
    measure_aggregate();
    measure(ima_file("/bin/a", mode));  // unknown, were it ever seen
    store_boot_log();
    beat();
    const bool harmless = std::string(mode) != "Enforce";
    beat();
    beat();
    if (!harmless) {
      EXPECT_EQ(world.phase("n"), Phase::kEnrolling);
      continue;
    }
    ASSERT_EQ(world.phase("n"), Phase::kContraindicated) << mode;
    ASSERT_EQ(verdict().policies.size(), 2U);
    EXPECT_EQ(verdict().policies[0].name, "p");
    EXPECT_EQ(verdict().policies[0].status, attest::Status::kAffirming) << mode;
    EXPECT_EQ(verdict().policies[1].status, attest::Status::kContraindicated) << mode;
    EXPECT_EQ(first(), "RuntimeLogMissing") << mode;
    EXPECT_EQ(world.signals("n").taint, attest::TaintEffect::kNone) << mode;
  }
}

TEST_F(Logs, ARuntimeLogIsAwaitedAndThenJudgedAndOnlyWhatIsNewIsRead) {
  set_manifest(manifest({"good", "also good"}));
  enrol(kRuntimePolicy);
  measure_aggregate();
  measure(ima_file("/usr/bin/good", "good"));
  beat();
  EXPECT_EQ(first(), "LogsAwaited");
  store_runtime_log();
  ASSERT_EQ(world.phase("n"), Phase::kTrusted) << verdict().reasons.front().message;
  const auto token = must_value(
      attest::verify_token(verdict().token, std::vector{world.signer.public_key()}, "log"));
  EXPECT_EQ(token.claims().runtime_log, crypto::sha256(runtime_log));

  const std::size_t before = runtime_log.size();
  measure(ima_file("/usr/bin/also", "also good"));
  world.store.log_bytes_read = 0;
  beat();
  store_runtime_log();
  EXPECT_EQ(world.phase("n"), Phase::kTrusted);
  EXPECT_LE(world.store.log_bytes_read, 3 * (runtime_log.size() - before));
}

TEST_F(Logs, AnUnknownFileCostsTheTrustUntilItIsKnown) {
  set_manifest(manifest({"good"}));
  enrol(kRuntimePolicy);
  measure_aggregate();
  measure(ima_file("/usr/bin/rogue", "rogue"));
  store_runtime_log();
  beat();
  EXPECT_EQ(world.phase("n"), Phase::kContraindicated);
  EXPECT_EQ(first(), "RuntimeFileUnknown");
  set_manifest(manifest({"good", "rogue"}));
  EXPECT_EQ(world.phase("n"), Phase::kTrusted);
  set_manifest(manifest({"good", "rogue"}, {"rogue"}));
  EXPECT_EQ(first(), "RuntimeFileRevoked");
}

TEST_F(Logs, ALogThatDoesNotMeetTheQuoteThoughAllOfItIsHereIsContraindicated) {
  set_manifest(manifest({"good"}));
  enrol(kRuntimePolicy);
  measure_aggregate();
  store_runtime_log();
  beat();
  ASSERT_EQ(world.phase("n"), Phase::kTrusted);
  agent.tpm.extend_event(10, as_bytes("nothing that the log has"));
  beat();
  EXPECT_EQ(first(), "RuntimeLogNotReplayed");
}

TEST_F(Logs, AMalformedRuntimeLogIsContraindicatedAndSentAgain) {
  set_manifest(manifest({"good"}));
  enrol(kRuntimePolicy);
  measure_aggregate();
  const Bytes good = runtime_log;
  append(runtime_log, Bytes(64, 0xff));
  store_runtime_log();
  beat();
  EXPECT_EQ(first(), "RuntimeLogMalformed");
  EXPECT_EQ(world.store.next_offset(world.uid_of("n"), boot_name(agent.tpm.clock.reset_count)), 0U);
  runtime_log = good;
  store_runtime_log();
  beat();
  EXPECT_EQ(world.phase("n"), Phase::kTrusted);
}

TEST_F(Logs, NothingIsReplayedBeforeAllIsHereAndWhatProvesNothingIsReplayedOnce) {
  set_manifest(manifest({"good"}));
  enrol(kRuntimePolicy);
  measure_aggregate();
  measure(ima_file("/usr/bin/good", "good"));
  const auto key = std::pair{world.uid_of("n"), boot_name(agent.tpm.clock.reset_count)};
  world.store.logs[key] = Bytes(runtime_log.begin(), runtime_log.end() - 1);
  for (int i = 0; i < 3; ++i) beat();
  EXPECT_EQ(first(), "LogsAwaited");
  EXPECT_EQ(world.store.log_bytes_read, 0U);

  agent.tpm.extend_event(10, as_bytes("nothing that the log has"));
  store_runtime_log();
  beat();
  EXPECT_EQ(first(), "RuntimeLogNotReplayed");
  EXPECT_EQ(world.store.logs[key], runtime_log);  // the part that an earlier quote has proven
  const std::size_t read = world.store.log_bytes_read;
  for (int i = 0; i < 3; ++i) beat();
  EXPECT_EQ(world.store.log_bytes_read, read);
}

TEST_F(Logs, ANodeIsJudgedNoMoreOftenThanOnceASecond) {
  enrol(kBootPolicy);
  store_boot_log();
  beat();
  const std::size_t asked = world.asked;
  for (int i = 0; i < 5; ++i) {
    agent.tpm.clock.clock += 10;
    agent.tpm.extend_event(15, as_bytes("something else each time"));
    world.clock.advance(std::chrono::milliseconds(100));
    world.send("n", evidence());
  }
  EXPECT_LE(world.asked, asked + 1);
  world.pass(seconds(1));
  EXPECT_LE(world.asked, asked + 2);
  EXPECT_EQ(world.phase("n"), Phase::kTrusted);
}

TEST_F(Logs, AJudgeThatHangsIsAskedOnceAndTheVerdictExpiresMeanwhile) {
  enrol(kBootPolicy, "60s");
  store_boot_log();
  beat();
  ASSERT_EQ(world.phase("n"), Phase::kTrusted);
  world.judge_hangs = true;
  for (int i = 0; i < 4; ++i) beat();
  EXPECT_EQ(world.questions.size(), 1U);
  EXPECT_EQ(world.phase("n"), Phase::kTrusted);
  for (int i = 0; i < 4; ++i) beat();
  EXPECT_EQ(world.phase("n"), Phase::kStale);
  world.judge_hangs = false;
  world.settle();
  EXPECT_EQ(world.phase("n"), Phase::kTrusted);
}

TEST_F(Logs, AnAnswerAboutAnOlderQuoteChangesNothing) {
  enrol(kBootPolicy);
  store_boot_log();
  beat();
  world.judge_hangs = true;
  beat();
  const auto old = world.questions.front();
  world.judge_hangs = false;
  world.settle();
  agent.tpm.extend_event(4, as_bytes("another program"));
  beat();
  ASSERT_EQ(first(), "BootLogReplayMismatch");
  world.appraiser->logs_judged(*old, world.judge->judge(*old), world.now());
  world.settle();
  EXPECT_EQ(world.phase("n"), Phase::kContraindicated);
}

// S1: what was asked before the trust was lost gives it back no more.
TEST_F(Logs, S1_AnAnswerThatComesTwiceRevivesNothingThatWasDropped) {
  enrol(kBootPolicy, "60s");
  store_boot_log();
  beat();
  ASSERT_EQ(world.phase("n"), Phase::kTrusted);
  world.judge_hangs = true;
  for (int i = 0; i < 4; ++i) beat();  // until the token is old enough for another
  const auto early = world.questions.front();
  world.signer.broken = true;  // fails as nobody foresaw
  world.judge_hangs = false;
  world.settle();
  ASSERT_EQ(first(), "InternalError");
  world.signer.broken = false;
  world.appraiser->logs_judged(*early, world.judge->judge(*early), world.now());
  world.settle();
  EXPECT_EQ(world.phase("n"), Phase::kContraindicated);
  EXPECT_FALSE(world.find("n")->quote.has_value());
  beat();
  EXPECT_EQ(world.phase("n"), Phase::kTrusted);
}

TEST_F(Logs, S1_AQuoteThatExpiredWhileItWasJudgedAnewIsNotMadeYoungByAnotherPolicy) {
  enrol(kBootPolicy, "60s");
  store_boot_log();
  beat();
  ASSERT_EQ(world.phase("n"), Phase::kTrusted);
  world.pass(seconds(1));
  world.judge_hangs = true;
  world.set_policies({policy_with(kBootPolicy, "50s")});  // asks again, about the same quote
  ASSERT_EQ(world.questions.size(), 1U);
  world.pass(seconds(70));
  ASSERT_EQ(world.phase("n"), Phase::kStale);
  world.set_policies({policy_with(kBootPolicy, "24h")});
  world.judge_hangs = false;
  world.settle();
  world.pass(seconds(5));
  EXPECT_EQ(world.phase("n"), Phase::kStale);
  beat();
  EXPECT_EQ(world.phase("n"), Phase::kTrusted);
}

TEST_F(Logs, AfterARestartTheVerdictStandsAndTheLogsAreJudgedAgain) {
  set_manifest(manifest({"good"}));
  enrol(std::string(kBootPolicy) + "," + kRuntimePolicy);
  measure_aggregate();
  measure(ima_file("/usr/bin/good", "good"));
  store_boot_log();
  store_runtime_log();
  beat();
  ASSERT_EQ(world.phase("n"), Phase::kTrusted);
  world.restart();
  EXPECT_EQ(world.phase("n"), Phase::kTrusted);
  set_manifest(manifest({"other"}));
  EXPECT_EQ(first(), "RuntimeFileUnknown");
}

// How far a log was proven is not kept over a restart: it is proven again, from the stored bytes
// alone. The next four: whatever became of these meanwhile, nothing is believed that no quote
// proves.
TEST_F(Logs, AfterARestartTheStoredLogIsProvenAgainFromItsStart) {
  set_manifest(manifest({"good"}));
  enrol(kRuntimePolicy);
  measure_aggregate();
  measure(ima_file("/usr/bin/good", "good"));
  store_runtime_log();
  beat();
  ASSERT_EQ(world.phase("n"), Phase::kTrusted);
  const Bytes before = runtime_log;
  world.store.log_bytes_read = 0;
  world.restart();
  EXPECT_GE(world.store.log_bytes_read, before.size());
  measure(ima_file("/usr/bin/bad", "bad"));
  store_runtime_log();
  beat();
  EXPECT_EQ(first(), "RuntimeFileUnknown");
  world.restart();  // and what was refused before is refused after
  beat();
  EXPECT_EQ(first(), "RuntimeFileUnknown");
}

TEST_F(Logs, AfterARestartALogThatWasCutIsAwaitedAndTheVerdictExpiresWithoutIt) {
  set_manifest(manifest({"good"}));
  enrol(kRuntimePolicy, "60s");
  measure_aggregate();
  measure(ima_file("/usr/bin/good", "good"));
  store_runtime_log();
  beat();
  ASSERT_EQ(world.phase("n"), Phase::kTrusted);
  const auto key = std::pair{world.uid_of("n"), boot_name(agent.tpm.clock.reset_count)};
  world.store.logs[key].resize(runtime_log.size() / 2);
  world.restart();
  for (int i = 0; i < 3; ++i) beat();
  EXPECT_EQ(world.phase("n"), Phase::kTrusted);  // the saved verdict, which is not renewed
  for (int i = 0; i < 5; ++i) beat();
  EXPECT_EQ(world.phase("n"), Phase::kStale);
  store_runtime_log();
  beat();
  EXPECT_EQ(world.phase("n"), Phase::kTrusted);
}

TEST_F(Logs, AfterARestartAStoredLogThatWasChangedProvesNothingAndIsSentAgain) {
  set_manifest(manifest({"good", "evil"}));
  enrol(kRuntimePolicy);
  measure_aggregate();
  measure(ima_file("/usr/bin/good", "good"));
  store_runtime_log();
  beat();
  ASSERT_EQ(world.phase("n"), Phase::kTrusted);
  const auto key = std::pair{world.uid_of("n"), boot_name(agent.tpm.clock.reset_count)};
  Bytes& stored = world.store.logs[key];
  const Bytes other = ima_file("/usr/bin/evil", "evil").bytes();
  stored.resize(stored.size() - other.size());
  append(stored, other);
  ASSERT_EQ(stored.size(), runtime_log.size());
  world.restart();
  beat();
  EXPECT_EQ(world.phase("n"), Phase::kContraindicated);
  EXPECT_EQ(first(), "RuntimeLogNotReplayed");
  EXPECT_TRUE(world.store.logs[key].empty());
  store_runtime_log();
  beat();
  EXPECT_EQ(world.phase("n"), Phase::kTrusted);
}

TEST_F(Logs, AfterARestartALogThatWasCutToWhatCountsIsEnough) {
  set_manifest(manifest({"good"}));
  enrol(kRuntimePolicy);
  measure_aggregate();
  measure(ima_file("/usr/bin/good", "good"));
  store_runtime_log();
  beat();
  ASSERT_EQ(world.phase("n"), Phase::kTrusted);
  // What proves nothing is cut off behind what an earlier quote has proven.
  const auto key = std::pair{world.uid_of("n"), boot_name(agent.tpm.clock.reset_count)};
  auto lies = evidence();
  append(world.store.logs[key], ima_file("/usr/bin/never-measured", "bad").bytes());
  lies.runtime_log->offset = world.store.logs[key].size();
  agent.tpm.extend_event(10, as_bytes("something else"));
  world.pass(seconds(10));
  auto newer = evidence();
  newer.runtime_log = lies.runtime_log;
  world.send("n", newer);
  ASSERT_EQ(first(), "RuntimeLogNotReplayed");
  ASSERT_EQ(world.store.logs[key], runtime_log);
  world.restart();
  beat();
  EXPECT_EQ(first(), "RuntimeLogNotReplayed");  // PCR 10 is still not what any log gives
  reboot();
  measure_aggregate();
  store_runtime_log();
  beat();
  EXPECT_EQ(world.phase("n"), Phase::kTrusted);
}

TEST_F(Logs, AMissingManifestMakesThePolicyUnusable) {
  set_manifest(manifest({"good"}));
  enrol(kRuntimePolicy);
  measure_aggregate();
  store_runtime_log();
  beat();
  ASSERT_EQ(world.phase("n"), Phase::kTrusted);
  world.manifests.clear();
  world.resolve_again();
  EXPECT_EQ(world.phase("n"), Phase::kContraindicated);
  EXPECT_EQ(first(), "PolicyUnusable");
  beat();
  EXPECT_EQ(world.phase("n"), Phase::kContraindicated);
}

}  // namespace
}  // namespace avouch::control
