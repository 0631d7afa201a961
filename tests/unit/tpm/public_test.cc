#include <gtest/gtest.h>

#include "tests/support/corpus.h"
#include "tpm/marshal.h"

namespace avouch::tpm {
namespace {

using crypto::HashAlgorithm;
using crypto::KeyType;
using crypto::PrivateKey;
using crypto::SignatureScheme;
using testing::all_cases;
using testing::CorpusCase;
using testing::PublicFields;

constexpr SigningScheme kEcdsaSha256{SignatureScheme::kEcdsa, HashAlgorithm::kSha256};

PublicFields ak_fields() {
  PublicFields fields;
  fields.signing = kEcdsaSha256;
  return fields;
}

Bytes p256_ak() {
  static const Bytes area =
      testing::public_area(PrivateKey::generate(KeyType::kEcP256), ak_fields());
  return area;
}

// The TPM wrote ak.name and ak.qname; we compute them.
TEST(ParsePublic, GivesTheNamesThatTheTpmGave) {
  int seen = 0;
  for (const CorpusCase& each : all_cases()) {
    if (each.meta.text({"kind"}) != "genuine" || each.folders.size() != 1) continue;
    const auto ak = parse_public(each.file("ak.pub"));
    const auto ek = parse_public(each.file("ek.pub"));
    ASSERT_TRUE(ak.has_value()) << each.id << ": " << ak.error().message;
    ASSERT_TRUE(ek.has_value()) << each.id << ": " << ek.error().message;
    EXPECT_EQ(ak->name, each.file("ak.name")) << each.id;
    EXPECT_EQ(child_qualified_name(endorsement_primary_qualified_name(ek.value()), ak.value()),
              each.file("ak.qname"))
        << each.id;
    ++seen;
  }
  EXPECT_GE(seen, 5);
}

TEST(ParsePublic, ReadsARealEcdsaAttestationKey) {
  const CorpusCase good = testing::read_case(testing::own_corpus() / "cases", "01-good-baseline");
  const auto ak = parse_public(good.file("ak.pub"));
  ASSERT_TRUE(ak.has_value());
  EXPECT_EQ(ak->key.type(), KeyType::kEcP256);
  EXPECT_EQ(ak->attributes, 0x00050072U);
  ASSERT_TRUE(ak->signing.has_value());
  EXPECT_EQ(*ak->signing, kEcdsaSha256);
  EXPECT_EQ(ak->symmetric_bits, 0U);
  EXPECT_EQ(ak->name_hash, HashAlgorithm::kSha256);
}

TEST(ParsePublic, ReadsRealRsaAndP384Keys) {
  const auto cases = testing::own_corpus() / "cases";
  const auto rsassa = parse_public(testing::read_case(cases, "08a-rsa-ak").file("ak.pub"));
  const auto rsapss = parse_public(testing::read_case(cases, "08b-rsapss-ak").file("ak.pub"));
  const auto p384 = parse_public(testing::read_case(cases, "10b-sha384-p384-ak").file("ak.pub"));
  ASSERT_TRUE(rsassa.has_value() && rsapss.has_value() && p384.has_value());
  EXPECT_EQ(rsassa->key.type(), KeyType::kRsa2048);
  EXPECT_EQ(rsassa->signing->scheme, SignatureScheme::kRsassa);
  EXPECT_EQ(rsapss->signing->scheme, SignatureScheme::kRsapss);
  EXPECT_EQ(p384->key.type(), KeyType::kEcP384);
  EXPECT_EQ(p384->signing->hash, HashAlgorithm::kSha384);
}

TEST(ParsePublic, ReadsRealEndorsementKeys) {
  const CorpusCase good = testing::read_case(testing::own_corpus() / "cases", "01-good-baseline");
  const auto rsa = parse_public(good.file("ek.pub"));
  const auto p384 = parse_public(good.file("ek_ecc384.pub"));
  ASSERT_TRUE(rsa.has_value() && p384.has_value());
  EXPECT_EQ(rsa->symmetric_bits, 128U);
  EXPECT_EQ(rsa->attributes, 0x000300b2U);
  EXPECT_FALSE(rsa->signing.has_value());
  EXPECT_EQ(rsa->auth_policy.size(), 32U);
  EXPECT_EQ(p384->symmetric_bits, 256U);
  EXPECT_EQ(p384->name_hash, HashAlgorithm::kSha384);
  EXPECT_EQ(p384->name.size(), 50U);
}

TEST(ParsePublic, RefusesEveryTruncation) {
  const Bytes area = p256_ak();
  for (std::size_t size = 0; size < area.size(); ++size) {
    EXPECT_FALSE(parse_public(ByteView(area).first(size)).has_value()) << size;
  }
  EXPECT_TRUE(parse_public(area).has_value());
}

TEST(ParsePublic, RefusesTruncationThatTheSizeAgreesWith) {
  const Bytes area = p256_ak();
  const ByteView content = ByteView(area).subspan(2);
  for (std::size_t size = 0; size < content.size(); ++size) {
    EXPECT_FALSE(parse_public(to_sized(content.first(size))).has_value()) << size;
  }
}

TEST(ParsePublic, RefusesTrailingBytesInsideAndOutsideTheSize) {
  Bytes outside = p256_ak();
  outside.push_back(0);
  EXPECT_FALSE(parse_public(outside).has_value());
  const Bytes area = p256_ak();
  Bytes content(area.begin() + 2, area.end());
  content.push_back(0);
  EXPECT_FALSE(parse_public(to_sized(content)).has_value());
}

TEST(ParsePublic, RefusesMoreThanItsBound) {
  const auto refused = parse_public(to_sized(Bytes(kMaxPublicBytes + 1)));
  ASSERT_FALSE(refused.has_value());
  EXPECT_NE(refused.error().message.find("at most 1024"), std::string::npos)
      << refused.error().message;
}

struct OddArea {
  const char* name;
  std::size_t offset;  // of a big-endian u16 in TPM2B_PUBLIC
  std::uint16_t value;
  const char* expected;  // in the message
};

// Offsets in the area of a P-256 key: 2 type, 4 nameAlg, 6 attributes, 10 policy (empty), 12
// symmetric, 14 scheme, 16 hash, 18 curve, 20 kdf, 22 x.
TEST(ParsePublic, RefusesWhatItDoesNotKnowByName) {
  const OddArea areas[] = {
      {"keyed hash", 2, 0x0008, ""},
      {"symmetric cipher", 2, 0x0025, ""},
      {"nameAlg none", 4, 0x0010, "nameAlg 0x0010"},
      {"nameAlg SHA-1", 4, 0x0004, "nameAlg 0x0004"},
      {"nameAlg SM3", 4, 0x0012, "nameAlg 0x0012"},
      {"scheme ECSCHNORR", 14, 0x001c, "scheme 0x001c"},
      {"scheme SM2", 14, 0x001b, "scheme 0x001b"},
      {"scheme hash SHA-1", 16, 0x0004, "scheme hash 0x0004"},
      {"scheme hash unknown", 16, 0x7fff, "scheme hash 0x7fff"},
      {"curve P-192", 18, 0x0001, "curve 0x0001"},
      {"curve P-521", 18, 0x0005, "curve 0x0005"},
      {"curve SM2", 18, 0x0020, "curve 0x0020"},
      {"curve P-384 for a P-256 point", 18, 0x0004, ""},
  };
  for (const OddArea& odd : areas) {
    Bytes area = p256_ak();
    area[odd.offset] = static_cast<std::uint8_t>(odd.value >> 8);
    area[odd.offset + 1] = static_cast<std::uint8_t>(odd.value);
    const auto refused = parse_public(area);
    ASSERT_FALSE(refused.has_value()) << odd.name;
    EXPECT_NE(refused.error().message.find(odd.expected), std::string::npos)
        << odd.name << ": " << refused.error().message;
  }
}

TEST(ParsePublic, RefusesAPointOffTheCurve) {
  Bytes area = p256_ak();
  area.back() ^= 1;
  EXPECT_FALSE(parse_public(area).has_value());
}

TEST(ParsePublic, RefusesRsaBelow2048Bits) {
  Bytes area;
  append_be16(area, 0x0001);
  append_be16(area, 0x000b);
  append_be32(area, 0x00050072);
  append_be16(area, 0);
  append_be16(area, 0x0010);
  append_be16(area, 0x0014);
  append_be16(area, 0x000b);
  append_be16(area, 1024);
  append_be32(area, 0);
  Bytes modulus(128, 0xc5);
  append(area, to_sized(modulus));
  EXPECT_FALSE(parse_public(to_sized(area)).has_value());
}

TEST(ParsePublic, RefusesAModulusThatIsNotAsLongAsItsKeyBits) {
  const Bytes genuine =
      testing::read_case(testing::own_corpus() / "cases", "08a-rsa-ak").file("ak.pub");
  ASSERT_TRUE(parse_public(genuine).has_value());
  // 2 type, 4 nameAlg, 6 attributes, 10 policy, 12 symmetric, 14 scheme, 16 hash, 18 keyBits
  for (const int bits : {0, 1024, 2040, 2056, 3072}) {
    Bytes area = genuine;
    area[18] = static_cast<std::uint8_t>(bits / 256);
    area[19] = static_cast<std::uint8_t>(bits);
    EXPECT_FALSE(parse_public(area).has_value()) << bits;
  }
}

TEST(ParsePublic, RefusesAnEvenOrSmallExponent) {
  const Bytes genuine =
      testing::read_case(testing::own_corpus() / "cases", "08a-rsa-ak").file("ak.pub");
  for (const int exponent : {1, 2, 3, 17}) {
    Bytes area = genuine;
    area[23] = static_cast<std::uint8_t>(exponent);
    EXPECT_FALSE(parse_public(area).has_value()) << exponent;
  }
}

}  // namespace
}  // namespace avouch::tpm
