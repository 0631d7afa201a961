#include "tpm/ek_template.h"

#include <gtest/gtest.h>

#include "tests/support/corpus.h"
#include "tpm/marshal.h"

namespace avouch::tpm {
namespace {

// A real TPM's key differs from its template in nothing but the key itself, which comes last.
TEST(EkTemplate, IsTheHeadOfARealRsaKey) {
  const auto good = testing::read_case(testing::own_corpus() / "cases", "01-good-baseline");
  const Bytes real = good.file("ek.pub");
  const Bytes area = ek_template(EkTemplate::kRsa2048);
  ASSERT_EQ(area.size(), real.size());
  const std::size_t head = area.size() - 256;
  EXPECT_EQ(to_hex(ByteView(area).first(head)), to_hex(ByteView(real).first(head)));
}

TEST(EkTemplate, IsTheHeadOfARealP384Key) {
  const auto good = testing::read_case(testing::own_corpus() / "cases", "01-good-baseline");
  const Bytes real = good.file("ek_ecc384.pub");
  const Bytes area = ek_template(EkTemplate::kEccP384);
  const std::size_t head = area.size() - 4;  // two empty coordinates
  // Sizes differ, since the template has no coordinates: compare what follows them.
  EXPECT_EQ(to_hex(ByteView(area).subspan(2, head - 2)),
            to_hex(ByteView(real).subspan(2, head - 2)));
  EXPECT_EQ(real.size(), area.size() + 2 * 48);
}

// TCG EK Credential Profile 2.5, B.3.4, field by field.
TEST(EkTemplate, L2IsThatOfTheProfile) {
  EXPECT_EQ(to_hex(ek_template(EkTemplate::kEccP256)),
            "007a"
            "0023000b000300b2"
            "0020837197674484b3f81a90cc8d46a5d724fd52d76e06520b64f2a1da1b331469aa"
            "000600800043"
            "0010"
            "0003"
            "0010"
            "0020" +
                std::string(64, '0') + "0020" + std::string(64, '0'));
}

// PolicyOR(PolicyA, PolicyC) from a session's zeros; PolicyC is the profile's policy of an NV index
// of the platform (B.6.4).
TEST(EkTemplate, HighRangeHasThePolicyOfTheProfile) {
  Bytes input(32);
  append(input, from_hex("00000171").value());
  append(input,
         from_hex("837197674484b3f81a90cc8d46a5d724fd52d76e06520b64f2a1da1b331469aa").value());
  append(input,
         from_hex("3767e2edd43ff45a3a7e1eaefcef78643dca964632e7aad82c673a30d8633fde").value());
  const std::string policy = to_hex(crypto::sha256(input));
  EXPECT_EQ(to_hex(ek_template(EkTemplate::kHighEccP256)),
            "003a"
            "0023000b000300f2"
            "0020" +
                policy +
                "000600800043"
                "0010"
                "0003"
                "0010"
                "0000"
                "0000");
  EXPECT_EQ(to_hex(ek_template(EkTemplate::kHighRsa2048)),
            "003a"
            "0001000b000300f2"
            "0020" +
                policy +
                "000600800043"
                "0010"
                "0800"
                "00000000"
                "0000");
  const std::string p384 = to_hex(ek_template(EkTemplate::kEccP384));
  EXPECT_EQ(to_hex(ek_template(EkTemplate::kHighRsa3072)),
            "004a"
            "0001000c" +
                p384.substr(12, 8 + 4 + 96 + 12) +
                "0010"
                "0c00"
                "00000000"
                "0000");
}

TEST(EkSlots, NameTheNvIndicesOfTheProfile) {
  EXPECT_EQ(kEkSlots[0].certificate_nv, 0x01c0000aU);
  EXPECT_EQ(kEkSlots[1].certificate_nv, 0x01c00002U);
  EXPECT_EQ(kEkSlots[2].certificate_nv, 0x01c00016U);
  EXPECT_EQ(kEkSlots[3].certificate_nv, 0x01c00014U);
  EXPECT_EQ(kEkSlots[4].certificate_nv, 0x01c00012U);
  EXPECT_EQ(kEkSlots[5].certificate_nv, 0x01c0001cU);
}

}  // namespace
}  // namespace avouch::tpm
