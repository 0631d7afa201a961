// Logs that take long are judged in turns, so that no node keeps the others' waiting; and what
// becomes of a log that is given up or changed meanwhile.

#include "tests/unit/control/logs.h"

namespace avouch::control {
namespace {

using std::chrono::milliseconds;

constexpr std::size_t kReplayPiece = 1024 * 1024, kJudgedPiece = 64 * 1024;

// A node and its runtime log.
struct LoggingNode {
  explicit LoggingNode(const std::string& name) : agent(name) {
    Bytes values;
    for (const auto& [pcr, value] : must_value(agent.tpm.read_pcrs({{kBank, 0x3ff}}))) {
      append(values, value);
    }
    measure(
        testing::ima_entry("ima-ng", {testing::digest_field("sha256:", crypto::hash(kBank, values)),
                                      testing::path_field("boot_aggregate")}));
  }
  void measure(const testing::ImaEntry& entry) {
    append(log, entry.bytes());
    ++entries;
    agent.tpm.extend(10, kBank, testing::openssl_digest(kBank, entry.hashed));
  }
  void measure_good(std::size_t bytes) {
    const testing::ImaEntry entry = ima_file("/" + std::string(4000, 'x'), "good");
    for (const std::size_t end = log.size() + bytes; log.size() < end;) measure(entry);
  }

  TestAgent agent;
  Bytes log;
  std::uint64_t entries = 0;
};

class Turns : public ::testing::Test {
 protected:
  Turns() {
    world.quoted_mask = 0xffffff;
    world.manifests = {std::make_shared<const Json>(manifest({"good"}))};
    world.set_policies({policy_with(kRuntimePolicy)});
  }
  Bytes& stored(const LoggingNode& of) {
    return world.store
        .logs[{world.uid_of(of.agent.name), boot_name(of.agent.tpm.clock.reset_count)}];
  }
  void enrol(LoggingNode& machine) {
    world.add_node(machine.agent.name);
    world.enrol(machine.agent);
  }
  void send(LoggingNode& machine) {
    machine.agent.tpm.clock.clock += 10'000;
    attest::UnverifiedEvidence evidence = world.quote(machine.agent);
    evidence.runtime_log = {machine.entries, crypto::sha256(machine.log), machine.log.size()};
    world.send(machine.agent.name, evidence);
  }
  // Ten seconds later, and with all of its log.
  void beat(LoggingNode& machine) {
    world.pass(seconds(10));
    stored(machine) = machine.log;
    send(machine);
  }
  // Each whole piece of a log takes more than half a turn, and any other no time.
  void be_slow() {
    at_piece([this](std::uint64_t) { world.clock.advance(milliseconds(600)); });
  }
  // Before one is read, at this offset.
  void at_piece(std::function<void(std::uint64_t)> what) {
    world.store.answers_instead = [what = std::move(what)](std::uint64_t offset, std::size_t size) {
      if (size == kReplayPiece || size == kJudgedPiece) what(offset);
      return std::optional<Result<Bytes>>();
    };
  }
  std::vector<std::string> codes(const LoggingNode& of) {
    std::vector<std::string> out;
    for (const auto& reason : world.find(of.agent.name)->saved.verdict->reasons) {
      out.push_back(reason.code);
    }
    return out;
  }

  World world;
};

TEST_F(Turns, ASmallLogIsJudgedWhileTwoLargeOnesAreInWork) {
  LoggingNode large("large"), other("large too"), small("small");
  for (LoggingNode* each : {&large, &other, &small}) enrol(*each);
  large.measure_good(10 * kJudgedPiece);
  other.measure_good(10 * kJudgedPiece);
  world.pass(seconds(10));
  world.judge_hangs = true;
  for (LoggingNode* each : {&large, &other, &small}) {
    stored(*each) = each->log;
    send(*each);
  }
  ASSERT_EQ(world.questions.size(), 3U);
  be_slow();
  world.judge_hangs = false;
  world.settle();
  EXPECT_EQ(world.answered, (std::vector<std::string>{"small", "large", "large too"}));
  EXPECT_GE(world.turns_over, 8U);
  for (const LoggingNode* each : {&large, &other, &small}) {
    EXPECT_EQ(world.phase(each->agent.name), Phase::kTrusted) << each->agent.name;
  }
}

// In turns it is what it would be in one, and read once for each of the two steps.
TEST_F(Turns, WhatSeveralTurnsFindIsOneVerdict) {
  LoggingNode node("n");
  enrol(node);
  node.measure(ima_file("/tmp/first", "unknown"));
  node.measure_good(kReplayPiece + kReplayPiece / 2);
  node.measure(ima_file("/tmp/last", "unknown"));
  be_slow();
  beat(node);
  EXPECT_GE(world.turns_over, 2U);
  EXPECT_LE(world.store.log_bytes_read, 2 * node.log.size() + kReplayPiece);
  const auto& reasons = world.find("n")->saved.verdict->reasons;
  ASSERT_EQ(reasons.size(), 2U);
  EXPECT_NE(reasons[0].message.find("/tmp/first"), std::string::npos) << reasons[0].message;
  EXPECT_NE(reasons[1].message.find("/tmp/last"), std::string::npos) << reasons[1].message;
}

TEST_F(Turns, AnEntryThatIsLongerThanAPieceIsJudgedInTurnsToo) {
  LoggingNode node("n");
  enrol(node);
  node.measure(testing::ima_buffer("too-long", std::string(3 * kJudgedPiece, 'x')));
  node.measure_good(2 * kJudgedPiece);
  be_slow();
  beat(node);
  EXPECT_EQ(codes(node), std::vector<std::string>{"RuntimeBufferUnknown"});
}

TEST_F(Turns, OfALogThatChangesBetweenTurnsNothingIsKept) {
  LoggingNode node("n");
  enrol(node);
  node.measure_good(6 * kJudgedPiece);
  int pieces = 0;
  at_piece([&](std::uint64_t offset) {
    world.clock.advance(seconds(1));
    if (offset == 0 && ++pieces == 2) stored(node)[kJudgedPiece / 2] ^= 1;  // after the replay
  });
  beat(node);
  EXPECT_EQ(codes(node), std::vector<std::string>{"RuntimeLogChanged"});
  be_slow();
  beat(node);
  EXPECT_EQ(world.phase("n"), Phase::kTrusted) << codes(node).front();
}

TEST_F(Logs, ABootLogIsJudgedUnderOnePolicyATurnWhereThatTakesLong) {
  std::vector<Json> policies;
  for (const char* name : {"p", "q", "r"}) {
    policies.push_back(policy_with(kBootPolicy));
    policies.back()["metadata"]["name"] = std::string(name);
    policies.back()["metadata"]["uid"] = std::string("policy-") + name;
  }
  world.set_policies(policies);
  world.enrol(agent);
  world.store.at_blob = [this] { world.clock.advance(seconds(1)); };
  store_boot_log();
  beat();
  EXPECT_EQ(world.turns_over, 2U);
  EXPECT_EQ(world.store.blob_reads, 3U);
  EXPECT_EQ(world.phase("n"), Phase::kTrusted) << verdict().reasons.front().message;
  EXPECT_EQ(verdict().policies.size(), 3U);
}

// A full store gives up a log at any time: while it is replayed, or judged.
TEST_F(Turns, ALogThatIsGivenUpWhileItIsReplayedOrJudgedIsAwaited) {
  for (const std::size_t size : {kReplayPiece, kJudgedPiece}) {
    SCOPED_TRACE(size);
    LoggingNode node("n" + std::to_string(size));
    enrol(node);
    node.measure_good(2 * kReplayPiece);
    world.store.answers_instead = [&](std::uint64_t offset, std::size_t wanted) {
      if (wanted == size && offset > 0) stored(node).clear();
      return std::optional<Result<Bytes>>();
    };
    beat(node);
    EXPECT_TRUE(stored(node).empty());
    EXPECT_EQ(world.phase(node.agent.name), Phase::kEnrolling);
    EXPECT_EQ(codes(node), std::vector<std::string>{"LogsAwaited"});
    world.store.answers_instead = nullptr;
    stored(node) = node.log;
    world.appraiser->logs_arrived(node.agent.name, world.now());
    world.settle();
    world.pass(seconds(1));
    EXPECT_EQ(world.phase(node.agent.name), Phase::kTrusted);
  }
}

}  // namespace
}  // namespace avouch::control
