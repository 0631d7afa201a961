#pragma once

// A log that is closed (shard.h), to be read: what is kept of it in memory is its last checkpoint
// and what it says of retention.

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "tlog/checkpoint.h"
#include "tlog/retention.h"
#include "tlog/shard.h"
#include "tlog/store.h"
#include "tlog/stored_entry.h"

namespace avouch::tlog {

// Thread-safe as far as its reader is.
class ClosedLog {
 public:
  // `store` outlives it: as it is kept, not as it is served. kRejected: no checkpoint of that log
  // by its keys; a log that is not closed; retention that cannot be read. Errors of the store.
  static Result<ClosedLog> open(TileReader& store, std::span<const NoteVerifier> log_keys,
                                std::string_view origin);

  TileReader& store() const { return *store_; }
  const VerifiedCheckpoint& checkpoint() const { return checkpoint_; }
  const Retention& retention() const { return retention_; }
  const ShardEnd& end() const { return end_; }
  // Those of the keys it was opened with that signed its last checkpoint.
  const std::vector<NoteVerifier>& signed_by() const { return signed_by_; }

  // kRejected where there is none of that index; kFatal for damage.
  Result<StoredEntry> get(std::uint64_t index) const;

 private:
  ClosedLog(TileReader& store, VerifiedCheckpoint checkpoint, Retention retention, ShardEnd end,
            std::vector<NoteVerifier> signed_by)
      : store_(&store),
        checkpoint_(std::move(checkpoint)),
        retention_(std::move(retention)),
        end_(std::move(end)),
        signed_by_(std::move(signed_by)) {}

  TileReader* store_;
  VerifiedCheckpoint checkpoint_;
  Retention retention_;
  ShardEnd end_;
  std::vector<NoteVerifier> signed_by_;
};

// What the stored log says of its neighbours under `checkpoint`: load_shard_links() of a store.
Result<ShardLinks> stored_shard_links(TileReader& store, const VerifiedCheckpoint& checkpoint);

}  // namespace avouch::tlog
