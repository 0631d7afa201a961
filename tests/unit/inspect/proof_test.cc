#include "inspect/proof.h"

#include <gtest/gtest.h>

#include <cstdio>

namespace avouch::inspect {
namespace {

std::string encoded(std::uint32_t point) {
  const auto tail = [&](unsigned shift) {
    return static_cast<char>(0x80 | (point >> shift & 0x3f));
  };
  if (point < 0x80) return {static_cast<char>(point)};
  if (point < 0x800) return {static_cast<char>(0xc0 | point >> 6), tail(0)};
  if (point < 0x10000) return {static_cast<char>(0xe0 | point >> 12), tail(6), tail(0)};
  return {static_cast<char>(0xf0 | point >> 18), tail(12), tail(6), tail(0)};
}

std::string escape_of(std::uint32_t point) {
  char text[11];
  std::snprintf(text, sizeof text, point > 0xffff ? "\\U%08x" : "\\u%04x", point);
  return text;
}

TEST(AllHold, NeedsSomethingThatHoldsAndNothingThatFails) {
  EXPECT_FALSE(all_hold(note("a node"))) << "a note proves nothing";
  ProofStep step = note("a node");
  step.parts = {holds("signature")};
  EXPECT_TRUE(all_hold(step));
  step.parts[0].parts = {fails("inclusion", "wrong root")};
  EXPECT_FALSE(all_hold(step)) << "however deep";
}

TEST(AllHold, IsNotSoWhereSomethingCannotBeTold) {
  ProofStep step = note("a node");
  step.parts = {holds("signature"), untold("its phase", "erased")};
  EXPECT_FALSE(all_hold(step));
  EXPECT_TRUE(is_untold(step));
  step.parts[0].parts = {fails("inclusion", "wrong root")};
  EXPECT_FALSE(is_untold(step)) << "what fails is said first";
  EXPECT_FALSE(is_untold(holds("signature")));
}

TEST(RenderText, DrawsATreeWithTheOutcomeInFront) {
  ProofStep step = note("node n1");
  step.parts = {holds("token", "fresh"), fails("entry", "gone")};
  step.parts[0].parts = {holds("uid"), untold("phase", "erased")};
  EXPECT_EQ(render_text(step),
            "-      node n1\n"
            "ok     ├─ token: fresh\n"
            "ok     │  ├─ uid\n"
            "?      │  └─ phase: erased\n"
            "FAILS  └─ entry: gone\n");
}

TEST(RenderJson, KeepsClaimsDetailsAndParts) {
  ProofStep step = holds("token", "fresh");
  step.parts = {fails("entry", "gone"), untold("phase", "erased")};
  EXPECT_EQ(codec::to_json(render_json(step)),
            R"({"claim":"token","detail":"fresh","outcome":"holds",)"
            R"("parts":[{"claim":"entry","detail":"gone","outcome":"fails"},)"
            R"({"claim":"phase","detail":"erased","outcome":"untold"}]})");
}

TEST(Printable, ShowsWhatATerminalWouldObey) {
  EXPECT_EQ(printable("plain ü"), "plain ü");
  EXPECT_EQ(printable("\x1b[2Jgone"), "\\x1b[2Jgone");
  EXPECT_EQ(printable("a\nb\x7f"), "a\\x0ab\\x7f");
  EXPECT_EQ(printable("\xc2\x9b"
                      "31m"),
            "\\u009b31m")
      << "no half of a character is left over";
}

TEST(Printable, ShowsWhatReordersOrHidesText) {
  EXPECT_EQ(printable("gpj.\u202eexe"), "gpj.\\u202eexe");
  EXPECT_EQ(printable("\u202a\u202b\u202c\u202d\u2066\u2067\u2068\u2069"),
            "\\u202a\\u202b\\u202c\\u202d\\u2066\\u2067\\u2068\\u2069");
  EXPECT_EQ(printable("\u200e\u200f\u061c"), "\\u200e\\u200f\\u061c");
  EXPECT_EQ(printable("a\u200bb\u200cc\u200dd\ufeff"), "a\\u200bb\\u200cc\\u200dd\\ufeff");
  EXPECT_EQ(printable("\u2028\u2029\u2060"), "\\u2028\\u2029\\u2060");
  EXPECT_EQ(printable("\u200a\u2010\u2027\u202f\u205f\u2070\ufefe\U0001f600\u05e9\u05dc"),
            "\u200a\u2010\u2027\u202f\u205f\u2070\ufefe\U0001f600\u05e9\u05dc")
      << "and nothing else, in whatever script";
}

TEST(Printable, ShowsFillersVariantsTagsAndAnnotations) {
  struct Range {
    std::uint32_t first, last;
  };
  for (const auto& [first, last] : {Range{0xad, 0xad},
                                    {0x34f, 0x34f},
                                    {0x115f, 0x1160},
                                    {0x17b4, 0x17b5},
                                    {0x180b, 0x180f},
                                    {0x3164, 0x3164},
                                    {0xfe00, 0xfe0f},
                                    {0xffa0, 0xffa0},
                                    {0xfff0, 0xfffb},
                                    {0x1bca0, 0x1bca3},
                                    {0x1d173, 0x1d17a},
                                    {0xe0000, 0xe0fff}}) {
    for (std::uint32_t point = first; point <= last; ++point) {
      EXPECT_EQ(printable("a" + encoded(point) + "b"), "a" + escape_of(point) + "b");
    }
    for (const std::uint32_t beside : {first - 1, last + 1}) {
      EXPECT_EQ(printable(encoded(beside)), encoded(beside)) << beside;
    }
  }
}

// Where an escape ends is plain whatever comes behind it. A backslash of the text stays: paths of
// EFI programs and JSON are to be copied from here.
TEST(Printable, WritesEachKindOfEscapeInItsOneLength) {
  EXPECT_EQ(printable(encoded(1) + "1"), R"(\x011)");
  EXPECT_EQ(printable(encoded(0x202e) + "1"), R"(\u202e1)");
  EXPECT_EQ(printable(encoded(0xe0041) + "1"), R"(\U000e00411)");
  EXPECT_EQ(printable(R"(\EFI\debian)"), R"(\EFI\debian)");
}

TEST(Printable, ShowsBytesThatAreNoText) {
  EXPECT_EQ(printable("a\xff"
                      "b\xe2\x80"),
            "a\\xffb\\xe2\\x80");
}

TEST(RenderText, ShowsWhatReordersTextInClaimsAndDetails) {
  EXPECT_EQ(render_text(holds("node \u202e1n", "\u2066x")), "ok     node \\u202e1n: \\u2066x\n");
}

}  // namespace
}  // namespace avouch::inspect
