#pragma once

// Tiles of C2SP tlog-tiles: coordinates and paths. Tile (level, index) holds the hashes of the
// nodes of tree level 8 * level, from 256 * index on.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "tlog/tree.h"

namespace avouch::tlog {

inline constexpr unsigned kTileHeight = 8;
inline constexpr unsigned kTileWidth = 256;
inline constexpr std::size_t kHashBytes = 32;

struct Tile {
  unsigned level = 0;           // 0..63
  std::uint64_t index = 0;      // below 2^56
  unsigned width = kTileWidth;  // 1..256; below 256 it is partial
  auto operator<=>(const Tile&) const = default;
};

// What a path below the log's prefix names.
struct Resource {
  enum class Kind { kCheckpoint, kTile, kBundle };
  Kind kind = Kind::kCheckpoint;
  Tile tile;  // level 0 for a bundle; unused for the checkpoint
  bool operator==(const Resource&) const = default;
};

std::string tile_path(const Tile& tile);      // "tile/1/x001/x234/067.p/8"
std::string bundle_path(const Tile& tile);    // "tile/entries/x001/x234/067.p/8"; ignores the level
std::string index_path(std::uint64_t index);  // "x001/x234/067"

// The inverse, strictly: no other spelling of a path is accepted, so every resource has one path.
// No leading slash. kRejected otherwise.
Result<Resource> parse_resource(std::string_view path);

// Hashes that tiles of `level` hold in a tree of `size` leaves: floor(size / 256^level).
std::uint64_t hashes_at(std::uint64_t size, unsigned level);

// Width of tile (level, index) in a tree of `size` leaves: 0 (not there yet) to 256.
unsigned tile_width(std::uint64_t size, unsigned level, std::uint64_t index);

// The tile of a tree of `size` that holds what is needed for `node`. kRejected if the tree has no
// such node.
Result<Tile> tile_of(const Node& node, std::uint64_t size);

// `node` from the hashes of tile_of(node, size). kRejected if they are too few.
Result<Hash> node_in_tile(const Node& node, const Tile& tile, std::span<const Hash> hashes);

// Exactly width * 32 bytes, else kRejected.
Result<std::vector<Hash>> parse_tile(ByteView bytes, unsigned width);
Bytes format_tile(std::span<const Hash> hashes);

}  // namespace avouch::tlog
