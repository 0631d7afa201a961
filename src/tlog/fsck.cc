#include "tlog/fsck.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "base/hex.h"
#include "tlog/bundle.h"
#include "tlog/client.h"
#include "tlog/entry.h"
#include "tlog/preimages.h"
#include "tlog/remark.h"
#include "tlog/retention.h"
#include "tlog/shard.h"
#include "tlog/tile.h"

namespace avouch::tlog {
namespace {

// The root of the full subtree over 256 hashes.
Hash root_of(std::vector<Hash> hashes) {
  for (std::size_t count = hashes.size(); count > 1; count /= 2) {
    for (std::size_t i = 0; i < count / 2; ++i) {
      hashes[i] = node_hash(hashes[2 * i], hashes[2 * i + 1]);
    }
  }
  return hashes.front();
}

class Walk {
 public:
  Walk(TileReader& reader, const VerifiedCheckpoint& checkpoint, const FsckOptions& options)
      : reader_(reader), checkpoint_(checkpoint), size_(checkpoint.size()), options_(options) {}

  Result<FsckReport> run() {
    AVOUCH_CHECK(read_retention());
    if (options_.served) report_.minimum_index = said_.pruning.minimum_index;
    for (std::uint64_t n = report_.minimum_index / kTileWidth; tile_width(size_, 0, n) > 0; ++n) {
      if (options_.stop.stop_requested()) return retryable("log: the check was ended");
      AVOUCH_CHECK(check_bundle(n));
      if (options_.checked) options_.checked(report_.entries);
    }
    check_missing();
    check_retention();
    AVOUCH_CHECK(check_root());
    walked_.content_gone = std::min(said_.content_gone, walked_.pruning.content_from);
    report_.retention = std::move(walked_);
    return std::move(report_);
  }

 private:
  // A tile that lies here; no hashes where it is damaged.
  struct Held {
    Tile tile;
    std::optional<std::vector<Hash>> hashes;
  };
  // A preimage that is not there.
  struct Missing {
    std::optional<std::uint64_t> by;  // the entry that erased it, as the store says
    bool is_pruned = false;           // by a pruning, as the store says
    bool is_erased = false;           // as that entry says
  };

  // What prunings come to, and where: held against the tree, and in the end against the walk.
  Result<void> read_retention() {
    auto loaded = load_retention(reader_, checkpoint_);
    if (loaded.has_value()) {
      said_ = std::move(loaded).value();
    } else if (loaded.error().kind == ErrorKind::kRetryable) {
      return loaded.error();
    } else {
      damaged(std::string(kRetentionPath), loaded.error().message);
    }
    return {};
  }

  // Only a walk from the first entry on, with what entries say, has met all of it; and what a log
  // in use says of itself may be newer than the checkpoint.
  void check_retention() {
    if (!options_.preimages || options_.served || options_.in_use ||
        said_.pruning == walked_.pruning)
      return;
    const auto text = [](const Retention& retention) {
      if (!retention.pruning_index) return std::string("there was none");
      return "the newest is entry " + std::to_string(*retention.pruning_index) + ", content from " +
             std::to_string(retention.pruning.content_from) + " on, minimum index " +
             std::to_string(retention.pruning.minimum_index);
    };
    damaged(std::string(kRetentionPath),
            "says of prunings: " + text(said_) +
                "; the entries under this checkpoint say: " + text(walked_));
  }

  void damaged(std::string path, std::string what, bool is_of_lost = false) {
    ++report_.damage_count;
    if (report_.damages.size() < options_.max_damages) {
      report_.damages.push_back({std::move(path), std::move(what), is_of_lost});
    }
  }

  // Nothing, and a Damage, where the object is missing or cannot be read.
  Result<std::optional<Bytes>> read(const std::string& path,
                                    const std::optional<Resource>& resource) {
    auto bytes = resource ? find_resource(reader_, *resource) : reader_.fetch(path);
    if (!bytes.has_value()) {
      if (bytes.error().kind == ErrorKind::kRetryable) return bytes.error();
      damaged(path, bytes.error().message);
      return std::optional<Bytes>();
    }
    if (!*bytes) {
      damaged(path, "is missing");
    } else {
      report_.bytes += (*bytes)->size();
    }
    return bytes;
  }

  // Tiles of a level are asked for in order, so that the last one is all that is kept.
  Result<const Held*> tile(unsigned level, std::uint64_t index) {
    const Tile want{level, index, tile_width(size_, level, index)};
    const auto found = held_.find(level);
    if (found != held_.end() && found->second.tile == want) return &found->second;

    Held& held = held_[level];
    held = {want, {}};
    const std::string path = tile_path(want);
    AVOUCH_TRY(const std::optional<Bytes> bytes, read(path, Resource{Resource::Kind::kTile, want}));
    if (bytes) {
      ++report_.tiles;
      auto hashes = parse_tile(*bytes, want.width);
      if (hashes.has_value()) {
        held.hashes = std::move(hashes).value();
      } else {
        damaged(path, hashes.error().message);
      }
    }
    AVOUCH_CHECK(check_against_parent(held));
    return &held;
  }

  Result<void> check_against_parent(const Held& held) {
    if (held.tile.width < kTileWidth) return {};  // below the root alone: check_root()
    AVOUCH_TRY(const Held* parent, tile(held.tile.level + 1, held.tile.index / kTileWidth));
    if (!held.hashes || !parent->hashes) return {};
    const std::size_t place = held.tile.index % kTileWidth;
    if (root_of(*held.hashes) != (*parent->hashes)[place]) {
      damaged(tile_path(held.tile), "its root is not hash " + std::to_string(place) + " of " +
                                        tile_path(parent->tile) + ": one of the two is damaged");
    }
    return {};
  }

  Result<void> check_bundle(std::uint64_t n) {
    AVOUCH_TRY(const Held* leaves, tile(0, n));
    const Tile& place = leaves->tile;
    const std::string path = bundle_path(place);
    AVOUCH_TRY(const std::optional<Bytes> bytes,
               read(path, Resource{Resource::Kind::kBundle, place}));
    std::optional<std::vector<Bytes>> entries;
    if (bytes) {
      ++report_.bundles;
      auto parsed = parse_bundle(*bytes, place.width);
      if (parsed.has_value()) {
        entries = std::move(parsed).value();
        report_.entries += entries->size();
      } else {
        damaged(path, parsed.error().message);
      }
    }
    if (entries) check_end(path, n * kTileWidth, *entries);
    if (entries && leaves->hashes) {
      for (std::size_t i = 0; i < entries->size(); ++i) {
        if (leaf_hash((*entries)[i]) == (*leaves->hashes)[i]) continue;
        damaged(path, "entry " + std::to_string(n * kTileWidth + i) + " is not what hash " +
                          std::to_string(i) + " of " + tile_path(place) +
                          " says: one of the two is damaged");
      }
    }
    if (options_.preimages && entries) AVOUCH_CHECK(check_preimages(n, *entries));
    return {};
  }

  // Nothing stands behind the entry that closes a log.
  void check_end(const std::string& path, std::uint64_t first, const std::vector<Bytes>& entries) {
    for (std::size_t i = 0; i < entries.size(); ++i) {
      const std::uint64_t index = first + i;
      if (index + 1 == size_ || closes_log_of(entries[i]) != checkpoint_.origin()) continue;
      damaged(path,
              "entry " + std::to_string(index) + " closes the log, and others stand behind it");
    }
  }

  Result<void> check_preimages(std::uint64_t n, const std::vector<Bytes>& entries) {
    const std::string path = preimages_path(n);
    AVOUCH_TRY(const std::optional<Bytes> bytes, read(path, std::nullopt));
    if (!bytes) return {};
    const auto slots = parse_preimages(n, *bytes);
    if (!slots.has_value()) {
      damaged(path, slots.error().message);
      return {};
    }
    if (slots->size() < entries.size()) {
      damaged(path, "has " + std::to_string(slots->size()) + " preimages, expected " +
                        std::to_string(entries.size()));
    }
    const std::uint64_t lost_before = report_.lost;
    for (std::size_t i = 0; i < std::min(slots->size(), entries.size()); ++i) {
      check_preimage(path, n * kTileWidth + i, entries[i], (*slots)[i]);
    }
    tell_lost(path, lost_before);
    return {};
  }

  void check_preimage(const std::string& path, std::uint64_t index, const Bytes& entry,
                      const PreimageSlot& slot) {
    const auto statement = parse_statement_unverified(entry);
    const bool is_own = statement.has_value() && statement->issuer == checkpoint_.origin();
    const bool may_be_gone = is_own && may_lose_content(statement->kind);
    if (slot.preimage.empty()) {
      const bool is_of_pruning = may_be_gone && is_pruned(slot);
      if (is_of_pruning && index < said_.pruning.content_from) {
        ++report_.pruned;
      } else if (is_own && !may_be_gone && !slot.erased && index < said_.content_gone) {
        take_lost(index, entry);
      } else if (slot.erased || is_own) {
        missing_.try_emplace(index, Missing{erased_by(slot), is_of_pruning});
      }
      return;
    }
    ++report_.preimages;
    if (may_be_gone && index < said_.content_gone) {
      damaged(path, "preimage of entry " + std::to_string(index) + ": is there, although entry " +
                        std::to_string(*said_.pruning_index) +
                        " says that it was pruned: of an older copy?");
    }
    const std::string whose = "preimage of entry " + std::to_string(index) + ": ";
    if (!statement.has_value()) {
      damaged(path, whose + "the entry commits to none: " + statement.error().message);
      return;
    }
    const auto content = open_preimage(statement->preimage_digest, slot.preimage);
    if (!content.has_value()) damaged(path, whose + content.error().message);
    if (const auto erased = erased_index(entry, slot.preimage, index)) {
      check_erasure(*erased, index);
    }
    walk(index, entry, slot.preimage);
  }

  // Of those before an entry all are known, unless one was lost.
  void walk(std::uint64_t index, const Bytes& entry, const Bytes& preimage) {
    walked_.take(index, entry, preimage,
                 has_lost_retention_ ? Retention::Before::kSome : Retention::Before::kAll);
  }

  void take_lost(std::uint64_t index, const Bytes& entry) {
    ++report_.lost;
    lost_.insert(index);
    if (!is_of_retention(entry)) return;
    has_lost_retention_ = true;
    const auto known = std::find_if(said_.sources.begin(), said_.sources.end(),
                                    [index](const auto& each) { return each.index == index; });
    if (known != said_.sources.end()) walk(index, entry, known->preimage);
  }

  void tell_lost(const std::string& path, std::uint64_t lost_before) {
    if (report_.lost == lost_before) return;
    ++report_.groups_with_lost;
    damaged(path,
            "content that is never pruned is lost of " +
                std::to_string(report_.lost - lost_before) +
                " entries: the group could not be read when entry " +
                std::to_string(*said_.pruning_index) + " had content pruned, or was damaged since",
            true);
  }

  // Only what is before an entry is erased by it: it has been read.
  void check_erasure(std::uint64_t index, std::uint64_t by) {
    if (const auto found = missing_.find(index); found != missing_.end()) {
      found->second.is_erased = true;
      return;
    }
    if (index < said_.content_gone) return;  // pruned before
    damaged(preimages_path(index / kTileWidth),
            "preimage of entry " + std::to_string(index) + ": is not erased, although entry " +
                std::to_string(by) + " says so: of an older copy?");
  }

  void check_missing() {
    for (const auto& [index, missing] : missing_) {
      const bool is_later = options_.in_use && missing.by && *missing.by >= size_;
      if (missing.is_pruned && (is_later || index < walked_.pruning.content_from)) {
        ++report_.pruned;
        continue;
      }
      const bool is_by_lost = missing.by && lost_.contains(*missing.by);  // which cannot say so
      if (missing.is_erased || is_later || is_by_lost) {
        ++report_.erased;
        continue;
      }
      damaged(
          preimages_path(index / kTileWidth),
          "preimage of entry " + std::to_string(index) +
              ": is missing, and no entry under this checkpoint says that it was erased or pruned" +
              (missing.by ? "; the store says by entry " + std::to_string(*missing.by) : ""));
    }
  }

  // The unfinished tile of each level, which no tile above it vouches for.
  Result<void> check_root() {
    for (unsigned level = 0; hashes_at(size_, level) > 0; ++level) {
      const std::uint64_t last = (hashes_at(size_, level) - 1) / kTileWidth;
      AVOUCH_TRY(const Held* held, tile(level, last));
      if (!held->hashes) return {};  // said already
    }
    const auto root = make_root(size_, [this](const Node& node) -> Result<Hash> {
      AVOUCH_TRY(const Tile where, tile_of(node, size_));
      AVOUCH_TRY(const Held* held, tile(where.level, where.index));
      if (!held->hashes) return rejected(tile_path(where) + " is damaged");
      return node_in_tile(node, where, *held->hashes);
    });
    if (!root.has_value()) {
      if (root.error().kind == ErrorKind::kRetryable) return root.error();
      damaged("checkpoint", "the root cannot be computed: " + root.error().message);
    } else if (*root != checkpoint_.root()) {
      damaged("checkpoint", "its root is " + to_hex(checkpoint_.root()) +
                                ", that of the last tiles is " + to_hex(*root) +
                                ": one of them is damaged, or they are of another log");
    }
    return {};
  }

  TileReader& reader_;
  const VerifiedCheckpoint& checkpoint_;
  const std::uint64_t size_;
  const FsckOptions& options_;
  FsckReport report_;
  Retention said_, walked_;  // as the object of its name says; as the entries do that were read
  std::map<unsigned, Held> held_;  // by level; nodes stay where they are
  std::map<std::uint64_t, Missing> missing_;
  std::set<std::uint64_t> lost_;
  bool has_lost_retention_ = false;
};

}  // namespace

Result<FsckReport> check_log(TileReader& reader, const VerifiedCheckpoint& checkpoint,
                             const FsckOptions& options) {
  return Walk(reader, checkpoint, options).run();
}

}  // namespace avouch::tlog
