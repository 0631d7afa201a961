#include "codec/json.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <string>

#include "codec/utf8.h"

namespace avouch::codec {
namespace {

std::string outcome(std::string_view text, const JsonLimits& limits = {}) {
  const auto value = parse_json(text, limits);
  return value.has_value() ? to_json(*value) : value.error().message;
}

TEST(Json, ReadsEveryKindOfValue) {
  const auto value =
      parse_json(R"( {"text": "a\u00fc\ud83d\ude00\n", "yes": true, "no": false, "none": null,)"
                 R"( "int": -42, "big": 9223372036854775807, "real": 1.5, "exp": 1e2,)"
                 R"( "list": [1, [], {}], "object": {"inner": "x"}} )");
  ASSERT_TRUE(value.has_value()) << value.error().message;
  EXPECT_EQ(*value->find("text")->as_string(), "a\xc3\xbc\xf0\x9f\x98\x80\n");
  EXPECT_TRUE(*value->find("yes")->as_bool());
  EXPECT_FALSE(*value->find("no")->as_bool());
  EXPECT_TRUE(value->find("none")->is_null());
  EXPECT_EQ(*value->find("int")->as_int(), -42);
  EXPECT_EQ(*value->find("big")->as_int(), INT64_MAX);
  EXPECT_EQ(*value->find("real")->as_double(), 1.5);
  EXPECT_EQ(*value->find("exp")->as_double(), 100);
  EXPECT_EQ(value->find("list")->as_array()->size(), 3U);
  EXPECT_EQ(value->text({"object", "inner"}), "x");
}

TEST(Json, IsNullWhereItIsOfAnotherKind) {
  const Json text("x");
  EXPECT_TRUE(text.is_string());
  EXPECT_EQ(text.as_int(), nullptr);
  EXPECT_EQ(text.as_bool(), nullptr);
  EXPECT_EQ(text.as_double(), nullptr);
  EXPECT_EQ(text.as_array(), nullptr);
  EXPECT_EQ(text.as_object(), nullptr);
  EXPECT_EQ(text.find("x"), nullptr);
  EXPECT_EQ(text.find_path({"x", "y"}), nullptr);
  EXPECT_EQ(text.text({"x"}), "");
  EXPECT_EQ(Json(1).as_double(), nullptr);
  EXPECT_EQ(Json(1.0).as_int(), nullptr);
}

TEST(Json, IsBuiltByAssignment) {
  Json value;
  value["b"]["c"] = 1;
  value["a"] = Json::Array{Json(), true, "x", 2.5};
  EXPECT_EQ(to_json(value), R"({"a":[null,true,"x",2.5],"b":{"c":1}})");
  EXPECT_EQ(to_json(Json()), "null");
  EXPECT_THROW(Json("text")["member"], std::bad_variant_access);
}

struct JsonRefusal {
  const char* name;
  std::string text;
  std::string expected;
};

TEST(ParseJson, RefusesWithLineAndColumn) {
  const JsonRefusal refusals[] = {
      {"nothing", "", "JSON line 1, column 1: syntax error"},
      {"white space", " \n ", "JSON line 2"},
      {"duplicate member", "{\"a\": 1,\n \"a\": 2}",
       "JSON line 2, column 4: duplicate member \"a\""},
      {"duplicate by escape", R"({"a": 1, "\u0061": 2})", "duplicate member \"a\""},
      {"duplicate deep inside", R"([{"x": {"y": 1, "y": 1}}])", "duplicate member \"y\""},
      {"trailing data", "{} {}", "column 4: syntax error"},
      {"trailing comma", "[1,]", "column 4: syntax error"},
      {"NUL after the end", std::string("{}\0", 3), "column 3: a NUL byte"},
      {"NUL and more", std::string("{}\0{}", 5), "a NUL byte"},
      {"NUL in a string", std::string("\"a\0b\"", 5), "a NUL byte"},
      {"byte order mark", "\xef\xbb\xbf{}", "column 1: a byte order mark"},
      {"invalid UTF-8", "\"a\xff\"", "column 3: syntax error"},
      {"overlong UTF-8", "\"\xc0\xaf\"", "syntax error"},
      {"surrogate in UTF-8", "\"\xed\xa0\x80\"", "syntax error"},
      {"unpaired high surrogate", R"("\ud800")", "syntax error"},
      {"unpaired low surrogate", R"("\udc00")", "syntax error"},
      {"high surrogate and no low one", R"("\ud800\u0041")", "syntax error"},
      {"control character", "\"a\nb\"", "syntax error"},
      {"unknown escape", R"("\x41")", "syntax error"},
      {"single quotes", "{'a': 1}", "syntax error"},
      {"comment", "{} // x", "syntax error"},
      {"leading zero", "01", "syntax error"},
      {"plus sign", "+1", "syntax error"},
      {"bare fraction", ".5", "syntax error"},
      {"NaN", "NaN", "syntax error"},
      {"Infinity", "-Infinity", "syntax error"},
      {"2^63", "9223372036854775808", "integers must fit 64 bits with sign"},
      {"2^64", "18446744073709551616", "integers must fit 64 bits with sign"},
      {"-2^63 - 1", "-9223372036854775809", "integers must fit 64 bits with sign"},
      {"a long integer", std::string(400, '9'), "number out of range"},
      {"a huge exponent", "[1e400]", "number out of range"},
      {"cut object", "{\"a\"", "column 5: syntax error"},
      {"column counts characters", "[\"\xc3\xbc\xc3\xbc\", x]", "column 8: syntax error"},
  };
  for (const JsonRefusal& refusal : refusals) {
    const auto value = parse_json(refusal.text);
    ASSERT_FALSE(value.has_value()) << refusal.name;
    EXPECT_EQ(value.error().kind, ErrorKind::kRejected) << refusal.name;
    EXPECT_NE(value.error().message.find(refusal.expected), std::string::npos)
        << refusal.name << ": " << value.error().message;
  }
}

TEST(ParseJson, DoesNotRepeatTheInputInItsErrors) {
  const auto value = parse_json("{\"token\": \"very-secret\xff\"}");
  ASSERT_FALSE(value.has_value());
  EXPECT_EQ(value.error().message.find("very-secret"), std::string::npos) << value.error().message;
  EXPECT_LT(outcome("\"" + std::string(100'000, 'x')).size(), 300U);
}

TEST(ParseJson, RefusesEveryTruncation) {
  const std::string text =
      R"({"a": [1, -2.5e3, "x\u00fc\\"], "b": {"c": null, "d": [true, false]}})";
  ASSERT_TRUE(parse_json(text).has_value());
  for (std::size_t size = 0; size < text.size(); ++size) {
    EXPECT_FALSE(parse_json(text.substr(0, size)).has_value()) << size;
  }
}

TEST(ParseJson, BoundsDepthAndSize) {
  const auto nested = [](std::size_t depth, const char* open, const char* close) {
    std::string text;
    for (std::size_t i = 0; i < depth; ++i) text += open;
    for (std::size_t i = 0; i < depth; ++i) text += close;
    return text;
  };
  EXPECT_TRUE(parse_json(nested(64, "[", "]")).has_value());
  EXPECT_NE(outcome(nested(65, "[", "]")).find("column 65: nested deeper than 64 levels"),
            std::string::npos);
  EXPECT_FALSE(parse_json(nested(65, "{\"a\":[", "]}")).has_value());
  EXPECT_FALSE(parse_json(std::string(1'000'000, '[')).has_value());
  EXPECT_TRUE(parse_json("1", {.depth = 0}).has_value());
  EXPECT_FALSE(parse_json("[]", {.depth = 0}).has_value());
  EXPECT_TRUE(parse_json("[1]", {.bytes = 3}).has_value());
  EXPECT_EQ(outcome("[1] ", {.bytes = 3}), "JSON of 4 bytes: at most 3 are accepted");
}

TEST(ParseJson, BoundsTheNumberOfValues) {
  for (const char* text : {"[1,{},[]]", R"({"a":null,"b":"","c":[]})", "[[[1]]]"}) {
    EXPECT_TRUE(parse_json(text, {.values = 4}).has_value()) << text;
    EXPECT_NE(outcome(text, {.values = 3}).find("more than 3 values"), std::string::npos) << text;
  }
}

TEST(ToJson, EscapesWhatMustBeEscapedAndNothingElse) {
  EXPECT_EQ(to_json(Json(std::string("\0\x01\x1f\x7f\b\t\n\f\r\"\\/\xc3\xbc\xe2\x80\xa8", 17))),
            "\"\\u0000\\u0001\\u001f\x7f\\b\\t\\n\\f\\r\\\"\\\\/\xc3\xbc\xe2\x80\xa8\"");
}

TEST(ToJson, IsAlwaysValidUtf8) {
  EXPECT_EQ(to_json(Json("a\xff")), "\"a\xef\xbf\xbd\"");
  Json object;
  object["\xc0"] = 1;
  EXPECT_TRUE(parse_json(to_json(object)).has_value());
}

TEST(ToJson, KeepsNumbersAsTheyAre) {
  EXPECT_EQ(to_json(Json(std::numeric_limits<std::int64_t>::min())), "-9223372036854775808");
  EXPECT_EQ(to_json(Json(1.0)), "1.0");
  EXPECT_EQ(to_json(Json(0.1)), "0.1");
  EXPECT_EQ(to_json(Json(-0.0)), "-0.0");
  EXPECT_EQ(to_json(Json(1e300)), "1e+300");
  EXPECT_EQ(to_json(Json(std::numeric_limits<double>::infinity())), "null");
  EXPECT_EQ(to_json(Json(std::numeric_limits<double>::quiet_NaN())), "null");
  for (const double number : {5e-324, 1.7976931348623157e308, 1.0 / 3, 123456789.25, 1e21, 1e-7}) {
    EXPECT_EQ(*parse_json(to_json(Json(number)))->as_double(), number);
  }
}

TEST(ToJson, RoundTripsThroughBothForms) {
  const auto value = parse_json(R"({"b": [1, {"c": "x"}, [], {}], "a": null, "": 1.5})");
  ASSERT_TRUE(value.has_value());
  EXPECT_EQ(to_json(*value), R"({"":1.5,"a":null,"b":[1,{"c":"x"},[],{}]})");
  EXPECT_TRUE(*parse_json(to_json(*value)) == *value);
  EXPECT_TRUE(*parse_json(to_json_pretty(*value)) == *value);
  EXPECT_EQ(to_json_pretty(*parse_json(R"({"a":[1,{}],"b":{"c":2}})")),
            "{\n  \"a\": [\n    1,\n    {}\n  ],\n  \"b\": {\n    \"c\": 2\n  }\n}");
}

TEST(ToJson, ShowsPeopleWhatIsUnseenAndKeepsTheValue) {
  Json value;
  value["na\u202eme"] =
      "a\x7f\xc2\x9b"
      "2J\u202e\u2066\u200b\ufeff\U000e0041\U0001f600\u00fc\xff\n\\";
  const std::string shown = to_json_pretty(value);
  EXPECT_EQ(shown,
            "{\n  \"na\\u202eme\": "
            "\"a\\u007f\\u009b2J\\u202e\\u2066\\u200b\\ufeff\\udb40\\udc41\U0001f600\u00fc\ufffd\\n"
            "\\\\\"\n}");
  const auto read = parse_json(shown);
  ASSERT_TRUE(read.has_value()) << read.error().message;
  EXPECT_TRUE(*read == *parse_json(to_json(value)));
  // What programs read stays as short as it was.
  EXPECT_EQ(to_json(Json("\u202e\U000e0041")), "\"\u202e\U000e0041\"");
}

TEST(ToJson, EscapesEveryUnseenCharacterAndNoOther) {
  for (std::uint32_t point = 0x20; point < 0xe1100; ++point) {
    if (point >= 0xd800 && point <= 0xdfff) continue;
    if (point == 0x20000) point = 0xdff00;  // nothing but scripts between these
    if (point == '"' || point == '\\') continue;
    std::string text;
    if (point < 0x80) {
      text = {static_cast<char>(point)};
    } else if (point < 0x800) {
      text = {static_cast<char>(0xc0 | point >> 6), static_cast<char>(0x80 | (point & 0x3f))};
    } else if (point < 0x10000) {
      text = {static_cast<char>(0xe0 | point >> 12), static_cast<char>(0x80 | (point >> 6 & 0x3f)),
              static_cast<char>(0x80 | (point & 0x3f))};
    } else {
      text = {static_cast<char>(0xf0 | point >> 18), static_cast<char>(0x80 | (point >> 12 & 0x3f)),
              static_cast<char>(0x80 | (point >> 6 & 0x3f)),
              static_cast<char>(0x80 | (point & 0x3f))};
    }
    const std::string shown = to_json_pretty(Json(text));
    ASSERT_EQ(shown == "\"" + text + "\"", !is_unseen(point)) << std::hex << point;
    if (!is_unseen(point)) continue;
    const auto read = parse_json(shown);
    ASSERT_TRUE(read.has_value()) << shown;
    ASSERT_TRUE(*read == Json(text)) << shown;
  }
}

// RFC 8785, 3.2.3.
TEST(CanonicalJson, SortsByUtf16CodeUnits) {
  const auto value = parse_json(
      R"({"\u20ac": "Euro Sign", "\r": "Carriage Return", "\ufb33": "Hebrew Letter Dalet With Dagesh",)"
      R"( "1": "One", "\ud83d\ude00": "Emoji: Grinning Face", "\u0080": "Control",)"
      R"( "\u00f6": "Latin Small Letter O With Diaeresis"})");
  ASSERT_TRUE(value.has_value()) << value.error().message;
  EXPECT_EQ(canonical_json(*value).value(),
            "{\"\\r\":\"Carriage Return\",\"1\":\"One\",\"\xc2\x80\":\"Control\","
            "\"\xc3\xb6\":\"Latin Small Letter O With Diaeresis\",\"\xe2\x82\xac\":\"Euro Sign\","
            "\"\xf0\x9f\x98\x80\":\"Emoji: Grinning Face\","
            "\"\xef\xac\xb3\":\"Hebrew Letter Dalet With Dagesh\"}");
}

// RFC 8785, 3.2.2, without its fractions.
TEST(CanonicalJson, WritesTheStringsOfTheStandard) {
  const auto value = parse_json(
      R"({"string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/", "literals": [null, true, false]})");
  EXPECT_EQ(canonical_json(*value).value(),
            "{\"literals\":[null,true,false],\"string\":\"\xe2\x82\xac$\\u000f\\nA'"
            "B\\\"\\\\\\\\\\\"/\"}");
}

TEST(CanonicalJson, IsTheSameForEveryOrderAndSpacing) {
  EXPECT_EQ(
      canonical_json(*parse_json(R"({"a":{"y":[],"x":-1},"b":0})")).value(),
      canonical_json(*parse_json(" { \"b\" : -0 , \"a\" : {\"x\": -1, \"y\": [ ]}}")).value());
}

TEST(CanonicalJson, LeavesOutOneMemberOfTheObjectAndOfNoneInIt) {
  const auto value = parse_json(R"({"a":{"b":1},"b":[{"b":2}],"":3})");
  EXPECT_EQ(canonical_json(*value, "b").value(), R"({"":3,"a":{"b":1}})");
  EXPECT_EQ(canonical_json(*value, "c").value(), canonical_json(*value).value());
  EXPECT_EQ(canonical_json(*value).value(), R"({"":3,"a":{"b":1},"b":[{"b":2}]})");
  EXPECT_EQ(canonical_json(Json("b"), "b").value(), "\"b\"");
}

TEST(CanonicalJson, RefusesWhatProgramsDisagreeAbout) {
  EXPECT_EQ(canonical_json(Json(9007199254740991)).value(), "9007199254740991");
  EXPECT_EQ(canonical_json(Json(-9007199254740991)).value(), "-9007199254740991");
  EXPECT_FALSE(canonical_json(Json(9007199254740992)).has_value());
  EXPECT_FALSE(canonical_json(Json(-9007199254740992)).has_value());
  EXPECT_FALSE(canonical_json(Json(std::numeric_limits<std::int64_t>::min())).has_value());
  EXPECT_FALSE(canonical_json(Json(1.0)).has_value());
  EXPECT_FALSE(canonical_json(Json("\xff")).has_value());
  EXPECT_FALSE(canonical_json(Json(Json::Object{{"\xff", Json(1)}})).has_value());
  EXPECT_FALSE(canonical_json(Json(Json::Array{Json(Json::Object{{"a", Json(0.5)}})})).has_value());
}

}  // namespace
}  // namespace avouch::codec
