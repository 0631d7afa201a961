#pragma once

// What the agent relies on of tpm::Device, as tests that every device must pass: the TPM in memory
// (here) and a real one behind ESAPI (tests/integration/esapi). Include it in one source per test
// program and define device_under_test() there.

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>

#include "base/hex.h"
#include "crypto/hash.h"
#include "crypto/random.h"
#include "tpm/credential.h"
#include "tpm/device.h"
#include "tpm/marshal.h"

namespace avouch::tpm {

class DeviceUnderTest {
 public:
  virtual ~DeviceUnderTest() = default;
  // SHA-256 is an active bank, SHA-384 is not; NV has an endorsement key's certificate.
  virtual Device& device() = 0;
  virtual void extend(unsigned index, const Bytes& sha256) = 0;
  virtual void reset() = 0;  // power off and on
  virtual void lose() = 0;   // it cannot be reached, until find()
  virtual void find() = 0;
  virtual WrappedKey key_of_another_tpm() = 0;
};

// Made once for all tests of the program.
DeviceUnderTest& device_under_test();

class DeviceContract : public ::testing::Test {
 protected:
  template <typename T>
  static T of(Result<T> result) {
    if (!result.has_value()) throw std::runtime_error(result.error().message);
    return std::move(*result);
  }
  WrappedKey make_key() { return of(device.create_attestation_key()); }
  Public endorsement_key() { return of(parse_public(of(device.endorsement()).ek_public)); }
  Attest quoted(const WrappedKey& key, const PcrSelection& selection = kAll) {
    return of(parse_attest(of(device.quote(key, kQualifying, selection)).message));
  }

  static inline const PcrSelection kAll = {{crypto::HashAlgorithm::kSha256, 0xffffff}};
  static inline const Bytes kQualifying = Bytes(32, 0x5a);

  DeviceUnderTest& tpm = device_under_test();
  Device& device = tpm.device();
};

TEST_F(DeviceContract, NamesItsActiveBanks) {
  const DeviceState state = of(device.state());
  const auto active = [&](crypto::HashAlgorithm bank) {
    return std::count(state.active_banks.begin(), state.active_banks.end(), bank);
  };
  EXPECT_EQ(active(crypto::HashAlgorithm::kSha256), 1);
  EXPECT_EQ(active(crypto::HashAlgorithm::kSha384), 0);
  EXPECT_FALSE(state.manufacturer.empty());
}

TEST_F(DeviceContract, GivesTheSameEndorsementEachTime) {
  const Endorsement first = of(device.endorsement());
  const Endorsement second = of(device.endorsement());
  EXPECT_EQ(first.ek_public, second.ek_public);
  EXPECT_EQ(first.ek_certificates, second.ek_certificates);
  EXPECT_FALSE(first.ek_certificates.empty());
  EXPECT_TRUE(std::any_of(kEkSlots.begin(), kEkSlots.end(), [&](const EkSlot& slot) {
    return slot.name == first.template_name;
  })) << first.template_name;
}

constexpr std::uint32_t kNoDa = 1U << 10;  // a device may make its keys with it

TEST_F(DeviceContract, MakesARestrictedSigningKeyAndAnotherOneEachTime) {
  const Public first = of(parse_public(make_key().public_area));
  const Public second = of(parse_public(make_key().public_area));
  EXPECT_NE(first.name, second.name);
  EXPECT_EQ(first.attributes & ~kNoDa,
            kFixedTpm | kFixedParent | kSensitiveDataOrigin | kUserWithAuth | kRestricted | kSign);
  EXPECT_EQ(first.signing,
            (SigningScheme{crypto::SignatureScheme::kEcdsa, crypto::HashAlgorithm::kSha256}));
}

TEST_F(DeviceContract, QuotesAsAChildOfItsEndorsementKey) {
  const WrappedKey key = make_key();
  EXPECT_EQ(quoted(key).qualified_signer,
            child_qualified_name(endorsement_primary_qualified_name(endorsement_key()),
                                 of(parse_public(key.public_area))));
}

TEST_F(DeviceContract, SignsAQuoteOfWhatItReadsAndOfWhatItWasGiven) {
  const WrappedKey key = make_key();
  const Public ak = of(parse_public(key.public_area));
  for (const std::uint32_t mask : {0x000001U, 0x0000ffU, 0x800000U, 0xffffffU}) {
    const PcrSelection selection = {{crypto::HashAlgorithm::kSha256, mask}};
    const SignedQuote quote = of(device.quote(key, kQualifying, selection));
    const Attest attest = of(parse_attest(quote.message));
    EXPECT_EQ(attest.magic, kGeneratedMagic);
    EXPECT_EQ(attest.type, kAttestQuote);
    EXPECT_EQ(attest.extra_data, kQualifying);
    EXPECT_EQ(attest.selection, selection);
    const PcrValues values = of(device.read_pcrs(selection));
    EXPECT_EQ(attest.pcr_digest, crypto::hash(crypto::HashAlgorithm::kSha256,
                                              of(quoted_bytes(attest.selection, values))));
    const Signature signature = of(parse_signature(quote.signature));
    EXPECT_EQ(signature.scheme, ak.signing);
    const Bytes plain = of(signature_value(signature, ak.key.type()));
    EXPECT_TRUE(ak.key.verify(signature.scheme.scheme, signature.scheme.hash, quote.message, plain)
                    .has_value());
  }
}

TEST_F(DeviceContract, LeavesABankThatIsNotActiveOutOfQuotesAndReadsNoneOfIt) {
  const PcrSelection selection = {{crypto::HashAlgorithm::kSha256, 0x0000ff},
                                  {crypto::HashAlgorithm::kSha384, 0x0000ff}};
  const Attest attest = quoted(make_key(), selection);
  for (const BankSelection& entry : attest.selection) {
    EXPECT_EQ(entry.mask, entry.bank == crypto::HashAlgorithm::kSha256 ? 0x0000ffU : 0U);
  }
  const auto values = device.read_pcrs(selection);
  ASSERT_FALSE(values.has_value());
  EXPECT_EQ(values.error().kind, ErrorKind::kRejected) << values.error().message;
}

TEST_F(DeviceContract, ShowsWhatAPcrWasExtendedWith) {
  const PcrId id{crypto::HashAlgorithm::kSha256, 8};
  const WrappedKey key = make_key();
  const Bytes digest_before = quoted(key).pcr_digest;
  Bytes expected = of(device.read_pcrs(kAll)).at(id);
  const Bytes digest(32, 0xaa);
  append(expected, digest);
  tpm.extend(8, digest);
  EXPECT_EQ(of(device.read_pcrs(kAll)).at(id),
            crypto::hash(crypto::HashAlgorithm::kSha256, expected));
  EXPECT_NE(quoted(key).pcr_digest, digest_before);
}

TEST_F(DeviceContract, KeepsItsKeysOverAResetAndCountsIt) {
  const WrappedKey key = make_key();
  const Endorsement endorsement = of(device.endorsement());
  tpm.extend(8, Bytes(32, 0xbb));
  const Attest before = quoted(key);
  tpm.reset();
  const Attest after = quoted(key);
  EXPECT_EQ(after.clock.reset_count, before.clock.reset_count + 1);
  // Power that goes without a warning takes the end of the clock along.
  EXPECT_TRUE(after.clock.clock >= before.clock.clock || !after.clock.safe);
  EXPECT_EQ(after.qualified_signer, before.qualified_signer);
  EXPECT_EQ(of(device.endorsement()).ek_public, endorsement.ek_public);
  EXPECT_EQ(of(device.read_pcrs(kAll)).at({crypto::HashAlgorithm::kSha256, 8}), Bytes(32, 0));
}

TEST_F(DeviceContract, OpensACredentialForItsTwoKeysAndNoOther) {
  const Public ek = endorsement_key();
  const WrappedKey key = make_key();
  const Bytes name = of(parse_public(key.public_area)).name;
  const Credential credential = of(make_credential(ek, name, kQualifying, crypto::system_random()));
  EXPECT_EQ(of(device.activate(key, credential.blob, credential.encrypted_secret)), kQualifying);
  const auto for_other = device.activate(make_key(), credential.blob, credential.encrypted_secret);
  ASSERT_FALSE(for_other.has_value());
  EXPECT_EQ(for_other.error().kind, ErrorKind::kRejected) << for_other.error().message;
}

TEST_F(DeviceContract, RefusesADamagedCredential) {
  const WrappedKey key = make_key();
  const Credential credential =
      of(make_credential(endorsement_key(), of(parse_public(key.public_area)).name, kQualifying,
                         crypto::system_random()));
  for (std::size_t i = 2; i < credential.blob.size(); i += 5) {
    Bytes damaged = credential.blob;
    damaged[i] ^= 0x01;
    const auto refused = device.activate(key, damaged, credential.encrypted_secret);
    ASSERT_FALSE(refused.has_value()) << i;
    EXPECT_EQ(refused.error().kind, ErrorKind::kRejected) << i << ": " << refused.error().message;
  }
}

TEST_F(DeviceContract, RejectsAKeyThatItCannotLoadAndOnlyThen) {
  const auto stranger = device.quote(tpm.key_of_another_tpm(), kQualifying, kAll);
  ASSERT_FALSE(stranger.has_value());
  EXPECT_EQ(stranger.error().kind, ErrorKind::kRejected) << stranger.error().message;
  const WrappedKey key = make_key();
  WrappedKey damaged = key;
  damaged.private_area[5] ^= 0x01;
  const auto refused = device.quote(damaged, kQualifying, kAll);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().kind, ErrorKind::kRejected) << refused.error().message;
  tpm.lose();
  const auto lost = device.quote(key, kQualifying, kAll);
  tpm.find();
  ASSERT_FALSE(lost.has_value());
  EXPECT_EQ(lost.error().kind, ErrorKind::kRetryable) << lost.error().message;
  EXPECT_TRUE(device.quote(key, kQualifying, kAll).has_value());
}

TEST_F(DeviceContract, CallsEveryOperationOfALostTpmRetryable) {
  const WrappedKey key = make_key();
  const Credential credential =
      of(make_credential(endorsement_key(), of(parse_public(key.public_area)).name, kQualifying,
                         crypto::system_random()));
  tpm.lose();
  const auto retryable_error = [](const auto& result) {
    return !result.has_value() && result.error().kind == ErrorKind::kRetryable;
  };
  EXPECT_TRUE(retryable_error(device.state()));
  EXPECT_TRUE(retryable_error(device.endorsement()));
  EXPECT_TRUE(retryable_error(device.create_attestation_key()));
  EXPECT_TRUE(retryable_error(device.activate(key, credential.blob, credential.encrypted_secret)));
  EXPECT_TRUE(retryable_error(device.quote(key, kQualifying, kAll)));
  EXPECT_TRUE(retryable_error(device.read_pcrs(kAll)));
  tpm.find();
  EXPECT_TRUE(device.state().has_value());
}

}  // namespace avouch::tpm
