#include "tlog/builder.h"

#include <gtest/gtest.h>

#include <map>

#include "support/log_vectors.h"
#include "support/memory_log_store.h"
#include "support/plain_tree.h"
#include "tlog/bundle.h"
#include "tlog/tile.h"

namespace avouch::tlog {
namespace {

using testing::LogVectors;
using testing::MemoryDisk;
using testing::MemoryLogStore;
using testing::PlainTree;

Record number_record(std::uint64_t index) {
  Record record{index, {}, to_bytes("preimage " + std::to_string(index)), std::to_string(index)};
  append_be32(record.entry, static_cast<std::uint32_t>(index));
  return record;
}

struct Fixture {
  MemoryDisk disk;
  MemoryLogStore store{disk};
  PlainTree tree;
  Builder builder;

  void push() {
    const Record record = number_record(tree.size());
    tree.push_entry(record.entry);
    builder.push(record, leaf_hash(record.entry));
  }
  void take() { ASSERT_TRUE(store.put(builder.take_objects()).has_value()); }
};

// Every tile and bundle of a log of `size`, computed from the tree alone, is on the disk.
void expect_whole(Fixture& log, std::uint64_t size) {
  for (unsigned level = 0; hashes_at(size, level) > 0; ++level) {
    for (std::uint64_t n = 0; tile_width(size, level, n) > 0; ++n) {
      const Tile tile{level, n, tile_width(size, level, n)};
      Bytes want;
      for (unsigned i = 0; i < tile.width; ++i) {
        append(want, log.tree.node(level * kTileHeight, n * kTileWidth + i));
      }
      ASSERT_EQ(log.disk.objects[tile_path(tile)], want) << tile_path(tile);
      if (level > 0) continue;
      Bytes bundle;
      for (unsigned i = 0; i < tile.width; ++i) {
        ASSERT_TRUE(append_to_bundle(bundle, number_record(n * kTileWidth + i).entry).has_value());
      }
      ASSERT_EQ(log.disk.objects[bundle_path(tile)], bundle) << bundle_path(tile);
      const auto slots = parse_preimages(n, log.disk.objects[preimages_path(n)]);
      ASSERT_TRUE(slots.has_value());
      ASSERT_GE(slots->size(), tile.width);
      EXPECT_EQ(slots->front().id, std::to_string(n * kTileWidth));
    }
  }
}

TEST(Builder, HasTheRootOfEverySizeTo600) {
  Fixture log;
  EXPECT_EQ(log.builder.root(), empty_root());
  for (std::uint64_t size = 1; size <= 600; ++size) {
    log.push();
    ASSERT_EQ(log.builder.root(), log.tree.root(size)) << size;
  }
}

TEST(Builder, HasTheRootsOfAnIndependentComputationTo70000) {
  const LogVectors vectors("tree.txt");
  Fixture log;
  std::size_t compared = 0;
  for (std::uint64_t size = 1; size <= 70'000; ++size) {
    log.push();
    const auto found = vectors.all().find("numbers-root " + std::to_string(size));
    if (found == vectors.all().end()) continue;
    EXPECT_EQ(log.builder.root(), LogVectors::to_hash(found->second)) << size;
    ++compared;
  }
  EXPECT_EQ(compared, 12U);
}

TEST(Builder, GivesEveryTileAndBundleOfEverySizeTo600) {
  Fixture log;
  for (std::uint64_t size = 1; size <= 600; ++size) {
    log.push();
    log.take();
    ASSERT_NO_FATAL_FAILURE(expect_whole(log, size)) << size;
  }
}

TEST(Builder, GivesTheTilesOfTheSpecificationsExample) {
  Fixture log;
  while (log.tree.size() < 70'000) log.push();
  log.take();
  expect_whole(log, 70'000);
  // 273 full and 1 partial of level 0 with their bundles and preimages; levels 1 and 2.
  EXPECT_EQ(log.disk.objects.size(), 274U * 3 + 2 + 1);
  for (const char* path : {"tile/0/272", "tile/0/273.p/112", "tile/1/000", "tile/1/001.p/17",
                           "tile/2/000.p/1", "tile/entries/273.p/112", "preimages/273"}) {
    EXPECT_TRUE(log.disk.objects.contains(path)) << path;
  }
}

TEST(Builder, GivesOnlyWhatIsNew) {
  Fixture log;
  log.push();
  EXPECT_EQ(log.builder.take_objects().size(), 3U);
  EXPECT_TRUE(log.builder.take_objects().empty());
  for (int i = 0; i < 255; ++i) log.push();
  std::vector<std::string> paths;
  for (const Object& object : log.builder.take_objects()) paths.push_back(object.path);
  EXPECT_EQ(paths, (std::vector<std::string>{"tile/0/000", "tile/entries/000", "preimages/000",
                                             "tile/1/000.p/1"}));
  log.push();
  paths.clear();
  for (const Object& object : log.builder.take_objects()) paths.push_back(object.path);
  EXPECT_EQ(paths,
            (std::vector<std::string>{"tile/0/001.p/1", "tile/entries/001.p/1", "preimages/001"}));
}

TEST(Builder, GoesOnFromWhatWasStoredAtAnySize) {
  for (const std::uint64_t size : {0U, 1U, 2U, 255U, 256U, 257U, 511U, 512U, 513U, 600U}) {
    Fixture log;
    while (log.tree.size() < size) log.push();
    log.take();
    auto loaded = Builder::load(size, log.builder.root(), log.store);
    ASSERT_TRUE(loaded.has_value()) << size << loaded.error().message;
    log.builder = std::move(loaded).value();
    while (log.tree.size() < size + 300) log.push();
    EXPECT_EQ(log.builder.root(), log.tree.root(size + 300)) << size;
    log.take();
    expect_whole(log, size + 300);
  }
}

TEST(Builder, RefusesARightEdgeThatIsMissingOrDamaged) {
  Fixture log;
  while (log.tree.size() < 300) log.push();
  log.take();
  const Hash root = log.builder.root();
  ASSERT_TRUE(Builder::load(300, root, log.store).has_value());
  for (const char* path :
       {"tile/0/001.p/44", "tile/1/000.p/1", "tile/entries/001.p/44", "preimages/001"}) {
    const Bytes good = log.disk.objects[path];
    for (std::size_t byte = 0; byte < good.size(); ++byte) {
      log.disk.objects[path][byte] ^= 1;
      const auto loaded = Builder::load(300, root, log.store);
      ASSERT_FALSE(loaded.has_value()) << path << " " << byte;
      EXPECT_EQ(loaded.error().kind, ErrorKind::kFatal);
      log.disk.objects[path] = good;
    }
    log.disk.objects[path].pop_back();
    EXPECT_FALSE(Builder::load(300, root, log.store).has_value()) << path;
    log.disk.objects.erase(path);
    const auto loaded = Builder::load(300, root, log.store);
    ASSERT_FALSE(loaded.has_value());
    EXPECT_NE(loaded.error().message.find(path), std::string::npos) << loaded.error().message;
    log.disk.objects[path] = good;
  }
  EXPECT_FALSE(Builder::load(300, log.tree.root(299), log.store).has_value());
}

}  // namespace
}  // namespace avouch::tlog
