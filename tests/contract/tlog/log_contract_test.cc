// What the log promises, whichever engine keeps it.

#include <gtest/gtest.h>

#include "contract/tlog/engine_cases.h"
#include "tlog/client.h"
#include "tlog/serve.h"

namespace avouch::tlog {
namespace {

using testing::check_whole_log;
using testing::LogProcess;
using testing::submission;
using testing::submissions;

TEST_P(LogContract, BeginsWithAPublishedEmptyLog) {
  LogProcess process(*engine_);
  ASSERT_TRUE(process.open().has_value());
  EXPECT_EQ(process.log().checkpoint().size(), 0U);
  EXPECT_EQ(process.log().checkpoint().root(), empty_root());
  EXPECT_EQ(to_bytes(process.log().checkpoint().note()),
            testing::must_fetch(process.store(), "checkpoint"));
}

TEST_P(LogContract, GivesIndexesInOrderAndPublishesThem) {
  LogProcess process(*engine_);
  ASSERT_TRUE(process.open().has_value());
  std::uint64_t next = 0;
  for (const int count : {1, 2, 253, 1, 300}) {
    const auto places = process.append(submissions(std::to_string(next) + "/", count)).value();
    ASSERT_EQ(places.size(), static_cast<std::size_t>(count));
    for (const Sequenced& place : places) EXPECT_EQ(place.index, next++);
  }
  const auto checkpoint = process.publish().value();
  EXPECT_EQ(checkpoint.size(), 557U);
  const auto tree = check_whole_log(process.store(), checkpoint.checkpoint());
  EXPECT_EQ(tree.leaf(3), leaf_hash(as_bytes("entry of 3/0")));
}

TEST_P(LogContract, ProvesEveryEntryUnderEveryCheckpoint) {
  LogProcess process(*engine_);
  ASSERT_TRUE(process.open().has_value());
  std::vector<VerifiedCheckpoint> checkpoints;
  for (const int count : {1, 1, 254, 1, 43}) {
    ASSERT_TRUE(process
                    .append(submissions(
                        std::to_string(count) + "/" + std::to_string(checkpoints.size()), count))
                    .has_value());
    checkpoints.push_back(process.publish().value());
  }
  EXPECT_EQ(checkpoints.back().size(), 300U);
  for (const VerifiedCheckpoint& checkpoint : checkpoints) {
    for (std::uint64_t index = 0; index < checkpoint.size(); index += 7) {
      const auto proof = process.log().inclusion_proof(index, checkpoint);
      ASSERT_TRUE(proof.has_value()) << proof.error().message;
      const Hash leaf = leaf_hash(process.log().get(index)->entry);
      EXPECT_TRUE(
          verify_inclusion(index, checkpoint.size(), leaf, *proof, checkpoint.root()).has_value());
    }
    EXPECT_FALSE(process.log().inclusion_proof(checkpoint.size(), checkpoint).has_value());
    EXPECT_TRUE(fetch_consistency(process.store(), checkpoint.checkpoint(), checkpoints.back())
                    .has_value());
  }
}

TEST_P(LogContract, GivesBackEntriesBeforeAndAfterTheyArePublished) {
  LogProcess process(*engine_);
  ASSERT_TRUE(process.open().has_value());
  ASSERT_TRUE(process.append(submissions("a", 300)).has_value());
  const auto expect_all = [&](std::uint64_t count) {
    for (std::uint64_t i = 0; i < count; ++i) {
      const auto entry = process.log().get(i);
      ASSERT_TRUE(entry.has_value()) << entry.error().message;
      EXPECT_EQ(entry->entry, submission("a" + std::to_string(i)).entry);
      EXPECT_EQ(entry->preimage, submission("a" + std::to_string(i)).preimage);
      EXPECT_EQ(entry->id, "a" + std::to_string(i));
    }
    EXPECT_EQ(process.log().get(count).error().kind, ErrorKind::kRejected);
  };
  expect_all(300);
  ASSERT_TRUE(process.publish().has_value());
  expect_all(300);
  ASSERT_TRUE(process.append({submission("a300")}).has_value());
  expect_all(301);
}

TEST_P(LogContract, GivesTheSameIdTheSameIndex) {
  LogProcess process(*engine_);
  ASSERT_TRUE(process.open().has_value());
  const auto first = process.append({submission("a"), submission("b"), submission("a")}).value();
  EXPECT_EQ(first[2].index, first[0].index);
  EXPECT_EQ(process.log().status().sequenced, 2U);
  // Another entry under a known id is not taken: the first one answers.
  Submission other = submission("c");
  other.id = "b";
  const auto again = process.append({other}).value();
  EXPECT_EQ(again[0].index, first[1].index);
  EXPECT_EQ(again[0].leaf, leaf_hash(submission("b").entry));
  ASSERT_TRUE(process.publish().has_value());
  EXPECT_EQ(process.append({submission("a")}).value()[0].index, first[0].index);
  EXPECT_EQ(process.log().status().duplicates, 3U);
}

TEST_P(LogContract, GivesTheSameBytesWithoutIdTheSameIndex) {
  LogProcess process(*engine_);
  ASSERT_TRUE(process.open().has_value());
  Submission bare = submission("a");
  bare.id.clear();
  EXPECT_EQ(process.append({bare}).value()[0].index, 0U);
  EXPECT_EQ(process.append({bare}).value()[0].index, 0U);
  // With an id it is another submission.
  EXPECT_EQ(process.append({submission("a")}).value()[0].index, 1U);
}

TEST_P(LogContract, KnowsIdsAfterARestart) {
  std::vector<Sequenced> places;
  {
    LogProcess process(*engine_);
    ASSERT_TRUE(process.open().has_value());
    for (int i = 0; i < 400; i += 100) {
      const auto some = process.append(submissions("a" + std::to_string(i) + "/", 100)).value();
      places.insert(places.end(), some.begin(), some.end());
    }
    ASSERT_TRUE(process.publish().has_value());
    const auto last = process.append(submissions("unpublished", 5)).value();
    places.insert(places.end(), last.begin(), last.end());
    process.die();
  }
  LogProcess process(*engine_);
  process.options.recent_ids = 105;
  ASSERT_TRUE(process.open().has_value());
  const auto some = process.append(submissions("a300/", 100)).value();
  const auto last = process.append(submissions("unpublished", 5)).value();
  for (std::size_t i = 0; i < 100; ++i) EXPECT_EQ(some[i].index, places[300 + i].index);
  for (std::size_t i = 0; i < 5; ++i) {
    EXPECT_EQ(last[i].index, places[400 + i].index);
    EXPECT_EQ(last[i].leaf, places[400 + i].leaf);
  }
  // Farther back than it remembers.
  EXPECT_EQ(process.append(submissions("a0/", 1)).value()[0].index, 405U);
}

TEST_P(LogContract, GoesOnAfterARestartAtAnySize) {
  std::uint64_t size = 0;
  std::vector<Checkpoint> published;
  for (const int count : {0, 1, 1, 253, 1, 1, 254, 1, 600}) {
    LogProcess process(*engine_);
    ASSERT_TRUE(process.open().has_value());
    EXPECT_EQ(process.log().status().sequenced, size);
    ASSERT_TRUE(process.append(submissions(std::to_string(size) + "/", count)).has_value());
    size += static_cast<std::uint64_t>(count);
    const auto checkpoint = process.publish().value();
    EXPECT_EQ(checkpoint.size(), size);
    const auto tree = check_whole_log(process.store(), checkpoint.checkpoint());
    published.push_back(checkpoint.checkpoint());
    for (const Checkpoint& older : published) EXPECT_EQ(tree.root(older.size), older.root);
  }
}

TEST_P(LogContract, PublishesAfterARestartWhatWasOnlySequenced) {
  {
    LogProcess process(*engine_);
    ASSERT_TRUE(process.open().has_value());
    ASSERT_TRUE(process.append(submissions("a", 10)).has_value());
    ASSERT_TRUE(process.publish().has_value());
    ASSERT_TRUE(process.append(submissions("b", 290)).has_value());
    process.die();
  }
  std::promise<std::uint64_t> published;
  LogProcess process(*engine_);
  process.options.on_published = [&](const VerifiedCheckpoint& checkpoint) {
    published.set_value(checkpoint.size());
  };
  ASSERT_TRUE(process.open().has_value());
  EXPECT_EQ(process.log().checkpoint().size(), 10U);
  EXPECT_EQ(process.log().status().sequenced, 300U);
  process.clock.advance(std::chrono::milliseconds(750));
  EXPECT_EQ(published.get_future().get(), 300U);
  check_whole_log(process.store(), process.log().checkpoint().checkpoint());
}

// A start that fails after it has asked asks again.
TEST_P(LogContract, GivesWhatIsOnlySequencedAsOftenAsItIsAsked) {
  {
    LogProcess process(*engine_);
    ASSERT_TRUE(process.open().has_value());
    ASSERT_TRUE(process.append(submissions("a", 3)).has_value());
    process.die();
  }
  const auto store = engine_->open_store();
  ASSERT_TRUE(store.has_value()) << store.error().message;
  for (int again = 0; again < 3; ++again) {
    const auto records = (*store)->recover(0);
    ASSERT_TRUE(records.has_value()) << records.error().message;
    EXPECT_EQ(records->size(), 3U);
  }
}

TEST_P(LogContract, PublishesWhatIsSequencedWhenItIsClosed) {
  {
    LogProcess process(*engine_);
    ASSERT_TRUE(process.open().has_value());
    ASSERT_TRUE(process.append(submissions("a", 10)).has_value());
  }
  LogProcess process(*engine_);
  ASSERT_TRUE(process.open().has_value());
  EXPECT_EQ(process.log().checkpoint().size(), 10U);
}

TEST_P(LogContract, ServesThePartialTilesOfEveryPublishedSize) {
  LogProcess process(*engine_);
  ASSERT_TRUE(process.open().has_value());
  std::vector<VerifiedCheckpoint> checkpoints;
  for (int i = 0; i < 40; ++i) {
    ASSERT_TRUE(process.append(submissions(std::to_string(i) + "/", 13)).has_value());
    checkpoints.push_back(process.publish().value());
  }
  for (const VerifiedCheckpoint& checkpoint : checkpoints) {
    for (unsigned level = 0; hashes_at(checkpoint.size(), level) > 0; ++level) {
      const std::uint64_t last = hashes_at(checkpoint.size(), level) / kTileWidth;
      const Tile tile{level, last, tile_width(checkpoint.size(), level, last)};
      if (tile.width == 0) continue;
      EXPECT_TRUE(serve(process.store(), tile_path(tile))->has_value()) << tile_path(tile);
      if (level > 0) continue;
      EXPECT_TRUE(serve(process.store(), bundle_path(tile))->has_value());
    }
    EXPECT_TRUE(fetch_entry(process.store(), checkpoint, checkpoint.size() - 1).has_value());
  }
}

TEST_P(LogContract, RefusesADamagedStoreInsteadOfGoingOn) {
  // The engines differ in how they are damaged; a tile of another log is damage to both.
  {
    LogProcess process(*engine_);
    ASSERT_TRUE(process.open().has_value());
    ASSERT_TRUE(process.append(submissions("a", 3)).has_value());
    ASSERT_TRUE(process.publish().has_value());
    ASSERT_TRUE(process.append(submissions("b", 2)).has_value());
    process.die();
  }
  // Somebody put a tile where the next publication will put its own.
  {
    const auto store = engine_->open_store().value();
    const std::vector<Object> foreign{{"tile/0/000.p/5", Bytes(160, 7)}};
    ASSERT_TRUE(store->put(foreign).has_value());
  }
  LogProcess process(*engine_);
  ASSERT_TRUE(process.open().has_value());
  EXPECT_EQ(process.publish().error().kind, ErrorKind::kFatal);
  EXPECT_EQ(process.append({submission("c")}).error().kind, ErrorKind::kFatal);
  EXPECT_TRUE(process.log().status().failure.has_value());
  EXPECT_EQ(process.log().checkpoint().size(), 3U);
}

AVOUCH_ON_EVERY_ENGINE(LogContract);

}  // namespace
}  // namespace avouch::tlog
