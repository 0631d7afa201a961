#include "bootlog/replay.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <regex>

#include "tests/unit/bootlog/logs.h"

namespace avouch::bootlog {
namespace {

using testing::corpus_pcrs;
using ::testing::HasSubstr;

std::vector<attest::Reason> compare_all(const Bytes& bytes, const tpm::PcrValues& quoted,
                                        std::uint32_t excluded = 0) {
  const BootLog log = must_read(bytes);
  return compare(log, replay(log), quoted, excluded);
}

// The `pcrs:` part of what tpm2_eventlog prints.
tpm::PcrValues yaml_pcrs(const std::filesystem::path& path) {
  std::ifstream in(path);
  tpm::PcrValues out;
  bool inside = false;
  std::optional<HashAlgorithm> bank;
  const std::regex bank_line(R"(  (sha\d+):\s*)");
  const std::regex value_line(R"(\s+(\d+)\s*:\s*0x([0-9a-fA-F]+)\s*)");
  for (std::string line; std::getline(in, line);) {
    std::smatch match;
    if (line.starts_with("pcrs:")) {
      inside = true;
    } else if (inside && std::regex_match(line, match, bank_line)) {
      bank = crypto::parse_hash_name(match[1].str()).value();
    } else if (inside && bank && std::regex_match(line, match, value_line)) {
      std::string hex = match[2].str();
      std::transform(hex.begin(), hex.end(), hex.begin(),
                     [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
      out[{*bank, static_cast<std::uint8_t>(std::stoi(match[1].str()))}] = from_hex(hex).value();
    }
  }
  return out;
}

TEST(Replay, GivesTheQuotedValuesOfARealBoot) {
  EXPECT_TRUE(compare_all(good_bytes(), corpus_pcrs()).empty());
}

TEST(Replay, GivesWhatAnotherProgramGivesForTheLogsOfOtherMachines) {
  const auto folder = testing::shared_folder("eventlogs");
  if (!folder) return;
  std::size_t values = 0;
  for (const auto& entry : std::filesystem::directory_iterator(*folder / "tpm2-tools")) {
    if (entry.path().extension() != ".bin") continue;
    if (entry.path().filename() == "specid-vendordata.bin") continue;  // refused: log_test.cc
    const BootLog log = must_read(*testing::read_file(entry.path()));
    const std::vector<ReplayedBank> banks = replay(log);
    for (const auto& quoted : yaml_pcrs(entry.path().string() + ".yaml")) {
      const tpm::PcrId pcr = quoted.first;
      const Bytes& value = quoted.second;
      const auto bank = std::find_if(banks.begin(), banks.end(), [&](const ReplayedBank& each) {
        return each.algorithm == pcr.bank;
      });
      ASSERT_NE(bank, banks.end()) << entry.path();
      EXPECT_EQ(to_hex(bank->value(pcr.index)), to_hex(value))
          << entry.path() << " PCR " << int{pcr.index};
      ++values;
    }
  }
  EXPECT_GT(values, 100U);
}

TEST(Replay, GivesTheQuotedValuesOfEveryGenuineCorpusCase) {
  std::size_t cases = 0;
  for (const testing::CorpusCase& each : testing::all_cases()) {
    if (each.folders.size() != 1 || each.id == "13-userspace-extend") continue;  // mutated
    const auto bytes = testing::read_file(each.folders.front() / "eventlog.bin");
    if (!bytes || bytes->empty() || each.quoted_pcrs().empty()) continue;
    for (const auto& reason : compare_all(*bytes, each.quoted_pcrs())) {
      ADD_FAILURE() << each.id << ": " << reason.message;
    }
    ++cases;
  }
  if (testing::shared_folder("corpus")) {
    EXPECT_GE(cases, 17U);
  }
}

TEST(B8, RefusesALogWithoutEventsForPcrsThatAreNotZero) {
  PlainLog log = good_log();
  log.events.clear();
  const auto reasons = compare_all(log.bytes(), corpus_pcrs());
  ASSERT_FALSE(reasons.empty());
  EXPECT_EQ(reasons.front().code, code::kReplayMismatch);
  EXPECT_THAT(reasons.front().message, HasSubstr("no event of the log extends it"));
}

TEST(B9, NoActionHidesNoEvent) {
  PlainLog log = good_log();
  log.events[log.find(8, kIpl)].type = kNoAction;
  const auto reasons = compare_all(log.bytes(), corpus_pcrs());
  ASSERT_EQ(reasons.size(), 1U);
  EXPECT_THAT(reasons[0].message, HasSubstr("PCR 8"));
}

TEST(B9, AStartupLocalityStartsPcrZero) {
  PlainLog log = good_log();
  PlainEvent event{0, kNoAction, {}, to_bytes(std::string_view("StartupLocality\0\3", 17))};
  for (const HashAlgorithm bank : log.banks) {
    event.digests.emplace_back(bank, Bytes(crypto::digest_size(bank)));
  }
  log.events.insert(log.events.begin(), event);
  const auto reasons = compare_all(log.bytes(), corpus_pcrs());
  ASSERT_EQ(reasons.size(), 1U);
  EXPECT_THAT(reasons[0].message, HasSubstr("PCR 0"));

  const BootLog read = must_read(log.bytes());
  Bytes expected(32);
  expected[31] = 3;
  for (const PlainEvent& each : log.events) {
    if (each.pcr != 0 || each.type == kNoAction) continue;
    append(expected, each.digests[1].second);
    expected = crypto::hash(HashAlgorithm::kSha256, expected);
  }
  const ReplayedBank bank = replay_bank(read, HashAlgorithm::kSha256).value();
  EXPECT_TRUE(equal(bank.value(0), expected));
}

TEST(B10, RefusesAQuotedBankThatTheLogHasNoDigestsOf) {
  tpm::PcrValues quoted = corpus_pcrs();
  quoted[{HashAlgorithm::kSha384, 0}] = Bytes(48);
  quoted[{HashAlgorithm::kSha384, 1}] = Bytes(48);
  const auto reasons = compare_all(good_bytes(), quoted);
  ASSERT_EQ(reasons.size(), 1U);
  EXPECT_EQ(reasons[0].code, code::kBankNotInLog);
  EXPECT_THAT(reasons[0].message, HasSubstr("sha384"));
}

TEST(B10, RefusesAQuotedBankThatOneEventLeavesOut) {
  PlainLog log = good_log();
  auto& digests = log.events[3].digests;
  digests.erase(std::find_if(digests.begin(), digests.end(), [](const auto& each) {
    return each.first == HashAlgorithm::kSha256;
  }));
  const auto reasons = compare_all(log.bytes(), corpus_pcrs());
  ASSERT_EQ(reasons.size(), 1U);
  EXPECT_EQ(reasons[0].code, code::kBankNotInLog);
}

TEST(B10, ABankThatAnEventLeavesOutIsNotReplayed) {
  PlainLog log = good_log();
  log.events[5].digests.pop_back();  // SHA-256, a bank that the header names
  const BootLog read = must_read(log.bytes());
  EXPECT_FALSE(replay_bank(read, HashAlgorithm::kSha256).has_value());
  EXPECT_FALSE(replay_bank(read, HashAlgorithm::kSha384).has_value());
  const auto banks = replay(read);
  ASSERT_EQ(banks.size(), 1U);
  EXPECT_EQ(banks[0].algorithm, HashAlgorithm::kSha1);
  const auto reasons = compare(read, banks, corpus_pcrs());
  ASSERT_EQ(reasons.size(), 1U);
  EXPECT_EQ(reasons[0].code, code::kBankNotInLog);
}

TEST(B12, RefusesALogThatIsCutBetweenTwoEventsWhereverItIsCut) {
  PlainLog log = good_log();
  const tpm::PcrValues quoted = corpus_pcrs();
  while (!log.events.empty()) {
    log.events.pop_back();
    EXPECT_FALSE(compare_all(log.bytes(), quoted).empty()) << log.events.size();
  }
}

TEST(B15, ComparesPcrValuesByteByByte) {
  // A value with a zero byte in front is not the value without it, nor one with another length.
  PlainLog log;
  log.banks = {HashAlgorithm::kSha256};
  log.header = make_header(log.banks);
  const tpm::PcrId pcr{HashAlgorithm::kSha256, 0};
  Bytes value;
  for (std::uint32_t i = 0; value.empty() || value[0] != 0; ++i) {
    log.events = {log.make(0, kCrtmVersion, to_bytes(std::to_string(i)))};
    const auto bank = replay_bank(must_read(log.bytes()), HashAlgorithm::kSha256);
    const ByteView replayed = bank.value().value(0);
    value = Bytes(replayed.begin(), replayed.end());
  }
  EXPECT_TRUE(compare_all(log.bytes(), {{pcr, value}}).empty());
  EXPECT_EQ(compare_all(log.bytes(), {{pcr, Bytes(value.begin() + 1, value.end())}}).size(), 1U);
  Bytes longer = {0};
  append(longer, value);
  EXPECT_EQ(compare_all(log.bytes(), {{pcr, longer}}).size(), 1U);
}

TEST(Compare, NamesTheFirstEventThatWasNotMeasured) {
  PlainLog log = good_log();
  const std::size_t size = log.events.size();
  log.events.push_back(log.make(8, kIpl, to_bytes("grub_cmd: x")));
  log.events.push_back(log.make(8, kIpl, to_bytes("grub_cmd: y")));
  const auto reasons = compare_all(log.bytes(), corpus_pcrs());
  ASSERT_EQ(reasons.size(), 1U);
  EXPECT_EQ(reasons[0].event, (attest::EventPlace{8, static_cast<std::uint32_t>(size + 1)}));
}

TEST(Compare, ExpectsUnloggedPcrsAtTheirStartButForTheRuntimeLogsAndThoseLeftOut) {
  tpm::PcrValues quoted = corpus_pcrs();
  const auto with = [&](std::uint8_t index, std::uint8_t byte) {
    tpm::PcrValues out = quoted;
    out[{HashAlgorithm::kSha256, index}] = Bytes(32, byte);
    return out;
  };
  for (const std::uint8_t zero : std::vector<std::uint8_t>{11, 12, 13, 15, 16, 23}) {
    EXPECT_TRUE(compare_all(good_bytes(), with(zero, 0)).empty()) << int{zero};
    EXPECT_EQ(compare_all(good_bytes(), with(zero, 0xff)).size(), 1U) << int{zero};
    EXPECT_TRUE(compare_all(good_bytes(), with(zero, 0xff), 1U << zero).empty()) << int{zero};
  }
  for (std::uint8_t drtm = 17; drtm <= 22; ++drtm) {
    EXPECT_TRUE(compare_all(good_bytes(), with(drtm, 0xff)).empty()) << int{drtm};
    EXPECT_EQ(compare_all(good_bytes(), with(drtm, 0)).size(), 1U) << int{drtm};
  }
  EXPECT_TRUE(compare_all(good_bytes(), with(10, 0x77)).empty());
}

TEST(Compare, SaysNothingOfWhatIsNotQuoted) {
  PlainLog log = good_log();
  log.events.push_back(log.make(13, kIpl, to_bytes("evil")));
  for (PlainEvent& event : log.events) event.digests[0].second[0] ^= 1;  // SHA-1: not quoted
  EXPECT_TRUE(compare_all(log.bytes(), corpus_pcrs()).empty());
}

}  // namespace
}  // namespace avouch::bootlog
