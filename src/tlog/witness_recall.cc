#include "tlog/witness_recall.h"

#include <thread>
#include <utility>

#include "base/hex.h"
#include "crypto/hash.h"

namespace avouch::tlog {
namespace {

using OutcomeKind = WitnessOutcome::Kind;

// Nothing in it: it has answered, and remembers no more than is stored.
struct Answer {
  std::optional<VerifiedCheckpoint> shown;
  std::optional<std::string> silent;  // why
  std::optional<std::string> ahead;   // what it says
};

Answer silent(std::string why) { return {.shown = {}, .silent = std::move(why), .ahead = {}}; }

bool has_line_of(const std::optional<UnverifiedNote>& kept, const CosignerKey& key) {
  if (!kept) return false;
  const auto lines = verify_cosignatures(*kept, std::span(&key, 1));
  return lines.has_value() && !lines->empty();
}

// What was kept is one of this log's, or nothing is.
std::optional<UnverifiedNote> kept_of(const RecallOptions& options) {
  if (!options.kept) return std::nullopt;
  if (!verify_checkpoint(*options.kept, options.log_keys, options.origin).has_value()) {
    return std::nullopt;
  }
  auto parsed = parse_note_unverified(*options.kept);
  if (!parsed.has_value()) return std::nullopt;
  return *std::move(parsed);
}

Answer ask_one(const WitnessToRecall& witness, const RecallOptions& options, bool has_cosigned,
               const std::stop_token& stop) {
  const std::string digest = to_hex(crypto::sha256(as_bytes(options.origin)));
  const auto reply = witness.exchange->checkpoint(digest, stop);
  if (!reply.has_value()) return silent(reply.error().message);
  std::string why = "HTTP status " + std::to_string(reply->status);
  if (reply->status == 200) {
    auto shown = verify_checkpoint(reply->body, options.log_keys, options.origin);
    if (shown.has_value()) {
      return {.shown = std::move(shown).value(), .silent = {}, .ahead = {}};
    }
    why = shown.error().message;
  }
  bool knows_nothing = reply->status == 404;
  if (options.stored && options.stored->size() > 0) {
    WitnessProgress from_nothing(witness.key);
    const auto body = from_nothing.request(*options.stored, {});
    if (!body.has_value()) return silent(body.error().message);
    const auto told = witness.exchange->add_checkpoint(*body, stop);
    if (!told.has_value()) return silent(told.error().message);
    const WitnessOutcome said = from_nothing.take(*options.stored, *told, options.stored->size());
    if (said.kind == OutcomeKind::kAhead) {
      return {.shown = {}, .silent = {}, .ahead = said.why};
    }
    if (said.kind == OutcomeKind::kAskAgain) return {};
    const bool is_first = said.kind == OutcomeKind::kCosigned && reply->status != 200;
    knows_nothing = is_first || (knows_nothing && (told->status == 404 || told->status == 403));
    why += said.why.empty() ? "" : "; " + said.why;
  }
  if (knows_nothing && !has_cosigned) return {};
  if (knows_nothing) {
    why +=
        "; it says that it knows nothing of this log, but has cosigned it: it has lost its state, "
        "or this is another's answer (a proxy's)";
  }
  return silent(std::move(why));
}

}  // namespace

Result<Recalled> recall(const RecallOptions& options, const LogPolicy& policy,
                        std::span<const WitnessToRecall> witnesses, const std::stop_token& stop) {
  const std::optional<UnverifiedNote> kept = kept_of(options);
  std::vector<Answer> answers(witnesses.size());
  {
    std::vector<std::jthread> threads;
    for (std::size_t i = 0; i < witnesses.size(); ++i) {
      threads.emplace_back([&, i] {
        const bool has_cosigned = has_line_of(kept, witnesses[i].key);
        answers[i] = ask_one(witnesses[i], options, has_cosigned, stop);
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
    if (answer.ahead) {
      return retryable("log witnesses: witness " + name + " " + *answer.ahead +
                       ": see \"A log that is read-only\" in docs/operations.md");
    }
    (answer.silent ? unheard : answered).push_back(name);
    if (answer.silent) reasons += (reasons.empty() ? "" : "; ") + name + ": " + *answer.silent;
    if (answer.shown) out.shown.push_back({"witness " + name, *std::move(answer.shown)});
  }
  if (!policy.needs_witnesses()) return out;
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
