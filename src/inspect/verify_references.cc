// Chains of references between entries: what an entry refers to, and what refers to it.

#include <algorithm>
#include <set>
#include <utility>

#include "inspect/entry_text.h"
#include "inspect/verify.h"
#include "tlog/entry.h"
#include "tlog/reference_proof.h"
#include "tlog/retention.h"

namespace avouch::inspect {
namespace {

std::string place_of(const tlog::EntryReference& reference) {
  return "entry " + std::to_string(reference.index) + " of log " + reference.origin;
}

// Why the entry at `own_index`, of `kind`, does not refer to that entry of its log, or "".
std::string misses(std::string_view kind, const codec::Cbor& payload, std::uint64_t own_index,
                   const tlog::EntryReference& wanted) {
  const auto remark_kind = tlog::remark_kind(kind);
  if (!remark_kind) return "it is no remark";
  const auto read = tlog::parse_remark(*remark_kind, payload, wanted.origin, own_index);
  if (!read.has_value()) return read.error().message;
  std::vector<tlog::EntryReference> all = read->remark.refs;
  if (read->remark.replacement) all.push_back(*read->remark.replacement);
  const auto found = std::find_if(all.begin(), all.end(), [&](const auto& each) {
    return each.origin == wanted.origin && each.index == wanted.index;
  });
  if (found == all.end()) return "it refers to other entries only";
  return found->leaf == wanted.leaf ? "" : "it refers to another entry at that index";
}

// Why the pruning at `own_index` leaves the content of that entry, or "".
std::string spares(const codec::Cbor& payload, std::uint64_t own_index, std::uint64_t index,
                   std::string_view kind) {
  const auto pruning = tlog::parse_pruning(payload, own_index);
  if (!pruning.has_value()) return pruning.error().message;
  if (!tlog::may_lose_content(kind)) {
    return "content of kind \"" + std::string(kind) + "\" is never pruned";
  }
  if (index < pruning->content_from) return "";
  return "it keeps content from entry " + std::to_string(pruning->content_from) + " on";
}

// Of another log: by the proof that the remark carries.
ProofStep foreign_reference(const tlog::EntryReference& reference, const std::string& word,
                            const tlog::LogPolicy* other_logs) {
  const std::string claim = word + " " + place_of(reference);
  const bool is_known =
      other_logs != nullptr &&
      std::any_of(other_logs->logs().begin(), other_logs->logs().end(),
                  [&](const auto& log) { return log.key.name == reference.origin; });
  if (!is_known) {
    return note(claim,
                "its proof leads to the root of a checkpoint, of which it was not checked who "
                "signed it; name that log's key by --log-policy");
  }
  const auto verified = tlog::verify_foreign_reference(reference, *other_logs);
  return verified.has_value() ? holds(claim, "its proof leads to a checkpoint by a key of that log")
                              : fails(claim, verified.error().message);
}

}  // namespace

Result<ProofStep> Verifier::prove_erasure(const Proven& proven) {
  const std::uint64_t index = proven.index, by = *proven.erased_by;
  if (by <= index) return rejected("it is not later than entry " + std::to_string(index));
  AVOUCH_TRY(const UnverifiedListed listed, log_.entry(by));
  if (listed.erased_by) return rejected("its own content was erased, which no log does");
  AVOUCH_TRY(Proven erasure, prove(by, &listed));
  ProofStep out = std::move(erasure.step);
  out.claim = (proven.is_pruned ? "pruned by " : "erased by ") + out.claim;
  if (!erasure.sound) return out;
  const std::string_view kind = proven.is_pruned ? tlog::kPruningKind : tlog::kErasureKind;
  if (erasure.kind != kind) return rejected("it is of kind " + erasure.kind);
  const std::string refers = proven.is_pruned
                                 ? "it prunes content of entry " + std::to_string(index)
                                 : "it refers to entry " + std::to_string(index);
  if (erasure.payload.is_null()) {
    out.parts.push_back(untold(refers, "the controller says so; its content was not read"));
    return out;
  }
  const std::string wrong = proven.is_pruned ? spares(erasure.payload, by, index, proven.kind)
                                             : misses(erasure.kind, erasure.payload, by,
                                                      {anchors_.origin, index, proven.leaf, ""});
  if (!wrong.empty()) return rejected(wrong);
  if (proven.is_pruned) AVOUCH_CHECK(expect_pruned(index));
  out.parts.push_back(holds(refers));
  return out;
}

// No boundary is ever moved back: what was pruned is below the one that is in force now, which a
// policy of the log allows. An entry that only looks like a pruning moves none.
Result<void> Verifier::expect_pruned(std::uint64_t index) {
  AVOUCH_TRY(const tlog::VerifiedCheckpoint* const head, checkpoint());
  if (!retention_) {
    AVOUCH_TRY(retention_, tlog::load_retention(log_, *head));
  }
  if (index < retention_->pruning.content_from) return {};
  return rejected("what the log says of its retention keeps content from entry " +
                  std::to_string(retention_->pruning.content_from) + " on");
}

struct Verifier::Chain {
  const ChainBounds& bounds;
  const tlog::LogPolicy* other_logs;
  std::set<std::uint64_t> shown;

  // Whether one more entry of this log is shown; else `out` says why not.
  bool enter(std::uint64_t index, int depth, const std::string& claim, ProofStep& out) {
    if (shown.contains(index)) {
      out = note(claim, "shown above");
    } else if (depth <= 0) {
      out = note(claim, "not followed further; --depth says how far");
    } else if (shown.size() >= static_cast<std::size_t>(bounds.entries)) {
      out = note(claim, "not followed: " + std::to_string(bounds.entries) + " entries are shown");
    } else {
      shown.insert(index);
      return true;
    }
    return false;
  }
};

Result<ProofStep> Verifier::references(std::uint64_t index, const ChainBounds& bounds,
                                       const tlog::LogPolicy* other_logs) {
  if (const auto head = checkpoint(); head.has_value() && index >= (*head)->size()) {
    return no_entry(index, (*head)->size());
  }
  AVOUCH_TRY(Proven proven, prove(index));
  Chain chain{bounds, other_logs, {index}};
  if (!proven.sound) return std::move(proven.step);
  AVOUCH_CHECK(follow_references(index, proven, bounds.depth, chain, proven.step));
  AVOUCH_CHECK(follow_back(index, proven.leaf, bounds.depth, chain, proven.step));
  return std::move(proven.step);
}

Result<void> Verifier::follow_references(std::uint64_t index, const Proven& from, int depth,
                                         Chain& chain, ProofStep& out) {
  const auto kind = tlog::remark_kind(from.kind);
  if (!kind || from.payload.is_null()) return {};
  // Refuses a reference to itself or to a later entry: what is followed has an end.
  const auto remark = tlog::parse_remark(*kind, from.payload, anchors_.origin, index);
  if (!remark.has_value()) {
    out.parts.push_back(fails("it is a remark as this program knows them", remark.error().message));
    return {};
  }
  for (const tlog::EntryReference& reference : remark->remark.refs) {
    AVOUCH_TRY(ProofStep step, prove_reference(reference, "refers to", depth, chain));
    out.parts.push_back(std::move(step));
  }
  if (!remark->remark.replacement) return {};
  AVOUCH_TRY(ProofStep step,
             prove_reference(*remark->remark.replacement, "puts in its place", depth, chain));
  out.parts.push_back(std::move(step));
  return {};
}

Result<ProofStep> Verifier::prove_reference(const tlog::EntryReference& reference,
                                            const std::string& word, int depth, Chain& chain) {
  if (reference.origin != anchors_.origin) {
    return foreign_reference(reference, word, chain.other_logs);
  }
  ProofStep out;
  const std::string claim = word + " entry " + std::to_string(reference.index);
  if (!chain.enter(reference.index, depth, claim, out)) return out;
  AVOUCH_TRY(Proven proven, prove(reference.index));
  out = std::move(proven.step);
  out.claim = word + " " + out.claim;
  if (!proven.sound) return out;
  const std::string same = "it is the entry that was referred to";
  if (proven.leaf != reference.leaf) {
    out.parts.push_back(fails(same, "its leaf hash is another"));
    return out;
  }
  out.parts.push_back(holds(same));
  AVOUCH_CHECK(follow_references(reference.index, proven, depth - 1, chain, out));
  return out;
}

Result<void> Verifier::follow_back(std::uint64_t index, const tlog::Hash& leaf, int depth,
                                   Chain& chain, ProofStep& out) {
  if (!log_.reads_content()) return {};
  progress_("looking for entries that refer to entry " + std::to_string(index));
  const auto listed = log_.list("refersTo=" + std::to_string(index), 100);
  if (!listed.has_value()) {
    if (listed.error().kind != ErrorKind::kRejected) return listed.error();
    out.parts.push_back(note("entries that refer to it are not shown", listed.error().message));
    return {};
  }
  if (listed->from > index + 1) {
    out.parts.push_back(
        note("which entries refer to it is the controller's word",
             "and it has looked no further back than to entry " + std::to_string(listed->from)));
  }
  for (auto each = listed->entries.rbegin(); each != listed->entries.rend(); ++each) {
    ProofStep step;
    const std::string claim = "is referred to by entry " + std::to_string(each->index);
    if (each->index <= index) {
      out.parts.push_back(fails(claim, "which is not later than this one"));
      continue;
    }
    if (!chain.enter(each->index, depth, claim, step)) {
      out.parts.push_back(std::move(step));
      continue;
    }
    AVOUCH_TRY(Proven proven, prove(each->index));
    step = std::move(proven.step);
    step.claim = "is referred to by " + step.claim;
    if (proven.sound) {
      const std::string refers = "it refers to entry " + std::to_string(index);
      if (proven.payload.is_null()) {
        step.parts.push_back(note(refers, "the controller says so; its content was not read"));
      } else if (const std::string wrong = misses(proven.kind, proven.payload, each->index,
                                                  {anchors_.origin, index, leaf, ""});
                 !wrong.empty()) {
        step.parts.push_back(fails(refers, wrong));
      } else {
        step.parts.push_back(holds(refers));
        AVOUCH_CHECK(follow_back(each->index, proven.leaf, depth - 1, chain, step));
      }
    }
    out.parts.push_back(std::move(step));
  }
  return {};
}

}  // namespace avouch::inspect
