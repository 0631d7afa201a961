// Nodes whose state is out of memory between two calls, and what becomes of those whose state does
// not come back. (All tests of this program have every node out of memory between two calls.)

#include <gmock/gmock.h>

#include <utility>

#include "control/node_packing.h"
#include "control/node_table.h"
#include "tests/unit/control/logs.h"
#include "tests/unit/control/world.h"

namespace avouch::control {
namespace {

using ::testing::HasSubstr;

class ColdNodes : public ::testing::Test {
 protected:
  ColdNodes() {
    world.set_policies({policy_object("production")});
    for (TestAgent* agent : {&one, &two}) {
      world.add_node(agent->name);
      world.enrol(*agent);
      world.heartbeat(*agent);
    }
    testing::must(world.phase("node-1") == Phase::kTrusted, "node-1 is trusted");
    put_out();
  }
  // find() took them into memory.
  void put_out() { world.tick(); }
  void damage_from_now_on(std::function<void(Bytes&)> how) {
    put_out();
    world.cold->damage = std::move(how);
  }
  // A new process, with the disk mended.
  void all_trusted_again() {
    world.api_is_away = false;
    world.restart();
    for (TestAgent* agent : {&one, &two}) {
      agent->answer.reset();
      world.write(*agent);
      if (world.solve(*agent)) world.write(*agent);
      world.publish_beacon();
      agent->tpm.clock.clock += 1000;
      world.heartbeat(*agent);
      testing::must(world.phase(agent->name) == Phase::kTrusted, world.first_code(agent->name));
    }
    put_out();
  }
  void recover() { world.cold->damage = {}, world.cold->get_error.reset(); }
  bool is_distrusted(const std::string& name) {
    return world.phase(name) != Phase::kTrusted &&
           world.signals(name).taint == attest::TaintEffect::kNoSchedule &&
           !world.signals(name).label;
  }

  World world;
  TestAgent one{"node-1"}, two{"node-2"};
};

TEST_F(ColdNodes, AreOutOfMemoryAndGoOnAsTheyWere) {
  EXPECT_EQ(world.cold->size(), 2U);
  const std::size_t entries = world.entries.size();
  const std::size_t read = world.cold->gets;
  world.pass(seconds(100), {&one, &two});
  EXPECT_GT(world.cold->gets, read);
  EXPECT_EQ(world.phase("node-1"), Phase::kTrusted);
  EXPECT_EQ(world.entries.size(), entries) << "nothing has changed";
  world.remove_node("node-1");
  world.delete_evidence("node-1");
  put_out();
  EXPECT_EQ(world.cold->size(), 1U) << "what is gone is given up";
}

TEST_F(ColdNodes, OneThatIsDamagedLosesItsTrustAloneAndEnrolsAnew) {
  const std::size_t entries = world.entries_of("node-verdict");
  damage_from_now_on([](Bytes& bytes) { bytes[bytes.size() / 2] ^= 1U; });
  world.api_is_away = true;
  const HeartbeatAnswer answer = world.heartbeat(one);
  EXPECT_EQ(answer.outcome, HeartbeatAnswer::Outcome::kNotEnrolled);
  recover();
  EXPECT_TRUE(is_distrusted("node-1"));
  ASSERT_EQ(world.losses.size(), 1U);
  EXPECT_EQ(world.losses[0].first, "node-1");
  EXPECT_THAT(world.losses[0].second, HasSubstr("SHA-256"));
  EXPECT_EQ(world.entries_of("node-verdict"), entries + 1) << "and that is logged";
  EXPECT_THAT(world.events.back().message, HasSubstr("InternalError"));
  EXPECT_EQ(world.phase("node-2"), Phase::kTrusted);
  EXPECT_EQ(world.signals("node-2").taint, attest::TaintEffect::kNone);
  world.pass(minutes(2), {&two});
  EXPECT_TRUE(is_distrusted("node-1")) << "its evidence has not been read again";

  world.api_is_away = false;
  world.settle();
  ASSERT_TRUE(world.solve(one)) << "a challenge";
  world.write(one);
  EXPECT_NE(world.phase("node-1"), Phase::kTrusted) << "enrolled, and not quoted yet";
  world.heartbeat(one);
  EXPECT_EQ(world.phase("node-1"), Phase::kTrusted);
  EXPECT_EQ(world.signals("node-1").taint, attest::TaintEffect::kNone);
}

TEST_F(ColdNodes, EveryWayInWhichOneCanBeLostIsADenial) {
  const std::vector<std::pair<const char*, std::function<void()>>> ways = {
      {"cannot be read", [&] { world.cold->get_error = retryable("Input/output error"); }},
      {"breaks off",
       [&] { world.cold->damage = [](Bytes& bytes) { bytes.resize(bytes.size() - 1); }; }},
      {"is empty", [&] { world.cold->damage = [](Bytes& bytes) { bytes.clear(); }; }},
      {"is longer", [&] { world.cold->damage = [](Bytes& bytes) { bytes.push_back(0); }; }},
      {"is of zeros",
       [&] {
         world.cold->damage = [](Bytes& bytes) { std::fill(bytes.begin(), bytes.end(), 0); };
       }},
  };
  const std::vector<std::pair<const char*, std::function<void()>>> looks = {
      {"heartbeat", [&] { world.heartbeat(one); }},
      {"label",
       [&] {
         world.relabel("node-1", {{"a", "b"}});
       }},
      {"evidence", [&] { world.write(one); }},
      {"policies", [&] { world.set_policies({policy_object("production")}); }},
      {"time", [&] { world.clock.advance(minutes(6)), world.tick(); }},
  };
  for (const auto& [way, lose] : ways) {
    for (const auto& [look, happen] : looks) {
      SCOPED_TRACE(std::string(way) + ", " + look);
      const std::size_t lost = world.losses.size();
      put_out();
      world.api_is_away = true;
      lose();
      happen();
      recover();
      ASSERT_GT(world.losses.size(), lost);
      EXPECT_TRUE(is_distrusted("node-1"));
      all_trusted_again();
    }
  }
}

TEST_F(ColdNodes, NoByteOfOneCanBeChangedWithoutItsTrust) {
  world.cold->damage = {};
  put_out();
  std::size_t size = 0;
  world.cold->damage = [&](Bytes& bytes) { size = std::max(size, bytes.size()); };
  world.heartbeat(one);
  world.cold->damage = {};
  ASSERT_GT(size, 1000U);
  for (std::size_t i = 0; i < size; i += 211) {
    put_out();
    world.api_is_away = true;
    world.cold->damage = [i](Bytes& bytes) {
      if (i < bytes.size()) bytes[i] = static_cast<std::uint8_t>(bytes[i] + 1);
    };
    world.heartbeat(one);
    recover();
    ASSERT_TRUE(is_distrusted("node-1")) << i;
    all_trusted_again();
  }
}

TEST_F(ColdNodes, OneThatWasLostStaysInMemorySoThatABadDiskTakesItsTrustOnce) {
  damage_from_now_on([](Bytes& bytes) { bytes.clear(); });
  world.heartbeat(one);
  ASSERT_EQ(world.losses.size(), 1U);
  ASSERT_TRUE(world.solve(one));
  world.write(one);
  world.publish_beacon();
  one.tpm.clock.clock += 1000;
  world.heartbeat(one);
  EXPECT_EQ(world.phase("node-1"), Phase::kTrusted);
  world.pass(seconds(30), {&one});
  EXPECT_EQ(world.phase("node-1"), Phase::kTrusted) << "with the disk as bad as before";
  EXPECT_EQ(world.losses.size(), 1U);
}

TEST_F(ColdNodes, TheNameOfOneThatIsLostStaysBoundToItsTpm) {
  damage_from_now_on([](Bytes& bytes) { bytes.clear(); });
  world.heartbeat(one);
  recover();
  TestAgent thief("node-1");
  world.write(thief);
  EXPECT_FALSE(world.solve(thief));
  EXPECT_EQ(world.find("node-1")->enrolment_problem->code, "IdentityMismatch");
  TestAgent elsewhere("node-2");
  elsewhere.tpm = one.tpm;
  elsewhere.ak = one.ak;
  world.write(elsewhere);
  EXPECT_EQ(world.find("node-2")->enrolment_problem->code, "IdentityMismatch")
      << "nor can its TPM be another node's";
  world.restart();
  world.write(thief);
  EXPECT_FALSE(world.solve(thief)) << "nor after a restart";
}

TEST_F(ColdNodes, OneThatIsLostKeepsTheTaintOfAPolicyThatItHasLeft) {
  world.set_policies({policy_object("production", {.selector = R"({"matchLabels":{"in":"y"}})"})});
  world.relabel("node-1", {{"in", "y"}});
  one.tamper();
  world.heartbeat(one);
  world.relabel("node-1", {});
  ASSERT_EQ(world.signals("node-1").taint, attest::TaintEffect::kNoSchedule);
  damage_from_now_on([](Bytes& bytes) { bytes.clear(); });
  world.relabel("node-1", {{"other", "x"}});
  recover();
  ASSERT_FALSE(world.losses.empty());
  EXPECT_EQ(world.signals("node-1").taint, attest::TaintEffect::kNoSchedule);
}

TEST_F(ColdNodes, AFullDiskCostsMemoryAndNoTrust) {
  world.cold->put_error = retryable("No space left on device");
  world.pass(seconds(30), {&one, &two});
  EXPECT_EQ(world.phase("node-1"), Phase::kTrusted);
  EXPECT_EQ(world.cold->size(), 0U);
  EXPECT_THAT(world.crowds.back(), HasSubstr("No space left"));
  world.cold->put_error.reset();
  world.pass(seconds(10), {&one, &two});
  EXPECT_EQ(world.phase("node-1"), Phase::kTrusted);
  EXPECT_EQ(world.cold->size(), 2U);
  EXPECT_TRUE(world.losses.empty());
}

TEST_F(ColdNodes, ARestartNeedsNothingOfThem) {
  world.cold->get_error = retryable("the file went with the process");
  const std::size_t entries = world.entries.size();
  const auto before = std::exchange(world.cold, std::make_unique<testing::MemoryColdStore>());
  world.restart(seconds(1));
  EXPECT_EQ(world.phase("node-1"), Phase::kTrusted);
  EXPECT_EQ(world.entries.size(), entries);
  world.pass(seconds(20), {&one, &two});
  EXPECT_EQ(world.phase("node-1"), Phase::kTrusted);
}

TEST_F(ColdNodes, AreCountedAndExpireWhereTheyAre) {
  put_out();
  const std::size_t read = world.cold->gets;
  const AppraiserSummary summary = world.appraiser->summary();
  EXPECT_EQ(summary.enrolled, 2);
  EXPECT_EQ(summary.nodes.at(Phase::kTrusted), 2);
  world.appraiser->tick(world.now());
  EXPECT_EQ(world.cold->gets, read) << "nobody was looked at";
  EXPECT_EQ(world.shown_policies.at("production").status["nodes"]["trusted"],
            Json(std::int64_t{2}));
  world.clock.advance(minutes(6));
  world.tick();
  EXPECT_EQ(world.phase("node-1"), Phase::kStale);
  EXPECT_EQ(world.phase("node-2"), Phase::kStale);
}

using ColdLogs = Logs;

TEST_F(ColdLogs, FindingsComeBackAndTheLogIsJudgedFromItsStartWhereTheyDoNot) {
  set_manifest(manifest({"good"}));
  enrol(std::string(kBootPolicy) + "," + kRuntimePolicy);
  store_boot_log();
  measure_aggregate();
  measure(ima_file("/bin/a", "good"));
  store_runtime_log();
  beat();
  arrived();
  ASSERT_EQ(world.phase("n"), Phase::kTrusted) << first();
  measure(ima_file("/bin/b", "good"));
  store_runtime_log();
  beat();
  arrived();
  ASSERT_EQ(world.phase("n"), Phase::kTrusted) << first();
  EXPECT_TRUE(world.logs_lost.empty());

  // The judge's part of the node, and not the appraiser's, is lost.
  world.judge_hangs = true;
  measure(ima_file("/bin/c", "bad"));
  store_runtime_log();
  beat();
  world.cold->damage = [](Bytes& bytes) { bytes.clear(); };
  const auto question = std::move(world.questions.front());
  world.questions.pop_front();
  const auto findings = world.judge->judge(*question);
  world.cold->damage = {};
  EXPECT_EQ(world.logs_lost.size(), 1U);
  world.judge_hangs = false;
  world.appraiser->logs_judged(*question, findings, world.now());
  world.settle();
  EXPECT_EQ(world.phase("n"), Phase::kContraindicated) << "the third file is not known";
  EXPECT_TRUE(world.losses.empty());
}

TEST_F(ColdLogs, AStateIsPackedWithNothingLeftOut) {
  set_manifest(manifest({"good"}));
  enrol(std::string(kBootPolicy) + "," + kRuntimePolicy);
  store_boot_log();
  measure_aggregate();
  measure(ima_file("/bin/a", "bad"));
  store_runtime_log();
  beat();
  arrived();
  ASSERT_EQ(world.phase("n"), Phase::kContraindicated);
  const NodeState& node = *world.find("n");
  ASSERT_EQ(activity_of(node), Activity::kQuiet);
  attest::QuoteSeal seal, again;
  const Bytes packed = pack_node(node, seal);
  NodeState back;
  back.name = node.name;
  back.facts = node.facts;
  unpack_node(packed, seal, back);
  EXPECT_EQ(pack_node(back, again), packed);
  EXPECT_EQ(encode_record(back.record, "log"), encode_record(node.record, "log"));
  EXPECT_EQ(back.record.enrolment, back.saved.enrolment) << "shared as before";
  EXPECT_TRUE(back.record.verdict.is_same_object(back.saved.verdict));
  EXPECT_EQ(back.findings.policies.size(), 1U);
  EXPECT_EQ(back.quote->pcrs(), node.quote->pcrs());
  EXPECT_EQ(back.told, node.told);
  for (std::size_t size = 0; size < packed.size(); size += 13) {
    NodeState broken;
    EXPECT_THROW(unpack_node(ByteView(packed).first(size), seal, broken), std::exception) << size;
  }
  NodeState other;
  EXPECT_THROW(unpack_node(packed, attest::QuoteSeal(), other), std::exception)
      << "a quote that nobody has sealed";
}

}  // namespace
}  // namespace avouch::control
