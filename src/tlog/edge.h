#pragma once

// The right edge of a growing tree: the hashes of the last, unfinished tile of every level. All
// that is needed to append and to compute the root; its size does not depend on the tree's.

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "base/result.h"
#include "tlog/store.h"
#include "tlog/tile.h"
#include "tlog/tree.h"

namespace avouch::tlog {

// A value; one owner at a time.
class RightEdge {
 public:
  using FullTile = std::pair<Tile, std::vector<Hash>>;

  RightEdge() = default;

  // The edge of a tree of `size` from its stored tiles, or from those of the tree of `newest`
  // entries that it has become since, where its own are not kept. kFatal if one is missing or has
  // another size than it must. The caller compares root() with a signed one.
  static Result<RightEdge> load(std::uint64_t size, TileReader& reader, std::uint64_t newest = 0);

  std::uint64_t size() const { return size_; }

  // Appends a leaf hash; tiles that it completes go to the end of `full`.
  void push(const Hash& leaf, std::vector<FullTile>& full);

  Hash root() const;

  // Levels that have a hash, and the unfinished tile of one (may be empty).
  unsigned levels() const { return static_cast<unsigned>(partial_.size()); }
  std::span<const Hash> partial(unsigned level) const { return partial_[level]; }

 private:
  std::uint64_t size_ = 0;
  std::vector<std::vector<Hash>> partial_;
};

}  // namespace avouch::tlog
