#include "inspect/verify.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>

#include "base/hex.h"
#include "inspect/entry_text.h"
#include "tlog/client.h"
#include "tlog/entry.h"
#include "tlog/hashed_rekord.h"
#include "tlog/retention.h"
#include "tlog/shard_name.h"
#include "tlog/signed_statement.h"

namespace avouch::inspect {

namespace {

// An entry is published within `log.publishWithin`, a second unless somebody set it otherwise.
constexpr std::chrono::seconds kPublishWait{15};
constexpr std::chrono::seconds kPoll{1};

// The origin that a note claims; "" where it claims none.
std::string origin_of(std::string_view note) {
  const auto parsed = tlog::parse_note_unverified(note);
  if (!parsed.has_value()) return "";
  const auto claimed = tlog::parse_checkpoint_unverified(parsed->text);
  return claimed.has_value() ? claimed->origin : "";
}

}  // namespace

Verifier::Verifier(const kube::Client& api, LogAccess& log, const TrustAnchors& anchors,
                   Clock& clock, std::function<void(const std::string&)> progress)
    : api_(api),
      log_(log),
      tiles_(std::in_place, log),
      anchors_(anchors),
      clock_(clock),
      progress_(std::move(progress)) {}

bool Verifier::enter(std::string_view origin) {
  if (origin == anchors_.origin) return true;
  const auto shard = std::find_if(shards_.begin(), shards_.end(),
                                  [&](const auto& each) { return each.origin == origin; });
  if (shard == shards_.end()) return false;
  auto anchors = anchors_for(anchors_, origin);
  if (!anchors.has_value()) return false;
  anchors_ = *std::move(anchors);
  log_.select(*shard);
  tiles_.emplace(log_);
  checkpoint_.reset();
  retention_.reset();
  return true;
}

void Verifier::enter_newest() {
  if (!shards_.empty()) enter(shards_.back().origin);
}

bool Verifier::disproves(const Error& error) const {
  return error.kind == ErrorKind::kRejected && !log_.was_refused();
}

std::string Verifier::checkpoint_note() const { return checkpoint_ ? checkpoint_->note() : ""; }

Result<const tlog::VerifiedCheckpoint*> Verifier::checkpoint() {
  if (!checkpoint_) {
    progress_("reading the log's checkpoint");
    AVOUCH_TRY(checkpoint_, tlog::fetch_checkpoint(log_, anchors_.log_keys, anchors_.origin));
  }
  return &*checkpoint_;
}

bool Verifier::pause(SteadyTime until, const std::string& what) {
  const SteadyTime next = clock_.steady_now() + kPoll;
  if (next > until) return false;
  progress_("waiting for " + what + ", at most " +
            std::to_string((until - next + kPoll) / std::chrono::seconds(1)) + " s");
  std::mutex mutex;
  std::condition_variable never;
  std::unique_lock lock(mutex);
  clock_.wait_until(lock, never, next, [] { return false; });
  return true;
}

Result<const tlog::VerifiedCheckpoint*> Verifier::checkpoint_over(std::uint64_t index) {
  auto latest = checkpoint();
  bool again = true;  // at once: it may have been read a while ago
  while (latest.has_value() && index >= (*latest)->size()) {
    if (!wait_until_) wait_until_ = clock_.steady_now() + kPublishWait;
    if (!again &&
        !pause(*wait_until_, "the checkpoint that covers entry " + std::to_string(index))) {
      break;
    }
    again = false;
    checkpoint_.reset();
    retention_.reset();
    latest = checkpoint();
  }
  return latest;
}

Result<Verifier::Proven> Verifier::prove(std::uint64_t index, const UnverifiedListed* listed) {
  Proven out;
  out.index = index;
  out.step = note("log entry " + std::to_string(index));
  AVOUCH_TRY(std::optional<ProofStep> broken, prove_content(index, listed, out));
  out.sound = !broken;
  if (broken) out.step.parts.push_back(*std::move(broken));
  return out;
}

Result<tlog::IncludedEntry> Verifier::included(const tlog::VerifiedCheckpoint& head,
                                               std::uint64_t index,
                                               const UnverifiedListed* listed) {
  if (listed == nullptr) return tlog::fetch_entry(*tiles_, head, index);
  tlog::IncludedEntry out{.index = index,
                          .entry = listed->statement,
                          .leaf = tlog::leaf_hash(listed->statement),
                          .proof = {}};
  AVOUCH_TRY(out.proof, tlog::fetch_inclusion(*tiles_, head, index, out.leaf));
  return out;
}

Result<std::optional<ProofStep>> Verifier::prove_content(std::uint64_t index,
                                                         const UnverifiedListed* listed,
                                                         Proven& out) {
  const auto broken = [this](std::string claim,
                             const Error& error) -> Result<std::optional<ProofStep>> {
    if (!disproves(error)) return error;
    return std::optional(fails(std::move(claim), error.message));
  };
  const auto latest = checkpoint_over(index);
  if (!latest.has_value()) return broken("checkpoint is signed by the log", latest.error());
  const tlog::VerifiedCheckpoint& head = **latest;
  out.step.parts.push_back(
      holds("checkpoint of " + std::to_string(head.size()) + " entries is signed by the log",
            head.origin()));
  if (index >= head.size()) {
    return std::optional(fails("the entry is in the log",
                               "the checkpoint covers " + std::to_string(head.size()) +
                                   " entries; an entry is published within seconds of being made"));
  }

  progress_("proving entry " + std::to_string(index));
  const auto found = included(head, index, listed);
  if (!found.has_value()) {
    // What is there and wrong is not excused.
    if (!disproves(found.error())) {
      if (auto denied = prove_denied(head, index)) return denied;
    }
    return broken("leaf hash leads to the checkpoint's root", found.error());
  }
  out.leaf = found->leaf;
  out.step.parts.push_back(holds("leaf hash leads to the checkpoint's root over " +
                                     std::to_string(found->proof.size()) + " hashes",
                                 to_hex(found->leaf)));

  if (tlog::begins_as_hashed_rekord(found->entry)) {
    out.kind = tlog::kHashedRekord;
    out.step.claim += ": signature of another party";
    const std::string_view claim = "the key in it has signed the digest in it";
    const auto rekord = tlog::parse_hashed_rekord_unverified(found->entry);
    if (!rekord.has_value()) return broken("it is a hashedrekord", rekord.error());
    const auto key = tlog::verify_hashed_rekord(*rekord);
    if (!key.has_value()) return broken(std::string(claim), key.error());
    out.step.parts.push_back(
        holds(std::string(claim), "sha256:" + to_hex(crypto::sha256(rekord->key))));
    out.step.parts.push_back(note("whose key it is was not checked",
                                  "kubectl avouch export, then verify proof with --issuer-keys"));
    return std::optional<ProofStep>();
  }
  if (const auto other = tlog::statement_of_another(found->entry, anchors_.origin)) {
    out.kind = other->content_type;
    out.subject = other->subject;
    out.step.claim += ": statement of another party";
    out.step.parts.push_back(note("it is a statement of " + other->issuer + " about " +
                                      other->content_type + ", whose signature was not checked",
                                  "kubectl avouch export --format cose, then verify proof with "
                                  "--issuer-keys"));
    return std::optional<ProofStep>();
  }
  const auto statement =
      tlog::verify_statement(found->entry, anchors_.verifier_keys, anchors_.origin);
  if (!statement.has_value()) {
    return broken("statement is signed by the verifier", statement.error());
  }
  out.kind = statement->kind();
  out.subject = statement->subject();
  out.step.parts.push_back(holds("statement is signed by the verifier", statement->kind()));

  if (!log_.reads_content()) {
    out.step.parts.push_back(note("content is withheld", "there is no token to read it with"));
    return std::optional<ProofStep>();
  }
  const std::string_view committed = "content is what the statement commits to";
  const auto content = listed == nullptr ? log_.entry(index) : Result<UnverifiedListed>(*listed);
  if (!content.has_value()) return broken(std::string(committed), content.error());
  if (content->erased_by) {
    out.erased_by = content->erased_by;
    out.is_pruned = content->is_pruned;
    const std::string by = std::to_string(*out.erased_by);
    auto erasure = prove_erasure(out);
    if (!erasure.has_value()) {
      return broken(
          (out.is_pruned ? "content was pruned by entry " : "content was erased by entry ") + by,
          erasure.error());
    }
    out.step.claim += (out.is_pruned ? ": its content was PRUNED by entry "
                                     : ": its content was ERASED by entry ") +
                      by;
    out.step.parts.push_back(*std::move(erasure));
    return std::optional<ProofStep>();
  }
  if (content->preimage.empty()) {
    out.step.parts.push_back(note("content is withheld", content->withheld));
    return std::optional<ProofStep>();
  }
  auto payload = tlog::open_preimage(statement->preimage_digest(), content->preimage);
  if (!payload.has_value()) return broken(std::string(committed), payload.error());
  out.payload = *std::move(payload);
  out.step.parts.push_back(holds(std::string(committed)));
  out.step.claim += ": " + time_of(out.payload) + ", " + summary_of(out.kind, out.payload);
  return std::optional<ProofStep>();
}

std::optional<ProofStep> Verifier::prove_denied(const tlog::VerifiedCheckpoint& head,
                                                std::uint64_t index) {
  const auto retention = tlog::load_retention(log_, head);
  if (!retention.has_value()) {
    if (!disproves(retention.error())) return std::nullopt;
    return fails("what the log says of its retention holds", retention.error().message);
  }
  if (index >= retention->pruning.minimum_index) return std::nullopt;
  return untold("the entry is in the log",
                "it is not served any more: entry " + std::to_string(*retention->pruning_index) +
                    ", which is in the log, says that its minimum index is " +
                    std::to_string(retention->pruning.minimum_index));
}

Result<ProofStep> Verifier::entry(std::uint64_t index) {
  if (const auto head = checkpoint(); head.has_value() && index >= (*head)->size()) {
    return no_entry(index, (*head)->size());
  }
  AVOUCH_TRY(Proven proven, prove(index));
  return std::move(proven.step);
}

Error no_entry(std::uint64_t index, std::uint64_t size) {
  return rejected("there is no entry " + std::to_string(index) +
                  ": the log's newest checkpoint is of " + std::to_string(size) +
                  " entries, from 0 on; kubectl avouch log lists the newest, "
                  "and a new entry is published within seconds");
}

Result<ProofStep> Verifier::log(std::string_view older) {
  const std::string newest = anchors_.origin;
  const std::string of = origin_of(older);
  if (!of.empty() && of != newest && enter(of)) {
    AVOUCH_TRY(ProofStep out, log_since(older));
    AVOUCH_TRY(ProofStep chained, chain(of));
    out.parts.push_back(std::move(chained));
    return out;
  }
  if (of != newest && tlog::label_of(anchors_.issuer(), of)) {
    ProofStep out = note("log " + newest);
    out.parts.push_back(untold("the log only grew since the older checkpoint",
                               "that is of log " + of +
                                   ", which the controller does not list: archived, or held back. "
                                   "Verify it where it is kept"));
    return out;
  }
  AVOUCH_TRY(ProofStep out, log_since(older));
  if (!all_hold(out)) return out;
  AVOUCH_TRY(std::optional<ProofStep> newest_log, prove_newest_log());
  if (newest_log) out.parts.push_back(*std::move(newest_log));
  return out;
}

Result<ProofStep> Verifier::log_since(std::string_view older) {
  ProofStep out = note("log " + anchors_.origin);
  const auto latest = checkpoint();
  if (!latest.has_value()) {
    if (!disproves(latest.error())) return latest.error();
    out.parts.push_back(fails("checkpoint is signed by the log", latest.error().message));
    return out;
  }
  const tlog::VerifiedCheckpoint& head = **latest;
  out.parts.push_back(
      holds("checkpoint of " + std::to_string(head.size()) + " entries is signed by the log",
            "root " + to_hex(head.root())));
  if (older.empty()) return out;

  const auto before = tlog::verify_checkpoint(older, anchors_.log_keys, anchors_.origin);
  if (!before.has_value()) {
    out.parts.push_back(fails("the older checkpoint is signed by the log", before.error().message));
    return out;
  }
  const std::string grown = "the log only grew since the older checkpoint";
  const std::string keep = "; keep both checkpoints: they prove it";
  const std::string span = std::to_string(before->size()) + " to " + std::to_string(head.size());
  if (before->size() > head.size()) {
    out.parts.push_back(fails(grown, "it went from " + span + " entries" + keep));
    return out;
  }
  progress_("proving that the log only grew, from " + span + " entries");
  const auto proof = tlog::fetch_consistency(log_, before->checkpoint(), head);
  if (!proof.has_value() && !disproves(proof.error())) {
    const auto denial = tlog::find_denial(log_, head, before->size());
    if (denial.has_value() && !*denial) return proof.error();
    if (!denial.has_value() && !disproves(denial.error())) return proof.error();
    out.parts.push_back(
        denial.has_value()
            ? untold(grown, "tiles of the " + std::to_string(before->size()) +
                                " entries of then are not served any more: entry " +
                                std::to_string(*(*denial)->pruning_index) +
                                ", which is in the log, says that its minimum index is " +
                                std::to_string((*denial)->pruning.minimum_index) +
                                ". Keep the older checkpoint, and a new one with --save alone")
            : fails("what the log says of its retention holds", denial.error().message));
    return out;
  }
  out.parts.push_back(proof.has_value()
                          ? holds(grown, "from " + span + " entries over " +
                                             std::to_string(proof->size()) + " hashes")
                          : fails(grown, proof.error().message + keep));
  return out;
}

}  // namespace avouch::inspect
