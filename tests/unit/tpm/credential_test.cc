#include "tpm/credential.h"

#include <gtest/gtest.h>

#include "tests/support/corpus.h"
#include "tests/support/software_tpm.h"
#include "tpm/marshal.h"

namespace avouch::tpm {
namespace {

using crypto::HashAlgorithm;
using crypto::KeyType;
using testing::SoftwareTpm;

Bytes count_up(std::uint8_t first, std::size_t size) {
  Bytes out;
  for (std::size_t i = 0; i < size; ++i) out.push_back(static_cast<std::uint8_t>(first + i));
  return out;
}

// Made by a short Python program from the formulas of TPM 2.0 Part 1, 11.4.10.
TEST(KdfA, GivesTheAnswersOfAnIndependentProgram) {
  const Bytes key = count_up(0, 32);
  const Bytes u = count_up(0x40, 34);
  const Bytes v = count_up(0x80, 16);
  EXPECT_EQ(to_hex(kdf_a(HashAlgorithm::kSha256, key, "STORAGE", u, {}, 128)),
            "30476cb97de910bef6a6a2c406648583");
  EXPECT_EQ(to_hex(kdf_a(HashAlgorithm::kSha256, key, "INTEGRITY", {}, {}, 256)),
            "bacf689f634ece301e1f1b15b072d9c87db6a69585db42b1a0cb8f73ebe2692e");
  EXPECT_EQ(to_hex(kdf_a(HashAlgorithm::kSha256, key, "X", u, v, 600)),
            "28cda592eb32518d28769477eb249ccc9fd72e2427a50814ea5b2154b0a067297fcbf9c7c1f32b675089"
            "540d64ca659f9e26797bd3c0f98eb4b07b15af74c2e3296092d12174e1b28842aa");
  EXPECT_EQ(to_hex(kdf_a(HashAlgorithm::kSha384, key, "INTEGRITY", {}, {}, 384)),
            "ce5c1941c2411f7c12d0ad0dea97f8d18968b11c9fa9b006da60acc8fa7015ccffedc78fb26af4019b59"
            "583ab55d4698");
}

TEST(KdfE, GivesTheAnswersOfAnIndependentProgram) {
  const Bytes z = count_up(0, 32);
  const Bytes u = count_up(0x40, 34);
  const Bytes v = count_up(0x80, 16);
  EXPECT_EQ(to_hex(kdf_e(HashAlgorithm::kSha256, z, "IDENTITY", u, v, 256)),
            "36387bde40b7d5cff157fb6067be5e58840ec443e1afa3d67bf88f84b3abc4b9");
  EXPECT_EQ(to_hex(kdf_e(HashAlgorithm::kSha384, z, "IDENTITY", u, v, 400)),
            "32ac8466f5e4818ebc4a7c1fef1996ddb4de8a49b37a3611bea8357eb1e1dda0faa75bc0913ad52d0326"
            "928e26af2a77e681");
}

struct EkKind {
  const char* name;
  KeyType type;
};
constexpr EkKind kEkKinds[] = {
    {"RSA-2048", KeyType::kRsa2048}, {"P-256", KeyType::kEcP256}, {"P-384", KeyType::kEcP384}};

TEST(MakeCredential, IsOpenedByTheTpmThatHasBothKeys) {
  for (const EkKind& kind : kEkKinds) {
    SoftwareTpm tpm(kind.type);
    const WrappedKey ak = tpm.create_attestation_key().value();
    const Public ek = parse_public(tpm.ek_public()).value();
    const Bytes name = parse_public(ak.public_area)->name;
    for (const std::size_t size : {1U, 16U, 32U}) {
      const Bytes secret = count_up(9, size);
      const auto credential = make_credential(ek, name, secret, crypto::system_random());
      ASSERT_TRUE(credential.has_value()) << kind.name << ": " << credential.error().message;
      const auto opened = tpm.activate(ak, credential->blob, credential->encrypted_secret);
      ASSERT_TRUE(opened.has_value()) << kind.name << ": " << opened.error().message;
      EXPECT_EQ(opened.value(), secret) << kind.name;
    }
  }
}

TEST(MakeCredential, IsNotOpenedForAnotherKeyOrByAnotherTpm) {
  SoftwareTpm tpm;
  SoftwareTpm other;
  const WrappedKey ak = tpm.create_attestation_key().value();
  const WrappedKey second_ak = tpm.create_attestation_key().value();
  const WrappedKey other_ak = other.create_attestation_key().value();
  const Public ek = parse_public(tpm.ek_public()).value();
  const Bytes name = parse_public(ak.public_area)->name;
  const auto credential = make_credential(ek, name, Bytes(32, 1), crypto::system_random()).value();
  EXPECT_TRUE(tpm.activate(ak, credential.blob, credential.encrypted_secret).has_value());
  EXPECT_FALSE(tpm.activate(second_ak, credential.blob, credential.encrypted_secret).has_value());
  EXPECT_FALSE(other.activate(other_ak, credential.blob, credential.encrypted_secret).has_value());
}

TEST(MakeCredential, RefusesSecretsOfAWrongSize) {
  SoftwareTpm tpm;
  const Public ek = parse_public(tpm.ek_public()).value();
  const Bytes name(34, 1);
  EXPECT_FALSE(make_credential(ek, name, {}, crypto::system_random()).has_value());
  EXPECT_FALSE(make_credential(ek, name, Bytes(33), crypto::system_random()).has_value());
}

TEST(MakeCredential, RefusesAKeyThatIsNoStorageKey) {
  const auto good = testing::read_case(testing::own_corpus() / "cases", "01-good-baseline");
  const Public ak = parse_public(good.file("ak.pub")).value();
  EXPECT_FALSE(make_credential(ak, ak.name, Bytes(32), crypto::system_random()).has_value());
}

// Sizes as tss2 and every TPM expect them, for real endorsement keys.
TEST(MakeCredential, HasTheSizesOfTheStandardForRealEndorsementKeys) {
  const auto good = testing::read_case(testing::own_corpus() / "cases", "01-good-baseline");
  const Bytes name = good.file("ak.name");
  const Public rsa = parse_public(good.file("ek.pub")).value();
  const Public p384 = parse_public(good.file("ek_ecc384.pub")).value();
  const auto for_rsa = make_credential(rsa, name, Bytes(32), crypto::system_random()).value();
  const auto for_p384 = make_credential(p384, name, Bytes(32), crypto::system_random()).value();
  EXPECT_EQ(for_rsa.blob.size(), 2U + (2 + 32) + (2 + 32));
  EXPECT_EQ(for_rsa.encrypted_secret.size(), 2U + 256);
  EXPECT_EQ(for_p384.blob.size(), 2U + (2 + 48) + (2 + 32));
  EXPECT_EQ(for_p384.encrypted_secret.size(), 2U + 2 * (2 + 48));
}

TEST(OpenCredential, RefusesEveryFlippedBitAndEveryTruncation) {
  SoftwareTpm tpm;
  const Public ek = parse_public(tpm.ek_public()).value();
  const WrappedKey ak = tpm.create_attestation_key().value();
  const Bytes name = parse_public(ak.public_area)->name;
  const auto credential = make_credential(ek, name, Bytes(32, 7), crypto::system_random()).value();
  for (std::size_t bit = 0; bit < credential.blob.size() * 8; ++bit) {
    Bytes changed = credential.blob;
    changed[bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8));
    EXPECT_FALSE(tpm.activate(ak, changed, credential.encrypted_secret).has_value()) << bit;
  }
  for (std::size_t size = 0; size < credential.blob.size(); ++size) {
    EXPECT_FALSE(
        tpm.activate(ak, ByteView(credential.blob).first(size), credential.encrypted_secret)
            .has_value())
        << size;
  }
}

}  // namespace
}  // namespace avouch::tpm
