#pragma once

// Reads a whole log and holds everything in it against everything else.

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "support/plain_tree.h"
#include "tlog/bundle.h"
#include "tlog/checkpoint.h"
#include "tlog/store.h"
#include "tlog/tile.h"

namespace avouch::testing {

inline Bytes must_fetch(tlog::TileReader& reader, const std::string& path) {
  const auto bytes = reader.fetch(path);
  EXPECT_TRUE(bytes.has_value() && bytes->has_value()) << path;
  return bytes.has_value() && *bytes ? **bytes : Bytes();
}

// The tree of the log's entries, after comparing every tile and the root of `checkpoint` with it.
inline PlainTree check_whole_log(tlog::TileReader& reader, const tlog::Checkpoint& checkpoint) {
  using tlog::kTileWidth;
  PlainTree tree;
  const std::uint64_t size = checkpoint.size;
  for (std::uint64_t n = 0; n * kTileWidth < size; ++n) {
    const tlog::Tile tile{0, n, tlog::tile_width(size, 0, n)};
    const auto entries =
        tlog::parse_bundle(must_fetch(reader, tlog::bundle_path(tile)), tile.width);
    EXPECT_TRUE(entries.has_value()) << tlog::bundle_path(tile);
    if (!entries.has_value()) return tree;
    for (const Bytes& entry : *entries) tree.push_entry(entry);
  }
  for (unsigned level = 0; tlog::hashes_at(size, level) > 0; ++level) {
    for (std::uint64_t n = 0; tlog::tile_width(size, level, n) > 0; ++n) {
      const tlog::Tile tile{level, n, tlog::tile_width(size, level, n)};
      Bytes want;
      for (unsigned i = 0; i < tile.width; ++i) {
        append(want, tree.node(level * tlog::kTileHeight, n * kTileWidth + i));
      }
      EXPECT_EQ(must_fetch(reader, tlog::tile_path(tile)), want) << tlog::tile_path(tile);
    }
  }
  EXPECT_EQ(tree.root(size), checkpoint.root);
  return tree;
}

}  // namespace avouch::testing
