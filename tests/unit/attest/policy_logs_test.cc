#include <gtest/gtest.h>

#include "attest/policy.h"
#include "support/contains.h"

namespace avouch::attest {
namespace {

using testing::contains;

// A policy that pins no PCR, with these members beside the required ones.
std::string spec_with(const std::string& members) {
  return R"({"nodeSelector": {}, "workloads": {},
    "endorsement": {"trustBundles": [{"configMap": {"namespace": "ns", "name": "makers"}}],
                    "enrollment": "TrustOnFirstUse"},
    "pcrs": {"banks": ["sha256"]}, )" +
         members + "}";
}

Result<Policy> parse(const std::string& members) {
  return parse_policy("p", codec::parse_json(spec_with(members)).value());
}

std::string log_errors_of(const std::string& members) {
  const auto policy = parse(members);
  return policy.has_value() ? "" : policy.error().message;
}

TEST(ParsePolicyLogs, ReadsEveryMember) {
  const auto policy = parse(R"(
    "bootLog": {"secureBoot": "Optional", "references": [{"name": "debian-12"}],
                "kernelCommandLine": {"required": ["lockdown=confidentiality"],
                                      "forbidden": ["init=/bin/.*", "rd\\.break"]},
                "quirks": ["missing-exit-boot-services"]},
    "runtime": {"files": "Judge", "references": [{"name": "files"}], "keyrings": [{"name": "keys"}],
                "exclude": ["/var/log/.*"], "buffers": ["kexec-cmdline"], "violations": "Record",
                "allow": ["WeakReplay", "SecondBoot"]},
    "referenceKeys": [{"configMap": {"namespace": "ns", "name": "providers"}}])");
  ASSERT_TRUE(policy.has_value()) << policy.error().message;
  const BootLogSpec& boot = *policy->spec.boot_log;
  EXPECT_EQ(boot.secure_boot, SecureBoot::kOptional);
  EXPECT_EQ(boot.references, std::vector<std::string>{"debian-12"});
  ASSERT_EQ(boot.command_line_required.size(), 1U);
  ASSERT_EQ(boot.command_line_forbidden.size(), 2U);
  EXPECT_EQ(boot.command_line_forbidden[1].text(), R"(rd\.break)");
  EXPECT_EQ(boot.quirks, std::vector<std::string>{"missing-exit-boot-services"});
  const RuntimeSpec& runtime = *policy->spec.runtime;
  EXPECT_EQ(runtime.files, RuntimeFiles::kJudge);
  EXPECT_EQ(runtime.references, std::vector<std::string>{"files"});
  EXPECT_EQ(runtime.keyrings, std::vector<std::string>{"keys"});
  EXPECT_EQ(runtime.exclude, std::vector<std::string>{"/var/log/.*"});
  EXPECT_EQ(runtime.buffers, std::vector<std::string>{"kexec-cmdline"});
  EXPECT_EQ(runtime.violations, RuntimeViolations::kRecord);
  EXPECT_TRUE(runtime.allow_weak_replay);
  EXPECT_TRUE(runtime.allow_second_boot);
  EXPECT_FALSE(runtime.allow_legacy_template);
  EXPECT_EQ(references_of(policy->spec),
            (std::vector<ConfigMapName>{{"ns", "makers"}, {"ns", "providers"}}));
}

TEST(ParsePolicyLogs, RequiresSecureBootAndDeniesViolationsUnlessToldOtherwise) {
  const auto policy = parse(R"("bootLog": {}, "runtime": {"references": [{"name": "f"}]})");
  ASSERT_TRUE(policy.has_value()) << policy.error().message;
  EXPECT_EQ(policy->spec.boot_log->secure_boot, SecureBoot::kRequired);
  EXPECT_EQ(policy->spec.runtime->violations, RuntimeViolations::kDeny);
  EXPECT_FALSE(policy->spec.runtime->allow_legacy_template);
}

TEST(ParsePolicyLogs, RefusesWhatWouldCheckNothing) {
  EXPECT_TRUE(contains(log_errors_of(R"("bootLog": {"secureBoot": "Optional"})"),
                       "spec.pcrs.exact: nothing is checked"));
  EXPECT_TRUE(
      contains(log_errors_of(R"("runtime": {"files": "ReplayOnly"})"), "nothing is checked"));
  EXPECT_TRUE(
      contains(log_errors_of(R"("runtime": {})"), "spec.runtime.references: files are judged"));
  EXPECT_TRUE(contains(log_errors_of(R"("mode": "Enforce")"), "nothing is checked"));
}

TEST(ParsePolicyLogs, NamesTheExpressionThatIsNone) {
  EXPECT_TRUE(
      contains(log_errors_of(R"("bootLog": {"kernelCommandLine": {"forbidden": ["a", "("]}})"),
               "spec.bootLog.kernelCommandLine.forbidden[1]: "));
  EXPECT_TRUE(
      contains(log_errors_of(R"("runtime": {"references": [{"name": "f"}], "exclude": ["[b-a]"]})"),
               "spec.runtime.exclude[0]: "));
}

// As a template leaves them whose list came out empty.
TEST(ParsePolicyLogs, RefusesListsOfRulesWithoutAny) {
  EXPECT_TRUE(contains(log_errors_of(R"("bootLog": {"references": []})"),
                       "spec.bootLog.references: is empty, and would ask for nothing"));
  for (const std::string list : {"required", "forbidden"}) {
    EXPECT_TRUE(
        contains(log_errors_of(R"("bootLog": {"kernelCommandLine": {")" + list + R"(": []}})"),
                 "spec.bootLog.kernelCommandLine." + list + ": is empty"));
  }
  EXPECT_TRUE(contains(log_errors_of(R"("bootLog": {"kernelCommandLine": {}})"),
                       "spec.bootLog.kernelCommandLine: asks for nothing"));
  EXPECT_FALSE(contains(log_errors_of(R"("bootLog": {"kernelCommandLine": {"required": ["("]}})"),
                        "asks for nothing"));
  EXPECT_TRUE(contains(log_errors_of(R"("bootLog": {}, "referenceKeys": [])"),
                       "spec.referenceKeys: is empty"));
  EXPECT_TRUE(
      parse(R"("bootLog": {"references": null}, "referenceKeys": null, "keys": null)").has_value())
      << "null is as good as nothing, as in Kubernetes";
}

TEST(ParsePolicyLogs, RefusesUnknownAndRepeatedWords) {
  EXPECT_TRUE(contains(log_errors_of(R"("bootLog": {"secureboot": "Required"})"), "spec.bootLog"));
  EXPECT_TRUE(contains(log_errors_of(R"("bootLog": {"secureBoot": "On"})"), "Required"));
  EXPECT_TRUE(
      contains(log_errors_of(R"("bootLog": {"references": [{"name": "a"}, {"name": "a"}]})"),
               "spec.bootLog.references[1].name: \"a\" is given twice"));
  EXPECT_TRUE(contains(
      log_errors_of(R"("runtime": {"references": [{"name": "f"}], "allow": ["Anything"]})"),
      "spec.runtime.allow[0]: \"Anything\" is not known"));
}

TEST(RequiredSelection, CoversWhatBootAndRuntimeLogsAreMadeOf) {
  const auto boot = parse(R"("bootLog": {})");
  EXPECT_EQ(required_selection(boot->spec),
            (tpm::PcrSelection{{crypto::HashAlgorithm::kSha256, 0x43ff}}));
  const auto runtime = parse(R"("runtime": {"references": [{"name": "f"}]})");
  EXPECT_EQ(required_selection(runtime->spec),
            (tpm::PcrSelection{{crypto::HashAlgorithm::kSha256, 0x07ff}}));
}

// Whoever has root can put GRUB's words into PCR 8 after systemd-stub has measured others.
TEST(SelectionOfAgents, CoversWhereSystemdMeasuresTheLinesAndFilesThatAreJudged) {
  const auto mask_of = [](const std::string& members) {
    const auto policy = parse(members);
    return selection_of_agents(policy->spec).at(0).mask;
  };
  EXPECT_EQ(mask_of(R"("bootLog": {})"), 0x43ffU);
  EXPECT_EQ(mask_of(R"("bootLog": {"kernelCommandLine": {"required": ["quiet"]}})"), 0x53ffU);
  EXPECT_EQ(mask_of(R"("bootLog": {"kernelCommandLine": {"forbidden": ["init=.*"]}})"), 0x53ffU);
  EXPECT_EQ(mask_of(R"("bootLog": {"references": [{"name": "a"}]})"), 0x73ffU);
}

TEST(RequiresMeasuring, WhereNoOtherArgumentSatisfiesTheExpression) {
  const auto requires_it = [](const std::string& members) {
    const auto policy =
        parse(R"("runtime": {"references": [{"name": "f"}]}, "bootLog": )" + members);
    EXPECT_TRUE(policy.has_value()) << members;
    return policy.has_value() && requires_measuring(policy->spec);
  };
  const auto with = [&](const std::string& expression) {
    return requires_it(R"({"kernelCommandLine": {"required": ["lockdown=integrity", ")" +
                       expression + R"("]}})");
  };
  for (const char* good : {"ima_policy=tcb", "ima_tcb", "ima_policy=(.*[|])?tcb([|].*)?",
                           "ima_policy=tcb[|]appraise_tcb", "ima_(tcb|policy=tcb)"}) {
    EXPECT_TRUE(with(good)) << good;
  }
  for (const char* vain : {"ima_policy=.*", "ima_policy=.*tcb", ".*tcb.*", "ima_appraise_tcb",
                           "ima_policy=(tcb|critical_data)", "quiet", "(ima_policy=tcb)?"}) {
    EXPECT_FALSE(with(vain)) << vain;
  }
  EXPECT_FALSE(requires_it("{}"));
  EXPECT_FALSE(requires_it(R"({"kernelCommandLine": {"forbidden": ["ima_policy=tcb"]}})"));
  EXPECT_FALSE(requires_measuring(parse(R"("runtime": {"references": [{"name": "f"}]})")->spec));
}

}  // namespace
}  // namespace avouch::attest
