// Replay against quoted PCR 10: growth, pieces, banks, and what is no evidence.

#include "runtimelog/log_replay.h"

#include <random>

#include "tests/unit/runtimelog/appraise.h"

namespace avouch::runtimelog {
namespace {

using crypto::HashAlgorithm;
using Kernel = ImaMachine::Kernel;

const std::vector<HashAlgorithm> kAllBanks = {HashAlgorithm::kSha256, HashAlgorithm::kSha1,
                                              HashAlgorithm::kSha384, HashAlgorithm::kSha512};

TEST(LogReplay, MeetsTheQuotedPcrInEveryBankAndKindOfKernel) {
  for (const Kernel kernel : {Kernel::kHashesForEachBank, Kernel::kPadsSha1}) {
    ImaMachine machine(kAllBanks, kernel);
    machine.measure(machine.boot_aggregate())
        .measure(ima_file("/a", "a"))
        .measure(ima_violation("/b"));
    machine.measure(ima_legacy(Bytes(20, 9), "/c"));
    const auto replayed = replay_all(machine.log, machine.pcrs);
    ASSERT_TRUE(replayed.has_value() && replayed.value().met);
    const ReplayState& state = replayed.value().state;
    EXPECT_EQ(state.entries(), 4U);
    EXPECT_EQ(state.offset(), machine.log.size());
    EXPECT_EQ(state.log_digest(), crypto::sha256(machine.log));
    EXPECT_EQ(state.is_strong(), kernel == Kernel::kHashesForEachBank);
    for (const HashAlgorithm bank : {HashAlgorithm::kSha256, HashAlgorithm::kSha384}) {
      EXPECT_EQ(state.extends(bank),
                kernel == Kernel::kPadsSha1 ? Extends::kPaddedSha1 : Extends::kOwnHash);
    }
  }
}

TEST(LogReplay, LeavesWhatIsNewerThanTheQuoteUnproven) {
  ImaMachine machine = good_machine();
  const tpm::PcrValues quoted = machine.pcrs;
  const std::size_t proven = machine.log.size();
  machine.measure(ima_file("/late", "late")).measure(ima_file("/later", "later"));
  const auto replayed = replay_all(machine.log, quoted);
  ASSERT_TRUE(replayed.has_value() && replayed.value().met);
  EXPECT_EQ(replayed.value().state.offset(), proven);
  EXPECT_EQ(replayed.value().unproven_entries, 2U);
  EXPECT_EQ(replayed.value().unproven_bytes, machine.log.size() - proven);
  machine.log[proven + sizeof(std::uint32_t)] ^= 1;  // the template digest of "/late"
  EXPECT_EQ(replay_all(machine.log, quoted).value().wrong_template_digests, 0U);
}

TEST(LogReplay, KeepsItsStateWhereTheLogIsBehindTheQuote) {
  ImaMachine machine = good_machine();
  const Bytes before = machine.log;
  const ReplayState state = replay_all(before, machine.pcrs).value().state;
  machine.measure(ima_file("/late", "late"));
  const auto behind = replay_from(state, before, machine.pcrs);
  ASSERT_TRUE(behind.has_value());
  EXPECT_FALSE(behind.value().met);
  EXPECT_EQ(behind.value().state, state);
  EXPECT_EQ(behind.value().reason->code, code::kLogNotReplayed);
  EXPECT_TRUE(replay_from(state, machine.log, machine.pcrs).value().met);
}

// Any pieces, any quotes in between: the state is that of the whole log read at once.
TEST(LogReplay, GivesTheSameStateForAnyPiecesAndAnyQuotesInBetween) {
  std::mt19937 random(20);
  for (const Kernel kernel : {Kernel::kHashesForEachBank, Kernel::kPadsSha1}) {
    ImaMachine machine({HashAlgorithm::kSha256, HashAlgorithm::kSha384}, kernel);
    machine.measure(machine.boot_aggregate());
    std::vector<tpm::PcrValues> quotes = {machine.pcrs};
    for (int i = 0; i < 30; ++i) {
      machine.measure(i % 7 == 3 ? ima_violation("/v") : ima_file("/f" + std::to_string(i), "x"));
      quotes.push_back(machine.pcrs);
    }
    const ReplayState whole = replay_all(machine.log, machine.pcrs).value().state;
    for (int round = 0; round < 60; ++round) {
      ReplayState state;
      std::size_t at = 0;
      while (at + 1 < quotes.size()) {
        at = std::min(at + random() % 9, quotes.size() - 1);
        const auto replayed = replay_from(state, machine.log, quotes[at], 1 + random() % 300);
        ASSERT_TRUE(replayed.has_value() && replayed.value().met);
        state = ReplayState::decode(replayed.value().state.encode()).value();
        EXPECT_EQ(state.entries(), at + 1);
      }
      EXPECT_EQ(state, whole);
    }
  }
}

TEST(LogReplay, SaysOfALogThatIsNotThereWhatTheAgentMustBeLetRead) {
  const ImaMachine machine = good_machine();
  const auto without = replay_all({}, machine.pcrs);
  ASSERT_TRUE(without.has_value() && without.value().reason.has_value());
  const attest::Reason& reason = *without.value().reason;
  EXPECT_EQ(reason.code, code::kLogMissing);
  EXPECT_TRUE(reason.message.starts_with("no runtime log, but PCR 10 was extended: "));
  EXPECT_TRUE(reason.message.ends_with(
      ": expected the kernel's binary_runtime_measurements; let the agent read it (the chart's "
      "agent.measurements, hostPath and runtimeLog)"))
      << reason.message;
}

TEST(LogReplay, RefusesAQuoteWithoutPcr10) {
  const ImaMachine machine = good_machine();
  tpm::PcrValues quoted = machine.pcrs;
  quoted.erase({HashAlgorithm::kSha256, 10});
  EXPECT_EQ(replay_all(machine.log, quoted).reason().code, attest::code::kSelectionInsufficient);
}

TEST(LogReplay, NeedsEveryQuotedBankToMeetAtTheSameEntry) {
  ImaMachine machine({HashAlgorithm::kSha256, HashAlgorithm::kSha1});
  machine.measure(machine.boot_aggregate());
  const Bytes early = machine.pcrs.at({HashAlgorithm::kSha1, 10});
  machine.measure(ima_file("/a", "a"));
  EXPECT_TRUE(replay_all(machine.log, machine.pcrs).value().met);
  machine.pcrs.at({HashAlgorithm::kSha1, 10}) = early;
  EXPECT_FALSE(replay_all(machine.log, machine.pcrs).value().met);
}

TEST(LogReplay, BeginsAnewForAnotherBootAndForOtherBanks) {
  ImaMachine machine({HashAlgorithm::kSha256, HashAlgorithm::kSha1});
  machine.measure(machine.boot_aggregate()).measure(ima_file("/a", "a"));
  const ReplayState state = replay_all(machine.log, machine.pcrs).value().state;
  const auto offset = [&](const BootIdentity& boot, const tpm::PcrValues& quoted) {
    return LogReplay::begin(state, boot, quoted).value().offset();
  };
  EXPECT_EQ(offset(kBoot, machine.pcrs), machine.log.size());
  EXPECT_EQ(offset(boot_identity(Bytes{1, 2, 3}, 8), machine.pcrs), 0U);
  EXPECT_EQ(offset(boot_identity(Bytes{1, 2, 4}, 7), machine.pcrs), 0U);
  tpm::PcrValues fewer = machine.pcrs;
  fewer.erase({HashAlgorithm::kSha1, 10});
  EXPECT_EQ(offset(kBoot, fewer), 0U);
}

TEST(LogReplay, KeepsToTheKindOfExtendingThatTheBootBeganWith) {
  ImaMachine machine({HashAlgorithm::kSha256}, Kernel::kHashesForEachBank);
  machine.measure(machine.boot_aggregate());
  const ReplayState state = replay_all(machine.log, machine.pcrs).value().state;
  machine.kernel = Kernel::kPadsSha1;
  machine.measure(ima_file("/a", "a"));
  EXPECT_FALSE(replay_from(state, machine.log, machine.pcrs).value().met);
}

// Both kinds extend ff..ff for a violation, so a quote after nothing else cannot tell them apart.
TEST(LogReplay, LeavesTheKindOpenWhileOnlyViolationsWereExtended) {
  for (const Kernel kernel : {Kernel::kHashesForEachBank, Kernel::kPadsSha1}) {
    ImaMachine machine({HashAlgorithm::kSha256}, kernel);
    machine.measure(ima_violation("/a"));
    const ReplayState state = replay_all(machine.log, machine.pcrs).value().state;
    EXPECT_EQ(state.extends(HashAlgorithm::kSha256), Extends::kUndecided);
    EXPECT_FALSE(state.is_strong());
    machine.measure(ima_file("/b", "b"));
    EXPECT_TRUE(replay_from(state, machine.log, machine.pcrs).value().met);
  }
}

TEST(LogReplay, BoundsWhatOneCallTakes) {
  const ImaMachine machine = good_machine();
  for (const ReplayLimits limits : {ReplayLimits{2, 1 << 20}, ReplayLimits{100, 200}}) {
    auto replay = LogReplay::begin({}, kBoot, machine.pcrs, limits).value();
    EXPECT_EQ(replay.feed(machine.log).reason().code, code::kLogTooLong);
  }
}

TEST(LogReplay, RefusesEveryTruncationOfAShortLog) {
  const ImaMachine machine = good_machine();
  for (std::size_t size = 0; size < machine.log.size(); ++size) {
    const auto replayed = replay_all(ByteView(machine.log).first(size), machine.pcrs);
    if (replayed.has_value()) {
      EXPECT_FALSE(replayed.value().met) << size;
    } else {
      EXPECT_EQ(replayed.reason().code, code::kLogMalformed) << size;
    }
  }
}

// The one thing that replay over SHA-256 alone does not see is the template digest field: judging
// refuses that.
TEST(LogReplay, RefusesEveryFlippedBitOfAShortLog) {
  const ImaMachine machine = good_machine();
  for (std::size_t bit = 0; bit < machine.log.size() * 8; ++bit) {
    Bytes log = machine.log;
    log[bit / 8] = static_cast<std::uint8_t>(log[bit / 8] ^ 1U << bit % 8);
    EXPECT_FALSE(appraise(log, machine.pcrs, good_rules()).affirming()) << bit;
  }
}

TEST(LogReplay, RefusesAnyOtherQuotedValue) {
  const ImaMachine machine = good_machine();
  for (std::size_t bit = 0; bit < 256; ++bit) {
    tpm::PcrValues quoted = machine.pcrs;
    Bytes& pcr = quoted.at({HashAlgorithm::kSha256, 10});
    pcr[bit / 8] = static_cast<std::uint8_t>(pcr[bit / 8] ^ 1U << bit % 8);
    EXPECT_FALSE(replay_all(machine.log, quoted).value().met);
  }
}

TEST(ReplayState, RoundTripsAndRefusesEveryOtherEncoding) {
  const ReplayState state = replay_all(good_machine().log, good_machine().pcrs).value().state;
  const Bytes encoded = state.encode();
  EXPECT_EQ(encoded.size(), ReplayState::kEncodedSize);
  EXPECT_EQ(ReplayState::decode(encoded).value(), state);
  EXPECT_EQ(ReplayState::decode(ReplayState().encode()).value(), ReplayState());
  for (std::size_t size = 0; size < encoded.size(); ++size) {
    EXPECT_FALSE(ReplayState::decode(ByteView(encoded).first(size)).has_value());
  }
  for (const auto& [at, value] : std::map<std::size_t, std::uint8_t>{
           {0, 'x'}, {48, 16}, {49, 1}, {50, 3}, {51, 1}, {48, 0}}) {
    Bytes bad = encoded;
    bad.at(at) = value;
    EXPECT_FALSE(ReplayState::decode(bad).has_value()) << at;
  }
  // What is read has that one form again.
  for (std::size_t at = 0; at < encoded.size(); ++at) {
    Bytes other = encoded;
    other[at] ^= 0x55;
    const auto read = ReplayState::decode(other);
    if (read.has_value()) {
      EXPECT_EQ(read->encode(), other) << at;
    }
  }
}

}  // namespace
}  // namespace avouch::runtimelog
