// Logs of other people's machines, and the shared corpus, where they lie beside the checkout.

#include <map>

#include "tests/unit/bootlog/boots.h"

namespace avouch::bootlog {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAreArray;

struct Machine {
  std::string_view file;
  std::vector<std::string_view> quirks;  // that it needs, and no other
};

// Whole boots with a bank that is not SHA-1's.
const std::vector<Machine> kMachines = {
    {"go-attestation/coreos_36_shielded_vm_no_secure_boot_eventlog", {}},
    {"go-attestation/crypto_agile_eventlog", {quirk::kNoExit}},
    {"go-attestation/sb_cert_eventlog", {quirk::kNoExit, quirk::kOldShim, quirk::kNoSeparators}},
    {"go-attestation/ubuntu_2104_shielded_vm_no_secure_boot_eventlog", {}},
    {"tpm2-tools/event-arch-linux.bin", {quirk::kNoExit}},
    {"tpm2-tools/event-bootorder.bin", {}},
    {"tpm2-tools/event-gce-ubuntu-2104-log.bin", {}},
    {"tpm2-tools/event-moklisttrusted.bin", {}},
    {"tpm2-tools/event-postcode.bin", {quirk::kNoExit, quirk::kOldShim}},
    {"tpm2-tools/event-sd-boot-fedora37.bin", {quirk::kNoBootImages}},
};

std::optional<PlainLog> shared_log(std::string_view file) {
  const auto bytes = testing::read_file(testing::shared_dir() / "eventlogs" / file);
  if (!bytes) return std::nullopt;
  return plain_log(must_read(*bytes));
}

tpm::PcrValues strong_quote(const PlainLog& log) {
  std::vector<HashAlgorithm> banks;
  for (const HashAlgorithm bank : log.banks) {
    if (bank != HashAlgorithm::kSha1) banks.push_back(bank);
  }
  return quote_of(must_read(log.bytes()), banks);
}

TEST(RealMachines, BindAndReadWithTheQuirksThatTheyNeed) {
  for (const Machine& machine : kMachines) {
    const auto log = shared_log(machine.file);
    if (!log) continue;
    const Quirks all(known_quirks().begin(), known_quirks().end());
    const Meaning found = read_meaning(bind_log(*log, strong_quote(*log)), all);
    EXPECT_THAT(found.quirks_used, UnorderedElementsAreArray(machine.quirks)) << machine.file;
    for (const attest::Reason& problem : found.problems) {
      ADD_FAILURE() << machine.file << ": " << problem.message;
    }
    const Meaning strict = read_meaning(bind_log(*log, strong_quote(*log)), {});
    EXPECT_EQ(strict.problems.empty(), machine.quirks.empty()) << machine.file;
  }
}

TEST(RealMachines, AreAcceptedUnderAManifestOfWhatTheyBooted) {
  for (const Machine& machine : kMachines) {
    const auto log = shared_log(machine.file);
    if (!log) continue;
    attest::BootLogSpec policy = optional_secure_boot();
    policy.quirks.assign(known_quirks().begin(), known_quirks().end());
    const tpm::PcrValues quoted = strong_quote(*log);
    for (const CommandLine& line : read_meaning(bind_log(*log, quoted), {}).command_lines) {
      // A policy that puts up with an initrd that nothing measured says so.
      if (line.text.find("initrd=") != std::string::npos) {
        policy.command_line_required.push_back(
            codec::Pattern::compile("\\Q" + line.text + "\\E").value());
      }
    }
    codec::Json spec = foreign_manifest();
    while (add_suggestions(appraise(*log, quoted, policy, references_of(spec)).reasons, spec)) {
    }
    for (const auto& reason : appraise(*log, quoted, policy, references_of(spec)).reasons) {
      ADD_FAILURE() << machine.file << ": " << reason.message;
    }
  }
}

// What each expected failing check of the corpus is called here.
const std::map<std::string, std::vector<std::string>> kCodes = {
    {"event-data-digest", {"BootEventDigest"}},
    {"event-type-order", {"BootEventUnexpected"}},
    {"eventlog-parse", {"BootLogMalformed", "BootLogBankMissing"}},
    {"eventlog-replay", {"BootLogReplayMismatch"}},
    {"secure-boot", {"SecureBootDisabled"}},
    {"mok-sbstate", {"SecureBootDisabled"}},
};

// Under Secure Boot and a manifest of what the policy's reference case booted.
std::vector<std::string> judge_case(const testing::CorpusCase& each, const References& references) {
  const Bytes bytes = each.file("eventlog.bin");
  const auto log = read_log(bytes);
  if (!log.has_value()) return {log.reason().code};
  const auto banks = replay(log.value());
  const tpm::PcrValues quoted = each.quoted_pcrs();
  std::vector<std::string> out;
  for (const auto& reason : compare(log.value(), banks, quoted)) out.push_back(reason.code);
  const BoundLog bound = bootlog::bind(log.value(), banks, quoted);
  for (const auto& reason :
       judge(bound, read_meaning(bound, {}), {}, references.get(), nullptr).reasons) {
    out.push_back(reason.code);
  }
  return out;
}

TEST(Corpus, EveryMutatedLogIsRefusedWithACodeThatFitsAndNoOther) {
  const References baseline = references_of(manifest_of(good_log()));
  std::size_t cases = 0;
  for (const testing::CorpusCase& each : testing::all_cases()) {
    if (!each.id.starts_with("11-ev-")) continue;
    if (!std::filesystem::exists(each.folders.front() / "eventlog.bin")) continue;
    const auto codes =
        judge_case(each, each.meta.text({"policy"}) == "baseline" ? baseline : nullptr);
    ++cases;
    if (each.id == "11-ev-unquoted-pcr") {  // accepted without references: run-corpus.sh
      EXPECT_THAT(codes, ElementsAre("BootPcrUnproven")) << "an unproven file in PCR 13";
      continue;
    }
    if (each.verdict == "accept") {
      EXPECT_THAT(codes, IsEmpty()) << each.id;
      continue;
    }
    bool fits = false;
    for (const std::string& check : each.failing_checks) {
      const auto wanted = kCodes.find(check);
      if (wanted == kCodes.end()) continue;
      for (const std::string& code : wanted->second) {
        fits = fits || std::find(codes.begin(), codes.end(), code) != codes.end();
      }
    }
    EXPECT_TRUE(fits) << each.id << ": " << ::testing::PrintToString(codes);
  }
  if (std::filesystem::is_directory(testing::shared_corpus())) {
    EXPECT_GE(cases, 33U);
  }
}

TEST(Corpus, AManifestTellsOtherBootsFromTheGoodOne) {
  const References baseline = references_of(manifest_of(good_log()));
  const std::map<std::string, std::string> expected = {
      {"01-good-baseline", ""},
      {"02-good-second-boot", ""},
      {"05a-changed-initrd", "BootFileUnknown"},
      {"05b-changed-kernel", "BootImageUnknown"},
      {"05c-grub212", "BootImageUnknown"},
      {"03a-secureboot-off", "SecureBootDisabled"},
      {"03b-setup-mode", "SecureBootDisabled"},
      {"07a-own-db", "SecureBootKeyUnknown"},
      {"07b-db-extra-key", "SecureBootKeyUnknown"},
      {"07c-mok-extra", "BootFileUnknown"},
      {"07d-mok-used", "SecureBootKeyUnknown"},
      {"07e-mok-sbstate", "SecureBootDisabled"},
  };
  std::size_t cases = 0;
  for (const testing::CorpusCase& each : testing::all_cases()) {
    const auto wanted = expected.find(each.id);
    if (wanted == expected.end()) continue;
    if (!std::filesystem::exists(each.folders.front() / "eventlog.bin")) continue;
    const auto codes = judge_case(each, baseline);
    ++cases;
    if (wanted->second.empty()) {
      EXPECT_THAT(codes, IsEmpty()) << each.id;
    } else {
      EXPECT_THAT(codes, ::testing::Contains(wanted->second)) << each.id;
    }
  }
  if (std::filesystem::is_directory(testing::shared_corpus())) {
    EXPECT_GE(cases, 11U);
  }
}

}  // namespace
}  // namespace avouch::bootlog
