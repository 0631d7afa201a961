#include "codec/fast_json.h"

#include <gtest/gtest.h>

#include <string>

namespace avouch::codec {
namespace {

struct Text {
  const char* name;
  std::string text;
};

std::string nested(std::size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); }

const std::vector<Text>& texts() {
  static const std::vector<Text> all = {
      {"empty text", ""},
      {"white space only", " \n\t"},
      {"null", "null"},
      {"text", "\"a\""},
      {"number", "1"},
      {"negative zero", "-0"},
      {"leading zero", "01"},
      {"plus sign", "+1"},
      {"largest integer", "9223372036854775807"},
      {"smallest integer", "-9223372036854775808"},
      {"integer over int64", "9223372036854775808"},
      {"integer under int64", "-9223372036854775809"},
      {"integer of forty digits", "1234567890123456789012345678901234567890"},
      {"fraction", "0.25"},
      {"exponent", "1e3"},
      {"huge exponent", "1e999"},
      {"bare point", "1."},
      {"infinity", "Infinity"},
      {"NaN", "NaN"},
      {"object", R"({"a":1,"b":[true,false,null,"x"]})"},
      {"white space everywhere", " { \"a\" : [ 1 , 2 ] } \r\n"},
      {"duplicate member", R"({"a":1,"a":2})"},
      {"duplicate member by escape", R"({"a":1,"\u0061":2})"},
      {"duplicate member below", R"({"x":[{"y":{"a":1,"b":2,"a":3}}]})"},
      {"same name in different objects", R"({"a":{"a":{"a":1}}})"},
      {"duplicate among many",
       R"({"a":1,"b":1,"c":1,"d":1,"e":1,"f":1,"g":1,"h":1,"i":1,"j":1,"k":1,"l":1,"m":1,"n":1,"a":1})"},
      {"duplicate last of many",
       R"({"a":1,"b":1,"c":1,"d":1,"e":1,"f":1,"g":1,"h":1,"i":1,"j":1,"k":1,"l":1,"m":1,"n":1,"n":1})"},
      {"many members",
       R"({"a":1,"b":1,"c":1,"d":1,"e":1,"f":1,"g":1,"h":1,"i":1,"j":1,"k":1,"l":1,"m":1,"n":1})"},
      {"trailing data", "{} {}"},
      {"trailing comma", "[1,]"},
      {"missing comma", "[1 2]"},
      {"comment", "/* */ 1"},
      {"single quotes", "{'a':1}"},
      {"unfinished object", R"({"a":)"},
      {"unfinished text", "\"a"},
      {"control character", "\"a\nb\""},
      {"NUL byte", std::string("\"a\0b\"", 5)},
      {"NUL byte after the value", std::string("1\0", 2)},
      {"escaped NUL", R"("\u0000")"},
      {"unknown escape", R"("\x41")"},
      {"surrogate pair", R"("\ud83d\ude00")"},
      {"unpaired high surrogate", R"("\ud83d")"},
      {"unpaired low surrogate", R"("\ude00")"},
      {"high surrogate and text", R"("\ud83dabc")"},
      {"two high surrogates", R"("\ud83d\ud83d")"},
      {"UTF-8", "\"\xc3\xa9\""},
      {"invalid UTF-8", "\"\xff\""},
      {"overlong UTF-8", "\"\xc0\xaf\""},
      {"surrogate in UTF-8", "\"\xed\xa0\x80\""},
      {"cut UTF-8", "\"\xe2\x82\""},
      {"byte order mark", "\xef\xbb\xbf{}"},
      {"depth at the limit", nested(64)},
      {"depth over the limit", nested(65)},
      {"depth far over the limit", nested(100'000)},
      {"objects at the limit",
       [] {
         std::string text;
         for (int i = 0; i < 63; ++i) text += "{\"a\":";
         text += "{}" + std::string(63, '}');
         return text;
       }()},
      {"objects over the limit",
       [] {
         std::string text;
         for (int i = 0; i < 64; ++i) text += "{\"a\":";
         text += "{}" + std::string(64, '}');
         return text;
       }()},
  };
  return all;
}

TEST(FastJson, AcceptsAndMeansWhatTheOtherParserDoes) {
  for (const auto& [name, text] : texts()) {
    const auto expected = parse_json(text);
    const auto document = JsonDocument::parse(text);
    ASSERT_EQ(document.has_value(), expected.has_value()) << name;
    if (!expected.has_value()) continue;
    EXPECT_EQ(document->root().to_json(), *expected) << name;
  }
}

TEST(FastJson, AgreesOnEveryTruncationAndEveryChangedByte) {
  const std::string whole = R"({"a":[1,-2.5e3,"\u00e9\n",true,null],"b":{"c":"d","e":{}}})";
  for (std::size_t length = 0; length < whole.size(); ++length) {
    const std::string text = whole.substr(0, length);
    EXPECT_EQ(JsonDocument::parse(text).has_value(), parse_json(text).has_value()) << text;
  }
  for (std::size_t at = 0; at < whole.size(); ++at) {
    for (int byte = 0; byte < 256; ++byte) {
      std::string text = whole;
      text[at] = static_cast<char>(byte);
      const auto expected = parse_json(text);
      const auto document = JsonDocument::parse(text);
      ASSERT_EQ(document.has_value(), expected.has_value()) << text;
      if (!expected.has_value()) continue;
      ASSERT_EQ(document->root().to_json(), *expected) << text;
    }
  }
}

TEST(FastJson, RefusesMoreBytesThanTheLimit) {
  EXPECT_TRUE(JsonDocument::parse("[1]", {.bytes = 3, .depth = 4}).has_value());
  const auto refused = JsonDocument::parse("[12]", {.bytes = 3, .depth = 4});
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().kind, ErrorKind::kRejected);
  EXPECT_NE(refused.error().message.find("at most 3"), std::string::npos);
}

TEST(FastJson, NamesTheDuplicateMember) {
  const auto refused = JsonDocument::parse(R"({"uid":"1","uid":"2"})");
  ASSERT_FALSE(refused.has_value());
  EXPECT_NE(refused.error().message.find("\"uid\""), std::string::npos);
}

TEST(FastJson, FindsMembersAndGivesNothingWhereThereAreNone) {
  const auto document =
      JsonDocument::parse(R"({"a":{"b":"text","n":7,"t":true,"z":null},"l":[1,"two"]})");
  ASSERT_TRUE(document.has_value());
  const JsonView root = document->root();
  EXPECT_EQ(root.text({"a", "b"}), "text");
  EXPECT_EQ(root.text({"a", "missing"}), "");
  EXPECT_EQ(root.text({"a", "n"}), "");
  EXPECT_EQ(root.find_path({"a", "n"}).as_int(), 7);
  EXPECT_EQ(root.find_path({"a", "t"}).as_bool(), true);
  EXPECT_TRUE(root.find_path({"a", "z"}).is_null());
  EXPECT_FALSE(root.find("b").exists());
  EXPECT_FALSE(root.find("l").find("a").exists());
  ASSERT_EQ(root.find("l").items().size(), 2U);
  EXPECT_EQ(root.find("l").items()[1].as_string(), "two");
  EXPECT_EQ(root.members().front().first, "a");
  EXPECT_FALSE(JsonView().is_null());
  EXPECT_TRUE(JsonView().to_json().is_null());
}

TEST(FastJson, OutlivesTheTextItWasMadeFrom) {
  auto text = std::make_unique<std::string>(R"({"name":"pod"})");
  auto document = JsonDocument::parse(*text);
  text.reset();
  ASSERT_TRUE(document.has_value());
  const JsonDocument moved = std::move(*document);
  EXPECT_EQ(moved.root().text({"name"}), "pod");
}

}  // namespace
}  // namespace avouch::codec
