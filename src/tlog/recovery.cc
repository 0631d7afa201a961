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
    "log under another origin; see \"Backup\" in docs/operations.md";

// Somebody and what they remember.
struct Held {
  std::string whose;
  Anchor* anchor = nullptr;  // null: only read
  std::optional<VerifiedCheckpoint> checkpoint;
};

std::vector<NoteVerifier> keys_of(std::span<const NoteSigner> signers) {
  std::vector<NoteVerifier> keys;
  for (const NoteSigner& signer : signers) keys.push_back(signer.verifier());
  return keys;
}

Result<std::vector<Held>> read_anchors(const RecoveryOptions& options,
                                       std::span<Anchor* const> anchors,
                                       std::span<const NoteSigner> signers) {
  std::vector<Held> all;
  for (Anchor* anchor : anchors) {
    AVOUCH_TRY(const std::optional<std::string> note, anchor->read());
    Held held{anchor->name(), anchor, {}};
    if (note) {
      auto checkpoint = verify_checkpoint(*note, keys_of(signers), options.origin);
      if (!checkpoint.has_value()) {
        return fatal(anchor->name() + ": not a checkpoint of this log by its present key: " +
                     checkpoint.error().message + ". Check the configured path, origin and key");
      }
      held.checkpoint = std::move(checkpoint).value();
    }
    all.push_back(std::move(held));
  }
  for (const Remembered& remembered : options.remembered) {
    if (remembered.checkpoint.origin() != options.origin) {
      return rejected(remembered.whose + ": a checkpoint of another log");
    }
    all.push_back({remembered.whose, nullptr, remembered.checkpoint});
  }
  return all;
}

Result<VerifiedCheckpoint> create(const RecoveryOptions& options, Store& store,
                                  const std::vector<Held>& anchors,
                                  std::span<const NoteSigner> signers) {
  for (const Held& held : anchors) {
    if (held.checkpoint && held.checkpoint->size() > 0) {
      return fatal(held.whose + ": knows " + std::to_string(held.checkpoint->size()) +
                   " entries, but the store has no checkpoint" + std::string(kBackupAdvice));
    }
  }
  AVOUCH_TRY(const std::vector<Record> records, store.recover(0));
  if (!records.empty()) {
    return fatal("log: the store has committed entries but no checkpoint: it is damaged" +
                 std::string(kBackupAdvice));
  }
  AVOUCH_TRY(VerifiedCheckpoint checkpoint,
             sign_checkpoint(options.origin, 0, empty_root(), signers));
  for (const Held& held : anchors) {
    if (held.anchor == nullptr) continue;
    std::optional<std::string> expected;
    if (held.checkpoint) expected = held.checkpoint->note();
    AVOUCH_CHECK(held.anchor->replace(expected, checkpoint.note()));
  }
  AVOUCH_CHECK(store.publish(checkpoint.note(), 0));
  return checkpoint;
}

Result<void> check_behind(const Held& held, const VerifiedCheckpoint& published, Store& store) {
  const VerifiedCheckpoint& known = *held.checkpoint;
  auto root = make_root(known.size(), tile_nodes(store, published.size()));
  if (!root.has_value()) return fatal(root.error().message);
  if (*root != known.root()) {
    return fatal(held.whose + ": contradicts the store: another root at size " +
                 std::to_string(known.size()) + std::string(kBackupAdvice));
  }
  return {};
}

// Takes the records up to the newest remembered checkpoint into the builder and compares every root
// on the way. Returns that checkpoint, or nothing if none is ahead of the published one.
Result<std::optional<VerifiedCheckpoint>> walk_ahead(const RecoveryOptions& options,
                                                     const std::vector<Held>& anchors,
                                                     std::span<const NoteSigner> signers,
                                                     Opened& opened) {
  std::optional<VerifiedCheckpoint> newest;
  bool is_ours = false;  // as it was signed, by the present key
  const std::uint64_t end = opened.builder.size() + opened.pending.size();
  for (const Held& held : anchors) {
    if (!held.checkpoint || held.checkpoint->size() <= opened.checkpoint.size()) {
      continue;
    }
    if (held.checkpoint->size() > end) {
      return fatal(held.whose + ": knows " + std::to_string(held.checkpoint->size()) +
                   " entries, but the store ends at " + std::to_string(end) +
                   std::string(kBackupAdvice));
    }
    if (newest && held.checkpoint->size() <= newest->size()) continue;
    newest = held.checkpoint;
    is_ours = held.anchor != nullptr;
  }
  if (!newest) return newest;

  std::size_t taken = 0;
  while (opened.builder.size() < newest->size()) {
    const Record& record = opened.pending[taken++];
    opened.builder.push(record, leaf_hash(record.entry));
    for (const Held& held : anchors) {
      if (!held.checkpoint || held.checkpoint->size() != opened.builder.size()) continue;
      if (held.checkpoint->root() != opened.builder.root()) {
        return fatal(held.whose + ": contradicts the store: another root at size " +
                     std::to_string(opened.builder.size()) + std::string(kBackupAdvice));
      }
    }
  }
  opened.pending.erase(opened.pending.begin(),
                       opened.pending.begin() + static_cast<std::ptrdiff_t>(taken));
  if (is_ours) return newest;
  // What others show has lines of theirs, and may be by a former key alone.
  AVOUCH_TRY(newest, sign_checkpoint(options.origin, newest->size(), newest->root(), signers));
  return newest;
}

Result<void> check_anchors(const RecoveryOptions& options, const std::vector<Held>& anchors,
                           const Opened& opened, Store& store) {
  const bool has_entries = opened.checkpoint.size() > 0 || !opened.pending.empty();
  for (const Held& held : anchors) {
    if (!held.checkpoint) {
      if (!has_entries || options.adopt_missing_anchors) continue;
      return fatal(held.whose +
                   ": knows nothing, but the log has entries. Was it lost, or is another one "
                   "configured? Put it back; without it nothing tells whether this is the newest "
                   "copy of the log (\"Backup\" in docs/operations.md and docs/log-server.md)");
    }
    if (held.checkpoint->size() <= opened.checkpoint.size()) {
      AVOUCH_CHECK(check_behind(held, opened.checkpoint, store));
    }
  }
  return {};
}

bool is_signed_by_all(const VerifiedCheckpoint& checkpoint, std::span<const NoteSigner> signers) {
  return std::all_of(signers.begin(), signers.end(), [&](const NoteSigner& signer) {
    const NoteVerifier& key = signer.verifier();
    return verify_checkpoint(checkpoint.note(), std::span(&key, 1), checkpoint.origin())
        .has_value();
  });
}

// The same checkpoint with the lines of all keys: of a log that rests, too, the next key must be on
// the last checkpoint before it signs alone.
Result<void> sign_by_all(const RecoveryOptions& options, Store& store,
                         const std::vector<Held>& anchors, std::span<const NoteSigner> signers,
                         VerifiedCheckpoint& newest) {
  if (is_signed_by_all(newest, signers)) return {};
  AVOUCH_TRY(VerifiedCheckpoint again,
             sign_checkpoint(options.origin, newest.size(), newest.root(), signers));
  for (const Held& held : anchors) {
    if (held.anchor != nullptr) AVOUCH_CHECK(held.anchor->replace(newest.note(), again.note()));
  }
  AVOUCH_CHECK(store.publish(again.note(), again.size()));
  newest = std::move(again);
  return {};
}

}  // namespace

Result<VerifiedCheckpoint> sign_checkpoint(const std::string& origin, std::uint64_t size,
                                           const Hash& root, std::span<const NoteSigner> signers) {
  AVOUCH_TRY(const std::string text, format_checkpoint(Checkpoint{origin, size, root, {}}));
  AVOUCH_TRY(const std::string note, sign_note(text, signers));
  return verify_checkpoint(note, keys_of(signers), origin);
}

Result<Opened> open_stored_log(const RecoveryOptions& options, Store& store,
                               std::span<Anchor* const> anchors,
                               std::span<const NoteSigner> signers) {
  AVOUCH_TRY(const std::vector<Held> held, read_anchors(options, anchors, signers));
  AVOUCH_TRY(const std::optional<Bytes> note, store.fetch("checkpoint"));
  if (!note) {
    AVOUCH_TRY(VerifiedCheckpoint checkpoint, create(options, store, held, signers));
    return Opened{std::move(checkpoint), Builder(), {}, {}, {}};
  }

  auto published = verify_checkpoint(as_text(*note), keys_of(signers), options.origin);
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
  auto retention = load_retention(store, *published);
  if (!retention.has_value()) {
    Error error = std::move(retention).error();
    if (error.kind == ErrorKind::kRejected) error.kind = ErrorKind::kFatal;
    return with_context(std::move(error), "log");
  }
  Opened opened{std::move(published).value(),
                std::move(builder),
                std::move(pending),
                std::move(retention).value(),
                {}};
  AVOUCH_CHECK(check_anchors(options, held, opened, store));
  AVOUCH_TRY(const std::optional<VerifiedCheckpoint> ahead,
             walk_ahead(options, held, signers, opened));
  if (ahead) {
    AVOUCH_CHECK(store.put(opened.builder.take_objects()));
    AVOUCH_CHECK(erase_preimages(store, opened.builder.take_erasures()));
    AVOUCH_CHECK(take_retention(store, opened.builder.take_of_retention(), opened.retention));
  }

  const VerifiedCheckpoint& newest = ahead ? *ahead : opened.checkpoint;
  for (const Held& one : held) {
    if (one.anchor == nullptr) continue;
    std::optional<std::string> expected;
    if (one.checkpoint) expected = one.checkpoint->note();
    if (expected != newest.note()) AVOUCH_CHECK(one.anchor->replace(expected, newest.note()));
  }
  if (ahead) {
    AVOUCH_CHECK(store.publish(ahead->note(), ahead->size()));
    opened.checkpoint = *ahead;
  }
  AVOUCH_CHECK(sign_by_all(options, store, held, signers, opened.checkpoint));
  return opened;
}

Result<Opened> open_to_read(const RecoveryOptions& options, Store& store,
                            std::span<Anchor* const> anchors, std::span<const NoteSigner> signers,
                            const Error& why) {
  AVOUCH_TRY(const std::optional<Bytes> note, store.fetch("checkpoint"));
  if (note) {
    auto published = verify_checkpoint(as_text(*note), keys_of(signers), options.origin);
    if (!published.has_value()) return why;
    // What cannot be read of it denies nothing; what is gone stays so.
    const auto retention = load_retention(store, *published);
    return Opened{std::move(published).value(),
                  Builder(),
                  {},
                  retention.has_value() ? *retention : Retention(),
                  why.message};
  }
  AVOUCH_TRY(const std::vector<Held> held, read_anchors(options, anchors, signers));
  std::optional<VerifiedCheckpoint> newest;
  for (const Held& one : held) {
    if (one.checkpoint && (!newest || one.checkpoint->size() > newest->size())) {
      newest = one.checkpoint;
    }
  }
  if (!newest) return why;
  return Opened{*std::move(newest), Builder(), {}, {}, why.message};
}

Result<void> load_recent_ids(const VerifiedCheckpoint& checkpoint, std::uint64_t count,
                             const Retention& retention, TileReader& reader, RecentIds& ids) {
  const std::uint64_t size = checkpoint.size();
  const std::uint64_t begin = size - std::min(size, count);
  for (std::uint64_t group = begin / kTileWidth; group * kTileWidth < size; ++group) {
    const Tile tile{0, group, tile_width(size, 0, group)};
    AVOUCH_TRY(const std::optional<Bytes> tile_bytes,
               find_resource(reader, {Resource::Kind::kTile, tile}));
    if (!tile_bytes) return fatal("log: " + tile_path(tile) + " is missing");
    const auto leaves = parse_tile(*tile_bytes, tile.width);
    if (!leaves.has_value()) return fatal("log: " + leaves.error().message);
    const auto slots = fetch_preimages(reader, group);
    if (!slots.has_value() && slots.error().kind == ErrorKind::kRetryable) return slots.error();
    // Of what is to be pruned the ids are gone too: prune_content() goes on with it.
    const bool is_to_be_pruned = (group + 1) * kTileWidth <= retention.pruning.content_from;
    if (!slots.has_value() && is_to_be_pruned) continue;
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
