#pragma once

// Following a log as a monitor does, from a stored position on: each new checkpoint must be signed,
// continue the last one, and be the root of the entries that are served; every new entry and tile
// is read and compared, but for those that the log says it has pruned. What is wrong is a Finding,
// and where the log's own signatures prove it, the proof is with it. Pure: reads through a
// TileReader, takes the time.

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "tlog/checkpoint.h"
#include "tlog/edge.h"
#include "tlog/log_policy.h"
#include "tlog/misbehaviour.h"
#include "tlog/store.h"

namespace avouch::tlog {

struct FollowOptions {
  std::string origin;
  std::vector<NoteVerifier> keys;   // any of which signs its checkpoints; at least one
  std::optional<LogPolicy> policy;  // whose quorum must have cosigned; none: not looked at
  // Longest times without growth, and since the quorum's cosignatures. 0: not looked at.
  std::chrono::seconds growth_within{0};
  std::chrono::seconds quorum_within{0};
  // Called for each new entry, in order, before it is known that the checkpoint covers it, and
  // again where a step is repeated; may be empty.
  std::function<void(std::uint64_t index, ByteView entry)> on_entry;
  std::stop_token stop;  // ends a step with kRetryable
};

enum class FindingKind {
  kForked,         // two checkpoints that contradict each other: Finding::proof
  kBadCheckpoint,  // not one of this log's, or not signed by it
  kShrunk,         // an older checkpoint than one that was served before
  kDamaged,        // what is served is not what the checkpoint commits to
  kSilent,         // no growth for too long
  kNotWitnessed,   // no quorum, an old one, or one of the future
  kBrokenChain,  // entries behind the one that closes the log, or a successor that does not follow
  kHeldBack,     // others were shown a checkpoint that cannot be followed here (tlog/sightings.h)
};
std::string_view finding_name(FindingKind kind);

struct Finding {
  FindingKind kind = FindingKind::kDamaged;
  std::string what;
  std::optional<Misbehaviour> proof;
};

struct FollowStep {
  bool advanced = false;              // the position is a newer checkpoint now
  bool closes = false;                // and its last entry closes the log (tlog/shard.h)
  std::uint64_t entries = 0;          // read and compared
  std::uint64_t pruned = 0;           // passed over: not served any more, as the log says; of a
                                      // log that was followed before, a finding too
  std::vector<Finding> findings;      // empty: all is well
  std::vector<Cosignature> cosigned;  // of the checkpoint served, by the policy's witnesses
};

// Follows one log. One owner.
class Follower {
 public:
  // `position`: the note that position() gave before; nothing begins at the first entry. kRejected:
  // no key, or a position that is no checkpoint of this log.
  static Result<Follower> start(FollowOptions options, const std::optional<std::string>& position,
                                SystemTime now);

  // Looks at the log once. The position moves on only to a checkpoint whose entries and tiles were
  // read and fit, but for those that the log says it pruned: these are passed over, and counted in
  // FollowStep::pruned. kRetryable: the reader failed for now (or has no more time,
  // tlog/timed_reader.h); what was read and fits is not read again by the next step, so that a log
  // of any size is followed to its end.
  Result<FollowStep> step(TileReader& reader, SystemTime now);

  // kRejected where it is not of this log's origin, or not signed by one of its keys.
  Result<VerifiedCheckpoint> verify(std::string_view note) const;

  // A checkpoint of this log that somebody else was shown (a witness, another monitor): nothing
  // where it is one that this log had, or a later one that is still to be met. kRetryable as above;
  // kRejected where it is too old: the log says that it pruned what would tell.
  Result<std::optional<Finding>> compare(std::string_view note, TileReader& reader) const;

  // The position's last entry closes the log: nothing more is expected of it, and nothing may come.
  // A step learns that, of a stored position too; or whoever kept it says so.
  //
  // Only a log of ours is closed by an entry, one whose first is a `genesis` of its own: others
  // may take such an entry from anybody. The signature is not checked, as its key is not known
  // here: what a log of ours has under its own name it made itself.
  void close();
  bool is_closed() const { return closed_; }

  // The newest checkpoint that was followed; nothing before the first.
  const std::optional<VerifiedCheckpoint>& position() const { return position_; }
  // What the log served at the last step where that is ahead of the position still.
  const std::optional<VerifiedCheckpoint>& unfollowed() const { return unfollowed_; }
  // How many entries the steps so far have come by: those of the position, or more.
  std::uint64_t read() const;
  SystemTime grown_at() const { return grown_at_; }

 private:
  Follower(FollowOptions options, SystemTime now) : options_(std::move(options)), grown_at_(now) {}

  // A way to a checkpoint, as far as it was gone.
  struct Way {
    RightEdge edge;
    std::uint64_t entries = 0, pruned = 0;
    bool closes = false;             // the last entry closes the log
    std::optional<Finding> skipped;  // entries that nobody has read here: the walk goes on
  };
  struct Walked {
    Way way;
    std::vector<Finding> findings;
  };
  Result<void> look(const VerifiedCheckpoint& served, TileReader& reader, SystemTime now,
                    FollowStep& step);
  // Whether the last entry of a stored position closes the log. kUntold: a finding says why that
  // cannot be told, and the log is not followed on.
  enum class End { kTold, kUntold };
  Result<End> look_at_end(const VerifiedCheckpoint& served, TileReader& reader, FollowStep& out);
  enum class Ending { kNone, kCloses };
  // Of an entry under `to`.
  Result<Ending> ending_of(ByteView entry, const VerifiedCheckpoint& to, TileReader& reader);
  Result<void> load_edge(const VerifiedCheckpoint& served, TileReader& reader);
  Result<Walked> walk(const VerifiedCheckpoint& to, TileReader& reader);
  // Where a walk to `to` begins: where an earlier step ended, if that leads on to it.
  Result<Way> begin(const VerifiedCheckpoint& to, TileReader& reader);
  // The same from the log's minimum index on, where what was missing is below it.
  Result<Walked> walk_above_pruned(Walked walked, const VerifiedCheckpoint& to, TileReader& reader);
  Result<Walked> walk_on(Way way, const VerifiedCheckpoint& to, TileReader& reader);
  Result<Walked> doubt(Walked walked, const VerifiedCheckpoint& to, TileReader& reader) const;
  void look_at_time(const VerifiedCheckpoint* served, SystemTime now, FollowStep& step) const;
  // Proves, if it can be proven, that two checkpoints contradict each other; the tiles that are
  // read are those of the larger one.
  static Result<std::optional<Misbehaviour>> contradiction(const VerifiedCheckpoint& smaller,
                                                           const VerifiedCheckpoint& larger,
                                                           TileReader& reader);

  FollowOptions options_;
  std::optional<VerifiedCheckpoint> position_, unfollowed_;
  RightEdge edge_;  // at the position, or empty where that has not been read from tiles
  Way begun_;       // what steps that failed for now have read and compared, beyond edge_
  SystemTime grown_at_;
  bool closed_ = false;
  bool end_is_known_ = true;     // whether the position's last entry closes the log
  std::optional<bool> is_ours_;  // once it was asked in this step
};

}  // namespace avouch::tlog
