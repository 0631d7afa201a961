// Stored evidence through the whole verifier.

#include "appraisal/offline.h"

#include <gtest/gtest.h>

#include "base/time_text.h"
#include "tests/unit/appraisal/files.h"

namespace avouch::appraisal {
namespace {

using attest::Claim;
using attest::Status;

const SystemTime kNow = must_value(from_rfc3339("2027-06-01T00:00:00Z"));
const char* const kBoot =
    R"("bootLog": {"kernelCommandLine": {"required": ["quiet"], "forbidden": ["init=.*"]}})";

OfflineVerdict judge(MemoryFiles files, const std::string& members,
                     MemoryMaterial material = with_makers()) {
  const StoredCase stored = must_value(read_case(files));
  const PolicyInForce policy = resolve(policy_of(members), material, kNow);
  return appraise_case(stored, policy, kNow);
}
std::vector<std::string> codes(const OfflineVerdict& verdict) {
  std::vector<std::string> out;
  for (const auto& reason : verdict.result.reasons) out.push_back(reason.code);
  return out;
}

TEST(AppraiseCase, AffirmsAGoodBootAndClaimsNoMoreThanWasJudged) {
  const auto verdict = judge(files_of("01-good-baseline"), kBoot);
  EXPECT_EQ(verdict.result.status, Status::kAffirming);
  EXPECT_EQ(verdict.result.vector[Claim::kInstanceIdentity], attest::kGenuine);
  EXPECT_EQ(verdict.result.vector[Claim::kConfiguration], attest::kGenuine);
  EXPECT_EQ(verdict.result.vector[Claim::kExecutables], attest::kNotMeasured);
  ASSERT_TRUE(verdict.tpm.has_value());
  EXPECT_EQ(verdict.tpm->clock.reset_count, 22U);
}

TEST(AppraiseCase, SaysWhatIsMissingWhereThePolicyWantsALog) {
  MemoryFiles files = files_of("01-good-baseline");
  files.files.erase("/eventlog.bin");
  EXPECT_EQ(codes(judge(files, kBoot)), std::vector<std::string>{"BootLogMissing"});
  files = files_of("06a-ima-good");
  files.files.erase("/ima.bin");
  const auto without = judge(files, std::string(kBoot) + R"(, "runtime": {"files": "ReplayOnly"})");
  EXPECT_EQ(codes(without), std::vector<std::string>{"RuntimeLogMissing"});
  EXPECT_EQ(
      without.result.reasons.at(0).message,
      "the policy's runtime wants the kernel's measurement log (IMA), and the node has sent "
      "none: boot a kernel with CONFIG_IMA and ima_policy=tcb, and let the agent read the log "
      "(the chart's agent.measurements, hostPath and runtimeLog)");
}

TEST(AppraiseCase, WantsTheSecretOfTheCredential) {
  for (const char* name : {"cred.secret_expected.bin", "cred.secret_activated.bin"}) {
    MemoryFiles files = files_of("01-good-baseline");
    files.files.erase("/" + std::string(name));
    EXPECT_EQ(codes(judge(files, kBoot)), std::vector<std::string>{"ActivationFailed"}) << name;
    files.put(name, "");
    EXPECT_EQ(codes(judge(files, kBoot)), std::vector<std::string>{"ActivationFailed"}) << name;
  }
  MemoryFiles both = files_of("01-good-baseline");
  both.put("cred.secret_expected.bin", "");
  both.put("cred.secret_activated.bin", "");
  EXPECT_EQ(codes(judge(both, kBoot)), std::vector<std::string>{"ActivationFailed"});
}

TEST(AppraiseCase, GivesEveryReasonNotOnlyTheFirst) {
  MemoryFiles files = files_of("04-changed-cmdline");
  files.put("cred.secret_activated.bin", "another secret that is long enough");
  const auto verdict =
      judge(files, R"("bootLog": {"kernelCommandLine": {"required": ["never-there"]}})");
  const auto all = codes(verdict);
  EXPECT_EQ(verdict.result.status, Status::kContraindicated);
  EXPECT_NE(std::find(all.begin(), all.end(), "KernelCommandLine"), all.end());
  EXPECT_NE(std::find(all.begin(), all.end(), "ActivationFailed"), all.end());
}

TEST(AppraiseCase, IsNotSatisfiedByAPolicyThatLacksWhatItRefersTo) {
  MemoryMaterial material = with_makers();
  material.manifests.clear();
  const auto verdict = judge(files_of("01-good-baseline"),
                             R"("bootLog": {"references": [{"name": "gone"}]})", material);
  EXPECT_EQ(verdict.result.status, Status::kContraindicated);
  EXPECT_EQ(codes(verdict), std::vector<std::string>{"PolicyUnusable"});
}

// What a refusal proposes, accepts: added to a manifest, piece by piece, the boot is known.
TEST(AppraiseCase, ProposesWhatWouldAcceptTheBoot) {
  MemoryMaterial material = with_makers();
  codec::Json manifest{codec::Json::Object{}};
  manifest["revoked"] = codec::Json::Array{"sha256:" + std::string(64, '0')};
  std::set<std::string> seen;
  OfflineVerdict verdict;
  for (int round = 0; round < 10; ++round) {
    material.manifests["m"] = codec::to_json(manifest);
    verdict = judge(files_of("01-good-baseline"), R"("bootLog": {"references": [{"name": "m"}]})",
                    material);
    if (verdict.result.status == Status::kAffirming) break;
    for (const auto& reason : verdict.result.reasons) {
      if (reason.suggestion.empty() || !seen.insert(reason.suggestion).second) continue;
      const auto more = must_value(codec::parse_json(reason.suggestion));
      for (const auto& [member, values] : *more.as_object()) {
        if (manifest.find(member) == nullptr) manifest[member] = codec::Json::Array{};
        for (const auto& value : *values.as_array()) {
          manifest[member].as_array()->push_back(value);
        }
      }
    }
  }
  EXPECT_EQ(verdict.result.status, Status::kAffirming) << codec::to_json_pretty(to_json(verdict));
  EXPECT_EQ(verdict.result.vector[Claim::kExecutables], attest::kApprovedBoot);
  EXPECT_GT(seen.size(), 5U);
  // And it accepts no other boot: another kernel's command line and configuration file.
  const auto other = judge(files_of("04-changed-cmdline"),
                           R"("bootLog": {"references": [{"name": "m"}]})", material);
  EXPECT_EQ(other.result.status, Status::kContraindicated);
}

// What is unknown now may be known to a manifest that has ended.
TEST(AppraiseCase, NamesTheManifestsThatAreNotInForceWhereSomethingIsUnknown) {
  MemoryMaterial material = with_makers();
  const std::string revoked = R"("revoked": ["sha256:)" + std::string(64, '0') + "\"]}";
  material.manifests["old"] = R"({"notAfter": "2027-01-01T00:00:00Z", )" + revoked;
  material.manifests["new"] = R"({"notBefore": "2028-01-01T00:00:00Z", )" + revoked;
  material.manifests["m"] = "{" + revoked;
  const auto notes = [&](const std::string& members) {
    std::vector<std::string> out;
    for (const auto& reason :
         judge(files_of("01-good-baseline"), members, material).result.reasons) {
      if (reason.code != "ReferencesNotInForce") continue;
      EXPECT_EQ(reason.severity, Status::kNone);
      out.push_back(reason.message);
    }
    return out;
  };
  const std::string both = R"("bootLog": {"references": [{"name": "old"}, {"name": "new"}]})";
  EXPECT_EQ(notes(both),
            (std::vector<std::string>{
                "ReferenceManifest old: ended at 2027-01-01T00:00:00Z, and accepts nothing now",
                "ReferenceManifest new: begins at 2028-01-01T00:00:00Z, and accepts nothing now"}));
  EXPECT_TRUE(notes(R"("bootLog": {"references": [{"name": "m"}]})").empty());
  EXPECT_TRUE(notes(kBoot).empty());
}

TEST(AppraiseCase, IsShownAsJsonWithPlaceFieldsAndSuggestion) {
  MemoryMaterial material = with_makers();
  material.manifests["m"] = R"({"revoked": ["sha256:)" + std::string(64, '0') + "\"]}";
  const auto json = to_json(judge(files_of("01-good-baseline"),
                                  R"("bootLog": {"references": [{"name": "m"}]})", material));
  EXPECT_EQ(json.text({"status"}), "contraindicated");
  const codec::Json& first = json.find("reasons")->as_array()->front();
  EXPECT_FALSE(first.text({"suggestion"}).empty());
  ASSERT_NE(first.find_path({"event", "pcr"}), nullptr);
  EXPECT_NE(first.find("fields"), nullptr);
}

}  // namespace
}  // namespace avouch::appraisal
