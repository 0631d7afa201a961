#include "tlog/recovery.h"

#include <algorithm>
#include <optional>
#include <string>

#include "tlog/client.h"
#include "tlog/tile.h"

namespace avouch::tlog {
namespace {

constexpr std::string_view kBackupAdvice =
    ". The log's directory went back in time (a restored backup?), or another writer went on "
    "without it. Nothing is signed. Bring back the newest copy of the directory, or begin a new "
    "log under another origin";

// An anchor and what it remembers.
struct Remembered {
  Anchor* anchor = nullptr;
  std::optional<VerifiedCheckpoint> checkpoint;
};

std::span<const NoteVerifier> keys_of(const NoteSigner& signer) {
  return std::span(&signer.verifier(), 1);
}

Result<std::vector<Remembered>> read_anchors(std::span<Anchor* const> anchors,
                                             const std::string& origin, const NoteSigner& signer) {
  std::vector<Remembered> all;
  for (Anchor* anchor : anchors) {
    AVOUCH_TRY(const std::optional<std::string> note, anchor->read());
    Remembered remembered{anchor, {}};
    if (note) {
      auto checkpoint = verify_checkpoint(*note, keys_of(signer), origin);
      if (!checkpoint.has_value()) {
        return fatal(anchor->name() + ": not a checkpoint of this log by its present key: " +
                     checkpoint.error().message + ". Check the configured path, origin and key");
      }
      remembered.checkpoint = std::move(checkpoint).value();
    }
    all.push_back(std::move(remembered));
  }
  return all;
}

Result<VerifiedCheckpoint> create(const RecoveryOptions& options, Store& store,
                                  const std::vector<Remembered>& anchors,
                                  const NoteSigner& signer) {
  for (const Remembered& remembered : anchors) {
    if (remembered.checkpoint && remembered.checkpoint->size() > 0) {
      return fatal(remembered.anchor->name() + ": knows " +
                   std::to_string(remembered.checkpoint->size()) +
                   " entries, but the store has no checkpoint" + std::string(kBackupAdvice));
    }
  }
  AVOUCH_TRY(const std::vector<Record> records, store.recover(0));
  if (!records.empty()) {
    return fatal("log: the store has committed entries but no checkpoint: it is damaged" +
                 std::string(kBackupAdvice));
  }
  AVOUCH_TRY(VerifiedCheckpoint checkpoint,
             sign_checkpoint(options.origin, 0, empty_root(), signer));
  for (const Remembered& remembered : anchors) {
    std::optional<std::string> expected;
    if (remembered.checkpoint) expected = remembered.checkpoint->note();
    AVOUCH_CHECK(remembered.anchor->replace(expected, checkpoint.note()));
  }
  AVOUCH_CHECK(store.publish(checkpoint.note(), 0));
  return checkpoint;
}

Result<void> check_behind(const Remembered& remembered, const VerifiedCheckpoint& published,
                          Store& store) {
  const VerifiedCheckpoint& known = *remembered.checkpoint;
  auto root = make_root(known.size(), tile_nodes(store, published.size()));
  if (!root.has_value()) return fatal(root.error().message);
  if (*root != known.root()) {
    return fatal(remembered.anchor->name() + ": contradicts the store: another root at size " +
                 std::to_string(known.size()) + std::string(kBackupAdvice));
  }
  return {};
}

// Takes the records up to the newest remembered checkpoint into the builder and compares every root
// on the way. Returns that checkpoint, or nothing if none is ahead of the published one.
Result<std::optional<VerifiedCheckpoint>> walk_ahead(const std::vector<Remembered>& anchors,
                                                     Opened& opened) {
  std::optional<VerifiedCheckpoint> newest;
  const std::uint64_t end = opened.builder.size() + opened.pending.size();
  for (const Remembered& remembered : anchors) {
    if (!remembered.checkpoint || remembered.checkpoint->size() <= opened.checkpoint.size()) {
      continue;
    }
    if (remembered.checkpoint->size() > end) {
      return fatal(
          remembered.anchor->name() + ": knows " + std::to_string(remembered.checkpoint->size()) +
          " entries, but the store ends at " + std::to_string(end) + std::string(kBackupAdvice));
    }
    if (!newest || remembered.checkpoint->size() > newest->size()) newest = remembered.checkpoint;
  }
  if (!newest) return newest;

  std::size_t taken = 0;
  while (opened.builder.size() < newest->size()) {
    const Record& record = opened.pending[taken++];
    opened.builder.push(record, leaf_hash(record.entry));
    for (const Remembered& remembered : anchors) {
      if (!remembered.checkpoint || remembered.checkpoint->size() != opened.builder.size())
        continue;
      if (remembered.checkpoint->root() != opened.builder.root()) {
        return fatal(remembered.anchor->name() + ": contradicts the store: another root at size " +
                     std::to_string(opened.builder.size()) + std::string(kBackupAdvice));
      }
    }
  }
  opened.pending.erase(opened.pending.begin(),
                       opened.pending.begin() + static_cast<std::ptrdiff_t>(taken));
  return newest;
}

Result<void> check_anchors(const RecoveryOptions& options, const std::vector<Remembered>& anchors,
                           const Opened& opened, Store& store) {
  const bool has_entries = opened.checkpoint.size() > 0 || !opened.pending.empty();
  for (const Remembered& remembered : anchors) {
    if (!remembered.checkpoint) {
      if (!has_entries || options.adopt_missing_anchors) continue;
      return fatal(remembered.anchor->name() +
                   ": knows nothing, but the log has entries. If this is the newest copy of the "
                   "log, start once with missing anchors adopted");
    }
    if (remembered.checkpoint->size() <= opened.checkpoint.size()) {
      AVOUCH_CHECK(check_behind(remembered, opened.checkpoint, store));
    }
  }
  return {};
}

}  // namespace

Result<VerifiedCheckpoint> sign_checkpoint(const std::string& origin, std::uint64_t size,
                                           const Hash& root, const NoteSigner& signer) {
  AVOUCH_TRY(const std::string text, format_checkpoint(Checkpoint{origin, size, root, {}}));
  AVOUCH_TRY(const std::string note, sign_note(text, std::span(&signer, 1)));
  return verify_checkpoint(note, keys_of(signer), origin);
}

Result<Opened> open_stored_log(const RecoveryOptions& options, Store& store,
                               std::span<Anchor* const> anchors, const NoteSigner& signer) {
  AVOUCH_TRY(const std::vector<Remembered> remembered,
             read_anchors(anchors, options.origin, signer));
  AVOUCH_TRY(const std::optional<Bytes> note, store.fetch("checkpoint"));
  if (!note) {
    AVOUCH_TRY(VerifiedCheckpoint checkpoint, create(options, store, remembered, signer));
    return Opened{std::move(checkpoint), Builder(), {}};
  }

  auto published = verify_checkpoint(as_text(*note), keys_of(signer), options.origin);
  if (!published.has_value()) {
    return fatal("log: the stored checkpoint is not this log's by its present key: " +
                 published.error().message + ". Check the configured origin and key");
  }
  AVOUCH_TRY(Builder builder, Builder::load(published->size(), published->root(), store));
  AVOUCH_TRY(std::vector<Record> pending, store.recover(published->size()));
  for (std::size_t i = 0; i < pending.size(); ++i) {
    if (pending[i].index != published->size() + i) {
      return fatal("log: committed entry " + std::to_string(published->size() + i) +
                   " is missing: the store is damaged");
    }
  }
  Opened opened{std::move(published).value(), std::move(builder), std::move(pending)};
  AVOUCH_CHECK(check_anchors(options, remembered, opened, store));
  AVOUCH_TRY(const std::optional<VerifiedCheckpoint> ahead, walk_ahead(remembered, opened));
  if (ahead) AVOUCH_CHECK(store.put(opened.builder.take_objects()));

  const VerifiedCheckpoint& newest = ahead ? *ahead : opened.checkpoint;
  for (const Remembered& one : remembered) {
    std::optional<std::string> expected;
    if (one.checkpoint) expected = one.checkpoint->note();
    if (expected != newest.note()) AVOUCH_CHECK(one.anchor->replace(expected, newest.note()));
  }
  if (ahead) {
    AVOUCH_CHECK(store.publish(ahead->note(), ahead->size()));
    opened.checkpoint = *ahead;
  }
  return opened;
}

Result<void> load_recent_ids(const VerifiedCheckpoint& checkpoint, std::uint64_t count,
                             TileReader& reader, RecentIds& ids) {
  const std::uint64_t size = checkpoint.size();
  const std::uint64_t begin = size - std::min(size, count);
  for (std::uint64_t group = begin / kTileWidth; group * kTileWidth < size; ++group) {
    const Tile tile{0, group, tile_width(size, 0, group)};
    AVOUCH_TRY(const std::optional<Bytes> tile_bytes,
               find_resource(reader, {Resource::Kind::kTile, tile}));
    AVOUCH_TRY(const std::optional<Bytes> slot_bytes, reader.fetch(preimages_path(group)));
    if (!tile_bytes || !slot_bytes) {
      return fatal("log: " + (tile_bytes ? preimages_path(group) : tile_path(tile)) +
                   " is missing");
    }
    const auto leaves = parse_tile(*tile_bytes, tile.width);
    const auto slots = parse_preimages(group, *slot_bytes);
    if (!leaves.has_value()) return fatal("log: " + leaves.error().message);
    if (!slots.has_value()) return fatal("log: " + slots.error().message);
    for (std::size_t i = 0; i < std::min(leaves->size(), slots->size()); ++i) {
      const std::uint64_t index = group * kTileWidth + i;
      if (index < begin) continue;
      const Hash& leaf = (*leaves)[i];
      ids.insert(id_key((*slots)[i].id, leaf), Place{index, leaf});
    }
  }
  return {};
}

}  // namespace avouch::tlog
