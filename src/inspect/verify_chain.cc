// That the logs of a release follow one another, without a gap.

#include <algorithm>
#include <iterator>

#include "inspect/entry_text.h"
#include "inspect/verify.h"
#include "tlog/entry.h"
#include "tlog/shard.h"
#include "tlog/shard_name.h"

namespace avouch::inspect {

// What the log that is read says of the one before it, whose last checkpoint is `before`.
ProofStep Verifier::prove_predecessor(const tlog::ShardLinks& links,
                                      const tlog::VerifiedCheckpoint& before) const {
  const std::string claim =
      "its first entry has the checkpoint with which " + before.origin() + " ended";
  const std::string keep = "; keep both checkpoints: they prove it";
  if (!links.predecessor) return fails(claim, "it names no log before it");
  if (links.predecessor->origin != before.origin()) {
    return fails(claim, "it names " + links.predecessor->origin + " as the log before it");
  }
  const auto keys = tlog::keys_for(before.origin(), anchors_.log_keys);
  if (!keys.has_value()) return fails(claim, keys.error().message);
  const auto named = tlog::verify_checkpoint(links.predecessor->note, *keys, before.origin());
  if (!named.has_value()) return fails(claim, named.error().message);
  if (named->size() != before.size() || named->root() != before.root()) {
    return fails(claim, "it has one of " + std::to_string(named->size()) + " entries, and " +
                            before.origin() + " ends with another one, of " +
                            std::to_string(before.size()) + keep);
  }
  return holds(claim);
}

// What entry `index` of the log that is read says, where it is one of the log's own of that kind;
// nothing, and why not in `untold`, where that cannot be read.
Result<std::optional<codec::Cbor>> Verifier::read_joint(const tlog::VerifiedCheckpoint& head,
                                                        std::uint64_t index, std::string_view kind,
                                                        std::string& untold) {
  const auto nothing = [&](std::string why) -> Result<std::optional<codec::Cbor>> {
    untold = "what entry " + std::to_string(index) + " says cannot be read: " + std::move(why);
    return std::optional<codec::Cbor>();
  };
  const auto found = tlog::fetch_entry(log_, head, index);
  if (!found.has_value()) {
    if (disproves(found.error())) return found.error();
    const auto denied = prove_denied(head, index);
    if (!denied) return found.error();
    if (denied->outcome == Outcome::kFails) return rejected(denied->detail);
    return nothing(denied->detail);
  }
  const auto statement = tlog::parse_statement_unverified(found->entry);
  if (!statement.has_value() || statement->kind != kind || statement->issuer != head.origin()) {
    return std::optional<codec::Cbor>();
  }
  if (!log_.reads_content()) return nothing("there is no token to read it with");
  const auto listed = log_.entry(index);
  if (!listed.has_value()) {
    if (listed.error().kind == ErrorKind::kRetryable) return listed.error();
    return nothing(listed.error().message);
  }
  if (listed->preimage.empty()) return nothing("it is withheld: " + listed->withheld);
  auto payload = tlog::open_preimage(statement->preimage_digest, listed->preimage);
  if (!payload.has_value()) return with_context(std::move(payload).error(), "its content");
  return std::optional(*std::move(payload));
}

// The resource `shard` is the short way, for whoever may not read content: that it says nothing
// proves nothing.
Result<Verifier::Joints> Verifier::joints(const tlog::VerifiedCheckpoint& head, Of of) {
  Joints out;
  AVOUCH_TRY(out.links, tlog::load_shard_links(log_, head));
  if (!out.links.end && head.size() > 0) {
    AVOUCH_TRY(const auto end, read_joint(head, head.size() - 1, tlog::kShardKind, out.end_untold));
    if (end) {
      AVOUCH_TRY(out.links.end, tlog::parse_shard_end(*end, head.origin()));
    }
  }
  const auto label = tlog::label_of(anchors_.issuer(), head.origin());
  const bool is_first_by_name = label && label->empty();
  out.is_begun = is_first_by_name;
  if (of == Of::kEnd || out.links.predecessor || is_first_by_name) return out;
  if (head.size() == 0) {
    out.begin_untold = "it has no entry yet";
    return out;
  }
  AVOUCH_TRY(const auto begin, read_joint(head, 0, tlog::kGenesis, out.begin_untold));
  if (begin && text_of(*begin, "type") == tlog::kPredecessorType) {
    AVOUCH_TRY(out.links.predecessor, tlog::parse_predecessor(*begin, head.origin()));
  }
  out.is_begun = begin.has_value();
  return out;
}

ProofStep Verifier::prove_begin(const Joints& joints,
                                const tlog::VerifiedCheckpoint* before) const {
  if (before != nullptr) {
    if (joints.begin_untold.empty()) return prove_predecessor(joints.links, *before);
    return untold("its first entry has the checkpoint with which " + before->origin() + " ended",
                  joints.begin_untold);
  }
  const std::string claim = "the log before it is listed, or there is none";
  if (!joints.begin_untold.empty()) return untold(claim, joints.begin_untold);
  if (!joints.links.predecessor && !joints.is_begun) {
    return untold(claim, "its first entry is no genesis of this log");
  }
  if (!joints.links.predecessor) return holds(claim, "it is the first");
  return untold(claim, "its first entry names " + joints.links.predecessor->origin +
                           ", which the controller does not list: archived (--from says from "
                           "which log on), or held back");
}

// `next`: the log that is listed behind it, or null.
ProofStep Verifier::prove_end(const Joints& joints, const UnverifiedShard* next) {
  const auto& end = joints.links.end;
  if (next != nullptr) {
    const std::string claim = "its last entry closes it, and names the log that follows";
    if (!joints.end_untold.empty()) return untold(claim, joints.end_untold);
    if (!end) return fails(claim, "it is open");
    if (end->next == next->origin) return holds(claim, next->origin);
    return fails(claim, "it names " + end->next + ", and " + next->origin + " is what follows");
  }
  const std::string claim = "it is the newest log";
  if (!joints.end_untold.empty())
    return untold(claim, "its last entry closes it, and " + joints.end_untold);
  if (!end) return holds(claim, "it is open");
  return untold(claim, "its last entry closes it, and " + end->next +
                           ", which follows, is not listed: it begins within seconds, or is held "
                           "back");
}

Result<std::optional<ProofStep>> Verifier::prove_newest_log() {
  if (shards_.empty() || shards_.back().origin != anchors_.origin) {
    return std::optional<ProofStep>();  // whichever was asked for
  }
  AVOUCH_TRY(const tlog::VerifiedCheckpoint* const head, checkpoint());
  const auto found = joints(*head, Of::kEnd);
  if (found.has_value()) return std::optional(prove_end(*found, nullptr));
  if (!disproves(found.error())) return found.error();
  return std::optional(fails("it is the newest log", found.error().message));
}

Result<ProofStep> Verifier::chain(std::string_view from) {
  ProofStep out = note("logs of " + anchors_.issuer());
  std::optional<tlog::VerifiedCheckpoint> before;
  const auto first = std::find_if(shards_.begin(), shards_.end(),
                                  [&](const auto& each) { return each.origin == from; });
  for (auto shard = from.empty() ? shards_.begin() : first; shard != shards_.end(); ++shard) {
    if (!enter(shard->origin)) {
      out.parts.push_back(fails("log " + shard->origin, "is none of the chain's"));
      return out;
    }
    const auto latest = checkpoint();
    if (!latest.has_value()) {
      if (!disproves(latest.error())) return latest.error();
      out.parts.push_back(fails("checkpoint of log " + shard->origin + " is signed by the log",
                                latest.error().message));
      return out;
    }
    const tlog::VerifiedCheckpoint head = **latest;
    ProofStep step = holds("log " + head.origin() + ": checkpoint of " +
                           std::to_string(head.size()) + " entries is signed by the log");
    // Whoever begins later by choice is told nothing of what was before.
    const bool has_begin = before || from.empty();
    const auto found = joints(head, has_begin ? Of::kBoth : Of::kEnd);
    if (!found.has_value()) {
      if (!disproves(found.error())) return found.error();
      step.parts.push_back(fails("what it says of its neighbours holds", found.error().message));
    } else {
      if (has_begin) step.parts.push_back(prove_begin(*found, before ? &*before : nullptr));
      const auto next = std::next(shard);
      step.parts.push_back(prove_end(*found, next == shards_.end() ? nullptr : &*next));
    }
    before = head;
    out.parts.push_back(std::move(step));
  }
  return out;
}

}  // namespace avouch::inspect
