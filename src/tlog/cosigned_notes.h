#pragma once

// A log's own checkpoints with the cosignatures that have come for them, and the newest one that a
// quorum of the policy has cosigned.
//
// Two things are served, as each reader needs the other one:
//
//   published  the newest checkpoint that the log signed, with the lines that have come for it so
//              far. It never waits for a witness: beacons, and readers of an entry that was just
//              made, need it within a second.
//   witnessed  the newest checkpoint with a quorum. It is older by the time that witnesses take,
//              and is what a client with a policy can accept at any moment.

#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "tlog/checkpoint.h"
#include "tlog/log_policy.h"

namespace avouch::tlog {

struct WitnessedNote {
  std::string note;           // the log's lines, then the witnesses' in the order of the policy
  std::uint64_t size = 0;     // of the checkpoint
  std::uint64_t seconds = 0;  // since 1970: LogPolicy::quorum_time, but not after it came
};

// Thread-safe.
class CosignedNotes {
 public:
  explicit CosignedNotes(LogPolicy policy) : policy_(std::move(policy)) {}

  const LogPolicy& policy() const { return policy_; }

  // The witnessed note of an earlier process, signed by one of `log_keys`. kRejected, and nothing
  // is taken: another log than that of `published`, larger than it, no quorum (any more: the policy
  // may have changed).
  Result<void> restore(std::string_view note, std::span<const NoteVerifier> log_keys,
                       const Checkpoint& published, SystemTime now);

  // Witnesses are about to be asked for this checkpoint. Of the newest eight, lines are taken.
  void ask_for(const VerifiedCheckpoint& checkpoint);

  // A verified line by `key` of the checkpoint with this note; a newer one of a key takes the place
  // of the older. Returns the witnessed note if it is another one now: there is a quorum, and the
  // one before is not larger, and not of a newer time at the same size.
  std::optional<WitnessedNote> add(const std::string& note, const CosignerKey& key,
                                   const std::string& line, std::uint64_t seconds);

  // `note`, as the log signed it, with the lines that have come for it.
  std::string with_cosignatures(const std::string& note) const;

  std::optional<WitnessedNote> witnessed() const;

 private:
  struct Line {
    std::string text;
    Cosignature cosignature;
  };
  struct Asked {
    std::string note;
    std::uint64_t size = 0;
    std::map<std::size_t, Line> lines;  // by the witness' place in the policy
  };
  std::string cosigned(const Asked& asked) const;

  const LogPolicy policy_;
  mutable std::mutex mutex_;
  std::deque<Asked> asked_;  // oldest first
  std::optional<WitnessedNote> witnessed_;
};

}  // namespace avouch::tlog
