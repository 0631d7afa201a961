#include "crypto/ecdsa_form.h"

#include <gtest/gtest.h>

#include "tests/unit/crypto/vectors.h"

namespace avouch::crypto {
namespace {

// With size 1 every signature can be tried.
TEST(EcdsaForm, RoundTripsForEveryPairOfOneByteNumbers) {
  for (unsigned r = 0; r < 256; ++r) {
    for (unsigned s = 0; s < 256; ++s) {
      const Bytes raw = {static_cast<std::uint8_t>(r), static_cast<std::uint8_t>(s)};
      const auto der = ecdsa_raw_to_der(raw, 1);
      ASSERT_TRUE(der.has_value());
      EXPECT_EQ(ecdsa_der_to_raw(*der, 1).value(), raw);
    }
  }
}

TEST(EcdsaForm, WritesTheShortestPositiveIntegers) {
  EXPECT_EQ(to_hex(*ecdsa_raw_to_der(unhex("0001007f"), 2)), "300602010102017f");
  EXPECT_EQ(to_hex(*ecdsa_raw_to_der(unhex("00800000"), 2)), "300702020080020100");
  EXPECT_EQ(to_hex(*ecdsa_raw_to_der(unhex("ffff7fff"), 2)), "3009020300ffff02027fff");
}

TEST(EcdsaForm, RefusesEveryOtherRawLength) {
  for (std::size_t size = 0; size < 200; ++size) {
    EXPECT_EQ(ecdsa_raw_to_der(Bytes(size, 1), 32).has_value(), size == 64) << size;
    EXPECT_EQ(ecdsa_raw_to_der(Bytes(size, 1), 48).has_value(), size == 96) << size;
  }
  EXPECT_FALSE(ecdsa_raw_to_der({}, 0).has_value());
  EXPECT_FALSE(ecdsa_raw_to_der(Bytes(122, 1), 61).has_value());
}

// Of all strings of up to 3 bytes behind a fixed head, none but the DER is taken.
TEST(EcdsaForm, ReadsOneDerForOneSignature) {
  int accepted = 0;
  for (unsigned value = 0; value < 1U << 16; ++value) {
    const Bytes der = {0x30,
                       0x06,
                       0x02,
                       0x01,
                       0x05,
                       static_cast<std::uint8_t>(value >> 8),
                       static_cast<std::uint8_t>(value & 0xff),
                       0x07};
    const auto raw = ecdsa_der_to_raw(der, 1);
    if (!raw.has_value()) continue;
    ++accepted;
    EXPECT_EQ(*ecdsa_raw_to_der(*raw, 1), der);
  }
  EXPECT_EQ(accepted, 1);
}

TEST(EcdsaForm, RefusesDerThatIsNotStrict) {
  const char* const wrong[] = {
      "",                    // nothing
      "30",                  // cut
      "3006020101020101ff",  // trailing byte outside
      "3007020101020101ff",  // trailing byte inside
      "300702020001020101",  // needless zero
      "3006020181020101",    // negative
      "30050200020101",      // empty INTEGER
      "3006030101020101",    // not an INTEGER
      "3106020101020101",    // not a SEQUENCE
      "308106020101020101",  // long form of the length
      "300702020100020101",  // too long for the size
  };
  for (const char* const der : wrong) {
    EXPECT_FALSE(ecdsa_der_to_raw(unhex(der), 1).has_value()) << der;
  }
}

}  // namespace
}  // namespace avouch::crypto
