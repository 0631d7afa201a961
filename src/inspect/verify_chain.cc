// That the logs of a release follow one another, without a gap.

#include <algorithm>
#include <iterator>

#include "inspect/verify.h"
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
    const auto links = tlog::load_shard_links(log_, head);
    if (!links.has_value()) {
      if (!disproves(links.error())) return links.error();
      step.parts.push_back(fails("what it says of its neighbours holds", links.error().message));
    } else {
      if (before) step.parts.push_back(prove_predecessor(*links, *before));
      if (!before && from.empty() && links->predecessor) {
        step.parts.push_back(
            untold("the log before it is listed",
                   "its first entry names " + links->predecessor->origin +
                       ", which the controller does not list: archived, or held back"));
      }
      const auto next = std::next(shard);
      const std::string claim = "its last entry closes it, and names the log that follows";
      if (next != shards_.end()) {
        step.parts.push_back(!links->end ? fails(claim, "it is open")
                             : links->end->next == next->origin
                                 ? holds(claim, next->origin)
                                 : fails(claim, "it names " + links->end->next + ", and " +
                                                    next->origin + " is what follows"));
      } else if (links->end) {
        step.parts.push_back(
            untold("its last entry closes it, and the log that follows is listed",
                   links->end->next + " is not listed: it begins within seconds, or is held back"));
      }
    }
    before = head;
    out.parts.push_back(std::move(step));
  }
  return out;
}

}  // namespace avouch::inspect
