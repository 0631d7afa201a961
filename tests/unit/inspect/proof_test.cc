#include "inspect/proof.h"

#include <gtest/gtest.h>

namespace avouch::inspect {
namespace {

TEST(AllHold, NeedsSomethingThatHoldsAndNothingThatFails) {
  EXPECT_FALSE(all_hold(note("a node"))) << "a note proves nothing";
  ProofStep step = note("a node");
  step.parts = {holds("signature")};
  EXPECT_TRUE(all_hold(step));
  step.parts[0].parts = {fails("inclusion", "wrong root")};
  EXPECT_FALSE(all_hold(step)) << "however deep";
}

TEST(RenderText, DrawsATreeWithTheOutcomeInFront) {
  ProofStep step = note("node n1");
  step.parts = {holds("token", "fresh"), fails("entry", "gone")};
  step.parts[0].parts = {holds("uid")};
  EXPECT_EQ(render_text(step),
            "-      node n1\n"
            "ok     ├─ token: fresh\n"
            "ok     │  └─ uid\n"
            "FAILS  └─ entry: gone\n");
}

TEST(RenderJson, KeepsClaimsDetailsAndParts) {
  ProofStep step = holds("token", "fresh");
  step.parts = {fails("entry", "gone")};
  EXPECT_EQ(codec::to_json(render_json(step)),
            R"({"claim":"token","detail":"fresh","outcome":"holds",)"
            R"("parts":[{"claim":"entry","detail":"gone","outcome":"fails"}]})");
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
