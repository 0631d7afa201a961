// What anchors are for: a log that went back in time, or has a second writer, signs nothing.

#include <gtest/gtest.h>

#include "contract/tlog/engine_cases.h"

namespace avouch::tlog {
namespace {

using testing::LogProcess;
using testing::submission;
using testing::submissions;

class AnchorContract : public LogContract {
 protected:
  // Appends and publishes in one life of the log.
  Checkpoint grow(const std::string& prefix, int count, const std::string& anchor = "head") {
    LogProcess process(*engine_);
    process.anchor_names = {anchor};
    process.options.adopt_missing_anchors = anchor != "head";
    const auto opened = process.open();
    EXPECT_TRUE(opened.has_value());
    if (!opened.has_value()) return {};
    EXPECT_TRUE(process.append(submissions(prefix, count)).has_value());
    return process.publish().value().checkpoint();
  }

  Result<void> open() {
    LogProcess process(*engine_);
    return process.open();
  }

  std::optional<std::string> anchored() {
    return engine_->open_anchor("head").value()->read().value();
  }

  void expect_refused(const std::string& why) {
    const auto before = anchored();
    const auto opened = open();
    ASSERT_FALSE(opened.has_value());
    EXPECT_EQ(opened.error().kind, ErrorKind::kFatal);
    EXPECT_NE(opened.error().message.find(why), std::string::npos) << opened.error().message;
    EXPECT_EQ(anchored(), before);
  }
};

TEST_P(AnchorContract, KnowsTheNewestCheckpoint) {
  const Checkpoint checkpoint = grow("a", 5);
  const auto note = anchored();
  ASSERT_TRUE(note.has_value());
  EXPECT_EQ(verify_checkpoint(*note, std::span(&testing::test_log_signer().verifier(), 1),
                              testing::kTestOrigin)
                ->checkpoint(),
            checkpoint);
}

TEST_P(AnchorContract, RefusesARestoredBackup) {
  grow("a", 5);
  engine_->back_up_store();
  grow("b", 5);
  engine_->restore_store();
  expect_refused("went back in time");
}

TEST_P(AnchorContract, AcceptsABackupThatMissesNothing) {
  grow("a", 5);
  engine_->back_up_store();
  engine_->restore_store();
  EXPECT_TRUE(open().has_value());
}

TEST_P(AnchorContract, RefusesARestoredBackupOfTheEmptyLog) {
  grow("a", 0);
  engine_->back_up_store();
  grow("b", 1);
  engine_->restore_store();
  expect_refused("went back in time");
}

TEST_P(AnchorContract, RefusesAStoreThatIsGone) {
  {
    LogProcess process(*engine_);
    engine_->back_up_store();  // of nothing
    ASSERT_TRUE(process.open().has_value());
    ASSERT_TRUE(process.append({submission("a")}).has_value());
    ASSERT_TRUE(process.publish().has_value());
  }
  engine_->restore_store();
  expect_refused("the store has no checkpoint");
}

TEST_P(AnchorContract, RefusesAForkOfTheSameSizeAndALongerOne) {
  grow("a", 5);
  engine_->back_up_store();
  grow("b", 5);
  for (const int count : {5, 6, 300}) {
    engine_->restore_store();
    engine_->lose_anchor("other");
    grow("c" + std::to_string(count), count, "other");
    expect_refused("contradicts");
  }
}

TEST_P(AnchorContract, RefusesAForkThatWasOnlySequenced) {
  grow("a", 5);
  engine_->back_up_store();
  grow("b", 5);
  engine_->restore_store();
  {
    LogProcess process(*engine_);
    process.anchor_names = {"other"};
    process.options.adopt_missing_anchors = true;
    ASSERT_TRUE(process.open().has_value());
    ASSERT_TRUE(process.append(submissions("c", 7)).has_value());
    process.die();
  }
  expect_refused("contradicts");
}

TEST_P(AnchorContract, RefusesALogWithEntriesThatTheAnchorNeverSaw) {
  grow("a", 5);
  engine_->lose_anchor("head");
  expect_refused("knows nothing");
  LogProcess process(*engine_);
  process.options.adopt_missing_anchors = true;
  ASSERT_TRUE(process.open().has_value());
  EXPECT_EQ(process.log().checkpoint().size(), 5U);
  process.close();
  EXPECT_TRUE(open().has_value());
}

TEST_P(AnchorContract, RefusesTheAnchorOfAnotherLogOrKey) {
  grow("a", 5);
  engine_->lose_anchor("head");
  const auto key = crypto::PrivateKey::generate(crypto::KeyType::kEd25519);
  const std::vector other_key{NoteSigner::make(testing::kTestOrigin, key).value()};
  const std::string text = format_checkpoint({testing::kTestOrigin, 0, empty_root(), {}}).value();
  ASSERT_TRUE(engine_->open_anchor("head")
                  .value()
                  ->replace(std::nullopt, sign_note(text, other_key).value())
                  .has_value());
  expect_refused("not a checkpoint of this log by its present key");
}

TEST_P(AnchorContract, FinishesAPublicationThatOnlyTheAnchorSaw) {
  {
    LogProcess process(*engine_);
    ASSERT_TRUE(process.open().has_value());
    ASSERT_TRUE(process.append(submissions("a", 300)).has_value());
    const std::size_t objects = 7;  // tiles 0/000, 0/001.p, 1/000.p, two bundles, two groups
    const std::size_t anchor = 1;
    process.faults.fail_step(objects + anchor, testing::Faults::Outcome::kFailed,
                             ErrorKind::kFatal);
    EXPECT_EQ(process.publish().error().message, "publish: injected fault");
    process.close();
  }
  const auto note = anchored();
  LogProcess process(*engine_);
  ASSERT_TRUE(process.open().has_value());
  EXPECT_EQ(process.log().checkpoint().size(), 300U);
  EXPECT_EQ(process.log().checkpoint().note(), *note);
  testing::check_whole_log(process.store(), process.log().checkpoint().checkpoint());
}

TEST_P(AnchorContract, BringsAnAnchorThatIsBehindUpToDate) {
  {
    LogProcess process(*engine_);
    process.anchor_names = {"head", "second"};
    ASSERT_TRUE(process.open().has_value());
    ASSERT_TRUE(process.append(submissions("a", 5)).has_value());
    ASSERT_TRUE(process.publish().has_value());
  }
  grow("b", 300);  // without "second"
  LogProcess process(*engine_);
  process.anchor_names = {"head", "second"};
  ASSERT_TRUE(process.open().has_value());
  process.close();
  EXPECT_EQ(engine_->open_anchor("second").value()->read().value(), anchored());
}

TEST_P(AnchorContract, StopsALogWhoseAnchorSomebodyElseMoves) {
  LogProcess process(*engine_);
  std::promise<std::string> failed;
  process.options.on_fatal = [&](const Error& error) { failed.set_value(error.message); };
  ASSERT_TRUE(process.open().has_value());
  ASSERT_TRUE(process.append(submissions("a", 5)).has_value());
  engine_->lose_anchor("head");
  EXPECT_EQ(process.publish().error().kind, ErrorKind::kFatal);
  EXPECT_FALSE(failed.get_future().get().empty());
  EXPECT_EQ(process.append(submissions("b", 1)).error().kind, ErrorKind::kFatal);
  EXPECT_EQ(testing::must_fetch(process.store(), "checkpoint"),
            to_bytes(process.log().checkpoint().note()));
}

AVOUCH_ON_EVERY_ENGINE(AnchorContract);

}  // namespace
}  // namespace avouch::tlog
