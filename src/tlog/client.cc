#include "tlog/client.h"

#include <map>
#include <memory>
#include <string>

#include "tlog/bundle.h"

namespace avouch::tlog {
namespace {

std::string path_of(const Resource& resource) {
  switch (resource.kind) {
    case Resource::Kind::kCheckpoint:
      return "checkpoint";
    case Resource::Kind::kTile:
      return tile_path(resource.tile);
    case Resource::Kind::kBundle:
      return bundle_path(resource.tile);
  }
  return {};
}

Result<Bytes> cut(const Resource& resource, ByteView full) {
  if (resource.kind == Resource::Kind::kBundle) return bundle_prefix(full, resource.tile.width);
  AVOUCH_TRY(const std::vector<Hash> hashes, parse_tile(full, kTileWidth));
  return format_tile(std::span(hashes).first(resource.tile.width));
}

Result<Bytes> fetch_resource(TileReader& reader, const Resource& resource) {
  AVOUCH_TRY(std::optional<Bytes> bytes, find_resource(reader, resource));
  if (!bytes) return retryable("log: " + path_of(resource) + " is not there");
  return std::move(*bytes);
}

Result<std::vector<Hash>> fetch_tile(TileReader& reader, const Tile& tile) {
  AVOUCH_TRY(const Bytes bytes, fetch_resource(reader, {Resource::Kind::kTile, tile}));
  auto hashes = parse_tile(bytes, tile.width);
  if (!hashes.has_value()) return with_context(std::move(hashes).error(), tile_path(tile));
  return hashes;
}

}  // namespace

NodeSource tile_nodes(TileReader& reader, std::uint64_t size) {
  auto cache = std::make_shared<std::map<Tile, std::vector<Hash>>>();
  return [&reader, size, cache](const Node& node) -> Result<Hash> {
    AVOUCH_TRY(const Tile tile, tile_of(node, size));
    auto found = cache->find(tile);
    if (found == cache->end()) {
      AVOUCH_TRY(std::vector<Hash> hashes, fetch_tile(reader, tile));
      found = cache->emplace(tile, std::move(hashes)).first;
    }
    return node_in_tile(node, tile, found->second);
  };
}

Result<std::optional<Bytes>> find_resource(TileReader& reader, const Resource& resource) {
  AVOUCH_TRY(std::optional<Bytes> bytes, reader.fetch(path_of(resource)));
  const bool partial =
      resource.kind != Resource::Kind::kCheckpoint && resource.tile.width < kTileWidth;
  if (bytes || !partial) return bytes;

  Resource full = resource;
  full.tile.width = kTileWidth;
  AVOUCH_TRY(const std::optional<Bytes> full_bytes, reader.fetch(path_of(full)));
  if (!full_bytes) return full_bytes;
  auto part = cut(resource, *full_bytes);
  if (!part.has_value()) return with_context(std::move(part).error(), path_of(full));
  return std::optional(std::move(part).value());
}

Result<VerifiedCheckpoint> fetch_checkpoint(TileReader& reader,
                                            std::span<const NoteVerifier> log_keys,
                                            std::string_view origin) {
  AVOUCH_TRY(const Bytes note, fetch_resource(reader, Resource{}));
  return verify_checkpoint(as_text(note), log_keys, origin);
}

Result<std::vector<Hash>> fetch_inclusion(TileReader& reader, const VerifiedCheckpoint& checkpoint,
                                          std::uint64_t index, const Hash& leaf) {
  AVOUCH_TRY(std::vector<Hash> proof,
             make_inclusion_proof(index, checkpoint.size(), tile_nodes(reader, checkpoint.size())));
  const auto verified = verify_inclusion(index, checkpoint.size(), leaf, proof, checkpoint.root());
  if (!verified.has_value()) {
    return with_context(verified.error(), "log: entry " + std::to_string(index));
  }
  return proof;
}

Result<IncludedEntry> fetch_entry(TileReader& reader, const VerifiedCheckpoint& checkpoint,
                                  std::uint64_t index) {
  AVOUCH_TRY(Tile tile, tile_of(Node{0, index}, checkpoint.size()));
  AVOUCH_TRY(const Bytes bundle, fetch_resource(reader, {Resource::Kind::kBundle, tile}));
  auto entries = parse_bundle(bundle, tile.width);
  if (!entries.has_value()) return with_context(std::move(entries).error(), bundle_path(tile));

  IncludedEntry included;
  included.index = index;
  included.entry = std::move((*entries)[index % kTileWidth]);
  included.leaf = leaf_hash(included.entry);
  AVOUCH_TRY(included.proof, fetch_inclusion(reader, checkpoint, index, included.leaf));
  return included;
}

Result<std::vector<Hash>> fetch_consistency(TileReader& reader, const Checkpoint& older,
                                            const VerifiedCheckpoint& newer) {
  if (older.size == 0) {
    if (older.root != empty_root()) return rejected("the empty tree has another root");
    return std::vector<Hash>();
  }
  AVOUCH_TRY(std::vector<Hash> proof,
             make_consistency_proof(older.size, newer.size(), tile_nodes(reader, newer.size())));
  AVOUCH_CHECK(verify_consistency(older.size, older.root, newer.size(), newer.root(), proof));
  return proof;
}

Result<std::optional<Retention>> find_denial(TileReader& reader, const VerifiedCheckpoint& newest,
                                             std::uint64_t size) {
  AVOUCH_TRY(Retention retention, load_retention(reader, newest));
  for (unsigned level = 0; level < 64 / kTileHeight; ++level) {
    const std::uint64_t hashes = hashes_at(size, level);
    const Tile last{level, hashes / kTileWidth, kTileWidth};
    if (hashes % kTileWidth != 0 && retention.denies(last)) {
      return std::optional(std::move(retention));
    }
  }
  return std::optional<Retention>();
}

}  // namespace avouch::tlog
