#include "codec/cbor.h"

#include <gtest/gtest.h>

#include <limits>
#include <random>
#include <stdexcept>

#include "base/hex.h"

namespace avouch::codec {
namespace {

Result<Cbor> parse(std::string_view hexadecimal, const CborLimits& limits = {}) {
  return parse_cbor(from_hex(hexadecimal).value(), limits);
}

Cbor integer(std::int64_t value) { return Cbor::integer(value); }
Cbor text(std::string_view value) { return Cbor::text(value); }

struct Known {
  const char* hexadecimal;
  Cbor value;
};

// RFC 8949, appendix A: what is deterministic and of a kind used here.
const Known kKnown[] = {
    {"00", integer(0)},
    {"01", integer(1)},
    {"0a", integer(10)},
    {"17", integer(23)},
    {"1818", integer(24)},
    {"1819", integer(25)},
    {"1864", integer(100)},
    {"1903e8", integer(1000)},
    {"1a000f4240", integer(1000000)},
    {"1b000000e8d4a51000", integer(1000000000000)},
    {"20", integer(-1)},
    {"29", integer(-10)},
    {"3863", integer(-100)},
    {"3903e7", integer(-1000)},
    {"f4", Cbor::boolean(false)},
    {"f5", Cbor::boolean(true)},
    {"f6", Cbor()},
    {"c074323031332d30332d32315432303a30343a30305a", Cbor::tagged(0, text("2013-03-21T20:04:00Z"))},
    {"c11a514b67b0", Cbor::tagged(1, integer(1363896240))},
    {"c249010000000000000000", Cbor::tagged(2, Cbor::bytes(Bytes{1, 0, 0, 0, 0, 0, 0, 0, 0}))},
    {"d74401020304", Cbor::tagged(23, Cbor::bytes(Bytes{1, 2, 3, 4}))},
    {"d818456449455446", Cbor::tagged(24, Cbor::bytes(Bytes{0x64, 0x49, 0x45, 0x54, 0x46}))},
    {"d82076687474703a2f2f7777772e6578616d706c652e636f6d",
     Cbor::tagged(32, text("http://www.example.com"))},
    {"40", Cbor::bytes({})},
    {"4401020304", Cbor::bytes(Bytes{1, 2, 3, 4})},
    {"60", text("")},
    {"6161", text("a")},
    {"6449455446", text("IETF")},
    {"62225c", text("\"\\")},
    {"62c3bc", text("\xc3\xbc")},
    {"63e6b0b4", text("\xe6\xb0\xb4")},
    {"64f0908591", text("\xf0\x90\x85\x91")},
    {"80", Cbor::array({})},
    {"83010203", Cbor::array({integer(1), integer(2), integer(3)})},
    {"8301820203820405", Cbor::array({integer(1), Cbor::array({integer(2), integer(3)}),
                                      Cbor::array({integer(4), integer(5)})})},
    {"a0", Cbor::map({})},
    {"a201020304", Cbor::map({{integer(1), integer(2)}, {integer(3), integer(4)}})},
    {"a26161016162820203",
     Cbor::map({{text("a"), integer(1)}, {text("b"), Cbor::array({integer(2), integer(3)})}})},
    {"826161a161626163", Cbor::array({text("a"), Cbor::map({{text("b"), text("c")}})})},
    {"a56161614161626142616361436164614461656145", Cbor::map({{text("a"), text("A")},
                                                              {text("b"), text("B")},
                                                              {text("c"), text("C")},
                                                              {text("d"), text("D")},
                                                              {text("e"), text("E")}})},
    // The ends of int64, and of each length of head.
    {"1b7fffffffffffffff", integer(std::numeric_limits<std::int64_t>::max())},
    {"3b7fffffffffffffff", integer(std::numeric_limits<std::int64_t>::min())},
    {"18ff", integer(255)},
    {"190100", integer(256)},
    {"19ffff", integer(65535)},
    {"1a00010000", integer(65536)},
    {"1affffffff", integer(4294967295)},
    {"1b0000000100000000", integer(4294967296)},
    // Every tag that fits one byte, as libcbor 0.8 knows only some of them.
    {"c600", Cbor::tagged(6, integer(0))},
    {"d200", Cbor::tagged(18, integer(0))},
    {"d400", Cbor::tagged(20, integer(0))},
    {"d500", Cbor::tagged(21, integer(0))},
};

TEST(Cbor, GivesTheKnownAnswersOfRfc8949BothWays) {
  for (const Known& known : kKnown) {
    EXPECT_EQ(to_hex(to_cbor(known.value)), known.hexadecimal);
    const auto value = parse(known.hexadecimal);
    ASSERT_TRUE(value.has_value()) << known.hexadecimal << ": " << value.error().message;
    EXPECT_TRUE(*value == known.value) << known.hexadecimal;
  }
}

TEST(Cbor, TakesEveryTagInItsShortestForm) {
  for (std::uint64_t tag = 0; tag < 70'000; tag += tag < 300 ? 1 : 997) {
    const Bytes encoded = to_cbor(Cbor::tagged(tag, Cbor()));
    const auto value = parse_cbor(encoded);
    ASSERT_TRUE(value.has_value()) << tag << ": " << value.error().message;
    ASSERT_NE(value->as_tagged(tag), nullptr);
    EXPECT_EQ(value->as_tagged(tag + 1), nullptr);
  }
}

TEST(Cbor, GivesEachKindAndNullForTheOthers) {
  const Cbor value = *parse("a301f5020361780a");
  EXPECT_TRUE(*value.find(1)->as_boolean());
  EXPECT_EQ(*value.find(2)->as_integer(), 3);
  EXPECT_EQ(*value.find("x")->as_integer(), 10);
  EXPECT_EQ(value.find(3), nullptr);
  EXPECT_EQ(value.find("y"), nullptr);
  EXPECT_EQ(value.as_integer(), nullptr);
  EXPECT_EQ(value.as_array(), nullptr);
  EXPECT_EQ(value.as_tagged(0), nullptr);
  EXPECT_FALSE(value.is_null());
  EXPECT_EQ(integer(1).find(1), nullptr);
  EXPECT_EQ(integer(1).find("x"), nullptr);
  EXPECT_EQ(text("x").as_bytes(), nullptr);
  EXPECT_EQ(Cbor::bytes({}).as_text(), nullptr);
  EXPECT_TRUE(Cbor().is_null());
}

// RFC 8949, 4.2.1: 10, 100, -1, "z", "aa", [100], [-1], false.
TEST(Cbor, SortsMapKeysBytewise) {
  Cbor::Map map;
  for (const Cbor& key :
       {Cbor::boolean(false), Cbor::array({integer(-1)}), Cbor::array({integer(100)}), text("aa"),
        text("z"), integer(-1), integer(100), integer(10)}) {
    map.emplace_back(key, integer(0));
  }
  EXPECT_EQ(to_hex(to_cbor(Cbor::map(map))),
            "a8"
            "0a00"
            "186400"
            "2000"
            "617a00"
            "62616100"
            "81186400"
            "812000"
            "f400");
  EXPECT_TRUE(parse_cbor(to_cbor(Cbor::map(map))).has_value());
}

TEST(Cbor, IsEqualWhateverTheOrderOfItsMembers) {
  EXPECT_TRUE(Cbor::map({{integer(1), integer(2)}, {integer(3), integer(4)}}) ==
              Cbor::map({{integer(3), integer(4)}, {integer(1), integer(2)}}));
  EXPECT_FALSE(Cbor::map({{integer(1), integer(2)}}) == Cbor::map({{integer(1), integer(3)}}));
  EXPECT_FALSE(text("a") == Cbor::bytes(to_bytes("a")));
  EXPECT_FALSE(Cbor() == integer(0));
}

TEST(Cbor, MapsWithEqualKeysAreNotEncoded) {
  EXPECT_THROW(to_cbor(Cbor::map({{integer(1), integer(2)}, {integer(1), integer(3)}})),
               std::logic_error);
}

TEST(Cbor, TextIsAlwaysUtf8) {
  EXPECT_EQ(*text("a\xff").as_text(), "a\xef\xbf\xbd");
  EXPECT_TRUE(parse_cbor(to_cbor(text("\xc0\xaf"))).has_value());
}

struct Refusal {
  const char *name, *hexadecimal, *expected;
};

TEST(ParseCbor, RefusesWithTheOffset) {
  const Refusal refusals[] = {
      {"nothing", "", "CBOR offset 0: ends where a value was expected"},
      {"a value too many", "0000", "CBOR offset 1: 1 trailing bytes"},
      {"integer cut", "19ff", "offset 0: ends within"},
      {"array cut", "8218ff", "offset 3: ends where"},
      {"24 in two bytes for 23", "1817", "not the shortest form"},
      {"0 in three bytes", "190000", "not the shortest form"},
      {"255 in three bytes", "1900ff", "not the shortest form"},
      {"65535 in five bytes", "1a0000ffff", "not the shortest form"},
      {"2^32 - 1 in nine bytes", "1b00000000ffffffff", "not the shortest form"},
      {"-1 in two bytes", "3800", "not the shortest form"},
      {"length in two bytes", "580100", "not the shortest form"},
      {"text length in two bytes", "780161", "not the shortest form"},
      {"count in two bytes", "980100", "not the shortest form"},
      {"map count in two bytes", "b8010000", "not the shortest form"},
      {"tag 18 in two bytes", "d81200", "not the shortest form"},
      {"2^63", "1b8000000000000000", "does not fit 64 bits with sign"},
      {"-2^63 - 1", "3b8000000000000000", "does not fit 64 bits with sign"},
      {"2^64 - 1", "1bffffffffffffffff", "does not fit 64 bits with sign"},
      {"half float", "f93c00", "floating-point"},
      {"single float", "fa47c35000", "floating-point"},
      {"double float", "fb3ff199999999999a", "floating-point"},
      {"undefined", "f7", "undefined"},
      {"simple value 16", "f0", "unassigned initial byte"},
      {"simple value 255", "f8ff", "unassigned initial byte"},
      {"boolean in two bytes", "f814", "unassigned initial byte"},
      {"reserved head", "1c", "unassigned initial byte"},
      {"reserved array head", "9e", "unassigned initial byte"},
      {"indefinite bytes", "5f42010243030405ff", "indefinite length"},
      {"indefinite text", "7f657374726561646d696e67ff", "indefinite length"},
      {"indefinite array", "9fff", "indefinite length"},
      {"indefinite map", "bfff", "indefinite length"},
      {"break alone", "ff", "indefinite length"},
      {"break in an array", "81ff", "CBOR offset 1: an indefinite length"},
      {"invalid UTF-8", "61ff", "not valid UTF-8"},
      {"surrogate", "63eda080", "not valid UTF-8"},
      {"keys out of order", "a203040102", "repeated or out of order"},
      {"key twice", "a201020103", "repeated or out of order"},
      {"longer key first", "a26261610061 7a00", "repeated or out of order"},
      {"map key twice, deep", "81a1f6a2616100616101", "repeated or out of order"},
      {"map without value", "a118ff", "offset 3: ends where"},
      {"a count that cannot be", "9affffffff", "claims 4294967295 elements, only 0 bytes"},
      {"a count near the end of 64 bits", "9bffffffffffffffff00", "claims"},
      {"a map count that overflows", "bb800000000000000000", "claims"},
      {"bytes that are not there", "5affffffff00", "ends within"},
      {"bytes to the end of memory", "5bffffffffffffffff00", "ends within"},
      {"text to the end of memory", "7bffffffffffffffff00", "ends within"},
  };
  for (const Refusal& refusal : refusals) {
    std::string hexadecimal = refusal.hexadecimal;
    std::erase(hexadecimal, ' ');
    const auto value = parse(hexadecimal);
    ASSERT_FALSE(value.has_value()) << refusal.name;
    EXPECT_EQ(value.error().kind, ErrorKind::kRejected) << refusal.name;
    EXPECT_NE(value.error().message.find(refusal.expected), std::string::npos)
        << refusal.name << ": " << value.error().message;
  }
}

TEST(ParseCbor, RefusesEveryTruncation) {
  for (const Known& known : kKnown) {
    const Bytes encoded = from_hex(known.hexadecimal).value();
    for (std::size_t size = 0; size < encoded.size(); ++size) {
      EXPECT_FALSE(parse_cbor(ByteView(encoded).first(size)).has_value())
          << known.hexadecimal << " cut to " << size;
    }
  }
}

// Every input of two bytes, and some third ones: what is accepted is what the encoder makes of it.
TEST(ParseCbor, AcceptsOnlyWhatItWouldWrite) {
  int accepted = 0;
  const auto check = [&](const Bytes& input) {
    const auto value = parse_cbor(input);
    if (!value.has_value()) return;
    ++accepted;
    ASSERT_EQ(to_cbor(*value), input);
  };
  for (unsigned a = 0; a < 256; ++a) {
    const auto first = static_cast<std::uint8_t>(a);
    check({first});
    for (unsigned b = 0; b < 256; ++b) {
      const auto second = static_cast<std::uint8_t>(b);
      check({first, second});
      for (const std::uint8_t third : Bytes{0x00, 0x17, 0x18, 0x40, 0x61, 0x80, 0xa0, 0xf6, 0xff}) {
        check({first, second, third});
      }
    }
  }
  EXPECT_GT(accepted, 3000);
}

Cbor random_value(std::mt19937_64& random, int depth) {
  const auto kind = random() % (depth > 0 ? 9 : 6);
  const auto size = random() % 30;
  const auto number = static_cast<std::int64_t>(random() >> random() % 64);
  if (kind == 0) return integer(random() % 2 == 0 ? number : -1 - (number & INT64_MAX));
  if (kind == 1) return Cbor::bytes(Bytes(size * (random() % 20), 0xaa));
  if (kind == 2) return text(std::string(size, 'x'));
  if (kind == 3) return Cbor::boolean(random() % 2 == 0);
  if (kind == 4) return Cbor();
  if (kind == 5) return text("gr\xc3\xbc\xc3\x9f");
  if (kind == 6) return Cbor::tagged(random() >> random() % 64, random_value(random, depth - 1));
  if (kind == 7) {
    Cbor::Array array;
    for (std::size_t i = 0; i < size; ++i) array.push_back(random_value(random, depth - 1));
    return Cbor::array(std::move(array));
  }
  Cbor::Map map;
  for (std::size_t i = 0; i < size; ++i) {
    map.emplace_back(i % 2 == 0 ? integer(static_cast<std::int64_t>(i * i * i) - 500)
                                : text(std::string(i, 'k')),
                     random_value(random, depth - 1));
  }
  return Cbor::map(std::move(map));
}

TEST(ParseCbor, RoundTripsRandomValues) {
  std::mt19937_64 random(20261121);
  for (int i = 0; i < 400; ++i) {
    const Cbor value = random_value(random, 3);
    const Bytes encoded = to_cbor(value);
    const auto parsed = parse_cbor(encoded);
    ASSERT_TRUE(parsed.has_value()) << parsed.error().message;
    ASSERT_TRUE(*parsed == value);
    ASSERT_EQ(to_cbor(*parsed), encoded);
  }
}

TEST(ParseCbor, BoundsSizeDepthAndItems) {
  EXPECT_TRUE(parse("8101", {.bytes = 2}).has_value());
  EXPECT_EQ(parse("8101", {.bytes = 1}).error().message, "CBOR of 2 bytes: at most 1 are accepted");
  Bytes deep(16, 0x81);
  deep.push_back(0);
  EXPECT_TRUE(parse_cbor(deep).has_value());
  deep.insert(deep.begin(), 0x81);
  EXPECT_EQ(parse_cbor(deep).error().message, "CBOR offset 16: nested deeper than 16 levels");
  EXPECT_FALSE(parse_cbor(Bytes(1'000'000, 0xc6)).has_value()) << "tags are levels";
  EXPECT_TRUE(parse("820102", {.items = 3}).has_value());
  EXPECT_EQ(parse("820102", {.items = 2}).error().message, "CBOR offset 2: more than 2 values");
}

}  // namespace
}  // namespace avouch::codec
