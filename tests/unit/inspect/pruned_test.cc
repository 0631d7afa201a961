// Entries that were pruned: what is still proven of them, and a controller that only says so.

#include <gmock/gmock.h>

#include "support/memory_log_store.h"
#include "tests/unit/inspect/lying_release.h"
#include "tlog/builder.h"
#include "tlog/preimages.h"
#include "tlog/recovery.h"
#include "tlog/retention.h"

namespace avouch::inspect {
namespace {

using std::chrono::hours;
using ::testing::HasSubstr;

class PrunedTest : public VerifyTest {
 protected:
  // A verdict and others, the policy at 300 and the pruning at 301.
  void make_log(const Bytes& token, std::uint64_t content_from = 256, std::uint64_t minimum = 256,
                tlog::RetentionPolicy policy = {hours(24), hours(24)}) {
    verdict = add_node_verdict(token);
    while (entries.size() < 300) add("epoch", "log:0", Cbor::map({}));
    add("retention", "log:0", tlog::retention_payload(policy, SystemTime{}));
    add("pruning", "log:0", tlog::pruning_payload({300, content_from, minimum}, SystemTime{}));
    serve(token, verdict);
    tlog::Builder builder;
    tlog::Retention retention;
    testing::MemoryDisk disk;
    testing::MemoryLogStore store(disk);
    for (std::size_t i = 0; i < entries.size(); ++i) {
      const tlog::Record record{i, entries[i].statement, entries[i].preimage, ""};
      builder.push(record, tlog::leaf_hash(record.entry));
      retention.take(i, record.entry, record.preimage);
    }
    for (const tlog::Object& object : builder.take_objects()) {
      transport.answer(kProxy + "/log/" + object.path, as_text(object.bytes));
    }
    const std::string said(as_text(tlog::format_retention(retention)));
    transport.answer(kProxy + "/log/retention", said);
  }
  // The checkpoint of the first `size` entries.
  std::string older(std::uint64_t size) const {
    tlog::Builder builder;
    for (std::uint64_t i = 0; i < size; ++i) {
      builder.push({i, entries[i].statement, entries[i].preimage, ""},
                   tlog::leaf_hash(entries[i].statement));
    }
    const auto signer = tlog::NoteSigner::make(kOrigin, log_key).value();
    return tlog::sign_checkpoint(kOrigin, size, builder.root(), signer).value().note();
  }
  void answer_410(const std::string& path, const std::string& body) {
    transport.on(kProxy + path, [body](const HttpRequest&) {
      return HttpResponse{.status = 410, .content_type = "application/problem+json", .body = body};
    });
  }
  void say_pruned(std::uint64_t index, std::uint64_t by) {
    answer_410("/v1/log/entries/" + std::to_string(index),
               R"({"index":)" + std::to_string(index) + R"(,"kind":")" + kinds[index] +
                   R"(","statement":")" + codec::to_base64(entries[index].statement) +
                   R"(","code":"Pruned","withheld":"pruned","prunedBy":)" + std::to_string(by) +
                   "}");
  }
  void deny_tiles(const std::string& code = "Pruned") {
    for (const char* path : {"/log/tile/0/000", "/log/tile/entries/000"}) {
      answer_410(path, R"({"code":")" + code + R"("})");
    }
  }
  std::uint64_t verdict = 0;
};

TEST_F(PrunedTest, AnEntryIsShownWithThePruningThatTookItsContent) {
  make_log(token_for("uid-1"), 256, 0);
  say_pruned(verdict, 301);
  const auto proof = verify_entry(verdict);
  ASSERT_TRUE(proof.has_value()) << proof.error().message;
  EXPECT_TRUE(all_hold(*proof)) << render_text(*proof);
  const std::string text = render_text(*proof);
  EXPECT_THAT(text, HasSubstr("log entry 2: its content was PRUNED by entry 301"));
  EXPECT_THAT(text, HasSubstr("pruned by log entry 301: 1970-01-01T00:00:00Z, pruning: content "
                              "from entry 256 on is kept, minimum index 0, by the policy of "
                              "entry 300"));
  EXPECT_THAT(text, HasSubstr("it prunes content of entry 2"));
  EXPECT_THAT(render_text(*verify_entry(300)),
              HasSubstr("retention policy: content is kept 24h, entries are served 24h"));

  const auto node = verify_node();
  ASSERT_TRUE(node.has_value()) << node.error().message;
  EXPECT_TRUE(is_untold(*node)) << render_text(*node);
  EXPECT_THAT(render_text(*node), HasSubstr("its content was pruned by entry 301: that the"));
}

TEST_F(PrunedTest, WhatNoEntryPrunedIsNotTakenForPruned) {
  make_log({}, 256, 0);
  for (const std::uint64_t by : {300U, 299U, 1U}) {
    say_pruned(verdict, by);
    expect_failing(verify_entry(verdict), "content was pruned by entry " + std::to_string(by));
  }
  // Of a kind whose content is never pruned, and above the boundary.
  say_pruned(255, 301);
  expect_failing(verify_entry(255), "content was pruned by entry 301");
  say_pruned(299, 301);
  expect_failing(verify_entry(299), "content was pruned by entry 301");
}

// An entry that looks like a pruning and has no effect (FORMAT.md, 'Retention') excuses nothing.
TEST_F(PrunedTest, APruningThatItsPolicyDoesNotAllowPrunesNothing) {
  make_log(token_for("uid-1"), 256, 0, {hours(0), hours(0)});
  say_pruned(verdict, 301);
  expect_failing(verify_entry(verdict), "content was pruned by entry 301");
  const auto node = verify_node();
  ASSERT_TRUE(node.has_value()) << node.error().message;
  EXPECT_FALSE(is_untold(*node)) << render_text(*node);
  EXPECT_FALSE(all_hold(*node));
}

TEST_F(PrunedTest, AnEntryThatIsNotServedCannotBeToldAnyMore) {
  make_log(token_for("uid-1"));
  deny_tiles();
  for (const auto& proof : {verify_entry(verdict), verify_node()}) {
    ASSERT_TRUE(proof.has_value()) << proof.error().message;
    EXPECT_TRUE(is_untold(*proof)) << render_text(*proof);
    EXPECT_THAT(render_text(*proof), HasSubstr("entry 301, which is in the log, says that its "
                                               "minimum index is 256"));
  }
  // What is above is proven as before.
  EXPECT_TRUE(all_hold(*verify_entry(299)));
}

// Not an answer that is to be asked for again, for ever.
TEST_F(PrunedTest, ACheckpointThatIsTooOldProvesNothingAnyMore) {
  make_log({});
  deny_tiles();
  for (const std::uint64_t size : {1U, 255U}) {
    const auto proof = verify_log(older(size));
    ASSERT_TRUE(proof.has_value()) << proof.error().message;
    EXPECT_TRUE(is_untold(*proof)) << render_text(*proof);
    EXPECT_THAT(render_text(*proof), HasSubstr("entry 301, which is in the log, says that its "
                                               "minimum index is 256"));
  }
  for (const std::uint64_t size : {256U, 300U}) {  // from there on it is proven as before
    const auto proof = verify_log(older(size));
    ASSERT_TRUE(proof.has_value()) << proof.error().message;
    EXPECT_TRUE(all_hold(*proof)) << render_text(*proof);
  }
  // What is gone without a word, or away, is asked for again.
  transport.answer(kProxy + "/log/retention", R"({"version":1,"contentGone":0,"entries":[]})");
  const auto gone = verify_log(older(255));
  ASSERT_FALSE(gone.has_value());
  EXPECT_EQ(gone.error().kind, ErrorKind::kRetryable);
  transport.answer(kProxy + "/log/retention",
                   R"({"version":1,"contentGone":0,"entries":[{"index":299,"preimage":"AA=="}]})");
  expect_failing(verify_log(older(255)), "what the log says of its retention holds");
}

TEST_F(PrunedTest, AnEntryThatIsGoneWithoutAWordIsNot) {
  make_log({}, 256, 0);  // content alone
  deny_tiles();
  const auto proof = verify_entry(verdict);
  EXPECT_FALSE(proof.has_value() && is_untold(*proof));
  // Nor where what is said is not in the log.
  transport.answer(kProxy + "/log/retention",
                   R"({"version":1,"contentGone":0,"entries":[{"index":299,"preimage":"AA=="}]})");
  expect_failing(verify_entry(verdict), "what the log says of its retention holds");
  // And the API server's 410 is none of the log's.
  deny_tiles("Expired");
  EXPECT_FALSE(verify_entry(verdict).has_value());
}

}  // namespace
}  // namespace avouch::inspect
