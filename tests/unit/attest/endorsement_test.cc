// Rows I6 to I9 of THREATS.md: the maker's word for an endorsement key, and the inventory's.

#include <gtest/gtest.h>

#include "attest/enrolment.h"
#include "tests/support/corpus.h"
#include "tests/support/ek_authority.h"
#include "tests/unit/attest/node.h"

namespace avouch::attest {
namespace {

using crypto::KeyType;
using std::chrono::hours;
using testing::CorpusCase;
using testing::EkAuthority;
using testing::EkCertificateFields;
using testing::SoftwareTpm;

template <typename T>
std::string code_of(const Checked<T>& checked) {
  return checked.has_value() ? "" : checked.reason().code;
}

class Endorsement : public ::testing::Test {
 protected:
  Endorsement() {
    rules.trust_anchors = {maker.root()};
    rules.enrollment = Enrollment::kTrustOnFirstUse;
    rules.keys = {{KeyType::kEcP256, kEcdsaSha256}};
    identity = {{maker.issue(tpm.ek().public_key())}, tpm.ek_public(), ak.public_area};
  }

  Checked<EndorsementResult> check(SystemTime now = kNow) const {
    return check_endorsement(keys, identity, "worker-1", rules, now);
  }
  std::string code(SystemTime now = kNow) const { return code_of(check(now)); }
  std::string code_with(const EkCertificateFields& fields) {
    identity.ek_certificates = {maker.issue(tpm.ek().public_key(), fields)};
    return code();
  }

  SoftwareTpm tpm;
  tpm::WrappedKey ak = tpm.make_key(KeyType::kEcP256, kEcdsaSha256);
  NodeKeys keys = TestNode::keys_of(tpm, ak);
  EkAuthority maker;
  EndorsementRules rules;
  UnverifiedIdentity identity;
};

TEST_F(Endorsement, ByAMakerInTheTrustBundleIsAccepted) {
  const auto result = check();
  ASSERT_TRUE(result.has_value()) << result.reason().message;
  EXPECT_EQ(result->bound_by, Enrollment::kTrustOnFirstUse);
  EXPECT_TRUE(result->rules_used.empty());
}

TEST_F(Endorsement, OfRsaAndP384KeysIsAcceptedToo) {
  for (const KeyType type : {KeyType::kRsa2048, KeyType::kEcP384}) {
    const SoftwareTpm other(type);
    const auto other_ak = other.make_key(KeyType::kEcP256, kEcdsaSha256);
    const NodeKeys other_keys = TestNode::keys_of(other, other_ak);
    const UnverifiedIdentity other_identity{
        {maker.issue(other.ek().public_key())}, other.ek_public(), other_ak.public_area};
    EXPECT_EQ(code_of(check_endorsement(other_keys, other_identity, "n", rules, kNow)), "");
  }
}

TEST_F(Endorsement, RefusesAKindOfKeyThatThePolicyDoesNotList) {
  rules.keys = {
      {KeyType::kRsa2048, {crypto::SignatureScheme::kRsassa, crypto::HashAlgorithm::kSha256}}};
  EXPECT_EQ(code(), "KeyNotAllowed");
  rules.keys.clear();
  EXPECT_EQ(code(), "KeyNotAllowed");
}

TEST_F(Endorsement, I6_RefusesTheCertificateOfAnotherKey) {
  const SoftwareTpm other;
  identity.ek_certificates = {maker.issue(other.ek().public_key())};
  EXPECT_EQ(code(), "EndorsementInvalid");
}

TEST_F(Endorsement, I6_RefusesAnEkWhoseCertificateComesOnlySecond) {
  const SoftwareTpm other;
  identity.ek_certificates = {maker.issue(other.ek().public_key()),
                              maker.issue(tpm.ek().public_key())};
  EXPECT_EQ(code(), "EndorsementInvalid");
}

TEST_F(Endorsement, I6_RefusesATpmWithoutACertificate) {
  identity.ek_certificates.clear();
  EXPECT_EQ(code(), "EndorsementInvalid");
}

TEST_F(Endorsement, I7_RefusesAMakerThatIsNotInTheTrustBundle) {
  rules.trust_anchors.clear();
  EXPECT_EQ(code(), "EndorsementInvalid");
}

TEST_F(Endorsement, I7_RefusesAnAuthorityOfTheSameName) {
  const EkAuthority impostor;
  ASSERT_EQ(impostor.root().subject(), maker.root().subject());
  identity.ek_certificates = {impostor.issue(tpm.ek().public_key())};
  EXPECT_EQ(code(), "EndorsementInvalid");
  identity.ek_certificates.push_back(impostor.root_der());
  EXPECT_EQ(code(), "EndorsementInvalid");
}

TEST_F(Endorsement, I7_RefusesCertificatesBeforeAndAfterTheirTime) {
  EkCertificateFields fields;
  fields.not_before = kNow;
  fields.not_after = kNow + hours(1);
  EXPECT_EQ(code_with(fields), "");
  EXPECT_EQ(code(kNow - std::chrono::seconds(1)), "EndorsementInvalid");
  EXPECT_EQ(code(kNow + hours(1) + std::chrono::seconds(1)), "EndorsementInvalid");
}

TEST_F(Endorsement, I7_AcceptsTheEndOfTimeThatMakersWrite) {
  EXPECT_EQ(code(SystemTime(std::chrono::seconds(4'102'444'800))), "");  // the year 2100
}

TEST_F(Endorsement, I7_RefusesACertificateOfAnAuthority) {
  EkCertificateFields fields;
  fields.is_ca = true;
  EXPECT_EQ(code_with(fields), "EndorsementInvalid");
}

TEST_F(Endorsement, I7_RefusesACertificateThatIsNotForEndorsementKeys) {
  for (const char* usage :
       {"", "2.23.133.8.2", "2.23.133.8.3", "serverAuth", "anyExtendedKeyUsage"}) {
    EkCertificateFields fields;
    fields.extended_key_usage = usage;
    EXPECT_EQ(code_with(fields), "EndorsementInvalid") << usage;
  }
}

TEST_F(Endorsement, I7_RefusesAKeyUsageThatDoesNotFitTheKey) {
  for (const char* usage : {"-", "critical,keyEncipherment", "critical,digitalSignature"}) {
    EkCertificateFields fields;
    fields.key_usage = usage;
    EXPECT_EQ(code_with(fields), "EndorsementInvalid") << usage;
  }
}

TEST_F(Endorsement, I7_RefusesACriticalExtensionThatNobodyKnows) {
  EkCertificateFields fields;
  fields.critical_extension = "1.3.6.1.4.1.99999.1";
  EXPECT_EQ(code_with(fields), "EndorsementInvalid");
}

TEST_F(Endorsement, I7_RefusesEveryTruncationAndEveryFlippedBitOfTheSignature) {
  const Bytes genuine = identity.ek_certificates[0];
  for (std::size_t size = 0; size < genuine.size(); ++size) {
    identity.ek_certificates[0].assign(genuine.begin(),
                                       genuine.begin() + static_cast<std::ptrdiff_t>(size));
    EXPECT_EQ(code(), "EndorsementInvalid") << size;
  }
  for (std::size_t bit = 0; bit < 60 * 8; ++bit) {
    identity.ek_certificates[0] = genuine;
    identity.ek_certificates[0][genuine.size() - 1 - bit / 8] ^=
        static_cast<std::uint8_t>(1U << (bit % 8));
    EXPECT_EQ(code(), "EndorsementInvalid") << bit;
  }
}

TEST_F(Endorsement, PaddingOfNvIsAcceptedByANamedRuleOnly) {
  const Bytes genuine = identity.ek_certificates[0];
  for (const std::uint8_t filler : {std::uint8_t{0x00}, std::uint8_t{0xff}}) {
    identity.ek_certificates[0] = genuine;
    identity.ek_certificates[0].resize(1536, filler);
    const auto result = check();
    ASSERT_TRUE(result.has_value()) << result.reason().message;
    EXPECT_EQ(result->rules_used, std::vector<std::string>{"nv-padding"});
  }
  for (const Bytes& trailing : {Bytes{1}, Bytes{0, 1}, Bytes{0xff, 0}, Bytes{0x30, 0x00}}) {
    identity.ek_certificates[0] = genuine;
    append(identity.ek_certificates[0], trailing);
    EXPECT_EQ(code(), "EndorsementInvalid");
  }
}

TEST_F(Endorsement, I8_NeedsTheInventorysWordForThisVeryMachine) {
  rules.enrollment = Enrollment::kInventory;
  EXPECT_EQ(code(), "IdentityMismatch");
  rules.inventory["worker-2"] = {keys.ek_digest};
  EXPECT_EQ(code(), "IdentityMismatch");
  rules.inventory["worker-1"] = {crypto::sha256("another TPM")};
  EXPECT_EQ(code(), "IdentityMismatch");
  rules.inventory["worker-1"].push_back(keys.ek_digest);
  EXPECT_EQ(code(), "");
  EXPECT_EQ(check()->bound_by, Enrollment::kInventory);
}

TEST_F(Endorsement, I8_SaysWhatWouldEnrolARightMachine) {
  rules.enrollment = Enrollment::kInventory;
  EXPECT_NE(check().reason().message.find("worker-1: " + digest_text(keys.ek_digest)),
            std::string::npos);
}

TEST(Inventory, IsReadStrictly) {
  const std::string a = digest_text(crypto::sha256("a"));
  const std::string b = digest_text(crypto::sha256("b"));
  const auto inventory = parse_inventory({{"one", a + "\n"}, {"two", " " + a + " \n" + b}});
  ASSERT_TRUE(inventory.has_value());
  EXPECT_EQ(inventory->at("one").size(), 1U);
  EXPECT_EQ(inventory->at("two"),
            (std::vector<crypto::Sha256>{crypto::sha256("a"), crypto::sha256("b")}));
  for (const std::string& wrong : {std::string(), std::string(" \n"), a + "," + b, a.substr(7)}) {
    const auto refused = parse_inventory({{"one", a}, {"bad", wrong}});
    ASSERT_FALSE(refused.has_value()) << wrong;
    EXPECT_NE(refused.error().message.find("\"bad\""), std::string::npos);
  }
}

TEST(TrustBundle, IsEveryCertificateOfEveryEntry) {
  const EkAuthority one("one");
  const EkAuthority two("two");
  const auto bundle = parse_trust_bundle(
      {{"a.pem", one.root().pem()}, {"b.pem", two.root().pem() + one.root().pem()}});
  ASSERT_TRUE(bundle.has_value());
  EXPECT_EQ(bundle->size(), 3U);
  EXPECT_FALSE(parse_trust_bundle({}).has_value());
  EXPECT_FALSE(parse_trust_bundle({{"a.pem", one.root().pem()}, {"b.pem", "nothing"}}).has_value());
}

std::string judge_corpus(const CorpusCase& each) {
  const UnverifiedIdentity identity{
      {each.file("ek_cert.der")}, each.file("ek.pub"), each.file("ak.pub")};
  const auto keys = check_keys(identity);
  if (!keys.has_value()) return keys.reason().code;
  EndorsementRules rules;
  rules.trust_anchors = testing::corpus_authority("ca1");
  rules.enrollment = Enrollment::kTrustOnFirstUse;
  rules.keys = {{keys->ak.key.type(), *keys->ak.signing}};
  const auto result = check_endorsement(keys.value(), identity, "node", rules, kNow);
  return result.has_value() ? "" : result.reason().code;
}

TEST(CorpusEndorsements, OfGenuineBootsAreAcceptedUnlessTheirMakerIsUnknown) {
  for (const CorpusCase& each : testing::all_cases()) {
    if (each.meta.text({"kind"}) != "genuine" || each.folders.size() != 1) continue;
    if (each.id.starts_with("14-")) continue;
    const bool trusted = each.meta.text({"ekCa"}) == "ca1";
    EXPECT_EQ(judge_corpus(each), trusted ? "" : "EndorsementInvalid") << each.id;
  }
}

TEST(CorpusEndorsements, ThatWereMutatedAreRefusedForTheRightReason) {
  const std::map<std::string, std::string> expected = {
      {"09b-untrusted-ca", "EndorsementInvalid"},
      {"12-ekcert-p384", "EndorsementInvalid"},
      {"12-ekcert-padded", ""},
      {"12-ekcert-sigbit", "EndorsementInvalid"},
      {"12-ekcert-truncated", "EndorsementInvalid"},
      {"12-other-ekcert", "EndorsementInvalid"},
      {"12-platcert-as-ekcert", "EndorsementInvalid"},
      {"12-other-ek", ""},  // genuine in itself: the quote does not fit it
  };
  for (const auto& [id, code] : expected) {
    EXPECT_EQ(judge_corpus(testing::read_case(testing::own_corpus() / "cases", id)), code) << id;
  }
}

TEST(CorpusEndorsements, P384CertificateFitsTheP384Key) {
  const CorpusCase good = testing::read_case(testing::own_corpus() / "cases", "01-good-baseline");
  const UnverifiedIdentity identity{
      {good.file("ek_cert_ecc384.der")}, good.file("ek_ecc384.pub"), good.file("ak.pub")};
  const NodeKeys keys = check_keys(identity).value();
  EndorsementRules rules;
  rules.trust_anchors = testing::corpus_authority("ca1");
  rules.enrollment = Enrollment::kTrustOnFirstUse;
  rules.keys = {{keys.ak.key.type(), *keys.ak.signing}};
  EXPECT_EQ(code_of(check_endorsement(keys, identity, "node", rules, kNow)), "");
  for (const char* other : {"ca2", "ca3"}) {
    rules.trust_anchors = testing::corpus_authority(other);
    EXPECT_EQ(code_of(check_endorsement(keys, identity, "node", rules, kNow)),
              "EndorsementInvalid");
  }
}

// The TPM's own names; a name file that differs by a bit is no name of this key.
TEST(CorpusEndorsements, I5_NameOfAnotherKeyIsNotOurs) {
  const CorpusCase mutated = testing::read_case(testing::own_corpus() / "cases", "12-name-bit");
  const tpm::Public ak = tpm::parse_public(mutated.file("ak.pub")).value();
  EXPECT_NE(ak.name, mutated.file("ak.name"));
}

// What the guest's TPM gave back, against what the verifier had hidden.
TEST(CorpusActivation, I2_WrongSecretIsRefusedAndTheRightOneEnrols) {
  for (const char* id : {"01-good-baseline", "08a-rsa-ak", "12-secret-wrong", "12-other-ek"}) {
    const CorpusCase each = testing::read_case(testing::own_corpus() / "cases", id);
    const NodeKeys keys = check_keys({{}, each.file("ek.pub"), each.file("ak.pub")}).value();
    ActivationChallenge challenge;
    challenge.id = "id";
    challenge.node_uid = "uid";
    challenge.ek_digest = keys.ek_digest;
    challenge.ak_name = keys.ak.name;
    challenge.secret = each.file("cred.secret_expected.bin");
    challenge.made_at = kNow;
    const ActivationAnswer answer{
        "id", activation_proof(each.file("cred.secret_activated.bin"), "uid", "id", keys.ak.name)};
    const auto enrolled = check_activation(std::move(challenge), keys, answer, kNow);
    EXPECT_EQ(enrolled.has_value(), each.verdict == "accept") << id;
  }
}

}  // namespace
}  // namespace avouch::attest
