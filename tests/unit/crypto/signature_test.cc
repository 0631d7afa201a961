// Signatures: known answers, and what must not verify.

#include <gtest/gtest.h>

#include <array>
#include <thread>

#include "crypto/keys.h"
#include "crypto/x509.h"
#include "tests/support/pss.h"
#include "tests/unit/crypto/vectors.h"

namespace avouch::crypto {
namespace {

constexpr auto kEcdsa = SignatureScheme::kEcdsa;
constexpr auto kSha256 = HashAlgorithm::kSha256;

// RFC 6979, A.2.5 and A.2.6.
PublicKey rfc6979_p256() {
  return PublicKey::ec_from_point(
             KeyType::kEcP256,
             unhex("60FED4BA255A9D31C961EB74C6356D68C049B8923B61FA6CE669622E60F29FB6"),
             unhex("7903FE1008B8BC99A41AE9E95628BC64F2F1B20C2D7E9F5177A3C294D4462299"))
      .value();
}
PublicKey rfc6979_p384() {
  return PublicKey::ec_from_point(KeyType::kEcP384,
                                  unhex("EC3A4E415B4E19A4568618029F427FA5DA9A8BC4AE92E02E"
                                        "06AAE5286B300C64DEF8F0EA9055866064A254515480BC13"),
                                  unhex("8015D9B72D7D57244EA8EF9AC0C621896708A59367F9DFB9"
                                        "F54CA84B3F1C9DB1288B231C3AE0D4FE7344FD2533264720"))
      .value();
}
const char* const kR = "EFD48B2AACB6A8FD1140DD9CD45E81D69D2C877B56AAF991C34D0EA84EAF3716";
const char* const kS = "F7CB1C942D657C41D436C7A1B6E29F65F3E900DBB9AFF4064DC4AB2F843ACDA8";
const char* const kOrder = "FFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551";

struct EcdsaAnswer {
  const char* name;
  PublicKey key;
  HashAlgorithm hash;
  std::string message, signature;
};

TEST(Ecdsa, AcceptsTheKnownAnswersOfRfc6979) {
  const EcdsaAnswer answers[] = {
      {"P-256 SHA-256 sample", rfc6979_p256(), kSha256, "sample", std::string(kR) + kS},
      {"P-256 SHA-256 test", rfc6979_p256(), kSha256, "test",
       "F1ABB023518351CD71D881567B1EA663ED3EFCF6C5132B354F28D3B0B7D38367"
       "019F4113742A2B14BD25926B49C649155F267E60D3814B4C0CC84250E46F0083"},
      {"P-256 SHA-384 sample", rfc6979_p256(), HashAlgorithm::kSha384, "sample",
       "0EAFEA039B20E9B42309FB1D89E213057CBF973DC0CFC8F129EDDDC800EF7719"
       "4861F0491E6998B9455193E34E7B0D284DDD7149A74B95B9261F13ABDE940954"},
      {"P-256 SHA-512 sample", rfc6979_p256(), HashAlgorithm::kSha512, "sample",
       "8496A60B5E9B47C825488827E0495B0E3FA109EC4568FD3F8D1097678EB97F00"
       "2362AB1ADBE2B8ADF9CB9EDAB740EA6049C028114F2460F96554F61FAE3302FE"},
      {"P-384 SHA-384 sample", rfc6979_p384(), HashAlgorithm::kSha384, "sample",
       "94EDBB92A5ECB8AAD4736E56C691916B3F88140666CE9FA73D64C4EA95AD133C"
       "81A648152E44ACF96E36DD1E80FABE46"
       "99EF4AEB15F178CEA1FE40DB2603138F130E740A19624526203B6351D0A3A94F"
       "A329C145786E679E7B82C71A38628AC8"},
  };
  for (const EcdsaAnswer& answer : answers) {
    const Bytes signature = unhex(answer.signature);
    EXPECT_TRUE(
        answer.key.verify(kEcdsa, answer.hash, as_bytes(answer.message), signature).has_value())
        << answer.name;
    EXPECT_FALSE(answer.key.verify(kEcdsa, answer.hash, as_bytes("Sample"), signature).has_value())
        << answer.name;
  }
}

TEST(Ecdsa, RefusesEveryFlippedBit) {
  const PublicKey key = rfc6979_p256();
  const Bytes sound = unhex(std::string(kR) + kS);
  for (std::size_t bit = 0; bit < sound.size() * 8; ++bit) {
    Bytes flipped = sound;
    flipped[bit / 8] = static_cast<std::uint8_t>(flipped[bit / 8] ^ 1U << bit % 8);
    const auto verdict = key.verify(kEcdsa, kSha256, as_bytes("sample"), flipped);
    ASSERT_FALSE(verdict.has_value()) << "bit " << bit;
    EXPECT_EQ(verdict.error().kind, ErrorKind::kRejected);
  }
}

TEST(Ecdsa, RefusesEveryOtherLength) {
  const PublicKey key = rfc6979_p256();
  Bytes longer = unhex(std::string(kR) + kS);
  longer.resize(200);
  for (std::size_t size = 0; size <= longer.size(); ++size) {
    EXPECT_EQ(
        key.verify(kEcdsa, kSha256, as_bytes("sample"), ByteView(longer).first(size)).has_value(),
        size == 64)
        << size;
  }
}

struct WrongSignature {
  const char* name;
  std::string signature;
};

TEST(Ecdsa, RefusesNumbersOutOfRangeAndOtherForms) {
  const std::string zero(64, '0');
  const std::string one = std::string(63, '0') + "1";
  const std::string order = kOrder;
  const std::string most(64, 'f');
  const WrongSignature wrong[] = {
      {"r = 0", zero + kS},
      {"s = 0", kR + zero},
      {"r = s = 0", zero + zero},
      {"r = s = 1", one + one},
      {"r = n", order + kS},
      {"s = n", kR + order},
      {"r = n, s = n", order + order},
      {"s = n, r = 0", zero + order},
      {"largest", most + most},
      {"r and s swapped", std::string(kS) + kR},
      {"DER, cut to 64 bytes", "3045022100" + std::string(kR) + "022100" + std::string(kS, 48)},
      {"DER", "3046022100" + std::string(kR) + "022100" + kS},
      {"r with a leading zero", "00" + std::string(kR) + kS},
  };
  for (const WrongSignature& one_of : wrong) {
    EXPECT_FALSE(rfc6979_p256()
                     .verify(kEcdsa, kSha256, as_bytes("sample"), unhex(one_of.signature))
                     .has_value())
        << one_of.name;
  }
}

// (r, n - s) holds wherever (r, s) does: nothing may take a signature for a unique name.
TEST(Ecdsa, AcceptsTheNegatedSAsTheStandardSays) {
  const char* const negated = "0834E36AD29A83BF2BC9385E491D6099C8FDF9D1ED67AA7EA5F51F93782857A9";
  EXPECT_TRUE(rfc6979_p256()
                  .verify(kEcdsa, kSha256, as_bytes("sample"), unhex(std::string(kR) + negated))
                  .has_value());
}

TEST(Ecdsa, RefusesASignatureUnderAnotherHashOrKey) {
  const Bytes signature = unhex(std::string(kR) + kS);
  const PublicKey other = PrivateKey::generate(KeyType::kEcP256).public_key();
  EXPECT_FALSE(other.verify(kEcdsa, kSha256, as_bytes("sample"), signature).has_value());
  EXPECT_FALSE(rfc6979_p256()
                   .verify(kEcdsa, HashAlgorithm::kSha512, as_bytes("sample"), signature)
                   .has_value());
}

struct Ed25519Answer {
  const char *key, *message, *signature;
};

// RFC 8032, 7.1, tests 1 to 3.
const Ed25519Answer kEd25519Answers[] = {
    {"d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
     "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e3970"
     "1cf9b46bd25bf5f0595bbe24655141438e7a100b"},
    {"3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
     "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613"
     "d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"},
    {"fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
     "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760"
     "984dc6594a7c15e9716ed28dc027beceea1ec40a"},
};

TEST(Ed25519, AcceptsTheKnownAnswersOfRfc8032AndNoFlippedBit) {
  for (const Ed25519Answer& answer : kEd25519Answers) {
    const PublicKey key = PublicKey::ed25519_from_raw(unhex(answer.key)).value();
    const Bytes sound = unhex(answer.signature);
    const auto verifies = [&](ByteView signature) {
      return key.verify(SignatureScheme::kEd25519, kSha256, unhex(answer.message), signature)
          .has_value();
    };
    EXPECT_TRUE(verifies(sound));
    for (std::size_t bit = 0; bit < sound.size() * 8; ++bit) {
      Bytes flipped = sound;
      flipped[bit / 8] = static_cast<std::uint8_t>(flipped[bit / 8] ^ 1U << bit % 8);
      EXPECT_FALSE(verifies(flipped)) << "bit " << bit;
    }
    for (std::size_t size = 0; size < sound.size(); ++size) {
      EXPECT_FALSE(verifies(ByteView(sound).first(size))) << size;
    }
  }
}

// S + L is the same number modulo the order: RFC 8032, 5.1.7 asks for S < L.
TEST(Ed25519, RefusesAnSOfTheOrderOrMore) {
  Bytes signature = unhex(kEd25519Answers[1].signature);
  const Bytes order = unhex("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010");
  unsigned carry = 0;
  for (std::size_t i = 0; i < 32; ++i) {
    carry += signature[32 + i] + order[i];
    signature[32 + i] = static_cast<std::uint8_t>(carry & 0xff);
    carry >>= 8;
  }
  const PublicKey key = PublicKey::ed25519_from_raw(unhex(kEd25519Answers[1].key)).value();
  EXPECT_FALSE(key.verify(SignatureScheme::kEd25519, kSha256, unhex("72"), signature).has_value());
}

TEST(Rsa, AcceptsTheSignaturesOfAnIndependentProgram) {
  auto vectors = read_hex_vectors("crypto/rsa.txt");
  int checked = 0;
  for (const std::string key_name : {"rsa2048", "rsa3072", "rsa4096"}) {
    const PublicKey key =
        PublicKey::rsa_from_modulus(vectors.at(key_name + ".modulus"), 65537).value();
    for (const auto hash :
         {HashAlgorithm::kSha256, HashAlgorithm::kSha384, HashAlgorithm::kSha512}) {
      const std::string suffix(hash_name(hash));
      const Bytes& pkcs1 = vectors.at(key_name + ".pkcs1." + suffix);
      const Bytes& pss = vectors.at(key_name + ".pss." + suffix);
      const Bytes& message = vectors.at("message");
      EXPECT_TRUE(key.verify(SignatureScheme::kRsassa, hash, message, pkcs1).has_value());
      EXPECT_TRUE(key.verify(SignatureScheme::kRsapss, hash, message, pss).has_value());
      EXPECT_FALSE(key.verify(SignatureScheme::kRsapss, hash, message, pkcs1).has_value());
      EXPECT_FALSE(key.verify(SignatureScheme::kRsassa, hash, message, pss).has_value());
      EXPECT_FALSE(key.verify(SignatureScheme::kRsassa, hash, as_bytes("x"), pkcs1).has_value());
      ++checked;
    }
  }
  EXPECT_EQ(checked, 9);
}

TEST(Rsa, TakesTheLargestSaltOnlyWhereTpmsSign) {
  const PrivateKey key = PrivateKey::generate(KeyType::kRsa2048);
  const Bytes message = to_bytes("message");
  const auto accepts = [&](int salt_length, PssSalt salt) {
    return key.public_key()
        .verify(SignatureScheme::kRsapss, kSha256, message,
                testing::sign_pss(key, message, salt_length), salt)
        .has_value();
  };
  constexpr int kLargest = 256 - 32 - 2;
  EXPECT_TRUE(accepts(32, PssSalt::kDigestLength));
  EXPECT_TRUE(accepts(32, PssSalt::kDigestLengthOrLargest));
  EXPECT_FALSE(accepts(kLargest, PssSalt::kDigestLength));
  EXPECT_TRUE(accepts(kLargest, PssSalt::kDigestLengthOrLargest));
  for (const int other : {0, 20, 31, 33, kLargest - 1}) {
    EXPECT_FALSE(accepts(other, PssSalt::kDigestLength)) << other;
    EXPECT_FALSE(accepts(other, PssSalt::kDigestLengthOrLargest)) << other;
  }
}

TEST(Rsa, RefusesEveryUnsoundSignature) {
  auto vectors = read_hex_vectors("crypto/rsa.txt");
  const PublicKey key = PublicKey::rsa_from_modulus(vectors.at("rsa2048.modulus"), 65537).value();
  int checked = 0;
  for (const auto& [name, signature] : vectors) {
    if (!name.starts_with("rsa2048.wrong.")) continue;
    for (const auto scheme : {SignatureScheme::kRsassa, SignatureScheme::kRsapss}) {
      for (const auto hash :
           {HashAlgorithm::kSha1, HashAlgorithm::kSha256, HashAlgorithm::kSha384}) {
        EXPECT_FALSE(key.verify(scheme, hash, vectors.at("message"), signature).has_value())
            << name;
      }
    }
    ++checked;
  }
  EXPECT_EQ(checked, 16);
}

TEST(Rsa, RefusesEveryFlippedByteAndOtherLength) {
  auto vectors = read_hex_vectors("crypto/rsa.txt");
  const PublicKey key = PublicKey::rsa_from_modulus(vectors.at("rsa2048.modulus"), 65537).value();
  for (const auto& [scheme, name] : {std::pair{SignatureScheme::kRsassa, "rsa2048.pkcs1.sha256"},
                                     {SignatureScheme::kRsapss, "rsa2048.pss.sha256"}}) {
    const Bytes sound = vectors.at(name);
    for (std::size_t i = 0; i < sound.size(); ++i) {
      Bytes flipped = sound;
      flipped[i] ^= 0x01;
      EXPECT_FALSE(key.verify(scheme, kSha256, vectors.at("message"), flipped).has_value()) << i;
      EXPECT_FALSE(
          key.verify(scheme, kSha256, vectors.at("message"), ByteView(sound).first(i)).has_value())
          << i;
    }
  }
}

SignatureScheme scheme_for(KeyType type) {
  if (type == KeyType::kEd25519) return SignatureScheme::kEd25519;
  return type == KeyType::kEcP256 || type == KeyType::kEcP384 ? kEcdsa : SignatureScheme::kRsapss;
}

constexpr KeyType kEveryKey[] = {KeyType::kEcP256,  KeyType::kEcP384,  KeyType::kRsa2048,
                                 KeyType::kRsa3072, KeyType::kRsa4096, KeyType::kEd25519};

TEST(Sign, MakesWhatVerifyAccepts) {
  for (const KeyType type : kEveryKey) {
    const PrivateKey& key = test_key(type);
    const auto scheme = scheme_for(type);
    for (const auto hash : {kSha256, HashAlgorithm::kSha384, HashAlgorithm::kSha512}) {
      for (const std::string_view message : {"", "message"}) {
        const auto signature = key.sign(scheme, hash, as_bytes(message));
        ASSERT_TRUE(signature.has_value()) << key_type_name(type);
        EXPECT_TRUE(
            key.public_key().verify(scheme, hash, as_bytes(message), *signature).has_value())
            << key_type_name(type);
        EXPECT_FALSE(
            key.public_key().verify(scheme, hash, as_bytes("other"), *signature).has_value())
            << key_type_name(type);
      }
    }
  }
}

// One in 256 signatures has an r or an s with a leading zero byte.
TEST(Sign, PadsEcdsaNumbersToTheCurvesSize) {
  const PrivateKey key = PrivateKey::generate(KeyType::kEcP256);
  bool saw_short_number = false;
  for (int i = 0; i < 1500; ++i) {
    const auto signature = key.sign(kEcdsa, kSha256, as_bytes("message"));
    ASSERT_EQ(signature->size(), 64U);
    ASSERT_TRUE(
        key.public_key().verify(kEcdsa, kSha256, as_bytes("message"), *signature).has_value());
    saw_short_number = saw_short_number || (*signature)[0] == 0 || (*signature)[32] == 0;
  }
  EXPECT_TRUE(saw_short_number);
}

TEST(Keys, AreSharedByThreads) {
  for (const KeyType type : {KeyType::kEcP256, KeyType::kRsa2048, KeyType::kEd25519}) {
    const PrivateKey& key = test_key(type);
    const PublicKey public_key = key.public_key();
    std::array<int, 4> held{};
    std::vector<std::thread> threads;
    for (int& count : held) {
      threads.emplace_back([&, scheme = scheme_for(type)] {
        for (int i = 0; i < 50; ++i) {
          const auto signature = key.sign(scheme, kSha256, as_bytes("message"));
          const auto verdict = public_key.verify(scheme, kSha256, as_bytes("message"), *signature);
          count += verdict.has_value() ? 1 : 0;
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
    for (const int count : held) EXPECT_EQ(count, 50) << key_type_name(type);
  }
}

TEST(Verify, RefusesEverySchemeThatDoesNotFitTheKey) {
  for (const KeyType type : kEveryKey) {
    const PrivateKey& key = test_key(type);
    const bool is_rsa = scheme_for(type) == SignatureScheme::kRsapss;
    for (const auto scheme :
         {kEcdsa, SignatureScheme::kRsassa, SignatureScheme::kRsapss, SignatureScheme::kEd25519}) {
      const bool fits =
          scheme == scheme_for(type) || (is_rsa && scheme == SignatureScheme::kRsassa);
      const auto signature = key.sign(scheme, kSha256, as_bytes("message"));
      ASSERT_EQ(signature.has_value(), fits) << key_type_name(type);
      if (fits) continue;
      EXPECT_EQ(signature.error().kind, ErrorKind::kRejected);
      const auto verdict =
          key.public_key().verify(scheme, kSha256, as_bytes("message"), Bytes(64, 1));
      ASSERT_FALSE(verdict.has_value());
      EXPECT_NE(verdict.error().message.find("does not fit"), std::string::npos);
    }
  }
}

TEST(Verify, RefusesSha1Always) {
  for (const KeyType type : {KeyType::kEcP256, KeyType::kRsa2048}) {
    const PrivateKey& key = test_key(type);
    EXPECT_FALSE(key.sign(scheme_for(type), HashAlgorithm::kSha1, as_bytes("m")).has_value());
    const auto verdict = key.public_key().verify(scheme_for(type), HashAlgorithm::kSha1,
                                                 as_bytes("m"), Bytes(64, 1));
    ASSERT_FALSE(verdict.has_value());
    EXPECT_NE(verdict.error().message.find("SHA-1"), std::string::npos);
  }
}

TEST(VerifyDigest, AgreesWithVerifyForEverySchemeAndRefusesEveryOtherDigest) {
  for (const KeyType type : kEveryKey) {
    if (type == KeyType::kEd25519) continue;
    const PrivateKey& key = test_key(type);
    const Bytes signature = key.sign(scheme_for(type), kSha256, as_bytes("message")).value();
    Bytes digest = hash(kSha256, as_bytes("message"));
    const PublicKey shown = key.public_key();
    EXPECT_TRUE(shown.verify_digest(scheme_for(type), kSha256, digest, signature).has_value());
    EXPECT_FALSE(
        shown.verify_digest(scheme_for(type), kSha256, ByteView(digest).first(31), signature)
            .has_value());
    EXPECT_FALSE(shown
                     .verify_digest(scheme_for(type), HashAlgorithm::kSha1,
                                    ByteView(digest).first(20), signature)
                     .has_value());
    digest[7] ^= 1;
    EXPECT_FALSE(shown.verify_digest(scheme_for(type), kSha256, digest, signature).has_value());
  }
  const auto ed25519 = test_key(KeyType::kEd25519).public_key();
  EXPECT_FALSE(
      ed25519.verify_digest(SignatureScheme::kEd25519, kSha256, Bytes(32), Bytes(64)).has_value());
}

// openssl x509 -ext subjectKeyIdentifier of a certificate that OpenSSL made for this key.
TEST(KeyIdentifier, IsTheOneThatOpensslGivesACertificateOfTheKey) {
  const CertifiedKey authority =
      make_ca("identifier", SystemTime{}, SystemTime{} + std::chrono::hours(24));
  const Certificate certificate =
      Certificate::list_from_pem(authority.certificate_pem).value().at(0);
  EXPECT_EQ(certificate.public_key().value().key_identifier(),
            certificate.subject_key_identifier());
}

TEST(EcdsaSignatureFromDer, TakesDerOfTheCurveAndNothingElse) {
  const Bytes der = unhex("3006020101020102");
  const Bytes raw = ecdsa_signature_from_der(KeyType::kEcP256, der).value();
  EXPECT_EQ(raw.size(), 64U);
  EXPECT_EQ(raw[31], 1);
  EXPECT_EQ(raw[63], 2);
  EXPECT_FALSE(ecdsa_signature_from_der(KeyType::kRsa2048, der).has_value());
  EXPECT_FALSE(ecdsa_signature_from_der(KeyType::kEcP256, ByteView(der).first(7)).has_value());
}

}  // namespace
}  // namespace avouch::crypto
