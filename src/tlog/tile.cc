#include "tlog/tile.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

namespace avouch::tlog {
namespace {

constexpr std::uint64_t kMaxTileIndex = (std::uint64_t{1} << 56U) - 1;
constexpr std::string_view kTilePrefix = "tile/", kBundlePrefix = "tile/entries/";

std::string suffix_of(unsigned width) {
  return width == kTileWidth ? std::string() : ".p/" + std::to_string(width);
}

bool is_digits(std::string_view text) {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// A decimal number without leading zeros, at most `max`.
std::optional<unsigned> small_number(std::string_view text, unsigned max) {
  if (!is_digits(text) || text.size() > 3 || (text.size() > 1 && text.front() == '0')) return {};
  unsigned value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  if (value > max) return {};
  return value;
}

// "x001/x234/067": groups of three digits, all but the last with an x, no superfluous group.
std::optional<std::uint64_t> index_number(std::string_view text) {
  std::uint64_t value = 0;
  bool first = true;
  while (true) {
    const bool last = text.size() == 3;
    if (!last && (text.size() < 5 || text[0] != 'x' || text[4] != '/')) return {};
    const std::string_view digits = last ? text : text.substr(1, 3);
    if (!is_digits(digits)) return {};
    unsigned group = 0;
    std::from_chars(digits.data(), digits.data() + 3, group);
    if (first && !last && group == 0) return {};
    value = value * 1000 + group;
    if (value > kMaxTileIndex) return {};
    if (last) return value;
    text.remove_prefix(5);
    first = false;
  }
}

}  // namespace

std::string index_path(std::uint64_t index) {
  std::string path;
  std::string digits = std::to_string(index);
  digits.insert(0, (3 - digits.size() % 3) % 3, '0');
  for (std::size_t i = 0; i < digits.size(); i += 3) {
    const bool last = i + 3 == digits.size();
    if (!last) path += 'x';
    path += digits.substr(i, 3);
    if (!last) path += '/';
  }
  return path;
}

std::string tile_path(const Tile& tile) {
  return std::string(kTilePrefix) + std::to_string(tile.level) + "/" + index_path(tile.index) +
         suffix_of(tile.width);
}

std::string bundle_path(const Tile& tile) {
  return std::string(kBundlePrefix) + index_path(tile.index) + suffix_of(tile.width);
}

Result<Resource> parse_resource(std::string_view path) {
  const Error error = rejected(
      "not a log resource: expected checkpoint, tile/L/N[.p/W] or tile/entries/N[.p/W], N in "
      "groups of three digits");
  if (path == "checkpoint") return Resource{};

  Resource resource;
  std::string_view rest = path;
  if (rest.starts_with(kBundlePrefix)) {
    resource.kind = Resource::Kind::kBundle;
    rest.remove_prefix(kBundlePrefix.size());
  } else if (rest.starts_with(kTilePrefix)) {
    resource.kind = Resource::Kind::kTile;
    rest.remove_prefix(kTilePrefix.size());
    const auto slash = rest.find('/');
    if (slash == std::string_view::npos) return error;
    const auto level = small_number(rest.substr(0, slash), 63);
    if (!level) return error;
    resource.tile.level = *level;
    rest.remove_prefix(slash + 1);
  } else {
    return error;
  }

  if (const auto partial = rest.find(".p/"); partial != std::string_view::npos) {
    const auto width = small_number(rest.substr(partial + 3), kTileWidth - 1);
    if (!width || *width == 0) return error;
    resource.tile.width = *width;
    rest = rest.substr(0, partial);
  }
  const auto index = index_number(rest);
  if (!index) return error;
  resource.tile.index = *index;
  return resource;
}

std::uint64_t hashes_at(std::uint64_t size, unsigned level) {
  return level >= 64 / kTileHeight ? 0 : size >> (kTileHeight * level);
}

unsigned tile_width(std::uint64_t size, unsigned level, std::uint64_t index) {
  const std::uint64_t hashes = hashes_at(size, level);
  const std::uint64_t full = hashes / kTileWidth;
  if (index < full) return kTileWidth;
  return index == full ? static_cast<unsigned>(hashes % kTileWidth) : 0;
}

Result<Tile> tile_of(const Node& node, std::uint64_t size) {
  if (node.level >= 64 || node.index >= (size >> node.level)) {
    return rejected("a tree of size " + std::to_string(size) + " has no node " +
                    std::to_string(node.index) + " at level " + std::to_string(node.level));
  }
  Tile tile;
  tile.level = node.level / kTileHeight;
  tile.index = (node.index << (node.level % kTileHeight)) / kTileWidth;
  tile.width = tile_width(size, tile.level, tile.index);
  return tile;
}

Result<Hash> node_in_tile(const Node& node, const Tile& tile, std::span<const Hash> hashes) {
  const unsigned height = node.level % kTileHeight;
  const std::uint64_t first = (node.index << height) % kTileWidth;
  const std::size_t count = std::size_t{1} << height;
  if (first + count > hashes.size()) {
    return rejected("tile " + tile_path(tile) + " has " + std::to_string(hashes.size()) +
                    " hashes, expected at least " + std::to_string(first + count));
  }
  std::array<Hash, kTileWidth / 2> level;
  std::copy_n(hashes.begin() + static_cast<std::ptrdiff_t>(first), count, level.begin());
  for (std::size_t width = count; width > 1; width /= 2) {
    for (std::size_t i = 0; i < width / 2; ++i) {
      level[i] = node_hash(level[2 * i], level[2 * i + 1]);
    }
  }
  return level[0];
}

Result<std::vector<Hash>> parse_tile(ByteView bytes, unsigned width) {
  if (bytes.size() != width * kHashBytes) {
    return rejected("tile has " + std::to_string(bytes.size()) + " bytes, expected " +
                    std::to_string(width * kHashBytes));
  }
  std::vector<Hash> hashes(width);
  for (std::size_t i = 0; i < width; ++i) {
    std::copy_n(bytes.begin() + static_cast<std::ptrdiff_t>(i * kHashBytes), kHashBytes,
                hashes[i].begin());
  }
  return hashes;
}

Bytes format_tile(std::span<const Hash> hashes) {
  Bytes bytes;
  bytes.reserve(hashes.size() * kHashBytes);
  for (const Hash& hash : hashes) append(bytes, hash);
  return bytes;
}

}  // namespace avouch::tlog
