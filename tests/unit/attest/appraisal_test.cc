#include "attest/appraisal.h"

#include <gtest/gtest.h>

#include "base/hex.h"
#include "tests/support/corpus.h"
#include "tests/unit/attest/node.h"

namespace avouch::attest {
namespace {

using crypto::HashAlgorithm;

const EndorsementResult kEndorsed{Enrollment::kInventory, {}};

Bytes pcr_of(const VerifiedQuote& quote, std::uint8_t index) {
  return quote.pcrs().at({HashAlgorithm::kSha256, index});
}

// Accepts exactly what the quote has in the PCRs named.
Policy policy_of(const VerifiedQuote& quote, std::initializer_list<std::uint8_t> indices,
                 const std::string& name = "production") {
  Policy out;
  out.name = name;
  out.spec_digest = crypto::sha256("spec of " + name);
  out.spec.banks = {HashAlgorithm::kSha256};
  for (const std::uint8_t index : indices) {
    out.spec.exact.push_back({index, {{HashAlgorithm::kSha256, {pcr_of(quote, index)}}}});
  }
  return out;
}

class Appraise : public ::testing::Test {
 protected:
  PolicyResult judge(const Policy& policy) const {
    return appraise(policy, crypto::sha256("digest"), kEndorsed, quote);
  }
  TestNode node;
  VerifiedQuote quote = node.verify(node.present()).value();
};

TEST_F(Appraise, AffirmsWhatThePolicyAcceptsAndCarriesItsNames) {
  const Policy policy = policy_of(quote, {0, 4, 7});
  const PolicyResult result = judge(policy);
  EXPECT_EQ(result.status, Status::kAffirming);
  EXPECT_TRUE(result.reasons.empty());
  EXPECT_EQ(result.name, "production");
  EXPECT_EQ(result.spec_digest, policy.spec_digest);
  EXPECT_EQ(result.digest, crypto::sha256("digest"));
  EXPECT_EQ(result.max_age, policy.spec.max_age);
}

TEST_F(Appraise, SaysOfEachClaimOnlyWhatWasMeasured) {
  const TrustVector firmware = judge(policy_of(quote, {0})).vector;
  EXPECT_EQ(firmware[Claim::kInstanceIdentity], kGenuine);
  EXPECT_EQ(firmware[Claim::kHardware], kGenuine);
  EXPECT_EQ(firmware[Claim::kConfiguration], kNotMeasured);
  EXPECT_EQ(firmware[Claim::kExecutables], kNotMeasured);
  const TrustVector all = judge(policy_of(quote, {0, 4, 7})).vector;
  EXPECT_EQ(all[Claim::kConfiguration], kGenuine);
  EXPECT_EQ(all[Claim::kExecutables], kApprovedBoot);  // of the boot, not of what ran later
  for (const Claim never :
       {Claim::kFileSystem, Claim::kRuntimeOpaque, Claim::kStorageOpaque, Claim::kSourcedData}) {
    EXPECT_EQ(all[never], kNotMeasured);
  }
}

TEST_F(Appraise, NamesThePcrTheBankAndBothValuesOfAMismatch) {
  Policy policy = policy_of(quote, {0, 4, 7});
  const Bytes wanted(32, 0xab);
  policy.spec.exact[2].accepted[HashAlgorithm::kSha256] = {wanted};
  const PolicyResult result = judge(policy);
  EXPECT_EQ(result.status, Status::kContraindicated);
  ASSERT_EQ(result.reasons.size(), 1U);
  EXPECT_EQ(result.reasons[0].code, "PcrMismatch");
  const std::string& message = result.reasons[0].message;
  for (const std::string& part :
       {std::string("PCR 7 (sha256)"), to_hex(pcr_of(quote, 7)), to_hex(wanted)}) {
    EXPECT_NE(message.find(part), std::string::npos) << message;
  }
  EXPECT_EQ(result.vector[Claim::kConfiguration], kUnacceptable);
  EXPECT_EQ(result.vector[Claim::kExecutables], kApprovedBoot);
}

TEST_F(Appraise, RefusesEveryPcrThatDiffersByOneBit) {
  for (std::uint8_t index = 0; index < 8; ++index) {
    for (std::size_t bit = 0; bit < 256; ++bit) {
      Policy policy = policy_of(quote, {index});
      Bytes& value = policy.spec.exact[0].accepted[HashAlgorithm::kSha256][0];
      value[bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8));
      ASSERT_EQ(judge(policy).status, Status::kContraindicated) << int{index} << " " << bit;
    }
  }
}

TEST_F(Appraise, AcceptsAnyOfSeveralValues) {
  Policy policy = policy_of(quote, {7});
  auto& accepted = policy.spec.exact[0].accepted[HashAlgorithm::kSha256];
  accepted = {Bytes(32, 1), accepted[0], Bytes(32, 2)};
  EXPECT_EQ(judge(policy).status, Status::kAffirming);
}

TEST_F(Appraise, ListsEveryMismatchNotOnlyTheFirst) {
  Policy policy = policy_of(quote, {0, 4, 7});
  for (ExactPcr& exact : policy.spec.exact) {
    exact.accepted[HashAlgorithm::kSha256] = {Bytes(32, 1)};
  }
  EXPECT_EQ(judge(policy).reasons.size(), 3U);
  EXPECT_EQ(judge(policy).vector[Claim::kHardware], kNotRecognized);
}

TEST_F(Appraise, RefusesAPolicyThatChecksNothing) {
  const PolicyResult empty = judge(policy_of(quote, {}));
  EXPECT_EQ(empty.status, Status::kContraindicated);
  ASSERT_EQ(empty.reasons.size(), 1U);
  EXPECT_EQ(empty.reasons[0].code, "PolicyUnusable");
  Policy no_banks = policy_of(quote, {7});
  no_banks.spec.banks.clear();
  EXPECT_EQ(judge(no_banks).reasons.at(0).code, "PolicyUnusable");
  Policy no_values = policy_of(quote, {7});
  no_values.spec.exact[0].accepted.clear();
  EXPECT_EQ(judge(no_values).status, Status::kContraindicated);
}

// Q4, once more: whatever verify_quote was told to need.
TEST_F(Appraise, RefusesAQuoteThatDoesNotCoverThePolicy) {
  Policy policy = policy_of(quote, {7});
  policy.spec.exact.push_back({15, {{HashAlgorithm::kSha256, {Bytes(32, 0)}}}});
  const PolicyResult result = judge(policy);
  EXPECT_EQ(result.status, Status::kContraindicated);
  EXPECT_EQ(result.reasons.at(0).code, "SelectionInsufficient");
  Policy other_bank = policy_of(quote, {7});
  other_bank.spec.banks.push_back(HashAlgorithm::kSha384);
  EXPECT_EQ(judge(other_bank).reasons.at(0).code, "SelectionInsufficient");
}

// It may have been made for another policy, which has no rules for the command line.
TEST_F(Appraise, WantsOfOurAgentsThePcrsThatTheLogsMayLeaveOut) {
  Policy policy = policy_of(quote, {7});
  policy.spec.banks = {HashAlgorithm::kSha256};
  policy.spec.boot_log.emplace();
  const auto judged = [&](QuotedBy quoted_by) {
    return appraise(policy, {}, kEndorsed, quote, Logs::kJudgedByCaller, quoted_by).status;
  };
  EXPECT_EQ(judged(QuotedBy::kOurAgents), Status::kAffirming);
  policy.spec.boot_log->command_line_required = {codec::Pattern::compile("quiet").value()};
  EXPECT_EQ(judged(QuotedBy::kOurAgents), Status::kContraindicated) << "PCR 12 is not quoted";
  EXPECT_EQ(judged(QuotedBy::kOtherTools), Status::kAffirming);
}

TEST_F(Appraise, RefusesANodeWhoseEndorsementDoesNotHoldUnderThisPolicy) {
  const Policy policy = policy_of(quote, {7});
  const PolicyResult result = appraise(policy, {}, refuse("EndorsementInvalid", "expired"), quote);
  EXPECT_EQ(result.status, Status::kContraindicated);
  EXPECT_EQ(result.reasons.at(0).code, "EndorsementInvalid");
  EXPECT_EQ(result.vector[Claim::kInstanceIdentity], kNotRecognized);
}

// Affirming such a policy by its PCRs alone would promise what nobody has looked at.
TEST_F(Appraise, RefusesAPolicyWithLogsThatNobodyJudges) {
  Policy boot_log = policy_of(quote, {7});
  boot_log.spec.boot_log.emplace();
  Policy runtime = policy_of(quote, {7});
  runtime.spec.runtime.emplace();
  for (Policy* policy : {&boot_log, &runtime}) {
    policy->spec.banks = {HashAlgorithm::kSha256};
    const PolicyResult result = judge(*policy);
    EXPECT_EQ(result.status, Status::kContraindicated);
    EXPECT_EQ(result.reasons.back().code, "PolicyUnusable");
    EXPECT_EQ(appraise(*policy, {}, kEndorsed, quote, Logs::kJudgedByCaller).status,
              Status::kAffirming);
  }
}

TEST_F(Appraise, ReportsEveryRuleThatAnOddCertificateNeeded) {
  const Policy policy = policy_of(quote, {7});
  const EndorsementResult odd{Enrollment::kInventory, {"nv-padding", "oaep-key"}, {}};
  const PolicyResult result = appraise(policy, {}, odd, quote);
  EXPECT_EQ(result.status, Status::kAffirming);
  ASSERT_EQ(result.reasons.size(), 1U);
  EXPECT_EQ(result.reasons[0].code, "EndorsementRuleUsed");
  EXPECT_EQ(result.reasons[0].severity, Status::kNone);
  EXPECT_NE(result.reasons[0].message.find("nv-padding, oaep-key"), std::string::npos);
  EXPECT_EQ(combine({result}).status, Status::kAffirming);
}

TEST_F(Appraise, I9_SaysOfAVirtualTpmThatItsHardwareIsNotRecognized) {
  const Policy policy = policy_of(quote, {7});
  const PolicyResult result = appraise(policy, {}, refuse("HardwareRequired", "virtual"), quote);
  EXPECT_EQ(result.status, Status::kContraindicated);
  EXPECT_EQ(result.vector[Claim::kHardware], kNotRecognized);
  EXPECT_EQ(result.reasons.at(0).code, "HardwareRequired");
}

TEST_F(Appraise, CombinedTakesTheWorst) {
  const Policy good = policy_of(quote, {0, 7}, "good");
  Policy bad = policy_of(quote, {7}, "bad");
  bad.spec.exact[0].accepted[HashAlgorithm::kSha256] = {Bytes(32, 1)};
  EXPECT_EQ(combine({judge(good)}).status, Status::kAffirming);
  const Verdict verdict = combine({judge(good), judge(bad)});
  EXPECT_EQ(verdict.status, Status::kContraindicated);
  EXPECT_EQ(verdict.vector[Claim::kConfiguration], kUnacceptable);
  EXPECT_EQ(verdict.vector[Claim::kHardware], kGenuine);
  ASSERT_EQ(verdict.reasons.size(), 1U);
  EXPECT_NE(verdict.reasons[0].message.find("AttestationPolicy \"bad\": "), std::string::npos);
  EXPECT_EQ(verdict.policies.size(), 2U);
  EXPECT_EQ(verdict.policies[0].status, Status::kAffirming);  // each keeps its own
}

TEST(Combine, OfNothingDenies) {
  const Verdict verdict = combine({});
  EXPECT_EQ(verdict.status, Status::kContraindicated);
  EXPECT_EQ(verdict.reasons.at(0).code, "NoPolicy");
  EXPECT_EQ(Verdict{}.status, Status::kContraindicated);
  EXPECT_EQ(PolicyResult{}.status, Status::kContraindicated);
  EXPECT_EQ(combine({PolicyResult{}}).status, Status::kContraindicated);
}

TEST(Combine, LetsNoStatusOfNonePass) {
  PolicyResult none;
  none.status = Status::kNone;
  EXPECT_EQ(combine({none}).status, Status::kContraindicated);
}

// Real boots under the golden values of the baseline boot: the corpus says which differ.
TEST(CorpusAppraisal, JudgesPcrsOfRealBootsAsTheCorpusSays) {
  const auto baseline = testing::read_case(testing::own_corpus() / "cases", "01-good-baseline");
  Policy policy;
  policy.name = "baseline";
  policy.spec.banks = {HashAlgorithm::kSha256};
  for (const auto& [id, digest] : baseline.quoted_pcrs()) {
    if (id.index == 10) continue;  // the runtime log's
    policy.spec.exact.push_back({id.index, {{HashAlgorithm::kSha256, {digest}}}});
  }
  int differing = 0;
  for (const auto& each : testing::all_cases()) {
    const bool genuine = each.meta.text({"kind"}) == "genuine" && each.folders.size() == 1;
    if (!genuine || each.id.starts_with("14-") || each.meta.text({"policy"}) != "baseline")
      continue;
    const NodeKeys keys = check_keys({{}, each.file("ek.pub"), each.file("ak.pub")}).value();
    const BeaconWindow none;
    const QuoteContext context{keys, "node", none, {}, {}, {}, {}, kNow};
    const auto quote = verify_stored_quote({each.file("quote.msg"), each.file("quote.sig"), {}},
                                           each.quoted_pcrs(), each.nonce(), kNow, context);
    ASSERT_TRUE(quote.has_value()) << each.id;
    const PolicyResult result = appraise(policy, {}, kEndorsed, quote.value());
    const bool expected = !each.failing_checks.contains("pcr-policy");
    EXPECT_EQ(result.status == Status::kAffirming, expected) << each.id;
    if (!expected) ++differing;
  }
  EXPECT_GE(differing, 2);
}

}  // namespace
}  // namespace avouch::attest
