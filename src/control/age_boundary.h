#pragma once

// How far from its begin a log is older than some time. By the log's own clock, which is that of
// its controllers: each epoch entry says when it was made, and the log's key signed it. What other
// entries say of their time is others' word (a webhook's spool, another party) or not there.

#include <algorithm>
#include <cstdint>
#include <optional>

#include "base/clock.h"
#include "tlog/tile.h"

namespace avouch::control {

// Pure; one owner.
class AgeBoundary {
 public:
  // All below `from` is known to be old. Old is what was sequenced at `cutoff` or before.
  AgeBoundary(std::uint64_t from, SystemTime cutoff) : old_below_(from), cutoff_(cutoff) {}

  // Takes the next epoch entry, in the order of the log. False where it is not old: then nothing
  // behind it is either, whatever later ones say, whose clock may have been wrong.
  //
  // An epoch is made only when the one before it has been sequenced: what is old by its time is
  // that one, with all before it.
  bool add(std::uint64_t index, SystemTime time) {
    if (time > cutoff_) return false;
    if (last_) old_below_ = std::max(old_below_, *last_ + 1);
    last_ = index;
    return true;
  }

  // The greatest multiple of 256 that is at most `limit`, with nothing but old entries below.
  std::uint64_t boundary(std::uint64_t limit) const {
    const std::uint64_t below = std::min(old_below_, limit);
    return below - below % tlog::kTileWidth;
  }

 private:
  std::uint64_t old_below_;
  const SystemTime cutoff_;
  std::optional<std::uint64_t> last_;
};

}  // namespace avouch::control
