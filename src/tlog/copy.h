#pragma once

// Moves a log from one store to another, of the same engine or not: everything is held against the
// signed checkpoint where it is read and again where it was put, and only then is the checkpoint
// published there. What is copied: every tile, bundle and preimage, the partial tiles of older
// checkpoints that are still there, the checkpoint as it was signed. Where preimages are read, the
// object that says what was pruned is made anew from the entries: it needs no damage to be wrong,
// as earlier versions forgot a pruning after four changes of the policy.

#include <cstdint>
#include <functional>
#include <span>
#include <string_view>

#include "base/result.h"
#include "tlog/checkpoint.h"
#include "tlog/store.h"

namespace avouch::tlog {

struct CopyOptions {
  // Hold preimages against their entries too (FsckOptions::preimages).
  bool preimages = true;
  // Leave behind what the source has committed and not published: of a log that is read-only, whose
  // writer cannot publish it.
  bool published_only = false;
  // What is being done and how many entries of the log that took in; may be empty.
  std::function<void(std::string_view what, std::uint64_t entries)> progress;
};

struct CopyReport {
  std::uint64_t entries = 0;             // in the log
  std::uint64_t had = 0;                 // of them under the target's checkpoint before
  std::uint64_t objects = 0, bytes = 0;  // put
  std::uint64_t left = 0;                // entries of the source that were not published
  std::uint64_t lost = 0;                // contents that neither has (FsckReport::lost)
};

// Both stores have just been opened, so that nobody else writes to either. `from` is not changed.
// A copy that was interrupted is made whole by another. kRejected: no checkpoint of these keys and
// this origin; entries that are committed and not published, unless they may be left; damage but
// for lost content (FsckReport::lost), with its place; a target that holds another log, a longer
// one, or entries that were never published. Errors of the stores, kFatal where either failed for
// good; nothing is published then.
Result<CopyReport> copy_log(Store& from, Store& to, std::span<const NoteVerifier> log_keys,
                            std::string_view origin, const CopyOptions& options);

}  // namespace avouch::tlog
