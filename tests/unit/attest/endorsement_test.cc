// Rows I6 to I9 of THREATS.md: the maker's word for an endorsement key, and the inventory's.

#include <gtest/gtest.h>

#include <fstream>

#include "attest/enrolment.h"
#include "tests/support/corpus.h"
#include "tests/support/ek_authority.h"
#include "tests/support/paths.h"
#include "tests/unit/attest/node.h"
#include "unit/attest/code_of.h"

namespace avouch::attest {
namespace {

using crypto::KeyType;
using std::chrono::hours;
using testing::CorpusCase;
using testing::EkAuthority;
using testing::EkCertificateFields;
using testing::SoftwareTpm;

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

// Under the root of a maker stand authorities for other things too.
TEST_F(Endorsement, I7_RefusesAnIntermediateThatWasMadeForOtherPurposes) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"", ""},
      {"2.23.133.8.1", ""},
      {"serverAuth,2.23.133.8.1", ""},
      {"anyExtendedKeyUsage", ""},
      {"serverAuth", "EndorsementInvalid"},
      {"2.23.133.8.2", "EndorsementInvalid"},
  };
  for (const auto& [usage, expected] : cases) {
    const EkAuthority middle = maker.subordinate("middle", usage);
    identity.ek_certificates = {middle.issue(tpm.ek().public_key()), middle.root_der()};
    rules.trust_anchors = {maker.root()};
    EXPECT_EQ(code(), expected) << usage;
    rules.trust_anchors = {middle.root()};  // an administrator's own choice
    EXPECT_EQ(code(), "") << usage;
  }
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

TEST_F(Endorsement, ReadsAChainThatStandsInOneIndexOrGoesOnInTheNext) {
  const EkAuthority other("another maker");
  Bytes chain = other.root_der();
  append(chain, maker.root_der());
  const Bytes own = identity.ek_certificates[0];
  identity.ek_certificates = {own, chain};
  ASSERT_TRUE(check().has_value()) << check().reason().message;
  EXPECT_EQ(check()->rules_used, std::vector<std::string>{"nv-chain"});
  for (std::size_t cut = 1; cut < chain.size(); ++cut) {
    const auto middle = chain.begin() + static_cast<std::ptrdiff_t>(cut);
    identity.ek_certificates = {own, Bytes(chain.begin(), middle), Bytes(middle, chain.end())};
    const auto result = check();
    ASSERT_TRUE(result.has_value()) << cut << ": " << result.reason().message;
    const bool one_each = cut == other.root_der().size();
    EXPECT_EQ(result->rules_used.empty(), one_each) << cut;
  }
  chain.resize(4096, 0xff);
  identity.ek_certificates = {own, chain};
  EXPECT_EQ(check()->rules_used, (std::vector<std::string>{"nv-chain", "nv-padding"}));
  chain = other.root_der();
  chain.pop_back();
  identity.ek_certificates = {own, chain};
  EXPECT_EQ(code(), "EndorsementInvalid");
}

TEST_F(Endorsement, BoundsHowManyCertificatesAChainHas) {
  Bytes chain;
  for (std::size_t i = 1; i < kMaxEkCertificates; ++i) append(chain, maker.root_der());
  identity.ek_certificates.push_back(chain);
  EXPECT_EQ(code(), "");
  identity.ek_certificates.push_back(maker.root_der());
  EXPECT_EQ(code(), "EndorsementInvalid");
}

TEST_F(Endorsement, ReadsTheMakerFromTheVerifiedCertificate) {
  EXPECT_EQ(check()->make, (TpmMake{"id:53544D20", "ST33", "id:0001"}));
  EXPECT_EQ(to_text(*check()->make), "STM (id:53544D20), model ST33, version id:0001");
  for (const int type : {V_ASN1_PRINTABLESTRING, V_ASN1_IA5STRING, V_ASN1_T61STRING}) {
    for (const bool one_rdn : {false, true}) {
      EkCertificateFields fields;
      fields.attribute_type = type;
      fields.one_rdn = one_rdn;
      EXPECT_EQ(code_with(fields), "") << type;
      EXPECT_EQ(check()->make, (TpmMake{"id:53544D20", "ST33", "id:0001"})) << type;
      EXPECT_TRUE(check()->rules_used.empty()) << type;
    }
  }
}

// Each of these is refused or accepted by its own rule, and by no other.
TEST_F(Endorsement, OddButGenuineCertificatesAreAcceptedByNamedRules) {
  EkCertificateFields none;
  none.tpm_attributes.clear();
  EkCertificateFields no_maker;
  no_maker.tpm_attributes = {{"2.23.133.2.2", "ST33"}};
  EkCertificateFields not_critical;
  not_critical.common_name = "";
  not_critical.name_is_critical = false;
  EkCertificateFields critical = not_critical;
  critical.name_is_critical = true;
  EkCertificateFields named = not_critical;
  named.common_name = "tpm";
  EkCertificateFields no_constraints;
  no_constraints.has_basic_constraints = false;
  EkCertificateFields long_length;
  long_length.long_length = true;
  const std::vector<std::pair<EkCertificateFields, std::vector<std::string>>> cases = {
      {{}, {}},
      {none, {"no-tpm-attributes"}},
      {no_maker, {"no-tpm-attributes"}},
      {critical, {}},
      {named, {}},
      {not_critical, {"name-not-critical"}},
      {no_constraints, {"no-basic-constraints"}},
      {long_length, {"not-der"}},
  };
  for (std::size_t i = 0; i < cases.size(); ++i) {
    EXPECT_EQ(code_with(cases[i].first), "") << i;
    const auto result = check();
    ASSERT_TRUE(result.has_value()) << i;
    EXPECT_EQ(result->rules_used, cases[i].second) << i;
  }
}

TEST_F(Endorsement, OfAKeyMarkedForOaepOnlyIsAcceptedByANamedRule) {
  const SoftwareTpm other(KeyType::kRsa2048);
  const auto other_ak = other.make_key(KeyType::kEcP256, kEcdsaSha256);
  EkCertificateFields fields;
  fields.oaep_only = true;
  const UnverifiedIdentity other_identity{
      {maker.issue(other.ek().public_key(), fields)}, other.ek_public(), other_ak.public_area};
  const auto result =
      check_endorsement(TestNode::keys_of(other, other_ak), other_identity, "n", rules, kNow);
  ASSERT_TRUE(result.has_value()) << result.reason().message;
  EXPECT_EQ(result->rules_used, std::vector<std::string>{"oaep-key"});
}

TEST_F(Endorsement, RefusesNamesThatAreMalformedDoubleOrContradictory) {
  EkCertificateFields broken;
  broken.tpm_attributes.clear();
  broken.broken_name = true;
  EXPECT_EQ(code_with(broken), "EndorsementInvalid");
  EkCertificateFields twice;
  twice.times_named = 2;
  EXPECT_EQ(code_with(twice), "EndorsementInvalid");
  EkCertificateFields two_makers;
  two_makers.tpm_attributes.emplace_back("2.23.133.2.1", "id:49465800");
  EXPECT_EQ(code_with(two_makers), "EndorsementInvalid");
  EkCertificateFields empty;
  empty.tpm_attributes = EkCertificateFields::made_by("id:53544D20", "");
  EXPECT_EQ(code_with(empty), "EndorsementInvalid");
  EkCertificateFields many;
  for (int i = 0; i < 40; ++i) many.tpm_attributes.emplace_back("2.23.133.2.3", "id:0001");
  EXPECT_EQ(code_with(many), "EndorsementInvalid");
}

TEST_F(Endorsement, I9_AcceptsMakersOfHardwareWhereHardwareIsRequired) {
  rules.require_hardware = true;
  for (const char* id : {"id:53544D20", "id:53544D00", "id:53544d20", "id:49465800", "id:494E5443",
                         "id:414D4400", "id:4E544300", "id:51434F4D"}) {
    EkCertificateFields fields;
    fields.tpm_attributes = EkCertificateFields::made_by(id);
    EXPECT_EQ(code_with(fields), "") << id;
  }
}

TEST_F(Endorsement, I9_RefusesVirtualTpmsWhereHardwareIsRequired) {
  const std::vector<std::vector<std::pair<std::string, std::string>>> virtual_ones = {
      EkCertificateFields::made_by("id:00001014", "swtpm"),  // swtpm's default
      EkCertificateFields::made_by("id:49424D00", "x"),      // IBM
      EkCertificateFields::made_by("id:49424D20", "x"),
      EkCertificateFields::made_by("id:4D534654", "x"),      // MSFT
      EkCertificateFields::made_by("id:474F4F47", "x"),      // GOOG
      EkCertificateFields::made_by("id:564D5700", "x"),      // VMW
      EkCertificateFields::made_by("id:564D5720", "x"),      // VMW
      EkCertificateFields::made_by("id:51454D55", "x"),      // QEMU
      EkCertificateFields::made_by("id:414D5A4E", "x"),      // AMZN
      EkCertificateFields::made_by("id:53544D20", "swtpm"),  // a chip's id, a virtual model
      EkCertificateFields::made_by("id:494E5443", "My vTPM 2.0"),
      EkCertificateFields::made_by("id:58595A00", "x"),  // nobody knows XYZ
      EkCertificateFields::made_by("id:00000000", "x"),
      EkCertificateFields::made_by("STM", "ST33"),  // not of the profile's form
      EkCertificateFields::made_by("id:53544D", "ST33"),
      EkCertificateFields::made_by("id:53544D2000", "ST33"),
      EkCertificateFields::made_by("ID:53544D20", "ST33"),
      {{"2.23.133.2.2", "ST33"}},    // model, but no maker
      {{"2.5.4.3", "id:53544D20"}},  // the right words elsewhere
      {},
  };
  for (std::size_t i = 0; i < virtual_ones.size(); ++i) {
    EkCertificateFields fields;
    fields.tpm_attributes = virtual_ones[i];
    rules.require_hardware = true;
    EXPECT_EQ(code_with(fields), "HardwareRequired") << i;
    rules.require_hardware = false;  // and it is for nothing else that they are refused
    EXPECT_EQ(code(), "") << i;
  }
}

// The subject is free text of the maker's; the profile has the maker in the alternative name alone.
TEST(EndorsementRules, AreThoseOfTheSpec) {
  PolicySpec spec;
  spec.enrollment = Enrollment::kTrustOnFirstUse;
  spec.keys = {{KeyType::kEcP256, kEcdsaSha256}};
  for (const bool hardware : {false, true}) {
    spec.require_hardware = hardware;
    const EndorsementRules rules = rules_of(spec);
    EXPECT_EQ(rules.enrollment, spec.enrollment);
    EXPECT_EQ(rules.keys, spec.keys);
    EXPECT_EQ(rules.require_hardware, hardware);
    EXPECT_TRUE(rules.trust_anchors.empty());
  }
}

TEST_F(Endorsement, I9_BelievesNoOtherPlaceThanTheCertificatesAlternativeName) {
  rules.require_hardware = true;
  EkCertificateFields fields;
  fields.tpm_attributes.clear();
  fields.common_name = "2.23.133.2.1=id:53544D20";
  EXPECT_EQ(code_with(fields), "HardwareRequired");
}

// What the chain does not vouch for is not read as a maker's word.
TEST_F(Endorsement, I9_NamesTheUntrustedMakerBeforeTheMissingHardware) {
  rules.require_hardware = true;
  rules.trust_anchors = {EkAuthority("another").root()};
  EXPECT_EQ(code(), "EndorsementInvalid");
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

TEST_F(Endorsement, I8_SaysThatTheNodeIsNotNamed) {
  rules.enrollment = Enrollment::kInventory;
  const auto unnamed = check_endorsement(keys, identity, "", rules, kNow);
  EXPECT_NE(unnamed.reason().message.find("does not say of which node"), std::string::npos);
}

TEST(Inventory, IsLinesOfDigestsForEachNode) {
  const auto text = [](const char* tpm) { return digest_text(crypto::sha256(tpm)); };
  const auto inventory =
      parse_inventory({{"one", text("a") + "\n"},
                       {"rack-2.two", "# old board\r\n " + text("b") + " \t" + text("c") + "\n\n" +
                                          text("d") + "# new board"}});
  ASSERT_TRUE(inventory.has_value()) << inventory.error().message;
  EXPECT_EQ(inventory->at("one"), std::vector<crypto::Sha256>{crypto::sha256("a")});
  EXPECT_EQ(
      inventory->at("rack-2.two"),
      (std::vector<crypto::Sha256>{crypto::sha256("b"), crypto::sha256("c"), crypto::sha256("d")}));
  EXPECT_TRUE(parse_inventory({}).has_value());  // no node has a TPM: all are refused
}

TEST(Inventory, NamesEveryBadLineAtOnce) {
  const std::string a = digest_text(crypto::sha256("a"));
  const std::string b = digest_text(crypto::sha256("b"));
  std::string upper = b;
  upper[10] = 'F';
  const auto refused = parse_inventory({{"one", a},
                                        {"two", b + "\nnonsense\n# fine\n" + upper + " " + b},
                                        {"three", " \n# nothing"},
                                        {"Four", digest_text(crypto::sha256("c"))},
                                        {"five", a},
                                        {"six", a + "," + b},
                                        {"seven", a.substr(7)}});
  ASSERT_FALSE(refused.has_value());
  for (const char* fault :
       {R"(entry "two", line 2: "nonsense" is no digest)", R"(entry "two", line 4: "sha256:)",
        R"(stands in entry "two", line 1 already)", R"(entry "three": is empty)",
        R"(entry "Four": the key is no name of a node)", R"(entry "six", line 1)",
        R"(stands in entry "five", line 1 already)", R"(entry "seven", line 1)"}) {
    EXPECT_NE(refused.error().message.find(fault), std::string::npos)
        << fault << " is not in " << refused.error().message;
  }
}

TEST(Inventory, BoundsDigestsOfANodeAndTheLengthOfItsComplaint) {
  std::string sixteen;
  for (int i = 0; i < 16; ++i) sixteen += digest_text(crypto::sha256(std::to_string(i))) + "\n";
  EXPECT_TRUE(parse_inventory({{"n", sixteen}}).has_value());
  EXPECT_FALSE(parse_inventory({{"n", sixteen + digest_text(crypto::sha256("17"))}}).has_value());
  std::string bad;
  for (int i = 0; i < 1000; ++i) bad += std::string(500, 'x') + "\n";
  const auto refused = parse_inventory({{"n", bad}});
  ASSERT_FALSE(refused.has_value());
  EXPECT_LT(refused.error().message.size(), 6000U);
  EXPECT_NE(refused.error().message.find("and 980 more"), std::string::npos);
}

TEST(Inventory, TakesOnlyNamesThatANodeCanHave) {
  const std::string a = digest_text(crypto::sha256("a"));
  for (const char* good : {"a", "a-b", "a.b", "0", "ip-10-0-0-1.ec2.internal"}) {
    EXPECT_TRUE(parse_inventory({{good, a}}).has_value()) << good;
  }
  for (const char* bad : {"", "A", "-a", "a-", ".a", "a.", "a..b", "a.-b", "a-.b", "a_b", "a b"}) {
    EXPECT_FALSE(parse_inventory({{bad, a}}).has_value()) << bad;
  }
}

TEST(TrustBundle, IsEveryCertificateOfEveryEntry) {
  const EkAuthority one("one");
  const EkAuthority two("two");
  const auto bundle = parse_trust_bundle({{"a.pem", "# maker one\n" + one.root().pem()},
                                          {"b.pem", two.root().pem() + one.root().pem()}});
  ASSERT_TRUE(bundle.has_value());
  EXPECT_EQ(bundle->size(), 3U);
  EXPECT_FALSE(parse_trust_bundle({}).has_value());
  EXPECT_FALSE(parse_trust_bundle({{"a.pem", one.root().pem()}, {"b.pem", "nothing"}}).has_value());
}

TEST(TrustBundle, NamesEveryEntryAtFaultAndTakesNoCertificateOfATpm) {
  const EkAuthority maker;
  const SoftwareTpm tpm;
  const std::string of_tpm =
      crypto::Certificate::from_der(maker.issue(tpm.ek().public_key()))->pem();
  const auto refused = parse_trust_bundle({{"a.pem", maker.root().pem() + of_tpm},
                                           {"b.pem", "nothing"},
                                           {"c.pem", maker.root().pem()}});
  ASSERT_FALSE(refused.has_value());
  for (const char* fault : {R"(bundle "a.pem": PEM block 2, "CN=tpm", is not a certificate auth)",
                            R"(bundle "b.pem": )"}) {
    EXPECT_NE(refused.error().message.find(fault), std::string::npos) << refused.error().message;
  }
  EXPECT_EQ(refused.error().message.find("c.pem"), std::string::npos);
}

TEST(TrustBundle, NamesAnEntryInDerAndHowToConvertIt) {
  const EkAuthority maker;
  const std::string der(as_text(maker.root().der()));
  const auto refused = parse_trust_bundle({{"a.pem", maker.root().pem()}, {"b.cer", der}});
  ASSERT_FALSE(refused.has_value());
  EXPECT_TRUE(refused.error().message.starts_with(
      R"(trust bundle "b.cer": certificates: in DER, which is binary)"))
      << refused.error().message;
  EXPECT_NE(refused.error().message.find("openssl x509 -inform DER"), std::string::npos);
}

// `data` of a ConfigMap whose values are block texts indented by four blanks.
std::map<std::string, std::string> data_of_example(const std::string& name) {
  std::ifstream in(testing::vectors_dir() / "../../docs/examples" / name);
  std::map<std::string, std::string> out;
  std::string* value = nullptr;
  bool in_data = false;
  for (std::string line; std::getline(in, line);) {
    if (line == "data:") {
      in_data = true;
    } else if (in_data && line.starts_with("    ")) {
      *value += line.substr(4) + "\n";
    } else if (in_data) {
      value = &out[line.substr(2, line.find(':') - 2)];
    }
  }
  return out;
}

TEST(Examples, OfTheDocumentsAreAccepted) {
  const auto bundle = parse_trust_bundle(data_of_example("tpm-vendors.yaml"));
  ASSERT_TRUE(bundle.has_value()) << bundle.error().message;
  EXPECT_EQ(bundle->size(), 2U);
  const auto inventory = parse_inventory(data_of_example("tpm-inventory.yaml"));
  ASSERT_TRUE(inventory.has_value()) << inventory.error().message;
  EXPECT_EQ(inventory->size(), 2U);
  EXPECT_EQ(inventory->at("worker-2.example.internal").size(), 2U);
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

TEST(CorpusEndorsements, I9_OfSoftwareTpmsAreRefusedWhereHardwareIsRequired) {
  for (const char* id : {"01-good-baseline", "08a-rsa-ak", "12-ekcert-padded"}) {
    const CorpusCase each = testing::read_case(testing::own_corpus() / "cases", id);
    const UnverifiedIdentity identity{
        {each.file("ek_cert.der")}, each.file("ek.pub"), each.file("ak.pub")};
    const NodeKeys keys = check_keys(identity).value();
    EndorsementRules rules;
    rules.trust_anchors = testing::corpus_authority("ca1");
    rules.enrollment = Enrollment::kTrustOnFirstUse;
    rules.keys = {{keys.ak.key.type(), *keys.ak.signing}};
    EXPECT_EQ(check_endorsement(keys, identity, "node", rules, kNow)->make->manufacturer,
              "id:00001014");
    rules.require_hardware = true;
    EXPECT_EQ(code_of(check_endorsement(keys, identity, "node", rules, kNow)), "HardwareRequired");
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
