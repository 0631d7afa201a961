#pragma once

// What happens before a log signs anything: the store against its own signed checkpoint, what was
// committed since, and the anchors against both.

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "tlog/builder.h"
#include "tlog/checkpoint.h"
#include "tlog/log.h"
#include "tlog/recent_ids.h"
#include "tlog/retention.h"
#include "tlog/store.h"

namespace avouch::tlog {

struct Opened {
  VerifiedCheckpoint checkpoint;  // published, and known to every anchor
  Builder builder;                // at its size
  std::vector<Record> pending;    // committed since, in order
  Retention retention;            // as entries under the checkpoint say

  // Why this log may not sign: then `checkpoint` is all that there is.
  std::optional<std::string> read_only;
};

struct RecoveryOptions {
  std::string origin;
  bool adopt_missing_anchors = false;
  std::vector<Remembered> remembered;
};

// Opens or creates the log, finishes a publication that was interrupted after an anchor had taken
// it, and brings anchors that are behind up to date. kFatal, before anything is signed or written,
// for all that LogOptions and Log::open say.
Result<Opened> open_stored_log(const RecoveryOptions& options, Store& store,
                               std::span<Anchor* const> anchors,
                               std::span<const NoteSigner> signers);

// After open_stored_log() has refused with `why`: the checkpoint by which the log can still be
// read. Writes nothing. `why` itself where there is none.
Result<Opened> open_to_read(const RecoveryOptions& options, Store& store,
                            std::span<Anchor* const> anchors, std::span<const NoteSigner> signers,
                            const Error& why);

// Puts the ids of the last entries under `checkpoint` into `ids`, oldest first.
// But for those of groups that cannot be read and are to be pruned, as `retention` says.
Result<void> load_recent_ids(const VerifiedCheckpoint& checkpoint, std::uint64_t count,
                             const Retention& retention, TileReader& reader, RecentIds& ids);

// A checkpoint by all of `signers`, checked with their own keys.
Result<VerifiedCheckpoint> sign_checkpoint(const std::string& origin, std::uint64_t size,
                                           const Hash& root, std::span<const NoteSigner> signers);
inline Result<VerifiedCheckpoint> sign_checkpoint(const std::string& origin, std::uint64_t size,
                                                  const Hash& root, const NoteSigner& signer) {
  return sign_checkpoint(origin, size, root, std::span(&signer, 1));
}

}  // namespace avouch::tlog
