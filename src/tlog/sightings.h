#pragma once

// What others were shown of a log that is followed: checkpoints by witnesses, by other monitors,
// and those that the log served itself but that could not be followed. One that is ahead of the
// position is kept until the position has come by, and compared then: a log cannot escape the
// comparison by showing others a little more, nor by showing us nothing. Pure.

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "tlog/follower.h"

namespace avouch::tlog {

// One owner.
class Sightings {
 public:
  // `shown_within`: the longest time that a checkpoint may be ahead of the position. 0: not looked
  // at.
  explicit Sightings(std::chrono::seconds shown_within) : shown_within_(shown_within) {}

  struct Compared {
    std::vector<Finding> findings;
    std::optional<Error> failed;  // the log's tiles could not be read for now: asked again
    // Why it is not compared, said once: it is too old for it (Follower::compare).
    std::optional<std::string> too_old;
  };

  // `by` (few names: each has one checkpoint kept) was shown `note`; nothing where it is not known
  // what it was shown lately.
  Compared take(const std::string& by, const std::optional<std::string>& note,
                const Follower& follower, TileReader& reader, SystemTime now);

 private:
  struct Ahead {
    VerifiedCheckpoint seen;
    SystemTime since;
  };
  // Nothing more is said of a note that was compared once, or is too old for it: the position only
  // grows from there.
  void compare(const std::string& by, const VerifiedCheckpoint& seen, const Follower& follower,
               TileReader& reader, Compared& out);

  const std::chrono::seconds shown_within_;
  std::map<std::string, Ahead> ahead_;          // the oldest of each that was not compared
  std::map<std::string, Checkpoint> compared_;  // the last of each that held, or was too old
};

}  // namespace avouch::tlog
