// What is kept of verdicts, and that they come out the same when they are judged again.

#include <gmock/gmock.h>

#include <functional>

#include "appraisal/reappraise.h"
#include "base/time_text.h"
#include "tests/unit/control/logs.h"

namespace avouch::control {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class Records : public Logs {
 protected:
  static std::string everything() { return std::string(kBootPolicy) + ", " + kRuntimePolicy; }

  // A trusted node with a boot log and a runtime log.
  void trusted() { trusted(manifest({"good"})); }
  void trusted(const Json& files) {
    set_manifest(files);
    enrol(everything());
    measure_aggregate();
    measure(ima_file("/bin/a", "good"));
    store_boot_log();
    store_runtime_log();
    beat();
    arrived();
    ASSERT_EQ(world.phase("n"), Phase::kTrusted) << verdict().reasons.front().message;
  }

  // The manifest's files are in a list of the store.
  crypto::Sha256 trusted_by_list() {
    const std::string list = to_hex(crypto::sha256(as_bytes("good"))) + "  /bin/a\n";
    const crypto::Sha256 digest = world.lists.add(list);
    world.archive.lists[digest] = to_bytes(list);
    trusted(manifest_of(digest));
    return digest;
  }
  static Json manifest_of(const crypto::Sha256& list) {
    Json out = manifest({});
    out["spec"]["ima"] = Json::Object{};
    out["spec"]["ima"]["source"]["blob"] = attest::digest_text(list);
    return out;
  }

  attest::VerifiedToken token() const {
    return must_value(
        attest::verify_token(verdict().token, std::vector{world.signer.public_key()}, "log"));
  }
  appraisal::StoredRecord stored() {
    const auto bytes = must_value(world.archive.record(token().digest()));
    return must_value(appraisal::parse_record(bytes.value()));
  }
  appraisal::Reappraisal again() { return again(stored()); }
  appraisal::Reappraisal again(const appraisal::StoredRecord& record) {
    ArchivedObjects objects(world.archive, record);
    return must_value(appraisal::reappraise(record, token().claims(), objects));
  }
  void expect_same(attest::Status status) {
    const appraisal::Reappraisal outcome = again();
    EXPECT_THAT(outcome.missing, IsEmpty());
    EXPECT_THAT(outcome.foreign, IsEmpty());
    EXPECT_THAT(outcome.different, IsEmpty());
    EXPECT_TRUE(outcome.same());
    ASSERT_TRUE(outcome.verdict.has_value());
    EXPECT_EQ(outcome.verdict->status, status);
  }
};

TEST_F(Records, AnAffirmingVerdictIsTheSameWhenItIsJudgedAgain) {
  trusted();
  expect_same(attest::Status::kAffirming);
  const auto outcome = again();
  EXPECT_THAT(outcome.as_recorded, IsEmpty());
  // Keys, PCR values, boot log, runtime log, spec, trust bundle, manifest.
  EXPECT_THAT(outcome.inputs, SizeIs(7));
}

TEST_F(Records, VerdictsForAFileOfNoReferenceAreTheSameWhenTheyAreJudgedAgain) {
  trusted();
  measure(ima_file("/bin/b", "unknown"));
  store_runtime_log();
  beat();
  arrived();
  ASSERT_EQ(first(), "RuntimeFileUnknown");
  expect_same(attest::Status::kContraindicated);
  EXPECT_THAT(stored().record.reasons, Contains("RuntimeFileUnknown"));
}

TEST_F(Records, AVerdictIsTheSameAlthoughPoliciesAndReferencesHaveChangedSince) {
  trusted();
  const auto then = stored();
  const auto claims = token().claims();
  set_manifest(manifest({"other"}, {"good"}));
  beat();
  arrived();
  ASSERT_EQ(world.phase("n"), Phase::kContraindicated);
  ArchivedObjects objects(world.archive, then);
  const auto outcome = must_value(appraisal::reappraise(then, claims, objects));
  EXPECT_TRUE(outcome.same());
  EXPECT_EQ(outcome.verdict->status, attest::Status::kAffirming);
  expect_same(attest::Status::kContraindicated);
}

// Nothing signs them: a certificate that had ended would be good at another time.
TEST_F(Records, TimesThatDoNotFitTheTokenAreNotTheVerdicts) {
  using std::chrono::hours;
  Json files = manifest({"good"});
  files["spec"]["notBefore"] = to_rfc3339(kResolvedAt - hours(3));
  trusted(files);
  const appraisal::StoredRecord good = stored();
  ASSERT_TRUE(again(good).same());
  const auto complaint = [&](const std::function<void(appraisal::StoredRecord&)>& change) {
    appraisal::StoredRecord changed = good;
    change(changed);
    const auto outcome = again(changed);
    EXPECT_FALSE(outcome.same());
    return outcome.foreign.empty() ? std::string() : outcome.foreign.front();
  };
  for (const auto by : {-hours(25), hours(1)}) {
    EXPECT_THAT(complaint([&](auto& r) { r.record.policies.at(0).endorsed_at += by; }),
                HasSubstr("certificates were judged of policy \"p\""));
    EXPECT_THAT(complaint([&](auto& r) { r.record.beacon_published += by; }),
                HasSubstr("the beacon's publication"));
  }
  EXPECT_THAT(complaint([&](auto& r) { r.record.policies.at(0).resolved_at += hours(24 * 365); }),
              HasSubstr("manifests were in force of policy \"p\""));
  EXPECT_THAT(
      complaint([&](auto& r) { r.record.policies.at(0).resolved_at = kResolvedAt - hours(4); }),
      HasSubstr("in between one began or ended"));
}

TEST_F(Records, AVerdictByADigestListIsTheSameAfterManifestAndListAreGone) {
  const crypto::Sha256 list = trusted_by_list();
  EXPECT_THAT(stored().record.policies.at(0).lists, ElementsAre(list));
  EXPECT_THAT(world.archive.all.back()->named, Contains(list));
  const auto then = stored();
  const auto claims = token().claims();
  world.archive.lists.clear();
  world.lists.remove(list);
  world.manifests.clear();
  world.resolve_again();
  beat();
  ASSERT_EQ(first(), "PolicyUnusable");
  ArchivedObjects objects(world.archive, then);
  const auto outcome = must_value(appraisal::reappraise(then, claims, objects));
  EXPECT_TRUE(outcome.same());
  EXPECT_EQ(outcome.verdict->status, attest::Status::kAffirming);
  EXPECT_THAT(outcome.inputs,
              Contains(HasSubstr("the digest list of policy \"p\" " + attest::digest_text(list))));
  EXPECT_THAT(outcome.as_recorded, IsEmpty());
}

TEST_F(Records, AFileThatADigestListDoesNotHaveIsRefusedWhenItIsJudgedAgain) {
  trusted_by_list();
  measure(ima_file("/bin/b", "unknown"));
  store_runtime_log();
  beat();
  arrived();
  ASSERT_EQ(first(), "RuntimeFileUnknown");
  expect_same(attest::Status::kContraindicated);
}

TEST_F(Records, ADigestListThatIsMissingOrDamagedIsNamed) {
  const crypto::Sha256 list = trusted_by_list();
  Bytes& bytes = world.archive.objects.at(list);
  bytes.front() ^= 1;
  EXPECT_FALSE(again().verdict.has_value());
  EXPECT_THAT(again().missing,
              ElementsAre(AllOf(HasSubstr("the digest list of policy \"p\""),
                                HasSubstr(attest::digest_text(list)), HasSubstr("other bytes"))));
  world.archive.objects.erase(list);
  EXPECT_FALSE(again().verdict.has_value());
  EXPECT_THAT(again().missing, ElementsAre(AllOf(HasSubstr(attest::digest_text(list)),
                                                 HasSubstr("is not kept any more"))));
}

TEST_F(Records, ARecordThatHidesADigestListIsToldFromTheVerdict) {
  trusted_by_list();
  appraisal::StoredRecord record = stored();
  record.record.policies[0].lists.clear();
  const auto outcome = again(record);
  EXPECT_FALSE(outcome.same());
  EXPECT_THAT(outcome.as_recorded, ElementsAre(HasSubstr("not part of the record")));
}

TEST_F(Records, ARecordWithADigestListThatNoManifestNamesIsForeign) {
  trusted();
  const Bytes other = to_bytes(to_hex(crypto::sha256(as_bytes("x"))) + "\n");
  world.archive.objects[crypto::sha256(other)] = other;
  appraisal::StoredRecord record = stored();
  record.record.policies[0].lists = {crypto::sha256(other)};
  EXPECT_THAT(again(record).foreign, ElementsAre(HasSubstr("digest lists")));
  const Bytes none = to_bytes("no list");
  world.archive.objects[crypto::sha256(none)] = none;
  record.record.policies[0].lists = {crypto::sha256(none)};
  EXPECT_THAT(again(record).foreign, Contains(HasSubstr("line 1")));
}

TEST_F(Records, APolicyWhoseDigestListWasMissingIsUnusableWhenItIsJudgedAgain) {
  trusted();
  set_manifest(manifest_of(crypto::sha256(as_bytes("nowhere"))));
  beat();
  arrived();
  ASSERT_EQ(first(), "PolicyUnusable");
  expect_same(attest::Status::kContraindicated);
  EXPECT_THAT(again().as_recorded, Contains(HasSubstr("could not be used")));
}

TEST_F(Records, ABootLogThatDoesNotExplainThePcrsIsJudgedAgain) {
  trusted();
  agent.tpm.extend_event(4, as_bytes("another program"));
  beat();
  arrived();
  ASSERT_EQ(first(), "BootLogReplayMismatch");
  expect_same(attest::Status::kContraindicated);
}

TEST_F(Records, ABootLogThatWasMissingIsMissingWhenItIsJudgedAgain) {
  enrol(kBootPolicy);
  auto without = evidence();
  without.boot_log.reset();
  world.send("n", without);
  ASSERT_EQ(first(), "BootLogMissing");
  expect_same(attest::Status::kContraindicated);
}

TEST_F(Records, ARuntimeLogThatWasRefusedIsTakenAsRecordedAndSaidSo) {
  trusted();
  agent.tpm.extend(10, kBank, Bytes(32, 9));  // what the log does not have
  beat();
  arrived();
  ASSERT_EQ(first(), "RuntimeLogNotReplayed");
  expect_same(attest::Status::kContraindicated);
  EXPECT_THAT(again().as_recorded, ElementsAre(HasSubstr("RuntimeLogNotReplayed")));
}

TEST_F(Records, APolicyThatCouldNotBeUsedIsUnusableWhenItIsJudgedAgain) {
  trusted();
  world.manifests.clear();
  world.resolve_again();
  beat();
  ASSERT_EQ(first(), "PolicyUnusable");
  expect_same(attest::Status::kContraindicated);
}

TEST_F(Records, EveryInputThatIsMissingOrChangedIsNamed) {
  trusted();
  const auto record = stored();
  const std::vector<crypto::Sha256> named = record.objects();
  ASSERT_THAT(named, SizeIs(7));
  for (const crypto::Sha256& digest : named) {
    const bool is_runtime = digest == record.record.runtime_log->digest;
    Bytes& bytes =
        is_runtime ? world.archive.runtime_logs.begin()->second : world.archive.objects.at(digest);
    const Bytes whole = bytes;
    bytes.back() = static_cast<std::uint8_t>(bytes.back() ^ 1);
    const auto changed = again();
    EXPECT_FALSE(changed.same());
    EXPECT_FALSE(changed.verdict.has_value()) << "nothing is judged by other inputs";
    EXPECT_THAT(changed.missing, ElementsAre(HasSubstr(attest::digest_text(digest))));
    bytes = whole;
  }
  for (const crypto::Sha256& digest : named) {
    if (digest == record.record.runtime_log->digest) continue;
    auto node = world.archive.objects.extract(digest);
    const auto lacking = again();
    EXPECT_FALSE(lacking.verdict.has_value());
    EXPECT_THAT(lacking.missing, ElementsAre(HasSubstr("is not kept any more")));
    EXPECT_THAT(lacking.missing, ElementsAre(HasSubstr(attest::digest_text(digest))));
    world.archive.objects.insert(std::move(node));
  }
  const auto log = world.archive.runtime_logs.extract(world.archive.runtime_logs.begin());
  EXPECT_THAT(again().missing, ElementsAre(HasSubstr("the runtime log")));
}

TEST_F(Records, ARecordOfOtherInputsThanTheTokensIsForeign) {
  trusted();
  const auto foreign = [this](const std::function<void(appraisal::StoredRecord&)>& change) {
    appraisal::StoredRecord record = stored();
    change(record);
    const auto outcome = again(record);
    EXPECT_FALSE(outcome.verdict.has_value());
    return outcome.foreign;
  };
  EXPECT_THAT(foreign([](auto& r) { r.record.node_name = "m"; }), Contains(HasSubstr("\"m\"")));
  EXPECT_THAT(foreign([](auto& r) { r.record.policies.clear(); }),
              Contains(HasSubstr("policies are not those")));
  EXPECT_THAT(foreign([](auto& r) { r.record.policies[0].digest[0] ^= 1; }),
              Contains(HasSubstr("policies are not those")));
  EXPECT_THAT(foreign([](auto& r) { r.record.policies[0].references.pop_back(); }),
              Contains(HasSubstr("references")));
  EXPECT_THAT(foreign([](auto& r) { r.record.boot_log.reset(); }),
              Contains(HasSubstr("boot log is not the one")));
  EXPECT_THAT(foreign([](auto& r) { r.record.runtime_log.reset(); }),
              Contains(HasSubstr("runtime log is not the one")));
  EXPECT_THAT(foreign([](auto& r) { r.record.beacon_text += "x"; }),
              Contains(HasSubstr("ChallengeMismatch")));
  EXPECT_THAT(foreign([](auto& r) { r.evidence["nodeUID"] = "other"; }),
              Contains(HasSubstr("UID")));
  EXPECT_THAT(foreign([](auto& r) { r.evidence["quote"]["beacon"]["size"] = 1; }),
              Contains(HasSubstr("another beacon")));
}

TEST_F(Records, ALogThatTheRecordHidesGivesAnotherVerdict) {
  trusted();
  appraisal::StoredRecord record = stored();
  record.record.policies[0].boot = {};
  const auto outcome = again(record);
  EXPECT_FALSE(outcome.same());
  EXPECT_THAT(outcome.different, Contains(HasSubstr("contraindicated, and was affirming")));
}

TEST_F(Records, ReasonsOtherThanRecordedAreToldOf) {
  trusted();
  appraisal::StoredRecord record = stored();
  record.record.reasons.emplace_back("PcrMismatch");
  EXPECT_THAT(again(record).different, ElementsAre(HasSubstr("the reasons")));
}

// A version that did not say which manifests had ended judged the same.
TEST_F(Records, ANoteOfManifestsThatHaveEndedMakesNoDifference) {
  trusted();
  appraisal::StoredRecord record = stored();
  record.record.reasons.emplace_back("ReferencesNotInForce");
  EXPECT_TRUE(again(record).same());
}

TEST_F(Records, AnotherVerdictIsToldFromTheTokens) {
  trusted();
  const auto record = stored();
  attest::TokenClaims claims = token().claims();
  claims.status = attest::Status::kWarning;
  claims.policies.at(0).status = attest::Status::kWarning;
  ArchivedObjects objects(world.archive, record);
  const auto outcome = must_value(appraisal::reappraise(record, claims, objects));
  EXPECT_THAT(outcome.different, ElementsAre(HasSubstr("the verdict: affirming, and was warning"),
                                             HasSubstr("policy \"p\"")));
}

TEST_F(Records, CertificatesAreJudgedByTheTimeOfTheVerdict) {
  trusted();
  appraisal::StoredRecord record = stored();
  attest::TokenClaims claims = token().claims();
  claims.issued_at = record.record.beacon_published = record.record.policies[0].resolved_at =
      record.record.policies[0].endorsed_at = SystemTime(std::chrono::hours(24 * 365));  // 1971
  ArchivedObjects objects(world.archive, record);
  const auto outcome = must_value(appraisal::reappraise(record, claims, objects));
  EXPECT_THAT(outcome.foreign, IsEmpty());
  EXPECT_THAT(outcome.different, Contains(HasSubstr("EndorsementInvalid")));
}

TEST_F(Records, TheLogEntryNamesTheRecordByItsDigest) {
  trusted();
  const LogJob& entry = world.entries.back();
  const codec::Cbor* named = entry.payload.find("record");
  ASSERT_NE(named, nullptr);
  ASSERT_NE(named->as_bytes(), nullptr);
  EXPECT_TRUE(equal(*named->as_bytes(),
                    crypto::sha256(must_value(world.archive.record(token().digest())).value())));
}

TEST_F(Records, HeartbeatsThatChangeNothingLeaveNoRecordsAndRenewalsShareTheirObjects) {
  trusted();
  const std::size_t records = world.archive.records.size();
  const std::size_t objects = world.archive.objects.size();
  for (int i = 0; i < 5; ++i) beat();
  EXPECT_EQ(world.archive.records.size(), records);
  const std::size_t renewals = world.renewals;
  while (world.renewals == renewals) beat();
  EXPECT_EQ(world.archive.records.size(), records + 1);
  EXPECT_EQ(world.archive.objects.size(), objects);
  EXPECT_EQ(world.archive.all.back()->kind, RecordKind::kRenewal);
  EXPECT_LT(world.archive.all.back()->packed.bytes.size(), 4096U);
  expect_same(attest::Status::kAffirming);
}

TEST_F(Records, ARecordIsReadStrictly) {
  trusted();
  const Bytes good = must_value(world.archive.record(token().digest())).value();
  ASSERT_TRUE(appraisal::parse_record(good).has_value());
  for (std::size_t size = 0; size < good.size(); size += 7) {
    EXPECT_FALSE(appraisal::parse_record(ByteView(good).first(size)).has_value()) << size;
  }
  std::string text(as_text(good));
  text.insert(1, R"("surplus":1,)");
  const auto surplus = appraisal::parse_record(as_bytes(text));
  ASSERT_FALSE(surplus.has_value());
  EXPECT_THAT(surplus.error().message, HasSubstr("surplus"));
}

}  // namespace
}  // namespace avouch::control
