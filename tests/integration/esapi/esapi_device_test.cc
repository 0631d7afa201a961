// The ESAPI adapter on a real (software) TPM, against the verifier's own code.

#include "adapters/esapi_device.h"

#include <gtest/gtest.h>

#include "attest/enrolment.h"
#include "base/hex.h"
#include "crypto/hash.h"
#include "support/swtpm.h"
#include "tpm/credential.h"
#include "tpm/marshal.h"

namespace avouch::adapters {
namespace {

const tpm::PcrSelection kSelection = {{crypto::HashAlgorithm::kSha1, 0xffffff},
                                      {crypto::HashAlgorithm::kSha256, 0xffffff}};
const Bytes kQualifying(32, 0x5a);

class EsapiDeviceTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { tpm_ = std::make_unique<testing::Swtpm>(); }
  static void TearDownTestSuite() { tpm_.reset(); }
  static std::unique_ptr<testing::Swtpm> tpm_;
  EsapiDevice device{tpm_->tcti()};
};
std::unique_ptr<testing::Swtpm> EsapiDeviceTest::tpm_;

tpm::Attest attest_of(const tpm::SignedQuote& quote) {
  auto attest = tpm::parse_attest(quote.message);
  EXPECT_TRUE(attest.has_value());
  return *attest;
}

TEST_F(EsapiDeviceTest, SaysWhatTheTpmIs) {
  const auto state = device.state();
  ASSERT_TRUE(state.has_value()) << state.error().message;
  EXPECT_EQ(state->manufacturer, "IBM");
  EXPECT_EQ(state->active_banks.size(), 2U);
}

TEST_F(EsapiDeviceTest, GivesAnEndorsementKeyThatItsCertificateIsAbout) {
  const auto endorsement = device.endorsement();
  ASSERT_TRUE(endorsement.has_value()) << endorsement.error().message;
  ASSERT_FALSE(endorsement->ek_certificates.empty());
  const auto key = device.create_attestation_key();
  ASSERT_TRUE(key.has_value()) << key.error().message;
  const attest::UnverifiedIdentity identity{.ek_certificates = endorsement->ek_certificates,
                                            .ek_public = endorsement->ek_public,
                                            .ak_public = key->public_area};
  const auto keys = attest::check_keys(identity);
  ASSERT_TRUE(keys.has_value()) << keys.reason().message;
  const auto anchors = attest::parse_trust_bundle({{"ca", tpm_->ca_pem()}});
  ASSERT_TRUE(anchors.has_value()) << anchors.error().message;
  attest::EndorsementRules rules;
  rules.trust_anchors = *anchors;
  rules.enrollment = attest::Enrollment::kTrustOnFirstUse;
  rules.keys = {attest::KeyKind{}};  // ECDSA P-256 with SHA-256
  const auto now =
      std::chrono::time_point_cast<std::chrono::milliseconds>(std::chrono::system_clock::now());
  const auto checked = attest::check_endorsement(keys.value(), identity, "node", rules, now);
  EXPECT_TRUE(checked.has_value()) << checked.reason().message;
}

TEST_F(EsapiDeviceTest, ActivatesACredentialMadeForItsKeysAndNoOther) {
  const auto endorsement = device.endorsement();
  const auto key = device.create_attestation_key();
  const auto other = device.create_attestation_key();
  ASSERT_TRUE(endorsement.has_value() && key.has_value() && other.has_value());
  const auto ek = tpm::parse_public(endorsement->ek_public);
  const auto ak = tpm::parse_public(key->public_area);
  ASSERT_TRUE(ek.has_value() && ak.has_value());
  const Bytes secret(32, 0x42);
  const auto credential = tpm::make_credential(*ek, ak->name, secret, crypto::system_random());
  ASSERT_TRUE(credential.has_value()) << credential.error().message;

  const auto opened = device.activate(*key, credential->blob, credential->encrypted_secret);
  ASSERT_TRUE(opened.has_value()) << opened.error().message;
  EXPECT_EQ(*opened, secret);
  const auto refused = device.activate(*other, credential->blob, credential->encrypted_secret);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().kind, ErrorKind::kRejected);
}

TEST_F(EsapiDeviceTest, QuotesValuesThatItReadsBack) {
  const auto key = device.create_attestation_key();
  ASSERT_TRUE(key.has_value());
  for (int i = 0; i < 3; ++i) {  // the second and third use the saved context
    const auto quote = device.quote(*key, kQualifying, kSelection);
    ASSERT_TRUE(quote.has_value()) << quote.error().message;
    const auto pcrs = device.read_pcrs(kSelection);
    ASSERT_TRUE(pcrs.has_value()) << pcrs.error().message;
    EXPECT_EQ(pcrs->size(), 48U);
    const tpm::Attest attest = attest_of(*quote);
    EXPECT_EQ(attest.extra_data, kQualifying);
    const auto values = tpm::quoted_bytes(attest.selection, *pcrs);
    ASSERT_TRUE(values.has_value()) << values.error().message;
    EXPECT_EQ(crypto::hash(crypto::HashAlgorithm::kSha256, *values), attest.pcr_digest);
  }
}

TEST_F(EsapiDeviceTest, SeesAnExtendByAnotherProgram) {
  const auto key = device.create_attestation_key();
  ASSERT_TRUE(key.has_value());
  const Bytes before = attest_of(*device.quote(*key, kQualifying, kSelection)).pcr_digest;
  tpm_->tool("tpm2_pcrextend 8:sha256=" + std::string(64, 'a'));
  EXPECT_NE(attest_of(*device.quote(*key, kQualifying, kSelection)).pcr_digest, before);
}

TEST_F(EsapiDeviceTest, UsesTheSameKeyAfterAResetAndCountsIt) {
  const auto key = device.create_attestation_key();
  ASSERT_TRUE(key.has_value());
  const std::uint32_t before =
      attest_of(*device.quote(*key, kQualifying, kSelection)).clock.reset_count;
  tpm_->power_cycle();
  const auto quote = device.quote(*key, kQualifying, kSelection);
  ASSERT_TRUE(quote.has_value()) << quote.error().message;
  EXPECT_EQ(attest_of(*quote).clock.reset_count, before + 1);
  EsapiDevice restarted(tpm_->tcti());
  EXPECT_TRUE(restarted.quote(*key, kQualifying, kSelection).has_value());
}

// Each reset without a shutdown, after a use of a guarded object, counts as a failed try.
TEST_F(EsapiDeviceTest, QuotesOnAfterMoreUncleanResetsThanLockATpm) {
  testing::Swtpm tpm;
  EsapiDevice own(tpm.tcti());
  const auto key = own.create_attestation_key();
  ASSERT_TRUE(key.has_value()) << key.error().message;
  for (int i = 0; i < 5; ++i) {
    ASSERT_TRUE(own.quote(*key, kQualifying, kSelection).has_value()) << i;
    tpm.power_cycle();
  }
  const auto quote = own.quote(*key, kQualifying, kSelection);
  EXPECT_TRUE(quote.has_value()) << quote.error().message;
}

TEST_F(EsapiDeviceTest, RefusesAKeyOfAnotherTpm) {
  testing::Swtpm other;
  const auto key = EsapiDevice(other.tcti()).create_attestation_key();
  ASSERT_TRUE(key.has_value());
  const auto quote = device.quote(*key, kQualifying, kSelection);
  ASSERT_FALSE(quote.has_value());
  EXPECT_EQ(quote.error().kind, ErrorKind::kRejected);
}

TEST_F(EsapiDeviceTest, CallsALostTpmRetryableAndFindsItAgain) {
  tpm_->stop(SIGKILL);
  const auto lost = device.state();
  ASSERT_FALSE(lost.has_value());
  EXPECT_EQ(lost.error().kind, ErrorKind::kRetryable);
  tpm_->start();
  EXPECT_TRUE(device.state().has_value());
}

TEST_F(EsapiDeviceTest, LeavesNothingLoadedBehind) {
  const auto key = device.create_attestation_key();
  ASSERT_TRUE(key.has_value());
  for (int i = 0; i < 20; ++i) {
    const auto quote = device.quote(*key, kQualifying, kSelection);
    ASSERT_TRUE(quote.has_value()) << i << ": " << quote.error().message;
  }
  tpm_->tool("tpm2_getcap handles-transient | (! grep -q .)");
  tpm_->tool("tpm2_getcap handles-loaded-session | (! grep -q .)");
}

TEST_F(EsapiDeviceTest, SaysWhichKeyAReplacedTpmHas) {
  testing::Swtpm first, second;
  EsapiDevice agent(first.tcti());
  const auto before = agent.endorsement();
  const auto key = agent.create_attestation_key();
  ASSERT_TRUE(before.has_value() && key.has_value());
  first.stop(SIGTERM);
  second.stop(SIGTERM);
  first.take_state_of(second);
  first.start();
  const auto refused = agent.quote(*key, kQualifying, kSelection);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().kind, ErrorKind::kRejected) << refused.error().message;
  const auto after = agent.endorsement();
  ASSERT_TRUE(after.has_value()) << after.error().message;
  EXPECT_NE(after->ek_public, before->ek_public);
  EXPECT_NE(after->ek_certificates, before->ek_certificates);
  const auto fresh = agent.create_attestation_key();
  ASSERT_TRUE(fresh.has_value()) << fresh.error().message;
  EXPECT_TRUE(agent.quote(*fresh, kQualifying, kSelection).has_value());
}

TEST_F(EsapiDeviceTest, KeepsAKeyThatATpmCannotUseForNow) {
  testing::Swtpm tpm;
  EsapiDevice agent(tpm.tcti());
  const auto key = agent.create_attestation_key();
  ASSERT_TRUE(key.has_value());
  tpm.tool("tpm2_changeauth -c endorsement secret");
  const auto refused = agent.quote(*key, kQualifying, kSelection);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().kind, ErrorKind::kRetryable) << refused.error().message;
  tpm.tool("tpm2_changeauth -c endorsement -p secret");
  EXPECT_TRUE(agent.quote(*key, kQualifying, kSelection).has_value());
}

TEST_F(EsapiDeviceTest, RefusesADamagedKeyAsOne) {
  const auto key = device.create_attestation_key();
  ASSERT_TRUE(key.has_value());
  for (const bool in_private : {true, false}) {
    for (std::size_t i = 2; i < 40; i += 7) {
      tpm::WrappedKey damaged = *key;
      (in_private ? damaged.private_area : damaged.public_area)[i] ^= 0x01;
      const auto quote = EsapiDevice(tpm_->tcti()).quote(damaged, kQualifying, kSelection);
      ASSERT_FALSE(quote.has_value()) << in_private << i;
      EXPECT_EQ(quote.error().kind, ErrorKind::kRejected) << quote.error().message;
    }
  }
  EXPECT_TRUE(device.quote(*key, kQualifying, kSelection).has_value());
}

TEST_F(EsapiDeviceTest, MakesTheKeyOfATpmWithoutCertificates) {
  testing::Swtpm tpm{testing::Swtpm::Certificates::kNone};
  const auto endorsement = EsapiDevice(tpm.tcti()).endorsement();
  ASSERT_TRUE(endorsement.has_value()) << endorsement.error().message;
  EXPECT_TRUE(endorsement->ek_certificates.empty());
  EXPECT_EQ(endorsement->template_name, "L-2 (ECC P-256)");
}

TEST_F(EsapiDeviceTest, SaysThatATctiIsWrong) {
  const auto state = EsapiDevice("nonsense:x").state();
  ASSERT_FALSE(state.has_value());
  EXPECT_NE(state.error().message.find("nonsense:x"), std::string::npos);
}

}  // namespace
}  // namespace avouch::adapters
