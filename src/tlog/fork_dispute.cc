#include "tlog/fork_dispute.h"

#include <algorithm>
#include <utility>

#include "crypto/hash.h"
#include "tlog/client.h"
#include "tlog/log_proof.h"
#include "tlog/misbehaviour.h"

namespace avouch::tlog {
namespace {

bool is_by_any(const NoteSignature& line, const std::vector<NoteVerifier>& keys) {
  return std::any_of(keys.begin(), keys.end(), [&](const NoteVerifier& key) {
    return key.key_id == line.key_id && key.name == line.name;
  });
}

// The note of a verified checkpoint with the lines of its log, and those of witnesses that verify:
// a single one that does not would have the whole dispute refused.
Result<std::string> note_to_send(const VerifiedCheckpoint& at, const ForkDisputeOptions& options) {
  AVOUCH_TRY(const UnverifiedNote note, parse_note_unverified(at.note()));
  std::string out = note.text + "\n";
  for (const NoteSignature& line : note.signatures) {
    if (!is_by_any(line, options.keys)) {
      const auto cosigned =
          verify_cosignatures(UnverifiedNote{note.text, {line}}, options.witnesses);
      if (!cosigned.has_value() || cosigned->empty()) continue;
    }
    out += format_signature_line(line.name, line.key_id, line.signature);
  }
  return out;
}

}  // namespace

ForkDispute::ForkDispute(ForkDisputeOptions options, DisputeTaker& taker)
    : options_(std::move(options)), taker_(taker), wait_(options_.first_wait) {}

void ForkDispute::begin(Proof proof) {
  if (!proof_) proof_ = std::move(proof);
}

bool ForkDispute::is_due(SteadyTime now) const {
  return is_pending() && !is_given_up() && (attempts_ == 0 || now >= next_);
}

Result<EntryReference> ForkDispute::refer_to_last(const VerifiedCheckpoint& at,
                                                  TileReader& reader) const {
  if (at.size() == 0) return rejected("the checkpoint is of no entry");
  AVOUCH_TRY(const IncludedEntry last, fetch_entry(reader, at, at.size() - 1));
  EntryReference out{at.origin(), last.index, last.leaf, ""};
  if (at.origin() == taker_.origin()) return out;  // to its own entries a log needs no proof
  AVOUCH_TRY(std::string note, note_to_send(at, options_));
  out.proof = format_log_proof({std::nullopt, last.index, last.proof, std::move(note)});
  return out;
}

Result<std::vector<Remark>> ForkDispute::make_disputes(TileReader& reader) const {
  AVOUCH_TRY(const Misbehaviour proof, parse_misbehaviour(proof_->text));
  AVOUCH_TRY(const ProvenMisbehaviour proven,
             verify_misbehaviour(proof, options_.keys, options_.origin));
  Remark dispute;
  dispute.kind = RemarkKind::kDispute;
  dispute.text = "this log contradicts itself: its key signed checkpoints of " +
                 std::to_string(proven.older.size()) + " and " +
                 std::to_string(proven.newer.size()) +
                 " entries that are not of one log. The proof is the material: ask whoever sent "
                 "this for it";
  dispute.material = {{std::string(kMisbehaviourType), crypto::sha256(as_bytes(proof_->text))}};
  std::vector<Remark> out;
  std::string why;
  for (const VerifiedCheckpoint* at : {&proven.newer, &proven.older}) {
    auto reference = refer_to_last(*at, reader);
    if (reference.has_value()) {
      dispute.refs = {*std::move(reference)};
      out.push_back(dispute);
    } else {
      why += "; of " + std::to_string(at->size()) + ": " + reference.error().message;
    }
  }
  if (!out.empty()) return out;
  return retryable("what is served proves no entry under either checkpoint" + why);
}

Result<std::uint64_t> ForkDispute::attempt(TileReader& reader, SteadyTime now) {
  ++attempts_;
  next_ = now + wait_;
  wait_ = std::min<std::chrono::milliseconds>(wait_ * 2, kMaxWait);
  // What was sent once is sent again byte by byte, so that it is one entry, whatever became of the
  // answer; and it is there when the log hides again what it showed.
  if (disputes_.empty() || refused_) {
    auto made = make_disputes(reader);
    if (made.has_value()) {
      disputes_ = *std::move(made);
    } else if (disputes_.empty()) {
      return made.error();
    }
  }
  return send();
}

Result<std::uint64_t> ForkDispute::send() {
  refused_ = false;
  std::string why;
  for (const Remark& dispute : disputes_) {
    auto index = taker_.take({proof_->id, dispute});
    if (index.has_value()) {
      entered_ = true;
      return index;
    }
    if (index.error().kind != ErrorKind::kRejected) return index;
    why += (why.empty() ? "" : "; ") + index.error().message;
  }
  refused_ = true;
  return rejected(why);
}

}  // namespace avouch::tlog
