#pragma once

// What others were shown of a log that is followed: checkpoints by witnesses, by other monitors,
// and those that the log served itself but that could not be followed. One that is ahead of the
// position is kept until the position has come by, and compared then: a log cannot escape the
// comparison by showing others a little more, nor by showing us nothing. Pure.
//
// Nor by pruning what would tell. A log says itself what it pruned, and may say so of entries that
// are seconds old; its policies say 24 hours or more (RetentionPolicy::kLeast). So a checkpoint
// that cannot be compared is let go as too old only where somebody else than the log has known it
// for as long: the witness, by the time of its own line; or the monitor, which saw it, or had
// followed all that has to be pruned for it, so long ago.

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "tlog/followed_sizes.h"
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
    // Why it is not compared, said once: it is too old for it.
    std::optional<std::string> too_old;
    // One that cannot be compared and is not old enough for it: a fork would look like that. It is
    // a finding too, said once here: whoever keeps the note goes on saying it.
    std::optional<std::string> untold;
  };

  // `by` (few names: each has one checkpoint kept) was shown `note`; nothing where it is not known
  // what it was shown lately. `cosigned`: when, as a line by its own key says, which the caller has
  // verified.
  Compared take(const std::string& by, const std::optional<std::string>& note,
                const Follower& follower, TileReader& reader, SystemTime now,
                const std::optional<SystemTime>& cosigned = std::nullopt);

  // The log is being read, and there is more of it than one look takes: what is ahead is not late
  // for that.
  void still_reading(SystemTime now);

  // What had been followed when, for whoever notes and keeps it. Forgotten, fewer checkpoints are
  // too old.
  FollowedSizes& followed() { return followed_; }

 private:
  struct Ahead {
    VerifiedCheckpoint seen;
    SystemTime since, from;  // `from`: of the time after which it is late
  };
  // Nothing more is said of a note that was compared once, is too old for it, or untold: the
  // position only grows from there. `known`: when somebody knew it already.
  void compare(const std::string& by, const VerifiedCheckpoint& seen, const Follower& follower,
               TileReader& reader, SystemTime now, const std::optional<SystemTime>& known,
               Compared& out);

  const std::chrono::seconds shown_within_;
  FollowedSizes followed_;
  std::map<std::string, Ahead> ahead_;          // the oldest of each that was not compared
  std::map<std::string, Checkpoint> compared_;  // the last of each of which nothing more is said
};

}  // namespace avouch::tlog
