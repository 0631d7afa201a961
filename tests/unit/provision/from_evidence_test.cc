#include "provision/from_evidence.h"

#include <gtest/gtest.h>

#include <set>

#include "base/time_text.h"
#include "bootlog/judge.h"
#include "bootlog/replay.h"
#include "reference/resolved.h"
#include "runtimelog/entry_reader.h"
#include "runtimelog/fields.h"
#include "tests/support/ek_authority.h"
#include "tests/support/vectors.h"
#include "tests/unit/bootlog/boots.h"
#include "tests/unit/reference/manifests.h"

namespace avouch::provision {
namespace {

using codec::Json;
using testing::corpus;
using testing::read_vector;

const SystemTime kNow = reference::at("2026-11-28T00:00:00Z");

std::shared_ptr<const reference::ResolvedReferences> references_of(Draft draft) {
  const auto made = make_manifests(draft, {.name = "golden", .place = ListPlace::kSplit});
  EXPECT_TRUE(made.has_value()) << (made.has_value() ? "" : made.error().message);
  std::vector<reference::ManifestWithList> all;
  for (const Json& each : made->objects) {
    all.push_back({reference::manifest("golden", *each.find("spec")), nullptr});
  }
  return reference::ResolvedReferences::resolve(all, {}, kNow).value();
}

Draft of_boot_log(ByteView log) {
  auto draft = draft_from_logs({.boot_log = log, .runtime_log = {}}, {});
  EXPECT_TRUE(draft.has_value()) << (draft.has_value() ? "" : draft.error().message);
  return draft.has_value() ? *std::move(draft) : Draft{};
}

std::vector<std::string> judged(const std::string& log,
                                const reference::ResolvedReferences& references) {
  const auto read = bootlog::read_log(read_vector(log));
  const auto replayed = bootlog::replay(read.value());
  tpm::PcrValues pcrs;
  for (const auto& bank : replayed) {
    for (std::uint8_t pcr = 0; pcr < 16; ++pcr) {
      const ByteView value = bank.value(pcr);
      pcrs[{bank.algorithm, pcr}] = Bytes(value.begin(), value.end());
    }
  }
  const auto bound = bootlog::bind(read.value(), replayed, pcrs);
  const auto meaning = bootlog::read_meaning(bound, {});
  std::vector<std::string> out;
  for (const auto& reason : bootlog::judge(bound, meaning, {}, &references, nullptr).reasons) {
    out.push_back(reason.code);
  }
  return out;
}

appraisal::StoredCase golden_case() {
  appraisal::StoredCase out;
  out.id = "01-good-baseline";
  out.identity.ek_public = corpus("ek.pub");
  out.identity.ak_public = corpus("ak.pub");
  out.identity.ek_certificates = {corpus("ek_cert.der")};
  out.quote.message = corpus("quote.msg");
  out.quote.signature = corpus("quote.sig");
  const Bytes meta = corpus("meta.json");
  out.nonce = from_hex(codec::parse_json(as_text(meta))->text({"nonce"})).value();
  out.pcrs = testing::corpus_pcrs();
  out.boot_log = read_vector("bootlogs/good.bin");
  out.runtime_log = read_vector("runtimelogs/baseline.bin");
  return out;
}

bool holds(const std::vector<std::string>& texts, std::string_view part) {
  for (const std::string& each : texts) {
    if (each.find(part) != std::string::npos) return true;
  }
  return false;
}

TEST(FromBootLog, AcceptsTheSameBootAgainAndNoOther) {
  const auto references = references_of(of_boot_log(read_vector("bootlogs/good.bin")));
  EXPECT_EQ(judged("bootlogs/good.bin", *references), std::vector<std::string>{});
  const auto other = judged("bootlogs/changed-initrd.bin", *references);
  ASSERT_FALSE(other.empty());
  EXPECT_EQ(other[0], "BootFileUnknown");
}

TEST(FromBootLog, NamesCommandLinesForThePolicy) {
  const Draft draft = of_boot_log(read_vector("bootlogs/good.bin"));
  EXPECT_TRUE(holds(draft.remarks, "Kernel command line, as an expression: /vmlinuz root=none"));
  EXPECT_TRUE(holds(draft.remarks, "console=ttyS0"));
  EXPECT_TRUE(holds(draft.remarks, "No quote proves"));
  EXPECT_FALSE(draft.secure_boot_certificates.empty());
}

TEST(FromBootLog, NamesEachDigestOnce) {
  const Draft draft = of_boot_log(read_vector("bootlogs/good.bin"));
  std::set<std::string> seen;
  for (const auto& each : draft.boot_components) {
    EXPECT_NE(each.authenticode.has_value(), each.digest.has_value());
    const auto& digest = each.authenticode ? each.authenticode : each.digest;
    EXPECT_TRUE(seen.insert(reference::digest_text(*digest)).second) << each.name;
    EXPECT_FALSE(each.name.empty());
  }
}

// A boot of good.bin with one more authority of that name.
bootlog::PlainLog boot_with_authority(const std::string& name, const Bytes& value) {
  bootlog::PlainLog log = bootlog::good_log();
  const auto at = log.find(7, bootlog::kVariableAuthority);
  log.events.insert(log.events.begin() + static_cast<std::ptrdiff_t>(at) + 1,
                    log.make(7, bootlog::kVariableAuthority,
                             bootlog::variable_bytes(bootlog::kShimGuid, name, value)));
  return log;
}

// The first program that good.bin starts.
Bytes started_by_good() {
  for (const auto& each : of_boot_log(read_vector("bootlogs/good.bin")).boot_components) {
    if (!each.authenticode || each.authenticode->algorithm != crypto::HashAlgorithm::kSha256)
      continue;
    return from_hex(reference::digest_text(*each.authenticode).substr(7)).value();
  }
  return {};
}

// The judge asks for an authority's certificate whatever its variable is called.
TEST(FromBootLog, AcceptsABootWithAuthoritiesOfEveryNameAgain) {
  const auto before = references_of(of_boot_log(read_vector("bootlogs/good.bin")));
  const Bytes der = testing::EkAuthority("maker of kernels").root_der();
  Bytes owned_der(16, 0x11), owned_digest(16, 0x22);  // of a program that the boot starts
  append(owned_der, der);
  append(owned_digest, started_by_good());
  for (const std::string name : {"Shim", "db", "MokList", "MokListRT", "MokListX", "vendor_db",
                                 "VendorCert", "something of next year's"}) {
    for (const auto& [form, value] : {std::pair{"certificate", der},
                                      {"certificate with owner", owned_der},
                                      {"digest with owner", owned_digest}}) {
      const bootlog::PlainLog log = boot_with_authority(name, value);
      if (value != owned_digest) {
        const auto without = bootlog::appraise(log, bootlog::optional_secure_boot(), before);
        EXPECT_EQ(without.codes(), std::vector<std::string>{"SecureBootKeyUnknown"})
            << name << ", " << form;
      }
      const auto references = references_of(of_boot_log(log.bytes()));
      const auto again = bootlog::appraise(log, bootlog::optional_secure_boot(), references);
      EXPECT_TRUE(again.accepted()) << name << ", " << form << ": "
                                    << (again.reasons.empty() ? "" : again.reasons.front().message);
    }
  }
}

// Every node might start it.
TEST(FromBootLog, TakesNoProgramThatADigestLetsInAndTheBootDidNotStart) {
  Bytes owned(16, 0x22);
  append(owned, Bytes(32, 0xa5));
  const std::string text = "sha256:" + to_hex(Bytes(32, 0xa5));
  const Draft plain = of_boot_log(read_vector("bootlogs/good.bin"));
  for (const std::string name : {"db", "MokList"}) {
    const bootlog::PlainLog log = boot_with_authority(name, owned);
    const Draft draft = of_boot_log(log.bytes());
    EXPECT_EQ(draft.boot_components.size(), plain.boot_components.size());
    EXPECT_TRUE(holds(draft.remarks, name + " lets a program in by its digest " + text));
    const auto judged =
        bootlog::appraise(log, bootlog::optional_secure_boot(), references_of(draft));
    EXPECT_EQ(judged.codes(), std::vector<std::string>{"SecureBootKeyUnknown"});
  }
}

TEST(FromBootLog, SaysWhichAuthorityNoManifestAccepts) {
  const auto log = boot_with_authority("MokListTrusted2", Bytes(40, 0x99));
  EXPECT_TRUE(holds(of_boot_log(log.bytes()).remarks, "no manifest accepts it"));
}

// They are good unless a manifest revokes them.
TEST(FromBootLog, TakesLevelsAndFlagsForNoKeys) {
  const Draft plain = of_boot_log(read_vector("bootlogs/good.bin"));
  const auto log = boot_with_authority("SbatLevel", to_bytes("sbat,1,2026010100\nshim,4\n"));
  const Draft draft = of_boot_log(log.bytes());
  EXPECT_EQ(draft.boot_components.size(), plain.boot_components.size());
  EXPECT_EQ(draft.secure_boot_certificates.size(), plain.secure_boot_certificates.size());
  EXPECT_TRUE(
      bootlog::appraise(log, bootlog::optional_secure_boot(), references_of(draft)).accepted());
}

TEST(FromBootLog, TellsASecureBootThatIsOff) {
  EXPECT_FALSE(holds(of_boot_log(read_vector("bootlogs/good.bin")).remarks, "SecureBoot"));
  bootlog::PlainLog log = bootlog::good_log();
  const std::size_t at = bootlog::find_variable(log, "SecureBoot");
  log.events[at] = log.make(7, bootlog::kVariableDriverConfig,
                            bootlog::variable_bytes(bootlog::kGlobalGuid, "SecureBoot", Bytes{0}));
  EXPECT_TRUE(holds(of_boot_log(log.bytes()).remarks, "Secure Boot is disabled: enable"));
}

TEST(FromBootLog, RefusesEveryTruncation) {
  const Bytes log = read_vector("bootlogs/good.bin");
  for (std::size_t size = 1; size < log.size(); size += 97) {
    EXPECT_FALSE(
        draft_from_logs({.boot_log = ByteView(log).first(size), .runtime_log = {}}, {}).has_value())
        << size;
  }
}

TEST(FromRuntimeLog, AcceptsEveryFileAgain) {
  const Bytes log = read_vector("runtimelogs/tcb.bin");
  const auto draft = draft_from_logs({.boot_log = {}, .runtime_log = log}, {});
  ASSERT_TRUE(draft.has_value()) << draft.error().message;
  const auto references = references_of(*draft);
  std::size_t files = 0;
  runtimelog::EntryReader reader(0, 0);
  const auto fed = reader.feed(log, [&](const runtimelog::Entry& entry) -> Result<void> {
    AVOUCH_TRY(const auto fields, runtimelog::read_fields(entry));
    const auto found = references->ima_file(*fields.known, fields.digest);
    const bool aggregate = fields.path == "boot_aggregate";
    EXPECT_EQ(found.standing,
              aggregate ? reference::Standing::kUnknown : reference::Standing::kAccepted)
        << fields.path;
    ++files;
    return {};
  });
  ASSERT_TRUE(fed.has_value()) << fed.error().message;
  EXPECT_EQ(files, 1127U);
}

TEST(FromRuntimeLog, LeavesOutFilesThatAGivenKeySigned) {
  const Bytes log = read_vector("runtimelogs/signed.bin");
  const Bytes pem = read_vector("runtimelogs/ima-signer.pem");
  const auto signers = crypto::Certificate::list_from_pem(as_text(pem)).value();
  auto all = draft_from_logs({.boot_log = {}, .runtime_log = log}, {}).value();
  auto few = draft_from_logs({.boot_log = {}, .runtime_log = log}, signers).value();
  EXPECT_LT(few.files.sorted().size(), all.files.sorted().size());
  EXPECT_EQ(few.ima_signers.size(), 1U);
  EXPECT_TRUE(holds(few.remarks, "good signature"));
  EXPECT_TRUE(holds(all.remarks, "signed by the key"));
}

TEST(FromRuntimeLog, LeavesOutViolations) {
  const auto draft = draft_from_logs(
      {.boot_log = {}, .runtime_log = read_vector("runtimelogs/violations.bin")}, {});
  ASSERT_TRUE(draft.has_value()) << draft.error().message;
  EXPECT_TRUE(draft->files.empty());
  EXPECT_TRUE(holds(draft->remarks, "2 violations"));
}

TEST(FromRuntimeLog, RefusesAnEntryWhoseDigestIsNotOfItsData) {
  Bytes log = read_vector("runtimelogs/tcb.bin");
  log[log.size() - 2] ^= 1;  // the last entry's path
  const auto draft = draft_from_logs({.boot_log = {}, .runtime_log = log}, {});
  ASSERT_FALSE(draft.has_value());
  EXPECT_NE(draft.error().message.find("entry 1127"), std::string::npos) << draft.error().message;
}

TEST(FromCase, TakesWhatTheQuoteProves) {
  auto draft = draft_from_case(golden_case(), {}, kNow);
  ASSERT_TRUE(draft.has_value()) << draft.error().message;
  EXPECT_FALSE(holds(draft->remarks, "No quote proves"));
  EXPECT_EQ(draft->files.sorted().size(), 6U);  // 7 entries, one of them boot_aggregate
  EXPECT_EQ(judged("bootlogs/good.bin", *references_of(*draft)), std::vector<std::string>{});
}

TEST(FromCase, RefusesAQuoteThatIsNotGood) {
  auto stored = golden_case();
  stored.quote.message[40] ^= 1;
  EXPECT_FALSE(draft_from_case(stored, {}, kNow).has_value());
  stored = golden_case();
  stored.nonce[0] ^= 1;
  EXPECT_FALSE(draft_from_case(stored, {}, kNow).has_value());
}

TEST(FromCase, RefusesLogsThatTheQuoteDoesNotProve) {
  auto stored = golden_case();
  stored.boot_log = read_vector("bootlogs/changed-initrd.bin");
  const auto other_boot = draft_from_case(stored, {}, kNow);
  ASSERT_FALSE(other_boot.has_value());
  EXPECT_NE(other_boot.error().message.find("BootLogReplayMismatch"), std::string::npos)
      << other_boot.error().message;
  stored = golden_case();
  stored.runtime_log = read_vector("runtimelogs/tcb.bin");
  const auto other_files = draft_from_case(stored, {}, kNow);
  ASSERT_FALSE(other_files.has_value());
  EXPECT_NE(other_files.error().message.find("RuntimeLogNotReplayed"), std::string::npos)
      << other_files.error().message;
}

TEST(FromLogs, RefusesNothingAtAll) { EXPECT_FALSE(draft_from_logs({}, {}).has_value()); }

}  // namespace
}  // namespace avouch::provision
