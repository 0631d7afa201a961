// Findings: the same however they came about, and of constant size.

#include "runtimelog/judging.h"

#include <random>
#include <set>
#include <string>

#include "tests/unit/runtimelog/appraise.h"

namespace avouch::runtimelog {
namespace {

TEST(Judging, GivesTheSameFindingsForAnyPiecesAndAnyQuotesInBetween) {
  std::mt19937 random(21);
  ImaMachine machine;
  machine.measure(machine.boot_aggregate());
  std::vector<tpm::PcrValues> quotes = {machine.pcrs};
  for (int i = 0; i < 40; ++i) {
    machine.measure(i % 6 == 5 ? ima_violation("/v" + std::to_string(i))
                               : ima_file("/f", i % 5 == 4 ? "unknown" : "good"));
    quotes.push_back(machine.pcrs);
  }
  const Rules rules = good_rules();
  const Appraised whole = appraise(machine.log, machine.pcrs, rules);
  EXPECT_EQ(whole.findings.counts().refused, 13U);
  EXPECT_EQ(whole.result.reasons.size(), Findings::kMaxIssues + 1);
  for (int round = 0; round < 60; ++round) {
    ReplayState state;
    Findings findings;
    std::size_t at = 0;
    while (at + 1 < quotes.size()) {
      at = std::min(at + random() % 9, quotes.size() - 1);
      state = replay_from(state, machine.log, quotes[at], 1 + random() % 300).value().state;
      if (random() % 3 == 0) continue;  // judging may lag behind
      const auto judged =
          judge_from(findings, rules, state, machine.log, quotes[at], 1 + random() % 300);
      ASSERT_TRUE(judged.has_value());
      findings = Findings::decode(judged.value().findings.encode()).value();
    }
    findings = judge_from(findings, rules, state, machine.log, machine.pcrs).value().findings;
    EXPECT_EQ(findings, whole.findings);
    const RuntimeResult result = conclude(findings, state, rules, Coverage::kExecutables);
    ASSERT_EQ(result.reasons.size(), whole.result.reasons.size());
    for (std::size_t i = 0; i < result.reasons.size(); ++i) {
      EXPECT_EQ(result.reasons[i].code, whole.result.reasons[i].code);
    }
  }
}

TEST(Judging, NeverForgetsARefusedEntryWithinABoot) {
  ImaMachine machine = good_machine();
  machine.measure(ima_file("/tmp/rogue", "rogue"));
  const Rules rules = good_rules();
  const ReplayState first = replay_all(machine.log, machine.pcrs).value().state;
  const Findings findings =
      judge_from({}, rules, first, machine.log, machine.pcrs).value().findings;
  machine.measure(ima_file("/usr/bin/good", "good"));
  const ReplayState second = replay_from(first, machine.log, machine.pcrs).value().state;
  const auto judged = judge_from(findings, rules, second, machine.log, machine.pcrs);
  ASSERT_TRUE(judged.has_value());
  EXPECT_TRUE(judged.value().reasons.empty());
  const RuntimeResult result = conclude(judged.value().findings, second, rules,
                                        Coverage::kExecutables, judged.value().reasons);
  EXPECT_EQ(result.status, attest::Status::kContraindicated);
  ASSERT_EQ(result.reasons.size(), 1U);
  EXPECT_EQ(result.reasons[0].code, code::kFileUnknown);
  const IssueReference issue = judged.value().findings.issues().at(0);
  const attest::Reason explained =
      explain_entry(issue, ByteView(machine.log).subspan(issue.offset), rules, machine.pcrs);
  EXPECT_NE(explained.message.find("/tmp/rogue"), std::string::npos);
  EXPECT_EQ(explain_entry(issue, {}, rules, machine.pcrs), explain_in_short(issue));
}

// A node that meets one unknown file after the other would change its verdict each time, and be
// trusted by no policy in the end.
TEST(Judging, SaysOfManyThatAreRefusedRoughlyHowMany) {
  ImaMachine machine = good_machine();
  std::set<std::string> said;
  for (int file = 0; file < 300; ++file) {
    machine.measure(ima_file("/tmp/" + std::to_string(file), "unknown"));
    const auto reasons = appraise(machine.log, machine.pcrs, good_rules()).result.reasons;
    if (file < 4) {
      EXPECT_EQ(reasons.size(), static_cast<std::size_t>(file) + 1);
    } else {
      ASSERT_EQ(reasons.size(), 5U);
      said.insert(reasons.back().message);
    }
  }
  EXPECT_EQ(said.size(), 9U);
  EXPECT_TRUE(said.contains("runtime log: 256 or more further entries are refused"));
}

TEST(Judging, BeginsAnewUnderOtherRules) {
  ImaMachine machine = good_machine();
  machine.measure(ima_file("/opt/new", "new"));
  const Rules rules = good_rules();
  const ReplayState state = replay_all(machine.log, machine.pcrs).value().state;
  const Findings findings =
      judge_from({}, rules, state, machine.log, machine.pcrs).value().findings;
  EXPECT_EQ(findings.counts().refused, 1U);
  RuleInput input = good_input();
  input.references.push_back(contents({"new"}));
  input.digest = crypto::sha256("other rules");
  const Rules other = rules_of(std::move(input));
  EXPECT_EQ(Judging(findings, other, state, machine.pcrs).offset(), 0U);
  // Findings that are of other rules are no verdict.
  EXPECT_EQ(conclude(findings, state, other, Coverage::kExecutables).status,
            attest::Status::kContraindicated);
  const auto again = judge_from(findings, other, state, machine.log, machine.pcrs);
  EXPECT_EQ(conclude(again.value().findings, state, other, Coverage::kExecutables).status,
            attest::Status::kAffirming);
}

TEST(Judging, OfNothingDenies) {
  EXPECT_EQ(RuntimeResult().status, attest::Status::kContraindicated);
  EXPECT_NE(Judgement().issue, Issue::kNone);
  const ImaMachine machine = good_machine();
  const ReplayState state = replay_all(machine.log, machine.pcrs).value().state;
  EXPECT_EQ(conclude({}, state, good_rules(), Coverage::kExecutables).status,
            attest::Status::kContraindicated);
}

TEST(Findings, RoundTripAndRefuseEveryOtherEncoding) {
  ImaMachine machine = good_machine();
  machine.measure(ima_file("/a", "unknown")).measure(ima_violation("/b"));
  const Findings findings = appraise(machine.log, machine.pcrs, good_rules()).findings;
  const Bytes encoded = findings.encode();
  EXPECT_EQ(encoded.size(), Findings::kEncodedSize);
  EXPECT_EQ(Findings::decode(encoded).value(), findings);
  EXPECT_EQ(Findings::decode(Findings().encode()).value(), Findings());
  for (std::size_t size = 0; size < encoded.size(); ++size) {
    EXPECT_FALSE(Findings::decode(ByteView(encoded).first(size)).has_value());
  }
  for (std::size_t at = 0; at < encoded.size(); ++at) {
    for (const int mask : {0x01, 0x80, 0xff}) {
      Bytes other = encoded;
      other[at] = static_cast<std::uint8_t>(other[at] ^ mask);
      const auto read = Findings::decode(other);
      if (read.has_value()) {
        EXPECT_EQ(read->encode(), other) << at;
      }
      // Behind magic, boot and rules; between them is the form of boot_aggregate.
      const bool in_a_count = at >= 72 && at < 72 + 8 + 1 + 64 + 1 && at != 80;
      if (in_a_count) {
        EXPECT_FALSE(read.has_value()) << at;  // no two counts change alone
      }
    }
  }
}

}  // namespace
}  // namespace avouch::runtimelog
