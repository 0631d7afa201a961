#include "codec/utf8.h"

#include <gtest/gtest.h>

namespace avouch::codec {
namespace {

std::string encode(std::uint32_t point) {
  const auto tail = [&](unsigned shift) {
    return static_cast<char>(0x80 | (point >> shift & 0x3f));
  };
  if (point < 0x80) return {static_cast<char>(point)};
  if (point < 0x800) return {static_cast<char>(0xc0 | point >> 6), tail(0)};
  if (point < 0x10000) return {static_cast<char>(0xe0 | point >> 12), tail(6), tail(0)};
  return {static_cast<char>(0xf0 | point >> 18), tail(12), tail(6), tail(0)};
}

TEST(Utf8, IsEveryCodePointInItsShortestFormButNoSurrogate) {
  for (std::uint32_t point = 0; point <= 0x110010; ++point) {
    const bool is_valid = point <= 0x10ffff && (point < 0xd800 || point > 0xdfff);
    const std::string text = encode(point);
    const auto found = first_code_point(text);
    ASSERT_EQ(found.has_value(), is_valid) << point;
    if (!is_valid) continue;
    ASSERT_EQ(found->value, point);
    ASSERT_EQ(found->length, text.size());
  }
}

// RFC 3629, 4, as a grammar over every string of one and two bytes.
TEST(Utf8, OfTwoBytesIsWhatTheGrammarSays) {
  for (unsigned a = 0; a < 256; ++a) {
    EXPECT_EQ(is_utf8(std::string{static_cast<char>(a)}), a < 0x80);
    for (unsigned b = 0; b < 256; ++b) {
      const std::string text = {static_cast<char>(a), static_cast<char>(b)};
      const bool one_point = a >= 0xc2 && a <= 0xdf && b >= 0x80 && b <= 0xbf;
      ASSERT_EQ(is_utf8(text), (a < 0x80 && b < 0x80) || one_point) << a << " " << b;
    }
  }
}

TEST(Utf8, RefusesOverlongFormsAndCutOnes) {
  for (const std::string_view text :
       {"\xc0\x80", "\xc1\xbf", "\xe0\x80\x80", "\xe0\x9f\xbf", "\xf0\x80\x80\x80",
        "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xed\xa0\x80", "\xe2\x82",
        "\xf0\x9f\x98", "\xff", "\x80"}) {
    EXPECT_FALSE(is_utf8(text));
  }
  EXPECT_TRUE(is_utf8(""));
  EXPECT_TRUE(is_utf8(std::string_view("\0", 1)));
}

TEST(ToValidUtf8, ReplacesWhatIsNot) {
  EXPECT_EQ(to_valid_utf8("gr\xc3\xbc\xc3\x9f"), "gr\xc3\xbc\xc3\x9f");
  EXPECT_EQ(to_valid_utf8("a\xff"
                          "b"),
            "a\xef\xbf\xbd"
            "b");
  EXPECT_EQ(to_valid_utf8("\xe2\x82"), "\xef\xbf\xbd\xef\xbf\xbd");
}

TEST(InQuotes, ShowsNoControlCharacterAndBoundsTheLength) {
  EXPECT_EQ(in_quotes("plain"), "\"plain\"");
  EXPECT_EQ(in_quotes("a\nb\x1b[31m\x7f\xc2\x9b\xff"), "\"a?b?[31m???\"");
  EXPECT_EQ(in_quotes("a\u202eb\u200dc\ufeff\u00fc"), "\"a?b?c?\u00fc\"");
  EXPECT_EQ(in_quotes("abcdef", 6), "\"abcdef\"");
  EXPECT_EQ(in_quotes("abcdefg", 6), "\"abcdef...\"");
  EXPECT_EQ(in_quotes("abcde\xc3\xbc", 6), "\"abcde...\"");
}

TEST(Shortened, KeepsWholeCharactersWithinItsSize) {
  EXPECT_EQ(shortened("abcdef", 6), "abcdef");
  EXPECT_EQ(shortened("abcdefg", 6), "abc...");
  EXPECT_EQ(shortened("ab\xc3\xa4\xc3\xa4", 6), "ab\xc3\xa4\xc3\xa4");
  EXPECT_EQ(shortened("ab\xc3\xa4\xc3\xa4x", 6), "ab...");
  EXPECT_EQ(shortened("abcdef", 2), "..");
  EXPECT_EQ(shortened("abcdef", 0), "");
}

}  // namespace
}  // namespace avouch::codec
