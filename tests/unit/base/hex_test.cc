#include "base/hex.h"

#include <gtest/gtest.h>

#include <cctype>

namespace avouch {
namespace {

TEST(Hex, RoundTripsEveryByte) {
  for (unsigned byte = 0; byte < 256; ++byte) {
    const Bytes one = {static_cast<std::uint8_t>(byte)};
    const std::string text = to_hex(one);
    ASSERT_EQ(text.size(), 2U);
    EXPECT_EQ(from_hex(text).value(), one);
    std::string upper = text;
    for (char& c : upper) c = static_cast<char>(std::toupper(c));
    EXPECT_EQ(from_hex(upper).value(), one);
  }
  EXPECT_EQ(to_hex(Bytes{0x00, 0x9f, 0xa0, 0xff}), "009fa0ff");
}

TEST(Hex, OfNothingIsNothing) {
  EXPECT_EQ(to_hex({}), "");
  EXPECT_TRUE(from_hex("")->empty());
}

// Every pair of characters: accepted exactly if both are digits.
TEST(Hex, RefusesEverythingElse) {
  int accepted = 0;
  for (int high = 0; high < 256; ++high) {
    for (int low = 0; low < 256; ++low) {
      const std::string text = {static_cast<char>(high), static_cast<char>(low)};
      const bool both = high < 128 && low < 128 && std::isxdigit(high) && std::isxdigit(low);
      EXPECT_EQ(from_hex(text).has_value(), both);
      accepted += both ? 1 : 0;
    }
  }
  EXPECT_EQ(accepted, 22 * 22);
}

TEST(Hex, NamesTheFault) {
  EXPECT_EQ(from_hex("abc").error().message, "hexadecimal text has an odd number of digits: 3");
  EXPECT_EQ(from_hex("abxc").error().message, "not a hexadecimal digit at position 2");
  EXPECT_EQ(from_hex("abcx").error().message, "not a hexadecimal digit at position 3");
  EXPECT_EQ(from_hex("0xab").error().message, "not a hexadecimal digit at position 1");
}

}  // namespace
}  // namespace avouch
