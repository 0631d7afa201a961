// The evidence store: what keeps one node from filling it.

#include "adapters/blob_files.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <thread>

#include "base/hex.h"
#include "support/eventually.h"
#include "support/log_engines.h"
#include "support/manual_clock.h"
#include "tests/support/tpm_structures.h"

namespace avouch::adapters {
namespace {

using control::BlobOutcome;
using std::chrono::hours;
using std::chrono::minutes;
using testing::must_value;

class BlobFilesTest : public ::testing::Test {
 protected:
  void open(std::uint64_t total = 1000, std::uint64_t share = 400) {
    store.reset();
    store = must_value(
        BlobFiles::open({.directory = folder.path() / "evidence",
                         .total_bytes = total,
                         .node_blob_bytes = share,
                         .runtime_log_bytes = share,
                         .has_room = [this](std::uint64_t more) { return more <= room; }},
                        clock));
  }
  static std::string content(char letter, std::size_t size = 100) {
    return std::string(size, letter);
  }
  static crypto::Sha256 digest(const std::string& text) { return crypto::sha256(as_bytes(text)); }
  // The error's message; empty where it is kept.
  std::string put(const std::string& owner, const std::string& text) {
    auto writer = store->begin(digest(text), owner);
    if (!writer.has_value()) return writer.error().message;
    const auto written = (*writer)->write(as_bytes(text));
    if (!written.has_value()) return written.error().message;
    const auto kept = (*writer)->commit();
    return kept.has_value() ? "" : kept.error().message;
  }
  bool has(const std::string& text) { return store->contains(digest(text)); }

  testing::TemporaryDirectory folder;
  std::uint64_t room = 1'000'000;
  testing::ManualClock clock;
  std::unique_ptr<BlobFiles> store;
};

TEST_F(BlobFilesTest, NoNodeTakesMoreThanItsShareAndOthersHaveRoomLeft) {
  open();
  for (const char letter : {'a', 'b', 'c', 'd'}) EXPECT_EQ(put("node-1", content(letter)), "");
  EXPECT_NE(put("node-1", content('e')).find("share of node \"node-1\""), std::string::npos);
  EXPECT_EQ(store->bytes(), 400U) << "a refused blob leaves nothing behind";
  for (const char letter : {'p', 'q', 'r', 's'}) EXPECT_EQ(put("node-2", content(letter)), "");
}

TEST_F(BlobFilesTest, WritesNothingWhereTheVolumeIsShortAndGivesNothingUp) {
  open();
  ASSERT_EQ(put("node-1", content('a')), "");
  room = 99;
  clock.advance(hours(2));
  EXPECT_NE(put("node-1", content('b')).find("volume is short of space"), std::string::npos);
  EXPECT_FALSE(store->append("uid", "1", 0, as_bytes(content('c'))).has_value());
  EXPECT_TRUE(has(content('a')));
  EXPECT_EQ(store->bytes(), 100U);
  room = 100;
  EXPECT_EQ(put("node-1", content('b')), "");
}

TEST_F(BlobFilesTest, AFullShareGivesUpTheNodesOwnOldestThatIsIdle) {
  open();
  ASSERT_EQ(put("node-2", content('z')), "");
  for (const char letter : {'a', 'b', 'c', 'd'}) ASSERT_EQ(put("node-1", content(letter)), "");
  clock.advance(hours(2));
  ASSERT_TRUE(has(content('a')));  // in use
  EXPECT_EQ(put("node-1", content('e')), "");
  EXPECT_TRUE(has(content('a')));
  EXPECT_FALSE(has(content('b')));
  EXPECT_TRUE(has(content('z'))) << "another node's";
}

// Each is a file, and has a block of the volume, however small it is.
TEST_F(BlobFilesTest, NoNodeHasMoreThanAThousandFilesThatWereUsedWithinTheHour) {
  open(1'000'000, 100'000);
  for (int i = 0; i < 1024; ++i) ASSERT_EQ(put("node-1", "log " + std::to_string(i)), "") << i;
  EXPECT_NE(put("node-1", "one more").find("has 1024 blobs"), std::string::npos);
  EXPECT_EQ(put("node-2", "another's"), "");
  clock.advance(hours(2));
  EXPECT_EQ(put("node-1", "one more"), "");
  EXPECT_FALSE(has("log 0")) << "its oldest gave way";
  EXPECT_TRUE(has("log 1"));
  EXPECT_TRUE(has("another's"));
}

TEST_F(BlobFilesTest, AFullStoreGivesUpNothingThatWasUsedWithinTheHour) {
  open(300, 300);
  ASSERT_EQ(put("node-1", content('a')), "");
  ASSERT_EQ(put("node-2", content('b')), "");
  ASSERT_EQ(put("node-3", content('c')), "");
  EXPECT_NE(put("node-4", content('d')).find("full"), std::string::npos) << "more than its part";
  EXPECT_NE(put("node-1", content('d')).find("full"), std::string::npos);
  clock.advance(hours(1));
  EXPECT_EQ(put("node-4", content('d')), "");
  EXPECT_FALSE(has(content('a')));
}

// Agents that are somebody else's fill the store: others still have their logs judged.
TEST_F(BlobFilesTest, AFullStoreHasRoomForWhoHoldsLessThanAnEqualPart) {
  open(1000, 400);
  for (const char letter : {'a', 'b', 'c', 'd'}) ASSERT_EQ(put("node-1", content(letter)), "");
  ASSERT_TRUE(store->append("uid-1", "1", 0, as_bytes(content('x', 350))).has_value());
  ASSERT_TRUE(store->append("uid-2", "1", 0, as_bytes(content('y', 250))).has_value());

  // 125 are for blobs, 875 for runtime logs.
  EXPECT_EQ(put("node-3", content('e', 50)), "");  // node-1 has most beyond its part
  EXPECT_EQ(store->bytes(), 950U);
  ASSERT_TRUE(store->append("uid-3", "1", 0, as_bytes(content('z', 100))).has_value());
  EXPECT_EQ(store->bytes(), 950U);
  EXPECT_EQ(store->next_offset("uid-1", "1"), 350U);
  EXPECT_FALSE(store->append("uid-4", "1", 0, as_bytes(content('w', 300))).has_value())
      << "more than a part of 218";
  ASSERT_TRUE(store->append("uid-4", "1", 0, as_bytes(content('w', 200))).has_value());
  EXPECT_EQ(store->bytes(), 700U);
  for (const char letter : {'a', 'b', 'c'}) EXPECT_FALSE(has(content(letter))) << letter;
  EXPECT_TRUE(has(content('d')) && has(content('e', 50)));
  EXPECT_EQ(store->next_offset("uid-1", "1"), 0U) << "it had most then";
  EXPECT_EQ(store->next_offset("uid-2", "1"), 250U);
  EXPECT_EQ(store->next_offset("uid-3", "1"), 100U);
  EXPECT_LE(store->bytes(), 1000U);
}

TEST_F(BlobFilesTest, AfterARestartABlobCountsForWhoSentIt) {
  open();
  for (const char letter : {'a', 'b', 'c', 'd'}) ASSERT_EQ(put("node-1", content(letter)), "");
  open();
  EXPECT_EQ(store->bytes(), 400U);
  for (const char letter : {'a', 'b', 'c', 'd'}) EXPECT_TRUE(has(content(letter)));
  EXPECT_NE(put("node-1", content('e')), "");
  EXPECT_EQ(put("node-2", content('e')), "");
}

// Whoever has named which: digests of all nodes' boot logs are known to all agents.
TEST_F(BlobFilesTest, AfterARestartAFullStoreGivesUpWhatThoseHaveSentWhoSentMost) {
  open();
  for (const char letter : {'a', 'b', 'c'}) ASSERT_EQ(put("node-1", content(letter, 30)), "");
  ASSERT_EQ(put("greedy", content('g', 200)), "");
  open();
  for (const char letter : {'a', 'b', 'c'}) ASSERT_TRUE(has(content(letter, 30)));
  ASSERT_TRUE(has(content('g', 200)));
  for (const char* uid : {"uid-1", "uid-2", "uid-3"}) {
    ASSERT_TRUE(store->append(uid, "1", 0, as_bytes(content('x', 230))).has_value());
  }
  ASSERT_EQ(put("node-2", content('t', 30)), "");
  EXPECT_FALSE(has(content('g', 200)));
  for (const char letter : {'a', 'b', 'c'}) EXPECT_TRUE(has(content(letter, 30))) << letter;
}

TEST_F(BlobFilesTest, AnOwnerThatACrashLeftWithoutABlobGoes) {
  open();
  ASSERT_EQ(put("node-1", content('a')), "");
  const auto owners = folder.path() / "evidence" / "owners";
  std::filesystem::create_symlink("node-2", owners / to_hex(digest(content('b'))));
  std::filesystem::create_symlink("node-2", owners / "no digest");
  open();
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(owners), {}), 1);
  clock.advance(hours(2));
  EXPECT_EQ(store->drop_unused(hours(1)), 100U);
  EXPECT_TRUE(std::filesystem::is_empty(owners));
}

TEST_F(BlobFilesTest, ABlobOfTwoNodesIsKeptOnce) {
  open();
  ASSERT_EQ(put("node-1", content('a')), "");
  auto writer = must_value(store->begin(digest(content('a')), "node-2"));
  ASSERT_TRUE(writer->write(as_bytes(content('a'))).has_value());
  EXPECT_EQ(must_value(writer->commit()), BlobOutcome::kExisted);
  writer.reset();
  EXPECT_EQ(store->bytes(), 100U);
}

TEST_F(BlobFilesTest, DropsWhatNothingHasNamedForLong) {
  open();
  ASSERT_EQ(put("node-1", content('a')), "");
  ASSERT_EQ(put("node-1", content('b')), "");
  clock.advance(hours(24));
  ASSERT_TRUE(has(content('b')));
  EXPECT_EQ(store->drop_unused(hours(24)), 100U);
  EXPECT_FALSE(has(content('a')));
  EXPECT_TRUE(has(content('b')));
  EXPECT_EQ(store->bytes(), 100U);
}

TEST_F(BlobFilesTest, KeepsNothingUnderAnotherDigestOrHalf) {
  open();
  auto writer = must_value(store->begin(digest(content('a')), "node-1"));
  ASSERT_TRUE(writer->write(as_bytes(content('b'))).has_value());
  EXPECT_FALSE(writer->commit().has_value());
  writer.reset();
  auto half = must_value(store->begin(digest(content('a')), "node-1"));
  ASSERT_TRUE(half->write(as_bytes(content('a', 50))).has_value());
  half.reset();
  EXPECT_FALSE(has(content('a')));
  EXPECT_EQ(store->bytes(), 0U);
}

TEST_F(BlobFilesTest, ARuntimeLogGrowsAtItsEndWithinItsBoundAndGoesWithItsNode) {
  open();
  const std::string piece = content('x', 300);
  EXPECT_EQ(must_value(store->append("uid-1", "7", 0, as_bytes(piece))), 300U);
  EXPECT_FALSE(store->append("uid-1", "7", 0, as_bytes(piece)).has_value());
  EXPECT_FALSE(store->append("uid-1", "7", 300, as_bytes(piece)).has_value());
  EXPECT_EQ(store->next_offset("uid-1", "7"), 300U);
  EXPECT_EQ(store->next_offset("uid-1", "8"), 0U);
  open();
  EXPECT_EQ(store->next_offset("uid-1", "7"), 300U);
  EXPECT_EQ(must_value(store->append("uid-1", "8", 0, as_bytes(content('y')))), 100U);
  EXPECT_EQ(store->bytes(), 100U) << "the old boot's bytes are gone";
  EXPECT_TRUE(store->remove("uid-1").has_value());
  EXPECT_EQ(store->bytes(), 0U);
  EXPECT_TRUE(store->remove("uid-1").has_value()) << "there is none";
  EXPECT_FALSE(store->append("../x", "7", 0, as_bytes(piece)).has_value());
}

TEST_F(BlobFilesTest, ARuntimeLogThatIsBeingWrittenIsRemovedLater) {
  open();
  // Whoever opens this to write waits for a reader.
  const auto path = runtime_log_file(folder.path() / "evidence", "uid-1", "7");
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  std::thread writing(
      [&] { EXPECT_FALSE(store->append("uid-1", "7", 0, as_bytes("x")).has_value()); });
  EXPECT_TRUE(testing::eventually([&] {
    const auto removed = store->remove("uid-1");
    return !removed.has_value() && removed.error().kind == ErrorKind::kRetryable;
  }));
  const int reading = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  writing.join();
  ::close(reading);
  EXPECT_TRUE(store->remove("uid-1").has_value());
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST_F(BlobFilesTest, ARuntimeLogIsReadInPiecesOfTheStoredBootAlone) {
  open();
  ASSERT_EQ(must_value(store->append("uid-1", "7", 0, as_bytes("abcdef"))), 6U);
  const auto read = [&](const std::string& boot, std::uint64_t offset, std::size_t max_bytes) {
    return std::string(as_text(must_value(store->read("uid-1", boot, offset, max_bytes))));
  };
  EXPECT_EQ(read("7", 0, 4), "abcd");
  EXPECT_EQ(read("7", 4, 4), "ef");
  EXPECT_EQ(read("7", 6, 4), "");
  EXPECT_EQ(read("7", 60, 4), "");
  EXPECT_EQ(read("8", 0, 4), "");
  EXPECT_TRUE(must_value(store->read("uid-2", "7", 0, 4)).empty());
  open();  // as after a restart
  EXPECT_EQ(read("7", 0, 100), "abcdef");
}

TEST_F(BlobFilesTest, ARuntimeLogIsCutToWhatCountsAndGrowsOnFromThere) {
  open();
  ASSERT_EQ(must_value(store->append("uid-1", "7", 0, as_bytes("goodjunk"))), 8U);
  EXPECT_TRUE(store->truncate("uid-1", "8", 0).has_value());  // of another boot: nothing
  EXPECT_TRUE(store->truncate("uid-1", "7", 100).has_value());
  EXPECT_EQ(store->next_offset("uid-1", "7"), 8U);
  EXPECT_TRUE(store->truncate("uid-1", "7", 4).has_value());
  EXPECT_EQ(store->next_offset("uid-1", "7"), 4U);
  EXPECT_EQ(store->bytes(), 4U);
  EXPECT_EQ(as_text(must_value(store->read("uid-1", "7", 0, 100))), "good");
  EXPECT_FALSE(store->append("uid-1", "7", 8, as_bytes("x")).has_value());
  EXPECT_EQ(must_value(store->append("uid-1", "7", 4, as_bytes("new"))), 7U);
  open();
  EXPECT_EQ(as_text(must_value(store->read("uid-1", "7", 0, 100))), "goodnew");
}

}  // namespace
}  // namespace avouch::adapters
