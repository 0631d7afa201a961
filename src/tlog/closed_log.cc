#include "tlog/closed_log.h"

#include <algorithm>
#include <iterator>
#include <optional>
#include <string>
#include <utility>

#include "tlog/client.h"

namespace avouch::tlog {
namespace {

// A store with the resource that is served beside it.
class WithShardResource final : public TileReader {
 public:
  WithShardResource(TileReader& store, const VerifiedCheckpoint& at) : store_(store), at_(at) {}
  Result<std::optional<Bytes>> fetch(std::string_view path) override {
    if (path != kShardPath) return store_.fetch(path);
    AVOUCH_TRY(Bytes bytes, make_shard_resource(store_, at_.origin(), at_.size()));
    return std::optional(std::move(bytes));
  }

 private:
  TileReader& store_;
  const VerifiedCheckpoint& at_;
};

}  // namespace

Result<ShardLinks> stored_shard_links(TileReader& store, const VerifiedCheckpoint& checkpoint) {
  WithShardResource reader(store, checkpoint);
  return load_shard_links(reader, checkpoint);
}

Result<ClosedLog> ClosedLog::open(TileReader& store, std::span<const NoteVerifier> log_keys,
                                  std::string_view origin) {
  AVOUCH_TRY(VerifiedCheckpoint checkpoint, fetch_checkpoint(store, log_keys, origin));
  AVOUCH_TRY(ShardLinks links, stored_shard_links(store, checkpoint));
  if (!links.end) {
    return rejected("log " + std::string(origin) +
                    ": is not closed: its last entry names no log "
                    "that follows it");
  }
  AVOUCH_TRY(Retention retention, load_retention(store, checkpoint));
  std::vector<NoteVerifier> signed_by;
  std::copy_if(log_keys.begin(), log_keys.end(), std::back_inserter(signed_by),
               [&](const NoteVerifier& key) {
                 return verify_note(checkpoint.note(), std::span(&key, 1)).has_value();
               });
  return ClosedLog(store, std::move(checkpoint), std::move(retention), *std::move(links.end),
                   std::move(signed_by));
}

Result<StoredEntry> ClosedLog::get(std::uint64_t index) const {
  if (index >= checkpoint_.size()) {
    return rejected("log: no entry " + std::to_string(index) + ", there are " +
                    std::to_string(checkpoint_.size()));
  }
  return read_stored_entry(*store_, checkpoint_, retention_, index);
}

}  // namespace avouch::tlog
