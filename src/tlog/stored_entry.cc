#include "tlog/stored_entry.h"

#include <utility>

#include "tlog/client.h"
#include "tlog/entry.h"
#include "tlog/preimages.h"
#include "tlog/tile.h"

namespace avouch::tlog {
namespace {

// What is stored was verified when it was written: whatever is wrong with it now is damage.
Error damage_of(Error error) {
  if (error.kind == ErrorKind::kRejected) error.kind = ErrorKind::kFatal;
  return error;
}

}  // namespace

Result<StoredEntry> read_stored_entry(TileReader& store, const VerifiedCheckpoint& at,
                                      const Retention& retention, std::uint64_t index) {
  auto included = fetch_entry(store, at, index);
  if (!included.has_value()) return damage_of(std::move(included).error());
  const std::uint64_t group = index / kTileWidth;
  const std::string path = preimages_path(group);
  AVOUCH_TRY(const std::optional<Bytes> bytes, store.fetch(path));
  if (!bytes) return fatal("log: " + path + " is missing");
  auto slots = parse_preimages(group, *bytes);
  if (!slots.has_value()) return damage_of(with_context(std::move(slots).error(), path));
  if (slots->size() <= index % kTileWidth) return fatal("log: " + path + " is too short");
  PreimageSlot& slot = (*slots)[index % kTileWidth];
  // Gone from when the pruning is published, though not yet out of the store.
  if (index < retention.pruning.content_from && !slot.erased) {
    const auto statement = parse_statement_unverified(included->entry);
    if (statement.has_value() && statement->issuer == at.origin() &&
        may_lose_content(statement->kind)) {
      erase_slot(slot, *retention.pruning_index, ErasedBy::kPruning);
    }
  }
  const auto erasure = erased_by(slot);
  return StoredEntry{index,
                     std::move(included->entry),
                     std::move(slot.preimage),
                     erasure ? std::string() : std::move(slot.id),
                     erasure,
                     is_pruned(slot)};
}

}  // namespace avouch::tlog
