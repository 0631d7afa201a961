#include "tlog/builder.h"

#include <string>
#include <utility>

#include "tlog/bundle.h"
#include "tlog/remark.h"
#include "tlog/shard.h"
#include "tlog/tile.h"

namespace avouch::tlog {
namespace {

Tile last_tile(std::uint64_t size, unsigned level) {
  const std::uint64_t index = hashes_at(size, level) / kTileWidth;
  return Tile{level, index, tile_width(size, level, index)};
}

// The tile of level 0, and of the last bundle, that ends where the log ends; full if it just does.
Tile end_tile(std::uint64_t size) {
  const std::uint64_t index = (size - 1) / kTileWidth;
  return Tile{0, index, tile_width(size, 0, index)};
}

Result<Bytes> load_object(TileReader& reader, const std::string& path) {
  AVOUCH_TRY(std::optional<Bytes> bytes, reader.fetch(path));
  if (!bytes) return fatal("log: " + path + " is missing");
  return std::move(*bytes);
}

// The last bundle, after comparing its entries with the leaf hashes in the tree.
Result<Bytes> load_last_bundle(std::uint64_t size, TileReader& reader) {
  const Tile tile = end_tile(size);
  AVOUCH_TRY(const Bytes tile_bytes, load_object(reader, tile_path(tile)));
  AVOUCH_TRY(Bytes bundle, load_object(reader, bundle_path(tile)));
  const auto hashes = parse_tile(tile_bytes, tile.width);
  if (!hashes.has_value()) return fatal("log: " + tile_path(tile) + ": " + hashes.error().message);
  const auto entries = parse_bundle(bundle, tile.width);
  if (!entries.has_value()) {
    return fatal("log: " + bundle_path(tile) + ": " + entries.error().message);
  }
  for (unsigned i = 0; i < tile.width; ++i) {
    if (leaf_hash((*entries)[i]) != (*hashes)[i]) {
      return fatal("log: " + bundle_path(tile) + ": entry " +
                   std::to_string(tile.index * kTileWidth + i) + " has not the leaf hash of " +
                   tile_path(tile));
    }
  }
  return bundle;
}

}  // namespace

Result<Builder> Builder::load(std::uint64_t size, const Hash& root, TileReader& reader) {
  Builder builder;
  AVOUCH_TRY(builder.edge_, RightEdge::load(size, reader));
  if (builder.root() != root) {
    return fatal("log: the stored right edge of size " + std::to_string(size) +
                 " does not have the root of the signed checkpoint");
  }
  builder.taken_size_ = size;
  if (size == 0) return builder;

  AVOUCH_TRY(Bytes bundle, load_last_bundle(size, reader));
  const Tile tile = end_tile(size);
  const std::string path = preimages_path(tile.index);
  AVOUCH_TRY(const Bytes bytes, load_object(reader, path));
  auto slots = parse_preimages(tile.index, bytes);
  if (!slots.has_value()) return fatal("log: " + path + ": " + slots.error().message);
  // One more than published is possible: the group is written before the checkpoint.
  if (slots->size() < tile.width) {
    return fatal("log: " + path + " has " + std::to_string(slots->size()) +
                 " preimages, expected at least " + std::to_string(tile.width));
  }
  AVOUCH_TRY(const std::vector<Bytes> entries, parse_bundle(bundle, tile.width));
  builder.closes_log_ = closes_log_of(entries.back());
  if (tile.width < kTileWidth) {
    builder.bundle_ = std::move(bundle);
    slots->resize(tile.width);
    builder.preimages_ = std::move(slots).value();
  }
  return builder;
}

void Builder::push(const Record& record, const Hash& leaf) {
  const std::uint64_t group = size() / kTileWidth;
  std::vector<RightEdge::FullTile> full;
  edge_.push(leaf, full);
  for (const auto& [tile, hashes] : full) {
    full_.push_back(Object{tile_path(tile), format_tile(hashes)});
  }
  (void)append_to_bundle(bundle_, record.entry);
  preimages_.push_back(PreimageSlot{false, record.preimage, record.id});
  if (const auto erased = erased_index(record.entry, record.preimage, record.index)) {
    erasures_.push_back({*erased, record.index});
    // The group that is not full is written again and again, from here.
    if (*erased / kTileWidth == group) erase_slot(preimages_[*erased % kTileWidth], record.index);
  }
  if (!record.preimage.empty() && is_of_retention(record.entry)) {
    of_retention_.push_back(record);
  }
  closes_log_ = closes_log_of(record.entry);
  if (preimages_.size() == kTileWidth) {
    full_.push_back(Object{bundle_path(Tile{0, group, kTileWidth}), std::move(bundle_)});
    full_.push_back(Object{preimages_path(group), format_preimages(group, preimages_), true});
    bundle_.clear();
    preimages_.clear();
  }
}

std::vector<Object> Builder::take_objects() {
  std::vector<Object> objects = std::move(full_);
  full_.clear();
  for (unsigned level = 0; level < edge_.levels(); ++level) {
    const Tile tile = last_tile(size(), level);
    if (tile.width == 0 || hashes_at(size(), level) == hashes_at(taken_size_, level)) continue;
    objects.push_back(Object{tile_path(tile), format_tile(edge_.partial(level))});
  }
  const Tile last = last_tile(size(), 0);
  if (last.width > 0 && size() != taken_size_) {
    objects.push_back(Object{bundle_path(last), bundle_});
    objects.push_back(
        Object{preimages_path(last.index), format_preimages(last.index, preimages_), true});
  }
  taken_size_ = size();
  return objects;
}

std::vector<Erasure> Builder::take_erasures() { return std::exchange(erasures_, {}); }

std::vector<Record> Builder::take_of_retention() { return std::exchange(of_retention_, {}); }

}  // namespace avouch::tlog
