// Logs decoded beside PCR values: what was compared, and what that proves.

#include "appraisal/log_dump.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "bootlog/replay.h"
#include "tests/support/corpus.h"
#include "tests/support/ima_log.h"

namespace avouch::appraisal {
namespace {

using crypto::HashAlgorithm;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::ima_file;
using testing::ImaMachine;

Bytes good_boot_log() {
  return testing::read_file(testing::vectors_dir() / "bootlogs" / "good.bin").value();
}

// What a machine that measured exactly this has: of each of `banks` the PCRs of `mask`.
tpm::PcrValues values_after(ByteView log, const std::vector<HashAlgorithm>& banks,
                            std::uint32_t mask) {
  tpm::PcrValues out;
  const bootlog::BootLog read = bootlog::read_log(log).value();
  for (const HashAlgorithm bank : banks) {
    const bootlog::ReplayedBank replayed = bootlog::replay_bank(read, bank).value();
    for (std::uint8_t pcr = 0; pcr < tpm::kPcrCount; ++pcr) {
      const ByteView value = replayed.value(pcr);
      if (((mask >> pcr) & 1U) != 0) out[{bank, pcr}] = Bytes(value.begin(), value.end());
    }
  }
  return out;
}

LogDump dump(ByteView log, const tpm::PcrValues& pcrs) { return dump_log(log, pcrs).value(); }

std::vector<std::string> problem_codes(const LogDump& of) {
  std::vector<std::string> out;
  for (const attest::Reason& each : of.problems) out.push_back(each.code);
  return out;
}

// Records of the SHA-1 era: PCR, type, digest, data.
Bytes sha1_log() {
  Bytes out;
  for (const std::uint32_t pcr : {0U, 7U}) {
    const Bytes data(4, 0);
    testing::append_le32(out, pcr);
    testing::append_le32(out, 4);  // EV_SEPARATOR
    append(out, testing::openssl_digest(HashAlgorithm::kSha1, data));
    testing::append_field(out, data);
  }
  return out;
}

TEST(DumpLog, SaysWhichPcrsOfABootLogWereCompared) {
  const Bytes log = good_boot_log();
  const LogDump all = dump(log, values_after(log, {HashAlgorithm::kSha256}, 0xffffff));
  EXPECT_THAT(all.problems, ::testing::IsEmpty());
  EXPECT_THAT(all.notes,
              ElementsAre("PCRs compared (sha256: 0-9, 11-23): all are as the log gives them"));
  EXPECT_THAT(to_table(all, kWholeText), HasSubstr("\nPCRs compared (sha256: 0-9, 11-23): all"));
  EXPECT_THAT(codec::to_json(to_json(all)), HasSubstr(R"("compared":{"sha256":[0,1,2,)"));

  tpm::PcrValues one = values_after(log, {HashAlgorithm::kSha1, HashAlgorithm::kSha256}, 1U << 7);
  EXPECT_THAT(dump(log, one).notes,
              ElementsAre("PCRs compared (sha1: 7; sha256: 7): all are as the log gives them",
                          "PCR 0-6, 8-9, 14: not compared, as no value was given; nothing is "
                          "proven of its events"));
  one[{HashAlgorithm::kSha256, 7}].back() ^= 1;
  EXPECT_EQ(dump(log, one).notes.front(),
            "PCRs compared (sha1: 7; sha256: 7): they are not all as the log gives them");
  EXPECT_THAT(dump_log(log, std::nullopt).value().notes, ::testing::IsEmpty());
}

TEST(DumpLog, SaysThatShaOneAloneProvesNothing) {
  const Bytes log = good_boot_log();
  const LogDump weak = dump(log, values_after(log, {HashAlgorithm::kSha1}, 0xffffff));
  EXPECT_THAT(weak.problems, ::testing::IsEmpty());
  EXPECT_THAT(weak.notes.back(),
              HasSubstr("PCR 0-9, 11-23: compared in SHA-1 alone, which proves nothing"));
  EXPECT_THAT(weak.notes.back(), HasSubstr("give the values of another bank, too"));
  const Bytes old = sha1_log();
  EXPECT_THAT(dump(old, values_after(old, {HashAlgorithm::kSha1}, 0x81)).notes.back(),
              HasSubstr("the log has no other digests: enable the TPM's SHA-256 bank"));

  ImaMachine machine({HashAlgorithm::kSha1});
  machine.measure(machine.boot_aggregate());
  const LogDump runtime = dump(machine.log, machine.pcrs);
  EXPECT_THAT(runtime.notes,
              ElementsAre(HasSubstr("PCR compared (sha1: 10): all 1 entry fit in SHA-1 alone")));
  EXPECT_EQ(runtime.proven_entries, 0U);
}

TEST(DumpLog, TakesNoValuesOfOtherPcrsForAComparison) {
  const Bytes log = good_boot_log();
  EXPECT_THAT(problem_codes(dump(log, values_after(log, {HashAlgorithm::kSha256}, 1U << 10))),
              ElementsAre("SelectionInsufficient"));
  ImaMachine machine;
  machine.measure(machine.boot_aggregate());
  machine.pcrs.erase({HashAlgorithm::kSha256, 10});
  const LogDump runtime = dump(machine.log, machine.pcrs);
  EXPECT_THAT(problem_codes(runtime), ElementsAre("SelectionInsufficient"));
  EXPECT_THAT(runtime.problems.front().message, HasSubstr("expected PCR 10"));
}

TEST(DumpLog, TellsProvenEntriesOfARuntimeLogFromNewerOnes) {
  ImaMachine machine;
  machine.measure(machine.boot_aggregate()).measure(ima_file("/a", "a"));
  const tpm::PcrValues then = machine.pcrs;
  EXPECT_THAT(dump(machine.log, then).notes,
              ElementsAre("PCR compared (sha256: 10): all 2 entries are proven"));
  machine.measure(ima_file("/late", "late"));
  const LogDump longer = dump(machine.log, then);
  EXPECT_THAT(longer.problems, ::testing::IsEmpty());
  EXPECT_THAT(longer.notes,
              ElementsAre("PCR compared (sha256: 10): the first 2 entries are proven",
                          "the 1 entry after them: newer than the value of PCR 10, which says "
                          "nothing of them"));
  EXPECT_EQ(longer.proven_entries, 2U);
  const std::string json = codec::to_json(to_json(longer));
  EXPECT_THAT(json, HasSubstr(R"("provenEntries":2)"));
  EXPECT_THAT(json, ::testing::Not(HasSubstr("diverges")));
  EXPECT_THAT(to_table(longer, kWholeText), ::testing::Not(HasSubstr(">>>")));

  Bytes other = machine.log;
  other[other.size() - 2] ^= 1;
  const LogDump behind = dump(Bytes(other.begin(), other.end()), machine.pcrs);
  EXPECT_THAT(problem_codes(behind), ElementsAre("RuntimeLogNotReplayed"));
  EXPECT_EQ(behind.proven_entries, 0U);
  EXPECT_THAT(behind.problems.front().message,
              HasSubstr("no entry ends where PCR 10 has its value: the log is older"));
}

TEST(DumpLog, SaysWhatIsNoLog) {
  EXPECT_EQ(dump_log({}, std::nullopt).reason().message, "the file is empty");
  EXPECT_THAT(dump_log(Bytes{0, 0, 0, 10, 1}, std::nullopt).reason().message,
              HasSubstr("ima_canonical_fmt"));
}

TEST(DumpLog, CutsWhatAnEventSaysOnATerminalAlone) {
  ImaMachine machine;
  const std::string path = "/" + std::string(200, 'a');
  machine.measure(ima_file(path, "a"));
  const LogDump log = dump_log(machine.log, std::nullopt).value();
  EXPECT_THAT(to_table(log, kWholeText), HasSubstr(path + "\n"));
  EXPECT_THAT(to_table(log, kTerminalText), HasSubstr(path.substr(0, 120) + "...\n"));
}

}  // namespace
}  // namespace avouch::appraisal
