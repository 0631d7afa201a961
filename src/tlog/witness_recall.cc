#include "tlog/witness_recall.h"

#include <algorithm>
#include <thread>
#include <utility>

#include "base/hex.h"
#include "crypto/hash.h"
#include "tlog/tree.h"
#include "tlog/witness.h"

namespace avouch::tlog {
namespace {

using OutcomeKind = WitnessOutcome::Kind;

// Nothing in it: it has answered, and remembers no more than is stored.
struct Answer {
  std::optional<VerifiedCheckpoint> shown;
  std::optional<std::string> silent;  // why
  bool claims = false;                // `silent` is what it says, and shows nothing for
};

Answer silent(std::string why) { return {.shown = {}, .silent = std::move(why), .claims = false}; }

bool has_line_of(const UnverifiedNote& note, const CosignerKey& key) {
  const auto lines = verify_cosignatures(note, std::span(&key, 1));
  return lines.has_value() && !lines->empty();
}

// The text of what was kept, where it is of this log. A witness' own line vouches for it, whichever
// key of the log has signed it.
struct Kept {
  UnverifiedNote note;
  std::uint64_t size = 0;
};
std::optional<Kept> kept_of(const RecallOptions& options) {
  if (!options.kept) return std::nullopt;
  auto note = parse_note_unverified(*options.kept);
  if (!note.has_value()) return std::nullopt;
  const auto checkpoint = parse_checkpoint_unverified(note->text);
  if (!checkpoint.has_value() || checkpoint->origin != options.empty.origin()) return std::nullopt;
  return Kept{*std::move(note), checkpoint->size};
}

// Whether the store can not be the log of which that is a checkpoint, whatever it has committed.
bool contradicts(const VerifiedCheckpoint& known, const RecallOptions& options) {
  if (!options.stored) return known.size() > 0;
  if (known.size() > options.stored->size()) return false;
  if (known.size() == options.stored->size()) return known.root() != options.stored->root();
  if (!options.nodes) return false;
  const auto own = make_root(known.size(), options.nodes);
  return own.has_value() && *own != known.root();
}

// One witness, asked.
class Question {
 public:
  // `least`: the size that it has cosigned, as far as is known here.
  Question(const WitnessToRecall& witness, const RecallOptions& options, std::uint64_t least)
      : witness_(witness), options_(options), least_(least) {}

  Answer ask(const std::stop_token& stop) {
    const std::string digest = to_hex(crypto::sha256(as_bytes(sent_.origin())));
    const auto reply = witness_.exchange->checkpoint(digest, stop);
    if (!reply.has_value()) return silent(reply.error().message);
    why_ = "HTTP status " + std::to_string(reply->status);
    auto shown = reply->status == 200 ? read(reply->body) : std::nullopt;
    // A copy that somebody else has kept for it may be old: only more than is stored tells enough.
    if (shown && shown->size() > sent_.size())
      return {.shown = std::move(shown), .silent = {}, .claims = false};
    Answer told = ask_for_size(reply->status, stop);
    told.shown = std::move(shown);
    return told;
  }

 private:
  std::optional<VerifiedCheckpoint> read(const std::string& body) {
    auto shown = verify_checkpoint(body, options_.log_keys, sent_.origin());
    const auto note = parse_note_unverified(body);
    if (!shown.has_value()) {
      why_ = shown.error().message;
    } else if (!note.has_value() || !has_line_of(*note, witness_.key)) {
      why_ = "shows a checkpoint without a line by its key " + witness_.key.name;
    } else {
      return std::move(shown).value();
    }
    return std::nullopt;
  }

  // The stored checkpoint with its own size as the one to start from: nobody cosigns it who has not
  // cosigned it before, and who has another one says which (409). So asking changes nothing, or no
  // more than that an empty log is known.
  Answer ask_for_size(int shown_status, const std::stop_token& stop) {
    const std::uint64_t stored = sent_.size();
    const std::string body = format_add_checkpoint({stored, {}, sent_.note()});
    const auto told = witness_.exchange->add_checkpoint(body, stop);
    if (!told.has_value()) return silent(told.error().message);
    const auto size = told->status == 409 && told->content_type == kTlogSizeType
                          ? parse_size_body(told->body)
                          : std::nullopt;
    if (size && *size > stored) {
      return claims("says that it has cosigned this log at size " + std::to_string(*size) +
                    ", which has published no more than " + std::to_string(stored));
    }
    if ((size && *size == stored && stored > 0) || told->status == 422) {
      return claims("says that it has cosigned another checkpoint of this log at size " +
                    std::to_string(stored));
    }
    if (size) return has(*size);
    const WitnessOutcome said = WitnessProgress(witness_.key).take(sent_, *told, stored);
    if (said.kind == OutcomeKind::kCosigned) return has(stored);
    // Not every witness takes one without entries.
    const bool is_refused = told->status == 404 || (stored == 0 && told->status == 400);
    if (shown_status == 404 && is_refused) return has(0);
    return silent(why_ + (said.why.empty() ? "" : "; " + said.why));
  }

  // A status alone is anybody's who answers in its name, and proves nothing.
  static Answer claims(std::string what) {
    return {.shown = {}, .silent = std::move(what), .claims = true};
  }
  // It says that it remembers so much of this log.
  Answer has(std::uint64_t size) const {
    if (size >= least_) return {};
    return silent(why_ + "; it says that it knows " +
                  (size == 0 ? "nothing" : "size " + std::to_string(size)) +
                  " of this log, but has cosigned size " + std::to_string(least_) +
                  ": it has lost its state, or this is another's answer (a proxy's)");
  }

  const WitnessToRecall& witness_;
  const RecallOptions& options_;
  const VerifiedCheckpoint& sent_ = options_.stored ? *options_.stored : options_.empty;
  const std::uint64_t least_;
  std::string why_;
};

}  // namespace

Result<Recalled> recall(const RecallOptions& options, const LogPolicy& policy,
                        std::span<const WitnessToRecall> witnesses, const std::stop_token& stop) {
  const std::optional<Kept> kept = kept_of(options);
  std::vector<Answer> answers(witnesses.size());
  {
    std::vector<std::jthread> threads;
    for (std::size_t i = 0; i < witnesses.size(); ++i) {
      threads.emplace_back([&, i] {
        const bool has_cosigned = kept && has_line_of(kept->note, witnesses[i].key);
        // A log without entries has been cosigned as well.
        const std::uint64_t least = has_cosigned ? std::max<std::uint64_t>(kept->size, 1) : 0;
        answers[i] = Question(witnesses[i], options, least).ask(stop);
      });
    }
  }
  if (stop.stop_requested()) return retryable("log witnesses: stopped");
  Recalled out;
  std::vector<std::string> answered, unheard;
  std::string reasons;
  for (std::size_t i = 0; i < witnesses.size(); ++i) {
    const std::string& name = witnesses[i].name;
    Answer& answer = answers[i];
    if (answer.claims) out.claims.push_back({name, *answer.silent});
    (answer.silent ? unheard : answered).push_back(name);
    if (answer.silent) reasons += (reasons.empty() ? "" : "; ") + name + ": " + *answer.silent;
    if (answer.shown) out.remembered.push_back({"witness " + name, *std::move(answer.shown)});
  }
  if (options.kept) {
    auto known = verify_checkpoint(*options.kept, options.log_keys, options.empty.origin());
    if (known.has_value()) {
      out.remembered.push_back({"the witnessed checkpoint that was kept", *std::move(known)});
    }
  }
  const bool is_proven =
      std::any_of(out.remembered.begin(), out.remembered.end(),
                  [&](const Remembered& each) { return contradicts(each.checkpoint, options); });
  // Whoever is silent changes nothing of a proof: such a log is not signed again.
  if (is_proven || !policy.needs_witnesses()) return out;
  if (!policy.is_quorum(answered)) {
    out.missing = "no quorum of witnesses says what it remembers of this log: " + reasons;
  } else if (policy.is_quorum(unheard)) {
    out.missing =
        "witnesses that are a quorum by themselves do not say what they remember of this "
        "log: " +
        reasons;
  }
  return out;
}

}  // namespace avouch::tlog
