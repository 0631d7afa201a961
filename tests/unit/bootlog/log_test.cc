#include "bootlog/log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/bootlog/logs.h"

namespace avouch::bootlog {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

std::string refusal(const Bytes& bytes, const Limits& limits = {}) {
  const auto log = read_log(bytes, limits);
  if (log.has_value()) return "accepted";
  EXPECT_EQ(log.reason().code, code::kMalformed);
  return log.reason().message;
}

Bytes with_le32(Bytes bytes, std::size_t at, std::uint32_t value) {
  for (std::size_t i = 0; i < 4; ++i)
    bytes.at(at + i) = static_cast<std::uint8_t>(value >> (8 * i));
  return bytes;
}

PlainLog small_log() {
  PlainLog log;
  log.banks = {HashAlgorithm::kSha1, HashAlgorithm::kSha256};
  log.header = make_header(log.banks);
  log.events.push_back(log.make(0, kCrtmVersion, to_bytes("v1")));
  log.events.push_back(log.make(0, kSeparator, Bytes(4)));
  return log;
}

PlainEvent locality(const PlainLog& log, std::uint8_t value, std::uint32_t pcr = 0) {
  PlainEvent event{pcr, kNoAction, {}, to_bytes(std::string_view("StartupLocality\0", 16))};
  event.data.push_back(value);
  for (const HashAlgorithm bank : log.banks) {
    event.digests.emplace_back(bank, Bytes(crypto::digest_size(bank)));
  }
  return event;
}

TEST(ReadLog, GivesEveryEventOfARealLogWithItsDigestsAndData) {
  const BootLog log = must_read(good_bytes());
  EXPECT_TRUE(log.crypto_agile());
  EXPECT_TRUE(log.has_bank(HashAlgorithm::kSha1));
  EXPECT_TRUE(log.has_bank(HashAlgorithm::kSha256));
  EXPECT_FALSE(log.has_bank(HashAlgorithm::kSha384));
  EXPECT_EQ(plain_log(log).bytes(), good_bytes());
  EXPECT_EQ(log.startup_locality(), 0);
}

TEST(ReadLog, ReadsTheShaOneEra) {
  Bytes bytes;
  put_le(bytes, 4, 4);
  put_le(bytes, kEfiAction, 4);
  append(bytes, crypto::hash(HashAlgorithm::kSha1, to_bytes("x")));
  put_le(bytes, 1, 4);
  bytes.push_back('x');
  const BootLog log = must_read(bytes);
  EXPECT_FALSE(log.crypto_agile());
  ASSERT_EQ(log.events().size(), 1U);
  EXPECT_EQ(log.events()[0].pcr, 4U);
  EXPECT_FALSE(log.has_bank(HashAlgorithm::kSha256));
}

TEST(B8, RefusesAnEmptyLog) { EXPECT_THAT(refusal({}), HasSubstr("empty")); }

TEST(B9, RefusesAStartupLocalityThatIsWrongRepeatedOrLate) {
  for (const std::uint8_t good : std::vector<std::uint8_t>{0, 3, 4}) {
    PlainLog log = small_log();
    log.events.insert(log.events.begin(), locality(log, good));
    EXPECT_EQ(must_read(log.bytes()).startup_locality(), good);
  }
  for (const std::uint8_t bad : std::vector<std::uint8_t>{1, 2, 5, 255}) {
    PlainLog log = small_log();
    log.events.insert(log.events.begin(), locality(log, bad));
    EXPECT_THAT(refusal(log.bytes()), HasSubstr("expected 0, 3 or 4"));
  }
  PlainLog log = small_log();
  log.events.insert(log.events.begin(), locality(log, 3));
  log.events.insert(log.events.begin(), locality(log, 3));
  EXPECT_THAT(refusal(log.bytes()), HasSubstr("second StartupLocality"));
  log = small_log();
  log.events.insert(log.events.begin() + 1, locality(log, 3));
  EXPECT_THAT(refusal(log.bytes()), HasSubstr("after PCR 0 was extended"));
  log = small_log();
  log.events.insert(log.events.begin(), locality(log, 3, 7));
  EXPECT_THAT(refusal(log.bytes()), HasSubstr("not 0"));
  log = small_log();
  log.events.insert(log.events.begin(), locality(log, 3));
  log.events[0].data.push_back(0);
  EXPECT_THAT(refusal(log.bytes()), HasSubstr("expected 17"));
}

TEST(B9, RefusesAnHcrtmEventThatIsNotTheFirstAtLocalityFour) {
  PlainLog log = small_log();
  log.events.insert(log.events.begin(), log.make(0, kHcrtmEvent, to_bytes("HCRTM")));
  EXPECT_THAT(refusal(log.bytes()), HasSubstr("StartupLocality of 4"));
  log.events.insert(log.events.begin(), locality(log, 4));
  EXPECT_EQ(refusal(log.bytes()), "accepted");
  std::swap(log.events[1], log.events[2]);
  EXPECT_THAT(refusal(log.bytes()), HasSubstr("expected first"));
}

// Firmware that names all of its TPM's algorithms and logs the active banks alone is genuine; a
// bank that any event leaves out can prove nothing.
TEST(B10, CountsABankThatAnyEventLeavesOutAsMissing) {
  PlainLog log = small_log();
  const HashAlgorithm dropped = log.events[1].digests.back().first;
  const HashAlgorithm kept = log.events[1].digests.front().first;
  log.events[1].digests.pop_back();
  const BootLog read = must_read(log.bytes());
  EXPECT_FALSE(read.has_bank(dropped));
  EXPECT_TRUE(read.has_bank(kept));
}

TEST(B10, RefusesEventsWithoutADigestOrWithAnotherOne) {
  PlainLog log = small_log();
  log.events[1].digests.clear();
  EXPECT_THAT(refusal(log.bytes()), HasSubstr("0 digests"));
  log = small_log();
  log.events[1].digests[1] = log.events[1].digests[0];
  EXPECT_THAT(refusal(log.bytes()), HasSubstr("two digests"));
  log = small_log();
  log.events[1].digests[1] = {HashAlgorithm::kSha384, Bytes(48)};
  EXPECT_THAT(refusal(log.bytes()), HasSubstr("header does not name"));
  const Bytes good = small_log().bytes();
  const std::size_t count_at = small_log().header.size() + 8;
  EXPECT_THAT(refusal(with_le32(good, count_at, 0xffffffff)), HasSubstr("4294967295 digests"));
}

TEST(B11, RefusesHeadersThatLie) {
  const Bytes good = small_log().bytes();
  const std::size_t data = 32;
  EXPECT_THAT(refusal(with_le32(good, data + 24, 0xffffffff)), HasSubstr("4294967295 digest alg"));
  EXPECT_THAT(refusal(with_le32(good, data + 24, 0)), HasSubstr("0 digest algorithms"));
  EXPECT_THAT(refusal(with_le32(good, 28, 0xfffffff0)), HasSubstr("are left"));
  Bytes bad = good;
  bad[data + 21] = 3;  // major version
  EXPECT_THAT(refusal(bad), HasSubstr("version 3.0"));
  bad = good;
  bad[data + 23] = 8;  // size of UINTN
  EXPECT_THAT(refusal(bad), HasSubstr("UINTN"));
  bad = good;
  bad[data + 30] = 21;  // size of SHA-1
  EXPECT_THAT(refusal(bad), HasSubstr("expected 20"));
  bad = good;
  bad[data + 28] = 0x99;
  EXPECT_THAT(refusal(bad), HasSubstr("not known"));
  bad = good;
  bad[data + 28] = 0x0b;
  bad[data + 30] = 32;
  EXPECT_THAT(refusal(bad), HasSubstr("named twice"));
  bad = good;
  bad[data + 36] = 7;  // vendor information that is not there
  EXPECT_THAT(refusal(bad), HasSubstr("vendor"));
  bad = good;
  bad[0] = 1;
  EXPECT_THAT(refusal(bad), HasSubstr("names PCR 1"));
  bad = good;
  bad[10] = 1;
  EXPECT_THAT(refusal(bad), HasSubstr("20 zero bytes"));
  PlainLog twice = small_log();
  PlainEvent second = locality(twice, 0);
  second.data = to_bytes(std::string_view("Spec ID Event03\0", 16));
  twice.events.push_back(second);
  EXPECT_THAT(refusal(twice.bytes()), HasSubstr("second header"));
}

TEST(B12, RefusesImpossibleSizesAndPcrsAndWhatFollowsTheLastEvent) {
  PlainLog log = small_log();
  log.events[1].pcr = 24;
  EXPECT_THAT(refusal(log.bytes()), HasSubstr("PCR 24, expected 0 to 23"));
  log.events[1].type = kNoAction;
  EXPECT_EQ(refusal(log.bytes()), "accepted");  // never extended; real firmware writes -1
  const Bytes good = small_log().bytes();
  EXPECT_THAT(refusal(with_le32(good, good.size() - 8, 3'000'000'000)), HasSubstr("3000000000"));
  Bytes more = good;
  more.resize(good.size() + 4096);
  EXPECT_THAT(refusal(more), HasSubstr("4096 zero bytes in place of an event"));
  more = good;
  more.push_back(1);
  EXPECT_THAT(refusal(more), HasSubstr("event 3"));
  log = small_log();
  log.events[0].data.clear();
  EXPECT_EQ(refusal(log.bytes()), "accepted");
}

TEST(B12, BoundsBytesAndEvents) {
  EXPECT_THAT(refusal(good_bytes(), {.bytes = 1000}), HasSubstr("at most 1000"));
  PlainLog log = small_log();
  EXPECT_EQ(refusal(log.bytes(), {.events = 3}), "accepted");
  EXPECT_THAT(refusal(log.bytes(), {.events = 2}), HasSubstr("more events than the limit of 2"));
  for (int i = 0; i < 100'000; ++i) log.events.push_back(log.events[0]);
  EXPECT_THAT(refusal(log.bytes()), HasSubstr("limit of 100000"));
}

TEST(B12, RefusesEveryTruncationThatIsNotBetweenTwoEvents) {
  const Bytes good = good_bytes();
  const BootLog log = must_read(good);
  std::set<std::size_t> ends = {good.size()};
  for (const Event& event : log.events()) ends.insert(event.offset);
  ends.erase(0);
  for (std::size_t size = 0; size <= good.size(); ++size) {
    const auto read = read_log(ByteView(good).first(size));
    ASSERT_EQ(read.has_value(), ends.contains(size)) << size;
    if (!read.has_value()) {
      ASSERT_EQ(read.reason().code, code::kMalformed);
    }
  }
}

TEST(ReadLog, StaysQuickOnZerosThatEndInAOne) {
  Bytes bytes(16 * 1024 * 1024);
  bytes.back() = 1;
  EXPECT_THAT(refusal(bytes), HasSubstr("limit"));
}

// Logs of other people's machines and of other projects' tests. One of them is no machine's: its
// header says a size that leaves its vendor information out.
TEST(SharedLogs, AreReadButForTheOneWhoseSizesContradictEachOther) {
  const auto logs = testing::shared_folder("eventlogs");
  if (!logs) return;
  std::size_t read = 0;
  for (const char* folder : {"tpm2-tools", "go-attestation"}) {
    for (const auto& entry : std::filesystem::directory_iterator(*logs / folder)) {
      const auto ending = entry.path().extension();
      if (ending == ".yaml" || ending == ".json") continue;
      const auto log = read_log(*testing::read_file(entry.path()));
      if (entry.path().filename() == "specid-vendordata.bin") {
        ASSERT_FALSE(log.has_value());
        EXPECT_THAT(log.reason().message, HasSubstr("0 bytes of vendor information, expected 4"));
        continue;
      }
      ASSERT_TRUE(log.has_value()) << entry.path() << ": " << log.reason().message;
      ++read;
    }
  }
  EXPECT_GE(read, 18U);
}

}  // namespace
}  // namespace avouch::bootlog
