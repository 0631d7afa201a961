#include "tlog/client.h"

#include <gtest/gtest.h>

#include "support/memory_log_store.h"
#include "support/plain_tree.h"
#include "tlog/builder.h"
#include "tlog/bundle.h"
#include "tlog/recovery.h"
#include "tlog/serve.h"
#include "unit/tlog/names.h"

namespace avouch::tlog {
namespace {

using testing::MemoryDisk;
using testing::MemoryLogStore;
using testing::PlainTree;

// A log in memory, published at the sizes that are asked for.
class ClientTest : public ::testing::Test {
 protected:
  VerifiedCheckpoint grow_to(std::uint64_t size) {
    while (builder_.size() < size) {
      Record record{builder_.size(), to_bytes("entry " + std::to_string(builder_.size())), {}, ""};
      tree_.push_entry(record.entry);
      builder_.push(record, leaf_hash(record.entry));
    }
    EXPECT_TRUE(store_.put(builder_.take_objects()).has_value());
    auto checkpoint = sign_checkpoint(kAvouchOrigin, size, builder_.root(), signer()).value();
    EXPECT_TRUE(store_.publish(checkpoint.note(), size).has_value());
    return checkpoint;
  }

  MemoryDisk disk_;
  MemoryLogStore store_{disk_};
  Builder builder_;
  PlainTree tree_;
};

TEST_F(ClientTest, FetchesAndVerifiesCheckpointAndEntries) {
  for (const std::uint64_t size : {1U, 2U, 255U, 256U, 257U, 513U, 66'000U}) {
    grow_to(size);
    const auto checkpoint =
        fetch_checkpoint(store_, std::span(&signer().verifier(), 1), kAvouchOrigin);
    ASSERT_TRUE(checkpoint.has_value());
    EXPECT_EQ(checkpoint->size(), size);
    for (const std::uint64_t index : {std::uint64_t{0}, size / 2, size - 1}) {
      const auto entry = fetch_entry(store_, *checkpoint, index);
      ASSERT_TRUE(entry.has_value()) << entry.error().message;
      EXPECT_EQ(entry->entry, to_bytes("entry " + std::to_string(index)));
      EXPECT_EQ(entry->proof, make_inclusion_proof(index, size, tree_.source()).value());
    }
    EXPECT_FALSE(fetch_entry(store_, *checkpoint, size).has_value());
  }
}

TEST_F(ClientTest, ProvesAnEntryThatWasHadByOtherMeansWithoutABundle) {
  const VerifiedCheckpoint checkpoint = grow_to(513);
  for (const char* path : {"tile/entries/000", "tile/entries/001", "tile/entries/002.p/1"}) {
    ASSERT_EQ(disk_.objects.erase(path), 1U);
  }
  for (const std::uint64_t index : {0U, 255U, 256U, 512U}) {
    const Hash leaf = leaf_hash(to_bytes("entry " + std::to_string(index)));
    const auto proof = fetch_inclusion(store_, checkpoint, index, leaf);
    ASSERT_TRUE(proof.has_value()) << proof.error().message;
    EXPECT_EQ(*proof, make_inclusion_proof(index, 513, tree_.source()).value());
    const auto other = fetch_inclusion(store_, checkpoint, index, leaf_hash(to_bytes("another")));
    ASSERT_FALSE(other.has_value());
    EXPECT_EQ(other.error().kind, ErrorKind::kRejected);
  }
  EXPECT_FALSE(
      fetch_inclusion(store_, checkpoint, 513, leaf_hash(to_bytes("entry 513"))).has_value());
}

TEST_F(ClientTest, TakesThePartOfAFullTileWhereThePartialOneIsGone) {
  const VerifiedCheckpoint old = grow_to(300);
  grow_to(512);
  for (const char* path : {"tile/0/001.p/44", "tile/entries/001.p/44"}) {
    ASSERT_EQ(disk_.objects.erase(path), 1U);
  }
  EXPECT_TRUE(fetch_entry(store_, old, 299).has_value());
}

TEST_F(ClientTest, RefusesEveryDamagedByteOfWhatItUses) {
  const VerifiedCheckpoint checkpoint = grow_to(300);
  for (const char* path : {"tile/0/001.p/44", "tile/1/000.p/1", "tile/entries/001.p/44"}) {
    const Bytes good = disk_.objects[path];
    for (std::size_t byte = 0; byte < good.size(); ++byte) {
      disk_.objects[path][byte] ^= 0x80;
      const auto entry = fetch_entry(store_, checkpoint, 299);
      // A bundle's other entries and a tile's own leaf are not part of this proof.
      if (entry.has_value()) {
        EXPECT_EQ(entry->entry, to_bytes("entry 299"));
        EXPECT_TRUE(
            verify_inclusion(299, 300, leaf_hash(entry->entry), entry->proof, checkpoint.root())
                .has_value());
      }
      disk_.objects[path] = good;
    }
    disk_.objects[path].pop_back();
    EXPECT_FALSE(fetch_entry(store_, checkpoint, 299).has_value()) << path;
    disk_.objects.erase(path);
    EXPECT_EQ(fetch_entry(store_, checkpoint, 299).error().kind, ErrorKind::kRetryable);
    disk_.objects[path] = good;
  }
}

TEST_F(ClientTest, ProvesThatOneCheckpointContinuesAnother) {
  const VerifiedCheckpoint older = grow_to(300);
  const VerifiedCheckpoint newer = grow_to(1000);
  EXPECT_TRUE(fetch_consistency(store_, older.checkpoint(), newer).has_value());
  EXPECT_TRUE(fetch_consistency(store_, newer.checkpoint(), newer).has_value());
  EXPECT_FALSE(fetch_consistency(store_, newer.checkpoint(), older).has_value());
  Checkpoint empty{kAvouchOrigin, 0, empty_root(), {}};
  EXPECT_TRUE(fetch_consistency(store_, empty, newer)->empty());
  empty.root[0] ^= 1;
  EXPECT_FALSE(fetch_consistency(store_, empty, newer).has_value());
  Checkpoint forked = older.checkpoint();
  forked.root[5] ^= 1;
  EXPECT_EQ(fetch_consistency(store_, forked, newer).error().kind, ErrorKind::kRejected);
}

TEST_F(ClientTest, HasNoCheckpointOfALogThatHasNone) {
  const auto checkpoint =
      fetch_checkpoint(store_, std::span(&signer().verifier(), 1), kAvouchOrigin);
  EXPECT_EQ(checkpoint.error().kind, ErrorKind::kRetryable);
}

TEST_F(ClientTest, ServesEveryResourceWithItsHeaders) {
  grow_to(300);
  const auto checkpoint = serve(store_, "checkpoint").value();
  ASSERT_TRUE(checkpoint.has_value());
  EXPECT_EQ(checkpoint->body, disk_.objects["checkpoint"]);
  EXPECT_EQ(checkpoint->content_type, "text/plain; charset=utf-8");
  EXPECT_EQ(checkpoint->cache_control, "no-cache");
  for (const char* path : {"tile/0/000", "tile/0/001.p/44", "tile/1/000.p/1", "tile/entries/000",
                           "tile/entries/001.p/44"}) {
    const auto served = serve(store_, path).value();
    ASSERT_TRUE(served.has_value()) << path;
    EXPECT_EQ(served->body, disk_.objects[path]);
    EXPECT_EQ(served->content_type, "application/octet-stream");
    EXPECT_EQ(served->cache_control, "max-age=31536000, immutable");
  }
}

TEST_F(ClientTest, ServesNothingElse) {
  grow_to(300);
  for (const char* path : {"", "preimages/000", "tile/0/002", "tile/0/001", "tile/0/001.p/45",
                           "tile/1/000", "tile/2/000.p/1", "tile/entries/001", "tile/0/0",
                           "../private/preimages/000", "/checkpoint"}) {
    const auto served = serve(store_, path);
    ASSERT_TRUE(served.has_value()) << path;
    EXPECT_FALSE(served->has_value()) << path;
  }
}

TEST_F(ClientTest, ServesAnyPartOfWhatIsFull) {
  grow_to(256);
  for (unsigned width = 1; width < 256; ++width) {
    const auto tile = serve(store_, tile_path({0, 0, width})).value();
    ASSERT_TRUE(tile.has_value());
    EXPECT_EQ(tile->body.size(), width * 32U);
    const auto bundle = serve(store_, bundle_path({0, 0, width})).value();
    ASSERT_TRUE(bundle.has_value());
    EXPECT_EQ(parse_bundle(bundle->body, width)->back(),
              to_bytes("entry " + std::to_string(width - 1)));
  }
}

TEST_F(ClientTest, NeverServesWhatIsDamaged) {
  grow_to(300);
  for (const char* path : {"tile/0/000", "tile/0/001.p/44", "tile/entries/001.p/44"}) {
    disk_.objects[path].push_back(0);
    EXPECT_EQ(serve(store_, path).error().kind, ErrorKind::kFatal) << path;
    disk_.objects[path].pop_back();
    disk_.objects[path].pop_back();
    EXPECT_EQ(serve(store_, path).error().kind, ErrorKind::kFatal) << path;
  }
}

}  // namespace
}  // namespace avouch::tlog
