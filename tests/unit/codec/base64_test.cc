#include "codec/base64.h"

#include <gtest/gtest.h>

namespace avouch::codec {
namespace {

// RFC 4648, section 10.
TEST(Base64, GivesTheKnownAnswers) {
  const std::pair<const char*, const char*> known[] = {{"", ""},
                                                       {"f", "Zg=="},
                                                       {"fo", "Zm8="},
                                                       {"foo", "Zm9v"},
                                                       {"foob", "Zm9vYg=="},
                                                       {"fooba", "Zm9vYmE="},
                                                       {"foobar", "Zm9vYmFy"}};
  for (const auto& [plain, encoded] : known) {
    EXPECT_EQ(to_base64(as_bytes(plain)), encoded);
    EXPECT_EQ(from_base64(encoded).value(), to_bytes(plain));
  }
}

TEST(Base64, DiffersFromBase64UrlInTwoDigitsAndThePadding) {
  const Bytes bytes = {0xfb, 0xff, 0xbf, 0xfe};
  EXPECT_EQ(to_base64(bytes), "+/+//g==");
  EXPECT_EQ(to_base64url(bytes), "-_-__g");
  EXPECT_EQ(from_base64("+/+//g==").value(), bytes);
  EXPECT_EQ(from_base64url("-_-__g").value(), bytes);
  EXPECT_FALSE(from_base64("-_-__g==").has_value());
  EXPECT_FALSE(from_base64url("+/+//g").has_value());
  EXPECT_FALSE(from_base64url("-_-__g==").has_value());
}

TEST(Base64, RoundTripsEveryByteAtEveryPlace) {
  for (std::size_t size = 1; size <= 6; ++size) {
    for (std::size_t place = 0; place < size; ++place) {
      for (unsigned value = 0; value < 256; ++value) {
        Bytes bytes(size, 0x55);
        bytes[place] = static_cast<std::uint8_t>(value);
        ASSERT_EQ(from_base64(to_base64(bytes)).value(), bytes);
        ASSERT_EQ(from_base64url(to_base64url(bytes)).value(), bytes);
      }
    }
  }
}

// Of all texts of four characters from a few that matter, what is accepted encodes back to itself.
TEST(Base64, HasOneEncodingForOneValue) {
  const std::string alphabet = "AQgwZ+/-_= \n.";
  int accepted = 0;
  std::string text(4, ' ');
  for (const char a : alphabet) {
    for (const char b : alphabet) {
      for (const char c : alphabet) {
        for (const char d : alphabet) {
          text = {a, b, c, d};
          if (const auto bytes = from_base64(text); bytes.has_value()) {
            EXPECT_EQ(to_base64(*bytes), text);
            ++accepted;
          }
          if (const auto bytes = from_base64url(text); bytes.has_value()) {
            EXPECT_EQ(to_base64url(*bytes), text);
          }
        }
      }
    }
  }
  // Digits A Q g w Z + /: 7^4 full groups; 7^2 * 4 ending in =, as c must end in two zero bits
  // (A Q g w); 7 * 4 ending in ==, as b must end in four (A Q g w).
  EXPECT_EQ(accepted, 7 * 7 * 7 * 7 + 7 * 7 * 4 + 7 * 4);
}

TEST(Base64, RefusesEveryOtherCharacter) {
  for (int c = 0; c < 256; ++c) {
    const std::string text = {'A', static_cast<char>(c), 'A', 'A'};
    const bool is_digit =
        (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    EXPECT_EQ(from_base64(text).has_value(), is_digit || c == '+' || c == '/') << c;
    EXPECT_EQ(from_base64url(text).has_value(), is_digit || c == '-' || c == '_') << c;
  }
}

TEST(Base64, RefusesWrongLengthsAndPaddingAndSaysWhy) {
  EXPECT_NE(from_base64("Zg").error().message.find("padded"), std::string::npos);
  EXPECT_NE(from_base64("Zm9v=").error().message.find("padded"), std::string::npos);
  EXPECT_NE(from_base64("Zh==").error().message.find("bits"), std::string::npos);
  EXPECT_NE(from_base64("Zm9=").error().message.find("bits"), std::string::npos);
  EXPECT_NE(from_base64("Z===").error().message.find("position 1"), std::string::npos);
  EXPECT_NE(from_base64("====").error().message.find("position 0"), std::string::npos);
  EXPECT_NE(from_base64("Zg==Zg==").error().message.find("position 2"), std::string::npos);
  EXPECT_NE(from_base64url("Z").error().message.find("length"), std::string::npos);
  EXPECT_NE(from_base64("Zm9v\n").error().message.find("padded"), std::string::npos);
}

}  // namespace
}  // namespace avouch::codec
