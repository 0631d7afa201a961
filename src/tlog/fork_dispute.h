#pragma once

// What a monitor has to say, in a log of another name or of the same, about a log that contradicted
// itself: a dispute (FORMAT.md, 'Remark') of the last entry under a checkpoint that convicts it.
// The reference carries that checkpoint, the material names the proof of misbehaviour by its
// digest. Pure: reads through a TileReader, sends through a seam, takes the time.

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "tlog/checkpoint.h"
#include "tlog/cosignature.h"
#include "tlog/note.h"
#include "tlog/remark.h"
#include "tlog/store.h"

namespace avouch::tlog {

// As what a dispute names a proof of misbehaviour (misbehaviour.h).
inline constexpr std::string_view kMisbehaviourType = "application/vnd.avouch.log-misbehaviour";

// A log that takes disputes.
class DisputeTaker {
 public:
  virtual ~DisputeTaker() = default;
  virtual const std::string& origin() const = 0;
  // The index of the entry that it became; of the same request again, the same. kRejected: it was
  // refused, and why; kRetryable: it was put off, or nobody answered.
  virtual Result<std::uint64_t> take(const RemarkRequest& dispute) = 0;
};

struct ForkDisputeOptions {
  std::string origin;                            // of the log that is followed
  std::vector<NoteVerifier> keys;                // of it
  std::vector<CosignerKey> witnesses;            // whose cosignatures go with the checkpoint
  std::chrono::milliseconds first_wait{10'000};  // between the first two attempts
};

// The dispute of one log. One owner.
class ForkDispute {
 public:
  static constexpr int kMaxAttempts = 100;          // in some four days
  static constexpr std::chrono::hours kMaxWait{1};  // after each the wait doubles up to this

  // `taker` outlives it.
  ForkDispute(ForkDisputeOptions options, DisputeTaker& taker);

  struct Proof {
    std::string id;    // as RemarkRequest::id
    std::string text;  // as format_misbehaviour() makes it
  };
  // The first proof is what is disputed: others change nothing.
  void begin(Proof proof);

  // There is a proof, and no entry yet.
  bool is_pending() const { return proof_ && !entered_; }
  bool is_given_up() const { return is_pending() && attempts_ >= kMaxAttempts; }
  bool is_due(SteadyTime now) const;

  // One attempt: the entry's index. `reader`: the log that is followed; the dispute is made from
  // what it serves once, and kept. kRetryable: no entry under either checkpoint is served with a
  // proof, or as DisputeTaker; kRejected: as DisputeTaker, of each dispute that could be made; or
  // the proof proves nothing.
  Result<std::uint64_t> attempt(TileReader& reader, SteadyTime now);

  const std::string& id() const { return proof_->id; }  // once begun

 private:
  Result<EntryReference> refer_to_last(const VerifiedCheckpoint& at, TileReader& reader) const;
  Result<std::vector<Remark>> make_disputes(TileReader& reader) const;
  Result<std::uint64_t> send();

  const ForkDisputeOptions options_;
  DisputeTaker& taker_;
  std::optional<Proof> proof_;
  std::vector<Remark> disputes_;  // any of which will do, the best first
  bool refused_ = false;          // all of them
  bool entered_ = false;
  int attempts_ = 0;
  std::chrono::milliseconds wait_;
  SteadyTime next_{};
};

}  // namespace avouch::tlog
