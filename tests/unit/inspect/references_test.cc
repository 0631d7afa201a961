// Chains of references, from a log that tells the truth and from one that does not.

#include <gmock/gmock.h>

#include <map>

#include "inspect/verify.h"
#include "support/other_log.h"
#include "tlog/remark.h"
#include "unit/inspect/lying_release.h"

namespace avouch::inspect {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

const testing::OtherLog& theirs() {
  static const testing::OtherLog one("log.example/theirs");
  return one;
}

class ReferencesTest : public VerifyTest {
 protected:
  tlog::EntryReference to(std::uint64_t index) const {
    return {kOrigin, index, tlog::leaf_hash(entries[index].statement), ""};
  }
  std::uint64_t add_remark(std::vector<tlog::EntryReference> refs,
                           tlog::RemarkKind kind = tlog::RemarkKind::kEndorsement,
                           std::optional<tlog::EntryReference> replacement = std::nullopt) {
    tlog::Remark remark;
    remark.kind = kind;
    remark.refs = std::move(refs);
    remark.replacement = std::move(replacement);
    remark.text = "looked at";
    for (const tlog::EntryReference& each : remark.refs) back[each.index].push_back(entries.size());
    return add(std::string(tlog::remark_name(kind)), "entry:1",
               tlog::remark_payload({remark, "bob", SystemTime{}}, kOrigin).value());
  }
  // A remark that no honest log would hold.
  std::uint64_t add_remark_unchecked(std::uint64_t index, const tlog::Hash& leaf) {
    const auto good =
        tlog::remark_payload({{.refs = {{kOrigin, 0, leaf, ""}}}, "bob", SystemTime{}}, kOrigin);
    Cbor::Map map = *good.value().as_map();
    for (auto& [name, value] : map) {
      if (*name.as_text() != "refs") continue;
      value = Cbor::array(
          {Cbor::map({{Cbor::text("origin"), Cbor::text(kOrigin)},
                      {Cbor::text("index"), Cbor::integer(static_cast<std::int64_t>(index))},
                      {Cbor::text("leafHash"), Cbor::bytes(leaf)}})});
    }
    return add("endorsement", "entry:1", Cbor::map(std::move(map)));
  }

  Result<ProofStep> references(std::uint64_t index, const ChainBounds& bounds = {},
                               const tlog::LogPolicy* others = nullptr,
                               const std::string& reader_token = "token") {
    serve({}, 0);
    transport.on(kProxy + "/v1/log/entries", [this](const HttpRequest& request) {
      const auto asked = query_value(request.query, "refersTo");
      std::string items;
      if (asked.has_value() && asked->has_value()) {
        for (const std::uint64_t each : back[std::stoull(**asked)]) {
          const std::string one = json_entry(each, kinds[each], entries[each]);
          items.insert(0, items.empty() ? one : one + ",");
        }
      }
      return refuse_lists ? problem(403, "NotEntitled", "needs \"get\" on disputes")
                          : HttpResponse{.status = 200,
                                         .content_type = "application/json",
                                         .body = R"({"entries":[)" + items + R"(],"from":0})"};
    });
    return ask([&](Verifier& verifier) { return verifier.references(index, bounds, others); },
               reader_token);
  }
  static std::string text(const Result<ProofStep>& proof) {
    return proof.has_value() ? render_text(*proof) : proof.error().message;
  }

  std::map<std::uint64_t, std::vector<std::uint64_t>> back;  // what the controller says
  bool refuse_lists = false;
};

TEST_F(ReferencesTest, AreFollowedInBothDirections) {
  const auto verdict = add_node_verdict({});
  const auto dispute = add_remark({to(verdict)}, tlog::RemarkKind::kDispute);
  const auto endorsement = add_remark({to(dispute), to(1)});
  const auto better = add_remark({to(dispute)});
  const auto superseding = add_remark({to(endorsement)}, tlog::RemarkKind::kSupersede, to(better));

  const auto down = references(superseding);
  ASSERT_TRUE(down.has_value()) << text(down);
  EXPECT_TRUE(all_hold(*down)) << text(down);
  EXPECT_THAT(text(down), HasSubstr("refers to log entry 4: "));
  EXPECT_THAT(text(down), HasSubstr("puts in its place log entry 5: "));
  EXPECT_THAT(text(down), HasSubstr("refers to log entry 3: "));
  EXPECT_THAT(text(down), HasSubstr("dispute by bob of entry 2 of log log: looked at"));
  EXPECT_THAT(text(down), HasSubstr("refers to log entry 2: "));
  EXPECT_THAT(text(down), HasSubstr("refers to entry 3: shown above"));
  EXPECT_THAT(text(down), Not(HasSubstr("is referred to")));

  const auto up = references(verdict);
  ASSERT_TRUE(up.has_value()) << text(up);
  EXPECT_TRUE(all_hold(*up)) << text(up);
  for (const auto index : {dispute, endorsement, better, superseding}) {
    EXPECT_THAT(text(up), HasSubstr("is referred to by log entry " + std::to_string(index) + ": "));
  }
}

TEST_F(ReferencesTest, AreFollowedNoFurtherThanAsked) {
  for (int i = 0; i < 6; ++i) add_remark({to(entries.size() - 1)});
  const auto two = references(7, {.depth = 2});
  EXPECT_TRUE(all_hold(*two)) << text(two);
  EXPECT_THAT(text(two), HasSubstr("refers to log entry 5: "));
  EXPECT_THAT(text(two), HasSubstr("refers to entry 4: not followed further"));
  const auto back_two = references(1, {.depth = 2});
  EXPECT_THAT(text(back_two), HasSubstr("is referred to by log entry 3: "));
  EXPECT_THAT(text(back_two), HasSubstr("is referred to by entry 4: not followed further"));
  const auto three = references(7, {.depth = 16, .entries = 3});
  EXPECT_THAT(text(three), HasSubstr("refers to log entry 5: "));
  EXPECT_THAT(text(three), HasSubstr("refers to entry 4: not followed: 3 entries are shown"));
}

TEST_F(ReferencesTest, ToAnotherLeafFail) {
  add_node_verdict({});
  tlog::EntryReference other = to(2);
  other.leaf[0] ^= 1;
  const auto remark = add_remark({other});
  expect_failing(references(remark), "it is the entry that was referred to");
  expect_failing(references(2), "it refers to entry 2");
}

// Each would make a chain without end.
TEST_F(ReferencesTest, ToItselfOrWhatIsLaterFail) {
  const tlog::Hash any{};
  const auto itself = add_remark_unchecked(2, any);
  add_remark_unchecked(4, any);
  add_remark_unchecked(3, any);
  ASSERT_EQ(itself, 2U);
  for (const std::uint64_t index : {2U, 3U}) {
    expect_failing(references(index), "it is a remark as this program knows them");
  }
  back[4] = {3};
  expect_failing(references(4), "is referred to by entry 3");
  back[1] = {2};
  expect_failing(references(1), "it refers to entry 1");
}

TEST_F(ReferencesTest, ThatTheControllerMadeUpFail) {
  add_node_verdict({});
  const auto remark = add_remark({to(1)});
  back[2] = {remark};
  expect_failing(references(2), "it refers to entry 2");
  back[1] = {2};  // a verdict
  expect_failing(references(1), "it refers to entry 1");
}

TEST_F(ReferencesTest, ToAnotherLogHoldByItsKeyAlone) {
  const auto remark = add_remark({theirs().reference(5, 33)});
  const auto unknown = references(remark);
  EXPECT_TRUE(all_hold(*unknown)) << text(unknown);
  EXPECT_THAT(text(unknown), HasSubstr("refers to entry 5 of log log.example/theirs: its proof"));
  EXPECT_THAT(text(unknown), HasSubstr("name that log's key by --log-policy"));

  const auto known = tlog::LogPolicy::parse(theirs().policy_with_quorum()).value();
  const auto proven = references(remark, {}, &known);
  EXPECT_TRUE(all_hold(*proven)) << text(proven);
  EXPECT_THAT(text(proven), HasSubstr("ok"));
  EXPECT_THAT(text(proven), HasSubstr("its proof leads to a checkpoint by a key of that log"));

  const testing::OtherLog forger("log.example/theirs");
  const auto other_key = tlog::LogPolicy::parse(forger.policy_line() + "quorum none\n").value();
  expect_failing(references(remark, {}, &other_key), "refers to entry 5 of log");
}

TEST_F(ReferencesTest, AreNotShownToThoseWhoMayNotReadThem) {
  add_node_verdict({});
  add_remark({to(2)});
  refuse_lists = true;
  const auto refused = references(2);
  EXPECT_TRUE(all_hold(*refused)) << text(refused);
  EXPECT_THAT(text(refused), HasSubstr("entries that refer to it are not shown"));
  const auto public_only = references(3, {}, nullptr, "");
  EXPECT_TRUE(all_hold(*public_only)) << text(public_only);
  EXPECT_THAT(text(public_only), Not(HasSubstr("refers to")));
}

TEST_F(ReferencesTest, OfAnEntryThatIsNotThereAreNone) {
  const auto none = references(99);
  ASSERT_FALSE(none.has_value());
  EXPECT_THAT(none.error().message, HasSubstr("there is no entry 99"));
}

}  // namespace
}  // namespace avouch::inspect
