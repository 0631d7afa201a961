// Entries whose content was erased: what is still proven of them, and a controller that only says
// so.

#include <gmock/gmock.h>

#include "tests/unit/inspect/lying_release.h"
#include "tlog/remark.h"

namespace avouch::inspect {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class ErasedTest : public VerifyTest {
 protected:
  std::uint64_t add_erasure(std::uint64_t index, tlog::RemarkKind kind = tlog::RemarkKind::kErasure,
                            std::uint8_t leaf_bits = 0) {
    tlog::Remark remark;
    remark.kind = kind;
    remark.refs = {{kOrigin, index, tlog::leaf_hash(entries[index].statement), ""}};
    remark.refs[0].leaf[0] ^= leaf_bits;
    remark.text = "case 17";
    return add(std::string(tlog::remark_name(kind)), "entry:1",
               tlog::remark_payload({remark, "bob", SystemTime{}}, kOrigin).value());
  }
  std::string left_of(std::uint64_t index, std::uint64_t by) const {
    return R"({"index":)" + std::to_string(index) + R"(,"kind":")" + kinds[index] +
           R"(","statement":")" + codec::to_base64(entries[index].statement) +
           R"(","code":"Erased","withheld":"erased","erasedBy":)" + std::to_string(by) + "}";
  }
  // What the controller says from now on.
  void say_erased(std::uint64_t index, std::uint64_t by) {
    transport.on(kProxy + "/v1/log/entries/" + std::to_string(index), [body = left_of(index, by)](
                                                                          const HttpRequest&) {
      return HttpResponse{.status = 410, .content_type = "application/problem+json", .body = body};
    });
  }
};

TEST_F(ErasedTest, AnEntryIsShownWithWhoErasedItWhenAndWhy) {
  const auto verdict = add_node_verdict({});
  const auto by = add_erasure(verdict);
  serve({}, verdict);
  say_erased(verdict, by);
  const auto proof = verify_entry(verdict);
  ASSERT_TRUE(proof.has_value()) << proof.error().message;
  EXPECT_TRUE(all_hold(*proof)) << render_text(*proof);
  const std::string text = render_text(*proof);
  EXPECT_THAT(text, HasSubstr("log entry 2: its content was ERASED by entry 3"));
  EXPECT_THAT(text, HasSubstr("erased by log entry 3: 1970-01-01T00:00:00Z, erasure by bob of "
                              "entry 2 of log log: case 17"));
  EXPECT_THAT(text, HasSubstr("it refers to entry 2"));
}

// Whatever the controller says that is not in the log is no erasure.
TEST_F(ErasedTest, WhatNoEntryErasedIsNotTakenForErased) {
  const auto before = add_erasure(1);
  const auto verdict = add_node_verdict({});
  const auto dispute = add_erasure(verdict, tlog::RemarkKind::kDispute);
  const auto of_another = add_erasure(before);
  const auto of_other_leaf = add_erasure(verdict, tlog::RemarkKind::kErasure, 1);
  const auto erased_too = add_erasure(verdict);
  serve({}, verdict);
  for (const std::uint64_t by : {before, verdict, dispute, of_another, of_other_leaf}) {
    say_erased(verdict, by);
    expect_failing(verify_entry(verdict), "content was erased by entry " + std::to_string(by));
  }
  say_erased(verdict, erased_too);
  EXPECT_TRUE(all_hold(*verify_entry(verdict)));
  say_erased(erased_too, of_another);
  expect_failing(verify_entry(verdict), "content was erased by entry");
}

// Any erasure of another entry would do, if its content need not be shown.
TEST_F(ErasedTest, AnErasureWhoseContentIsWithheldProvesNothing) {
  const auto verdict = add_node_verdict({});
  const auto of_another = add_erasure(1);
  serve({}, verdict);
  say_erased(verdict, of_another);
  std::string withheld = json_entry(of_another, kinds[of_another], entries[of_another]);
  withheld.resize(withheld.find(R"(,"preimage")"));
  transport.answer(kProxy + "/v1/log/entries/" + std::to_string(of_another),
                   withheld + R"(,"withheld":"not entitled"})");
  const auto proof = verify_entry(verdict);
  ASSERT_TRUE(proof.has_value()) << proof.error().message;
  EXPECT_TRUE(is_untold(*proof)) << render_text(*proof);
  EXPECT_THAT(render_text(*proof), HasSubstr("its content was not read"));
}

TEST_F(ErasedTest, ANodesVerdictCannotBeToldAnyMore) {
  const Bytes token = token_for("uid-1");
  const auto verdict = add_node_verdict(token);
  const auto by = add_erasure(verdict);
  for (const Bytes& shown : {token, Bytes()}) {
    serve(shown, verdict);
    say_erased(verdict, by);
    const auto proof = verify_node();
    ASSERT_TRUE(proof.has_value()) << proof.error().message;
    EXPECT_FALSE(all_hold(*proof));
    EXPECT_TRUE(is_untold(*proof)) << render_text(*proof);
    EXPECT_THAT(render_text(*proof), HasSubstr("its content was erased by entry 3: that the"));
  }
  // What does not hold is not excused by it.
  serve(token_for("uid-2"), verdict);
  say_erased(verdict, by);
  EXPECT_FALSE(is_untold(*verify_node()));
}

TEST_F(ErasedTest, APodsVerdictCannotBeToldAnyMore) {
  const Bytes token = token_for("uid-1");
  const auto node = add_node_verdict(token);
  const auto admission = add_admission("allow", node, token);
  const auto by = add_erasure(admission);
  serve(token, node);
  say_erased(admission, by);
  transport.answer(kProxy + "/v1/log/entries", R"({"entries":[)" + left_of(admission, by) + "]}");
  const auto proof = verify_pod({.trusted = true});
  ASSERT_TRUE(proof.has_value()) << proof.error().message;
  EXPECT_TRUE(is_untold(*proof)) << render_text(*proof);
  EXPECT_THAT(render_text(*proof), HasSubstr("erasure by bob of entry 3"));
}

TEST_F(ErasedTest, APodsOwnVerdictStandsWithoutThatOfItsNode) {
  const Bytes token = token_for("uid-1");
  const auto node = add_node_verdict(token);
  const auto admission = add_admission("deny", node, token);
  const auto by = add_erasure(node);
  serve(token, node);
  list({admission});
  say_erased(node, by);
  const auto proof = verify_pod();
  ASSERT_TRUE(proof.has_value()) << proof.error().message;
  EXPECT_TRUE(all_hold(*proof)) << render_text(*proof);
  EXPECT_THAT(render_text(*proof),
              HasSubstr("whether it is the verdict of that node cannot be told"));
}

TEST_F(ErasedTest, AnAnswerOf410ThatIsNotTheControllersIsAnError) {
  const auto verdict = add_node_verdict({});
  serve({}, verdict);
  transport.on(kProxy + "/v1/log/entries/2", [](const HttpRequest&) {
    return HttpResponse{.status = 410,
                        .content_type = "application/json",
                        .body = R"({"kind":"Status","reason":"Expired","code":410})"};
  });
  const auto proof = verify_entry(verdict);
  ASSERT_FALSE(proof.has_value());
  EXPECT_THAT(proof.error().message, HasSubstr("410"));
  EXPECT_THAT(proof.error().message, Not(HasSubstr("erased")));
}

}  // namespace
}  // namespace avouch::inspect
