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
            std::string("\\xc2\x9b"
                        "31m"));
}

}  // namespace
}  // namespace avouch::inspect
