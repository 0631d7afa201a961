#include "tlog/edge.h"

#include <string>

#include "tlog/client.h"

namespace avouch::tlog {

Result<RightEdge> RightEdge::load(std::uint64_t size, TileReader& reader, std::uint64_t newest) {
  RightEdge edge;
  edge.size_ = size;
  for (unsigned level = 0; hashes_at(size, level) > 0; ++level) {
    Tile tile{level, hashes_at(size, level) / kTileWidth, 0};
    tile.width = tile_width(size, level, tile.index);
    std::vector<Hash> hashes;
    if (tile.width > 0) {
      const unsigned wanted = tile.width;
      AVOUCH_TRY(std::optional<Bytes> bytes, reader.fetch(tile_path(tile)));
      if (!bytes && newest > size) {
        tile.width = tile_width(newest, level, tile.index);
        AVOUCH_TRY(bytes, find_resource(reader, {Resource::Kind::kTile, tile}));
      }
      const std::string path = tile_path(tile);
      if (!bytes) return fatal("log: " + path + " is missing");
      auto parsed = parse_tile(*bytes, tile.width);
      if (!parsed.has_value()) return fatal("log: " + path + ": " + parsed.error().message);
      hashes = std::move(parsed).value();
      hashes.resize(wanted);
    }
    edge.partial_.push_back(std::move(hashes));
  }
  return edge;
}

void RightEdge::push(const Hash& leaf, std::vector<FullTile>& full) {
  ++size_;
  Hash hash = leaf;
  for (unsigned level = 0;; ++level) {
    if (level == partial_.size()) partial_.emplace_back();
    std::vector<Hash>& hashes = partial_[level];
    hashes.push_back(hash);
    if (hashes.size() < kTileWidth) return;

    const Hash left = node_in_tile(Node{kTileHeight - 1, 0}, Tile{}, hashes).value();
    const Hash right = node_in_tile(Node{kTileHeight - 1, 1}, Tile{}, hashes).value();
    hash = node_hash(left, right);
    full.emplace_back(Tile{level, hashes_at(size_, level) / kTileWidth - 1, kTileWidth},
                      std::move(hashes));
    hashes.clear();
  }
}

Hash RightEdge::root() const {
  // The root's complete subtrees all lie in unfinished tiles, so that this cannot fail.
  return make_root(size_,
                   [this](const Node& node) -> Result<Hash> {
                     AVOUCH_TRY(const Tile tile, tile_of(node, size_));
                     return node_in_tile(node, tile, partial_[tile.level]);
                   })
      .value();
}

}  // namespace avouch::tlog
