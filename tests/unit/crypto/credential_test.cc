// The transport of MakeCredential's seed, undone with the private key.

#include <gtest/gtest.h>
#include <openssl/rsa.h>

#include "crypto/hash_impl.h"
#include "crypto/key_impl.h"
#include "tests/unit/crypto/vectors.h"

namespace avouch::crypto {
namespace {

const std::string kIdentity("IDENTITY\0", 9);

Result<Bytes> oaep_decrypt(const PrivateKey& key, HashAlgorithm hash, const std::string& label,
                           ByteView sealed) {
  const PkeyCtxPtr context(EVP_PKEY_CTX_new_from_pkey(nullptr, key.impl().key.get(), nullptr));
  void* copy = label.empty() ? nullptr : OPENSSL_memdup(label.data(), label.size());
  ensure(EVP_PKEY_decrypt_init(context.get()) == 1 &&
             EVP_PKEY_CTX_set_rsa_padding(context.get(), RSA_PKCS1_OAEP_PADDING) == 1 &&
             EVP_PKEY_CTX_set_rsa_oaep_md(context.get(), digest_method(hash)) == 1 &&
             EVP_PKEY_CTX_set_rsa_mgf1_md(context.get(), digest_method(hash)) == 1 &&
             EVP_PKEY_CTX_set0_rsa_oaep_label(context.get(), copy,
                                              static_cast<int>(label.size())) == 1,
         "EVP_PKEY_decrypt_init");
  Bytes out(512);
  std::size_t size = out.size();
  if (EVP_PKEY_decrypt(context.get(), out.data(), &size, sealed.data(), sealed.size()) != 1) {
    return rejected(take_openssl_reason());
  }
  out.resize(size);
  return out;
}

TEST(RsaOaep, IsUndoneByThePrivateKeyWithTheSameHashAndLabelOnly) {
  const PrivateKey& key = test_key(KeyType::kRsa2048);
  const Bytes seed = unhex("000102030405060708090a0b0c0d0e0f");
  for (const auto hash : {HashAlgorithm::kSha256, HashAlgorithm::kSha384}) {
    const auto sealed = key.public_key().rsa_oaep_encrypt(hash, as_bytes(kIdentity), seed);
    ASSERT_TRUE(sealed.has_value()) << sealed.error().message;
    EXPECT_EQ(sealed->size(), 256U);
    EXPECT_EQ(oaep_decrypt(key, hash, kIdentity, *sealed).value(), seed);
    EXPECT_FALSE(oaep_decrypt(key, hash, "IDENTITY", *sealed).has_value());
    EXPECT_FALSE(oaep_decrypt(key, HashAlgorithm::kSha512, kIdentity, *sealed).has_value());
  }
  const auto without = key.public_key().rsa_oaep_encrypt(HashAlgorithm::kSha256, {}, seed);
  EXPECT_EQ(oaep_decrypt(key, HashAlgorithm::kSha256, "", *without).value(), seed);
}

TEST(RsaOaep, NeverGivesTheSameTwice) {
  const PublicKey key = test_key(KeyType::kRsa2048).public_key();
  EXPECT_NE(key.rsa_oaep_encrypt(HashAlgorithm::kSha256, {}, as_bytes("seed")).value(),
            key.rsa_oaep_encrypt(HashAlgorithm::kSha256, {}, as_bytes("seed")).value());
}

TEST(RsaOaep, RefusesSha1AndWhatDoesNotFit) {
  const PublicKey key = test_key(KeyType::kRsa2048).public_key();
  EXPECT_FALSE(key.rsa_oaep_encrypt(HashAlgorithm::kSha1, {}, as_bytes("seed")).has_value());
  // RFC 8017, 7.1.1: at most k - 2 hLen - 2 = 190 bytes.
  EXPECT_TRUE(key.rsa_oaep_encrypt(HashAlgorithm::kSha256, {}, Bytes(190, 1)).has_value());
  const auto longer = key.rsa_oaep_encrypt(HashAlgorithm::kSha256, {}, Bytes(191, 1));
  ASSERT_FALSE(longer.has_value());
  EXPECT_EQ(longer.error().kind, ErrorKind::kRejected);
}

TEST(EphemeralEcdh, AgreesWithWhatThePrivateKeyComputes) {
  for (const KeyType type : {KeyType::kEcP256, KeyType::kEcP384}) {
    const PrivateKey key = PrivateKey::generate(type);
    for (int i = 0; i < 20; ++i) {
      const auto agreement = key.public_key().ecdh_ephemeral();
      ASSERT_TRUE(agreement.has_value()) << agreement.error().message;
      const auto ephemeral =
          PublicKey::ec_from_point(type, agreement->ephemeral_x, agreement->ephemeral_y);
      ASSERT_TRUE(ephemeral.has_value()) << ephemeral.error().message;
      const PkeyCtxPtr context(EVP_PKEY_CTX_new_from_pkey(nullptr, key.impl().key.get(), nullptr));
      ensure(EVP_PKEY_derive_init(context.get()) == 1 &&
                 EVP_PKEY_derive_set_peer(context.get(), ephemeral->impl().key.get()) == 1,
             "EVP_PKEY_derive_init");
      Bytes shared(field_size(type));
      std::size_t size = shared.size();
      ASSERT_EQ(EVP_PKEY_derive(context.get(), shared.data(), &size), 1);
      EXPECT_EQ(agreement->shared_x, shared);
      EXPECT_EQ(agreement->ephemeral_x.size(), field_size(type));
    }
  }
}

TEST(EphemeralEcdh, UsesANewKeyEachTime) {
  const PublicKey key = PrivateKey::generate(KeyType::kEcP256).public_key();
  EXPECT_NE(key.ecdh_ephemeral()->ephemeral_x, key.ecdh_ephemeral()->ephemeral_x);
}

}  // namespace
}  // namespace avouch::crypto
