#include "control/recorder.h"

#include <gtest/gtest.h>

#include "tests/support/manual_clock.h"
#include "tests/unit/control/memory_archive.h"
#include "tlog/entry.h"

namespace avouch::control {
namespace {

class CountingLog final : public EntryLog {
 public:
  Result<std::vector<LogPlace>> append(std::vector<EntryToLog> entries) override {
    std::vector<LogPlace> out;
    for (const EntryToLog& entry : entries)
      out.push_back({next++, crypto::sha256(entry.statement)});
    return out;
  }
  std::uint64_t next = 5;
};

class MemoryRecords final : public RecordStore {
 public:
  Result<std::map<std::string, std::string>> load() override { return texts; }
  Result<void> apply(std::span<const RecordChange> changes) override {
    for (const RecordChange& change : changes) texts[change.key] = change.text;
    return {};
  }
  std::map<std::string, std::string> texts;
};

class NotingObserver final : public ControlObserver {
 public:
  void heartbeat(std::string_view, std::string_view, std::chrono::microseconds) override {}
  void verdict(std::string_view node, std::string_view phase, std::string_view reason,
               std::uint64_t) override {
    verdicts.push_back(std::string(node) + " " + std::string(phase) + " " + std::string(reason));
  }
  void problem(std::string_view, std::string_view) override {}
  void note(std::string_view, std::string_view) override {}
  void fatal(std::string_view, const Error&) override {}
  std::vector<std::string> verdicts;
};

class RecorderTest : public ::testing::Test {
 protected:
  std::optional<LogPlace> record(std::optional<LogPlace> known, bool with_entry,
                                 const std::vector<attest::Reason>& reasons = {}) {
    RecordJob job;
    job.node_name = "n";
    job.record.emplace();
    job.record->node_name = "n";
    job.record->node_uid = "uid";
    NodeVerdict verdict;
    verdict.log = known;
    verdict.phase = reasons.empty() ? Phase::kTrusted : Phase::kContraindicated;
    verdict.reasons = reasons;
    job.record->verdict = verdict;
    if (with_entry) {
      job.entry = LogJob{.kind = std::string(tlog::kNodeVerdict),
                         .subject = tlog::node_pseudonym(Bytes(32, 1), "uid"),
                         .payload = codec::Cbor::map({})};
    }
    recorder.add(std::move(job));
    EXPECT_TRUE(recorder.step().has_value());
    const auto saved = parse_record(records.texts.at("uid"));
    EXPECT_TRUE(saved.has_value());
    EXPECT_EQ(saved->log_origin, "log");
    return saved->record.verdict->log;
  }
  void forget() {
    RecordJob job;
    job.changes.push_back({"uid", ""});
    recorder.add(std::move(job));
    EXPECT_TRUE(recorder.step().has_value());
  }

  CountingLog log;
  MemoryRecords records;
  RenewalBatch renewals;
  MemoryEvidence evidence;
  MemoryArchive archive{evidence};
  crypto::PrivateKey key = crypto::PrivateKey::generate(crypto::KeyType::kEcP256);
  testing::ManualClock clock;
  NotingObserver observer;
  std::optional<LogPlace> told;
  Recorder recorder{{.origin = "log"},
                    log,
                    records,
                    renewals,
                    archive,
                    key,
                    crypto::system_random(),
                    clock,
                    observer,
                    [this](const RecordJob&, std::optional<LogPlace> place) { told = place; }};
};

TEST_F(RecorderTest, RecordsSayWhereTheNewestEntryIsWhetherTheAppraiserKnowsItYetOrNot) {
  EXPECT_FALSE(record(std::nullopt, false).has_value());
  ASSERT_TRUE(record(std::nullopt, true).has_value());
  ASSERT_TRUE(told.has_value());
  const LogPlace first = *told;
  EXPECT_EQ(first.index, 5U);
  EXPECT_EQ(record(std::nullopt, false), first) << "decided before recorded() came";
  EXPECT_EQ(record(first, false), first);
  EXPECT_EQ(record(first, true)->index, 6U);
  const LogPlace second = *told;
  EXPECT_EQ(record(first, false), second) << "decided before recorded() came";
  EXPECT_EQ(record(second, false), second);
  EXPECT_EQ(record(second, false), second) << "and goes on, by the appraiser's own word";
}

TEST_F(RecorderTest, KeepsNothingOfANodeThatIsGoneOrThatTheAppraiserKnows) {
  const auto first = record(std::nullopt, true);
  EXPECT_EQ(record(first, false), first);
  EXPECT_FALSE(record(std::nullopt, false).has_value()) << "it is the appraiser's to say now";
  ASSERT_TRUE(record(std::nullopt, true).has_value());
  forget();
  EXPECT_FALSE(record(std::nullopt, false).has_value());
}

// Row Q9 of THREATS.md: so that an exception of the verifier is an alarm.
TEST_F(RecorderTest, TellsTheObserverOfEachVerdictThatIsEnteredWithItsFirstReason) {
  record(std::nullopt, true);
  record(std::nullopt, true,
         {attest::refuse(attest::code::kInternalError, "failed unexpectedly"),
          attest::refuse(attest::code::kPcrMismatch, "differs")});
  record(std::nullopt, false, {attest::refuse(attest::code::kInternalError, "the same still")});
  EXPECT_EQ(observer.verdicts,
            (std::vector<std::string>{"n Trusted ", "n Contraindicated InternalError"}));
}

}  // namespace
}  // namespace avouch::control
