#include "crypto/symmetric.h"

#include <gtest/gtest.h>

#include "base/hex.h"

namespace avouch::crypto {
namespace {

Bytes unhex_bytes(std::string_view text) { return from_hex(text).value(); }

// RFC 4231, test case 2; RFC 2202, test case 2.
TEST(HmacByAlgorithm, GivesTheKnownAnswers) {
  const Bytes key = to_bytes("Jefe");
  const Bytes data = to_bytes("what do ya want for nothing?");
  EXPECT_EQ(to_hex(hmac(HashAlgorithm::kSha1, key, data)),
            "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79");
  EXPECT_EQ(to_hex(hmac(HashAlgorithm::kSha256, key, data)),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  EXPECT_EQ(to_hex(hmac(HashAlgorithm::kSha384, key, data)),
            "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e"
            "8e2240ca5e69e2c78b3239ecfab21649");
  EXPECT_EQ(to_hex(hmac(HashAlgorithm::kSha512, key, data)),
            "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554"
            "9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737");
}

TEST(HmacByAlgorithm, TakesAnEmptyKeyAndAnEmptyMessage) {
  EXPECT_EQ(to_hex(hmac(HashAlgorithm::kSha256, {}, {})),
            "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

// Made by `openssl enc -aes-128-cfb` and `-aes-256-cfb` with a zero IV.
TEST(AesCfb, GivesTheKnownAnswersOfAnotherProgram) {
  const Bytes text = to_bytes("sixteen byte txt and five");
  EXPECT_EQ(to_hex(aes_cfb_encrypt(unhex_bytes("000102030405060708090a0b0c0d0e0f"), text).value()),
            "b5c84343e2ea35a20d36f50781bca00d992f71b731d0d51c3b");
  EXPECT_EQ(to_hex(aes_cfb_encrypt(unhex_bytes("000102030405060708090a0b0c0d0e0f"
                                               "101112131415161718191a1b1c1d1e1f"),
                                   text)
                       .value()),
            "81f978c24f2cf1f0cb8aee0ffd5a0ff48a1f2054b7a428845b");
}

TEST(AesCfb, DecryptsWhatItEncryptedAtEveryLengthUpToThreeBlocks) {
  const Bytes key(32, 0x42);
  for (std::size_t size = 0; size <= 48; ++size) {
    const Bytes plain(size, 0x17);
    const Bytes sealed = aes_cfb_encrypt(key, plain).value();
    EXPECT_EQ(sealed.size(), size);
    EXPECT_EQ(aes_cfb_decrypt(key, sealed).value(), plain) << size;
  }
}

TEST(AesCfb, RefusesKeysOfEveryOtherLength) {
  for (std::size_t size = 0; size <= 40; ++size) {
    const bool right = size == 16 || size == 32;
    EXPECT_EQ(aes_cfb_encrypt(Bytes(size), Bytes(4)).has_value(), right) << size;
    EXPECT_EQ(aes_cfb_decrypt(Bytes(size), Bytes(4)).has_value(), right) << size;
  }
}

}  // namespace
}  // namespace avouch::crypto
