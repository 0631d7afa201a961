#pragma once

// What this process itself knows of the log that it writes, over the leaders that follow one
// another in it: no store that is put back beside it takes that back. It knows nothing of what was
// before its own time.

#include <mutex>
#include <optional>
#include <utility>

#include "tlog/checkpoint.h"

namespace avouch::controller {

// Thread-safe.
class WrittenLog {
 public:
  // A log that was open, not closed, when this process took it up to write it.
  void begin(tlog::VerifiedCheckpoint newest) {
    const std::lock_guard lock(mutex_);
    const bool is_known = newest_ && newest_->origin() == newest.origin();
    if (!is_known || newest_->size() <= newest.size()) newest_ = std::move(newest);
  }
  // What was published; of a log that was not begun here it counts for nothing.
  void published(const tlog::VerifiedCheckpoint& checkpoint) {
    const std::lock_guard lock(mutex_);
    if (newest_ && newest_->origin() == checkpoint.origin()) newest_ = checkpoint;
  }
  // The newest checkpoint of the log that was begun last. Nothing: there was none.
  std::optional<tlog::VerifiedCheckpoint> newest() const {
    const std::lock_guard lock(mutex_);
    return newest_;
  }

 private:
  mutable std::mutex mutex_;
  std::optional<tlog::VerifiedCheckpoint> newest_;
};

}  // namespace avouch::controller
