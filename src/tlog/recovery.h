#pragma once

// What happens before a log signs anything: the store against its own signed checkpoint, what was
// committed since, and the anchors against both.

#include <string_view>
#include <vector>

#include "base/result.h"
#include "tlog/builder.h"
#include "tlog/checkpoint.h"
#include "tlog/recent_ids.h"
#include "tlog/store.h"

namespace avouch::tlog {

struct Opened {
  VerifiedCheckpoint checkpoint;  // published, and known to every anchor
  Builder builder;                // at its size
  std::vector<Record> pending;    // committed since, in order
};

struct RecoveryOptions {
  std::string origin;
  bool adopt_missing_anchors = false;
};

// Opens or creates the log, finishes a publication that was interrupted after an anchor had taken
// it, and brings anchors that are behind up to date. kFatal, before anything is signed or written,
// for all that LogOptions and Log::open say.
Result<Opened> open_stored_log(const RecoveryOptions& options, Store& store,
                               std::span<Anchor* const> anchors, const NoteSigner& signer);

// Puts the ids of the last entries under `checkpoint` into `ids`, oldest first.
Result<void> load_recent_ids(const VerifiedCheckpoint& checkpoint, std::uint64_t count,
                             TileReader& reader, RecentIds& ids);

// A checkpoint by `signer`, checked with its own key.
Result<VerifiedCheckpoint> sign_checkpoint(const std::string& origin, std::uint64_t size,
                                           const Hash& root, const NoteSigner& signer);

}  // namespace avouch::tlog
