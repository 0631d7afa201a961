#include "tlog/tile.h"

#include <gtest/gtest.h>

#include "support/plain_tree.h"

namespace avouch::tlog {
namespace {

using testing::number_tree;
using testing::PlainTree;

TEST(TilePath, WritesTheIndexInGroupsOfThree) {
  EXPECT_EQ(index_path(0), "000");
  EXPECT_EQ(index_path(999), "999");
  EXPECT_EQ(index_path(1000), "x001/000");
  EXPECT_EQ(index_path(1'234'067), "x001/x234/067");
  EXPECT_EQ(index_path(12'000'000'000), "x012/x000/x000/000");
  EXPECT_EQ(tile_path({0, 0, 256}), "tile/0/000");
  EXPECT_EQ(tile_path({1, 1'234'067, 8}), "tile/1/x001/x234/067.p/8");
  EXPECT_EQ(bundle_path({0, 273, 112}), "tile/entries/273.p/112");
}

TEST(TilePath, IsReadBackAsItWasWritten) {
  for (const unsigned level : {0U, 1U, 7U, 10U, 63U}) {
    for (const std::uint64_t index :
         {0ULL, 1ULL, 999ULL, 1000ULL, 1'234'067ULL, (1ULL << 56) - 1}) {
      for (const unsigned width : {1U, 9U, 10U, 255U, 256U}) {
        const Tile tile{level, index, width};
        const auto read = parse_resource(tile_path(tile));
        ASSERT_TRUE(read.has_value()) << tile_path(tile);
        EXPECT_EQ(*read, (Resource{Resource::Kind::kTile, tile}));
        const auto bundle = parse_resource(bundle_path(tile));
        ASSERT_TRUE(bundle.has_value());
        EXPECT_EQ(*bundle, (Resource{Resource::Kind::kBundle, {0, index, width}}));
      }
    }
  }
  EXPECT_EQ(parse_resource("checkpoint")->kind, Resource::Kind::kCheckpoint);
}

TEST(TilePath, RefusesEveryOtherSpelling) {
  for (const char* path : {"",
                           "/",
                           "/checkpoint",
                           "checkpoint/",
                           "Checkpoint",
                           "tile",
                           "tile/",
                           "tile/0",
                           "tile/0/",
                           "tile//000",
                           "tile/0/0",
                           "tile/0/00",
                           "tile/0/0000",
                           "tile/0/x000/001",
                           "tile/0/x001",
                           "tile/0/x001/",
                           "tile/0/001/002",
                           "tile/0/x001/x002",
                           "tile/0/x01/002",
                           "tile/0/X001/002",
                           "tile/00/000",
                           "tile/01/000",
                           "tile/64/000",
                           "tile/100/000",
                           "tile/-1/000",
                           "tile/+1/000",
                           "tile/ 0/000",
                           "tile/0/000 ",
                           "tile/0/000.p",
                           "tile/0/000.p/",
                           "tile/0/000.p/0",
                           "tile/0/000.p/01",
                           "tile/0/000.p/256",
                           "tile/0/000.p/1/",
                           "tile/0/000.p/1.p/1",
                           "tile/0/000.q/1",
                           "tile/0/x001/../000",
                           "tile/0/..",
                           "tile/../checkpoint",
                           "../checkpoint",
                           "tile/entries",
                           "tile/entries/",
                           "tile/entries/0",
                           "tile/entries/000.p/256",
                           "tile/data/000",
                           "tile/0/%30%30%30",
                           "tile/0/000?x",
                           "tile/0/000#",
                           "tile/0/x072/x057/x594/x037/x927/936",
                           "tile/0/x999/x999/x999/x999/x999/x999/999"}) {
    EXPECT_FALSE(parse_resource(path).has_value()) << path;
  }
  EXPECT_FALSE(parse_resource(std::string_view("tile/0/00\0", 10)).has_value());
}

TEST(TileWidth, FollowsTheExamplesOfTheSpecification) {
  const std::uint64_t size = 70'000;
  EXPECT_EQ(tile_width(size, 0, 272), 256U);  // 273 full ones
  EXPECT_EQ(tile_width(size, 0, 273), 112U);
  EXPECT_EQ(tile_width(size, 0, 274), 0U);
  EXPECT_EQ(tile_width(size, 1, 0), 256U);
  EXPECT_EQ(tile_width(size, 1, 1), 17U);
  EXPECT_EQ(tile_width(size, 2, 0), 1U);
  EXPECT_EQ(tile_width(size, 3, 0), 0U);
  EXPECT_EQ(tile_width(256, 0, 0), 256U);
  EXPECT_EQ(tile_width(256, 0, 1), 0U);
  EXPECT_EQ(tile_width(256, 1, 0), 1U);
  EXPECT_EQ(hashes_at(~0ULL, 7), 255U);
  EXPECT_EQ(hashes_at(~0ULL, 8), 0U);
  EXPECT_EQ(hashes_at(~0ULL, 63), 0U);
}

TEST(NodeInTile, FindsEveryNodeOfATree) {
  const std::uint64_t size = 70'000;
  const PlainTree tree = number_tree(size);
  std::size_t checked = 0;
  for (unsigned level = 0; (size >> level) > 0; ++level) {
    const std::uint64_t count = size >> level;
    for (std::uint64_t index = 0; index < count;
         index += (index < 600 || index + 600 > count) ? 1 : 97) {
      const auto tile = tile_of({level, index}, size);
      ASSERT_TRUE(tile.has_value());
      std::vector<Hash> hashes;
      for (unsigned i = 0; i < tile->width; ++i) {
        hashes.push_back(tree.node(tile->level * kTileHeight, tile->index * kTileWidth + i));
      }
      ASSERT_EQ(node_in_tile({level, index}, *tile, hashes).value(), tree.node(level, index))
          << level << " " << index;
      ++checked;
    }
  }
  EXPECT_GT(checked, 7000U);
}

TEST(NodeInTile, RefusesNodesThatAreNotThere) {
  EXPECT_FALSE(tile_of({0, 5}, 5).has_value());
  EXPECT_FALSE(tile_of({1, 2}, 5).has_value());
  EXPECT_FALSE(tile_of({64, 0}, ~0ULL).has_value());
  EXPECT_FALSE(tile_of({0, 0}, 0).has_value());
  const std::vector<Hash> hashes(3);
  EXPECT_TRUE(node_in_tile({1, 0}, {0, 0, 3}, hashes).has_value());
  EXPECT_FALSE(node_in_tile({1, 1}, {0, 0, 3}, hashes).has_value());
}

TEST(TileBytes, HaveExactlyTheirWidth) {
  const PlainTree tree = number_tree(5);
  std::vector<Hash> hashes;
  for (std::uint64_t i = 0; i < 5; ++i) hashes.push_back(tree.leaf(i));
  Bytes bytes = format_tile(hashes);
  EXPECT_EQ(bytes.size(), 160U);
  EXPECT_EQ(parse_tile(bytes, 5).value(), hashes);
  EXPECT_FALSE(parse_tile(bytes, 4).has_value());
  EXPECT_FALSE(parse_tile(bytes, 6).has_value());
  bytes.pop_back();
  EXPECT_FALSE(parse_tile(bytes, 5).has_value());
}

}  // namespace
}  // namespace avouch::tlog
