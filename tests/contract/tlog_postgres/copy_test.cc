// A log moved from one engine to another.

#include "tlog/copy.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "contract/tlog/engine_cases.h"
#include "support/eventually.h"
#include "support/own_entries.h"
#include "support/paths.h"
#include "tlog/client.h"
#include "tlog/fsck.h"
#include "tlog/note_key.h"
#include "tlog/preimages.h"
#include "tlog/retention.h"

namespace avouch::tlog {
namespace {

using testing::FilesLogEngine;
using testing::LogEngine;
using testing::LogProcess;
using testing::PostgresLogEngine;
using testing::submissions;

const CopyOptions kEntriesOnly{.preimages = false, .published_only = false, .progress = {}};

Result<CopyReport> copy(LogEngine& from, LogEngine& to, const NoteVerifier& key,
                        const CopyOptions& options = kEntriesOnly) {
  AVOUCH_TRY(const auto source, from.open_store());
  AVOUCH_TRY(const auto target, to.open_store());
  return copy_log(*source, *target, std::span(&key, 1), testing::kTestOrigin, options);
}

Result<CopyReport> copy(LogEngine& from, LogEngine& to) {
  return copy(from, to, testing::test_log_signer().verifier());
}

VerifiedCheckpoint grow(LogEngine& engine, const std::string& prefix, int count) {
  LogProcess process(engine);
  process.options.adopt_missing_anchors = true;
  const auto opened = process.open();
  EXPECT_TRUE(opened.has_value()) << opened.error().message;
  EXPECT_TRUE(process.append(submissions(prefix, count)).has_value());
  return process.publish().value();
}

void expect_refused(const Result<CopyReport>& copied, const std::string& why) {
  ASSERT_FALSE(copied.has_value());
  EXPECT_EQ(copied.error().kind, ErrorKind::kRejected);
  EXPECT_NE(copied.error().message.find(why), std::string::npos) << copied.error().message;
}

TEST(LogCopy, MovesALogToTheOtherEngineAndBack) {
  FilesLogEngine files, back;
  PostgresLogEngine postgres;
  std::vector<VerifiedCheckpoint> published{grow(files, "a", 255), grow(files, "b", 600)};
  std::vector<std::string> told;
  CopyOptions options = kEntriesOnly;
  options.progress = [&](std::string_view what, std::uint64_t entries) {
    told.push_back(std::string(what) + " " + std::to_string(entries));
  };
  const auto there = copy(files, postgres, testing::test_log_signer().verifier(), options);
  ASSERT_TRUE(there.has_value()) << there.error().message;
  EXPECT_EQ(there->entries, 855U);
  EXPECT_EQ(there->had, 0U);
  EXPECT_EQ(told.front(), "checking the source 256");
  EXPECT_EQ(told.back(), "checking the target 855");
  published.push_back(grow(postgres, "c", 300));
  const auto again = copy(postgres, back);
  ASSERT_TRUE(again.has_value()) << again.error().message;
  published.push_back(grow(back, "d", 5));
  EXPECT_EQ(published.back().size(), 1160U);
  const auto store = back.open_store().value();
  const auto tree = testing::check_whole_log(*store, published.back().checkpoint());
  for (const VerifiedCheckpoint& one : published) EXPECT_EQ(tree.root(one.size()), one.root());
}

TEST(LogCopy, CarriesPreimagesAndIds) {
  FilesLogEngine files;
  PostgresLogEngine postgres;
  grow(files, "a", 300);
  ASSERT_TRUE(copy(files, postgres).has_value());
  LogProcess process(postgres);
  process.options.adopt_missing_anchors = true;
  ASSERT_TRUE(process.open().has_value());
  EXPECT_EQ(process.append(submissions("a", 1))->front().index, 0U);
  EXPECT_EQ(process.log().get(299)->preimage, testing::submission("a299").preimage);
}

TEST(LogCopy, HoldsPreimagesAgainstTheirEntries) {
  // A log that another program wrote, with statements in it.
  FilesLogEngine files;
  PostgresLogEngine postgres;
  const std::filesystem::path stored = testing::vectors_dir() / "tlog/log";
  std::filesystem::copy(stored, files.log_directory(), std::filesystem::copy_options::recursive);
  std::string vkey = testing::read_text(stored / "log.vkey");
  std::filesystem::remove(files.log_directory() / "log.vkey");
  while (!vkey.empty() && vkey.back() == '\n') vkey.pop_back();
  const NoteVerifier key = parse_vkey(vkey).value();
  const auto source = files.open_store().value();
  const auto target = postgres.open_store().value();
  const auto copied = copy_log(*source, *target, std::span(&key, 1), key.name, {});
  ASSERT_TRUE(copied.has_value()) << copied.error().message;
  EXPECT_EQ(copied->entries, 300U);
  const auto checkpoint = fetch_checkpoint(*target, std::span(&key, 1), key.name).value();
  FsckOptions options;
  options.preimages = true;
  const auto report = check_log(*target, checkpoint, options).value();
  EXPECT_TRUE(report.is_whole());
  EXPECT_EQ(report.entries, 300U);
}

// Of a log whose entry 1 was erased, by entry 3.
void erase_one(LogEngine& engine) {
  LogProcess process(engine);
  ASSERT_TRUE(process.open().has_value());
  const auto places = process.append(testing::verdicts("a", 3)).value();
  ASSERT_TRUE(process.publish().has_value());
  ASSERT_TRUE(process.append({testing::erasure_of(places[1])}).has_value());
}

TEST(LogCopy, TakesWhatWasErasedForNoLoss) {
  FilesLogEngine files;
  PostgresLogEngine postgres;
  erase_one(files);
  const auto copied = copy(files, postgres, testing::test_log_signer().verifier(), {});
  ASSERT_TRUE(copied.has_value()) << copied.error().message;
  LogProcess process(postgres);
  process.options.adopt_missing_anchors = true;
  ASSERT_TRUE(process.open().has_value());
  EXPECT_EQ(process.log().get(1)->erased_by, 3U);
  EXPECT_FALSE(process.log().get(0)->preimage.empty());
}

TEST(LogCopy, TakesWhatWasPrunedForNoLossWhereTheLogSaysSo) {
  FilesLogEngine files;
  PostgresLogEngine postgres, another;
  const RetentionPolicy policy{std::chrono::hours(24), std::chrono::hours(24)};
  const Pruning pruning{300, 256, 256};
  {
    LogProcess process(files);
    ASSERT_TRUE(process.open().has_value());
    ASSERT_TRUE(process.append(testing::verdicts("a", 300)).has_value());
    ASSERT_TRUE(
        process.append({testing::retention_of(policy), testing::pruning_of(pruning)}).has_value());
    ASSERT_TRUE(process.publish().has_value());
    ASSERT_TRUE(
        testing::eventually([&] { return process.log().retention()->content_gone == 256; }));
  }
  const auto copied = copy(files, postgres, testing::test_log_signer().verifier(), {});
  ASSERT_TRUE(copied.has_value()) << copied.error().message;
  {
    LogProcess process(postgres);
    process.options.adopt_missing_anchors = true;
    ASSERT_TRUE(process.open().has_value());
    EXPECT_EQ(process.log().retention()->pruning, pruning);
    EXPECT_EQ(process.log().retention()->policy, policy);
    EXPECT_EQ(process.log().retention()->content_gone, 256U);
    EXPECT_TRUE(process.log().get(1)->is_pruned);
    EXPECT_FALSE(process.log().get(256)->preimage.empty());
  }
  {
    const auto store = files.open_store().value();
    auto slots = parse_preimages(1, *store->fetch("preimages/001").value()).value();
    slots[0] = {true, {}, "pruning/301"};
    const std::vector<Object> objects{{"preimages/001", format_preimages(1, slots), true}};
    ASSERT_TRUE(store->put(objects).has_value());
  }
  expect_refused(copy(files, another, testing::test_log_signer().verifier(), {}),
                 "preimage of entry 256: is missing");
}

TEST(LogCopy, RefusesASourceThatLostContent) {
  PostgresLogEngine source, target;
  erase_one(source);
  {
    const auto store = source.open_store().value();
    auto slots = parse_preimages(0, *store->fetch("preimages/000").value()).value();
    slots[2] = {true, {}, "erasure/3"};
    const std::vector<Object> objects{{"preimages/000", format_preimages(0, slots), true}};
    ASSERT_TRUE(store->put(objects).has_value());
  }
  expect_refused(copy(source, target, testing::test_log_signer().verifier(), {}),
                 "preimage of entry 2: is missing");
}

TEST(LogCopy, CarriesThePartialTilesOfOlderCheckpoints) {
  FilesLogEngine files;
  PostgresLogEngine postgres;
  std::vector<VerifiedCheckpoint> published;
  for (int i = 0; i < 5; ++i) published.push_back(grow(files, std::to_string(i) + "/", 9));
  ASSERT_TRUE(copy(files, postgres).has_value());
  const auto reader = postgres.open_reader().value();
  for (const VerifiedCheckpoint& one : published) {
    testing::check_whole_log(*reader, one.checkpoint());
  }
}

TEST(LogCopy, BringsAnOlderCopyUpToDate) {
  FilesLogEngine files;
  PostgresLogEngine postgres;
  grow(files, "a", 100);
  ASSERT_TRUE(copy(files, postgres).has_value());
  EXPECT_EQ(copy(files, postgres)->had, 100U);
  const auto newest = grow(files, "b", 300);
  const auto copied = copy(files, postgres);
  ASSERT_TRUE(copied.has_value()) << copied.error().message;
  EXPECT_EQ(copied->had, 100U);
  testing::check_whole_log(*postgres.open_reader().value(), newest.checkpoint());
  EXPECT_EQ(postgres.run("SELECT count(*) FROM avouch_log_object WHERE tile_index = 0 AND "
                         "level = 0 AND width < 256"),
            "0");
}

// A log that moved to the database and comes back: what its journal still has says nothing any
// more.
TEST(LogCopy, ComesBackToFilesThatWereWrittenTo) {
  FilesLogEngine files;
  PostgresLogEngine postgres;
  grow(files, "a", 100);
  ASSERT_TRUE(copy(files, postgres).has_value());
  grow(postgres, "b", 300);
  ASSERT_TRUE(copy(postgres, files).has_value());
  const auto newest = grow(files, "c", 5);
  EXPECT_EQ(newest.size(), 405U);
  testing::check_whole_log(*files.open_store().value(), newest.checkpoint());
}

TEST(LogCopy, RefusesATargetWithAnotherLog) {
  FilesLogEngine files;
  PostgresLogEngine fork, longer, other, unpublished;
  grow(files, "a", 10);
  grow(fork, "b", 5);
  expect_refused(copy(files, fork), "holds another log of this key");
  ASSERT_TRUE(copy(files, longer).has_value());
  grow(longer, "c", 1);
  expect_refused(copy(files, longer), "the source is the older of the two");
  ASSERT_TRUE(other.open_store().value()->publish("another log's", 0).has_value());
  expect_refused(copy(files, other), "holds another log");
  ASSERT_TRUE(unpublished.open_store()
                  .value()
                  ->commit(std::vector<Record>{{0, to_bytes("entry"), {}, ""}})
                  .has_value());
  expect_refused(copy(files, unpublished), "the target has 1 entries that are committed");
}

TEST(LogCopy, RefusesASourceThatIsNotWhole) {
  PostgresLogEngine source, target;
  expect_refused(copy(source, target), "the source has no checkpoint");
  grow(source, "a", 300);
  const auto key = crypto::PrivateKey::generate(crypto::KeyType::kEd25519);
  const auto other = make_verifier(testing::kTestOrigin, key.public_key()).value();
  expect_refused(copy(source, target, other), "no checkpoint of this key and origin");
  source.back_up_store();
  {
    LogProcess process(source);
    ASSERT_TRUE(process.open().has_value());
    ASSERT_TRUE(process.append(submissions("b", 2)).has_value());
    process.die();
  }
  expect_refused(copy(source, target), "has 2 entries that are committed and not published");
  source.restore_store();
  source.run("UPDATE avouch_log_object SET bytes = '\\x0001' WHERE kind = 2 AND tile_index = 0");
  expect_refused(copy(source, target), "the source is damaged: tile/entries/000");
  EXPECT_EQ(target.run("SELECT count(*) FROM avouch_log_object"), "0");
}

// Of a log that is read-only, whose writer publishes them never.
TEST(LogCopy, LeavesBehindWhatWasNotPublishedWhereItIsToldTo) {
  FilesLogEngine source;
  PostgresLogEngine target;
  const VerifiedCheckpoint published = grow(source, "a", 300);
  {
    LogProcess process(source);
    ASSERT_TRUE(process.open().has_value());
    ASSERT_TRUE(process.append(submissions("b", 2)).has_value());
    process.die();
  }
  expect_refused(copy(source, target), "where it is READ-ONLY, --published-only");
  CopyOptions options = kEntriesOnly;
  options.published_only = true;
  const auto copied = copy(source, target, testing::test_log_signer().verifier(), options);
  ASSERT_TRUE(copied.has_value()) << copied.error().message;
  EXPECT_EQ(copied->left, 2U);
  EXPECT_EQ(copied->entries, 300U);
  EXPECT_EQ(testing::must_fetch(*target.open_store().value(), "checkpoint"),
            to_bytes(published.note()));
  EXPECT_EQ(grow(target, "c", 1).size(), 301U);
}

TEST(LogCopy, RefusesASourceThatIsWritten) {
  FilesLogEngine files;
  PostgresLogEngine postgres;
  grow(files, "a", 3);
  LogProcess process(files);
  ASSERT_TRUE(process.open().has_value());
  EXPECT_EQ(copy(files, postgres).error().kind, ErrorKind::kRetryable);
}

TEST(LogCopy, IsMadeWholeByAnotherWhereItWasInterrupted) {
  FilesLogEngine files;
  const auto newest = grow(files, "a", 600);
  const auto copy_with = [&](LogEngine& target, testing::Faults& faults) {
    const auto source = files.open_store().value();
    testing::FaultyLogStore faulty(target.open_store().value(), faults);
    return copy_log(*source, faulty, std::span(&testing::test_log_signer().verifier(), 1),
                    testing::kTestOrigin, kEntriesOnly);
  };
  testing::Faults none;
  testing::MemoryLogEngine untroubled;
  ASSERT_TRUE(copy_with(untroubled, none).has_value());
  const std::size_t steps = none.steps();
  for (std::size_t step = 0; step < steps; ++step) {
    for (const auto outcome :
         {testing::Faults::Outcome::kFailed, testing::Faults::Outcome::kFailedButPersisted}) {
      SCOPED_TRACE(step);
      testing::MemoryLogEngine target;
      testing::Faults faults;
      faults.fail_step(step, outcome, ErrorKind::kFatal);
      EXPECT_FALSE(copy_with(target, faults).has_value());
      ASSERT_TRUE(copy(files, target).has_value());
      testing::check_whole_log(*target.open_store().value(), newest.checkpoint());
    }
  }
  EXPECT_GT(steps, 10U);
}

}  // namespace
}  // namespace avouch::tlog
