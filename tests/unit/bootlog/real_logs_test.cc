// Logs of other people's machines, and the shared corpus, where they lie beside the checkout.

#include <map>

#include "codec/base64.h"
#include "tests/unit/bootlog/boots.h"
#include "tpm/marshal.h"

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

// In the folder that shared_folder("eventlogs") gave.
Bytes shared_file(const std::filesystem::path& logs, std::string_view file) {
  auto bytes = testing::read_file(logs / file);
  if (!bytes) throw std::runtime_error("no " + (logs / file).string());
  return *std::move(bytes);
}
PlainLog shared_log(const std::filesystem::path& logs, std::string_view file) {
  return plain_log(must_read(shared_file(logs, file)));
}

tpm::PcrValues strong_quote(const PlainLog& log) {
  std::vector<HashAlgorithm> banks;
  for (const HashAlgorithm bank : log.banks) {
    if (bank != HashAlgorithm::kSha1) banks.push_back(bank);
  }
  return quote_of(must_read(log.bytes()), banks);
}

TEST(RealMachines, BindAndReadWithTheQuirksThatTheyNeed) {
  const auto logs = testing::shared_folder("eventlogs");
  if (!logs) return;
  for (const Machine& machine : kMachines) {
    const PlainLog log = shared_log(*logs, machine.file);
    const Quirks all(known_quirks().begin(), known_quirks().end());
    const Meaning found = read_meaning(bind_log(log, strong_quote(log)), all);
    EXPECT_THAT(found.quirks_used, UnorderedElementsAreArray(machine.quirks)) << machine.file;
    for (const attest::Reason& problem : found.problems) {
      ADD_FAILURE() << machine.file << ": " << problem.message;
    }
    const Meaning strict = read_meaning(bind_log(log, strong_quote(log)), {});
    EXPECT_EQ(strict.problems.empty(), machine.quirks.empty()) << machine.file;
  }
}

TEST(RealMachines, AreAcceptedUnderAManifestOfWhatTheyBooted) {
  const auto logs = testing::shared_folder("eventlogs");
  if (!logs) return;
  for (const Machine& machine : kMachines) {
    const PlainLog log = shared_log(*logs, machine.file);
    attest::BootLogSpec policy = optional_secure_boot();
    policy.quirks.assign(known_quirks().begin(), known_quirks().end());
    const tpm::PcrValues quoted = strong_quote(log);
    for (const CommandLine& line : read_meaning(bind_log(log, quoted), {}).command_lines) {
      // A policy that puts up with an initrd that nothing measured says so.
      if (line.text.find("initrd=") != std::string::npos) {
        policy.command_line_required.push_back(
            codec::Pattern::compile("\\Q" + line.text + "\\E").value());
      }
    }
    codec::Json spec = foreign_manifest();
    while (add_suggestions(appraise(log, quoted, policy, references_of(spec)).reasons, spec)) {
    }
    for (const auto& reason : appraise(log, quoted, policy, references_of(spec)).reasons) {
      ADD_FAILURE() << machine.file << ": " << reason.message;
    }
  }
}

// A Windows guest of Google's with Secure Boot: go-attestation's case of a quote that is good. All
// of it is SHA-1: it replays to what was quoted, and proves nothing here.
TEST(RealMachines, AQuoteOfWindowsBySha1IsMetByItsLogAndProvesNothing) {
  const auto logs = testing::shared_folder("eventlogs");
  if (!logs) return;
  const Bytes text = shared_file(*logs, "go-attestation/windows_gcp_shielded_vm.json");
  const codec::Json json = codec::parse_json(as_text(text)).value();
  const auto member = [&](std::string_view part, std::string_view name) {
    return codec::from_base64(json.text({part, name})).value();
  };
  tpm::PcrValues pcrs;
  for (const codec::Json& each : *json.find_path({"Log", "PCRs"})->as_array()) {
    const auto index = static_cast<std::uint8_t>(*each.find("Index")->as_int());
    pcrs[{HashAlgorithm::kSha1, index}] = codec::from_base64(each.text({"Digest"})).value();
  }
  ASSERT_EQ(pcrs.size(), tpm::kPcrCount);
  const auto quote = tpm::parse_attest(member("Quote", "Quote"));
  ASSERT_TRUE(quote.has_value());
  EXPECT_EQ(quote->type, tpm::kAttestQuote);
  const Bytes quoted = tpm::quoted_bytes(quote->selection, pcrs).value();
  EXPECT_EQ(quote->pcr_digest, crypto::hash(HashAlgorithm::kSha1, quoted));

  const BootLog log = must_read(member("Log", "Raw"));
  EXPECT_EQ(log.events().size(), 21U);
  for (const auto& reason : compare(log, replay(log), pcrs)) ADD_FAILURE() << reason.message;
  const BoundLog bound = bootlog::bind(log, replay(log), pcrs);
  for (const std::uint32_t pcr : {0U, 4U, 7U}) EXPECT_EQ(bound.state(pcr), PcrState::kWeak);
  const BootJudgement judged = judge(bound, read_meaning(bound, {}), {}, nullptr, nullptr);
  EXPECT_NE(attest::worst_tier(judged.vector), attest::Status::kAffirming);
  const auto key = tpm::parse_public(tpm::to_sized(member("AK", "Public")));
  ASSERT_FALSE(key.has_value());
  EXPECT_THAT(key.error().message, ::testing::HasSubstr("scheme hash 0x0004"));
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
  if (testing::shared_folder("corpus")) {
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
  if (testing::shared_folder("corpus")) {
    EXPECT_GE(cases, 11U);
  }
}

}  // namespace
}  // namespace avouch::bootlog
