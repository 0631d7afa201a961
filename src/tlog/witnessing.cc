#include "tlog/witnessing.h"

#include <algorithm>
#include <utility>

#include "base/hex.h"
#include "crypto/hash.h"
#include "tlog/client.h"

namespace avouch::tlog {
namespace {

using Kind = WitnessOutcome::Kind;

constexpr int kMostQuestions = 3;        // in a row: from 0, from the size that it named, once more
constexpr std::uint64_t kConfirmed = 2;  // answers in a row that say the same make an alarm

std::uint64_t seconds_of(SystemTime time) {
  const auto since_1970 = std::chrono::floor<std::chrono::seconds>(time.time_since_epoch()).count();
  return since_1970 > 0 ? static_cast<std::uint64_t>(since_1970) : 0;
}

bool is_alarming(Kind kind) { return kind == Kind::kAhead || kind == Kind::kContradicts; }

}  // namespace

struct Witnessing::Worker {
  explicit Worker(AskedWitness asked)
      : name(std::move(asked.name)),
        key(asked.key),
        exchange(std::move(asked.exchange)),
        progress(std::move(asked.key)) {
    status.name = name;
  }

  const std::string name;
  const CosignerKey key;
  const std::unique_ptr<WitnessExchange> exchange;

  // The thread's own.
  WitnessProgress progress;
  std::uint64_t alarming_answers = 0;  // in a row

  // Guarded by Witnessing::mutex_.
  std::uint64_t done_round = 0;
  std::uint64_t failures_in_a_row = 0;
  SteadyTime not_before{};
  WitnessStatus status;
};

Witnessing::Witnessing(WitnessingOptions options, LogPolicy policy,
                       std::vector<AskedWitness> witnesses, TileReader& tiles, Anchor* memory,
                       Clock& clock)
    : options_(std::move(options)),
      notes_(std::move(policy)),
      tiles_(tiles),
      memory_(memory),
      clock_(clock) {
  for (AskedWitness& asked : witnesses) {
    workers_.push_back(std::make_unique<Worker>(std::move(asked)));
  }
}

Witnessing::~Witnessing() { stop(); }

Result<Recalled> Witnessing::recall(const VerifiedCheckpoint& empty, const std::stop_token& stop) {
  if (waited_for_ && clock_.steady_now() < recall_again_) return *waited_for_;
  RecallOptions asking{
      .empty = empty, .log_keys = options_.log_keys, .stored = {}, .nodes = {}, .kept = {}};
  asking.log_keys.insert(asking.log_keys.end(), options_.former_keys.begin(),
                         options_.former_keys.end());
  AVOUCH_TRY(const std::optional<Bytes> stored, tiles_.fetch("checkpoint"));
  if (stored) {
    auto checkpoint = verify_checkpoint(as_text(*stored), asking.log_keys, empty.origin());
    if (checkpoint.has_value()) asking.stored = std::move(checkpoint).value();
    if (asking.stored) asking.nodes = tile_nodes(tiles_, asking.stored->size());
  }
  if (memory_ != nullptr) {
    AVOUCH_TRY(asking.kept, memory_->read());
  }
  std::vector<WitnessToRecall> witnesses;
  for (const std::unique_ptr<Worker>& worker : workers_) {
    witnesses.push_back({worker->name, worker->key, worker->exchange.get()});
  }
  AVOUCH_TRY(Recalled recalled, tlog::recall(asking, notes_.policy(), witnesses, stop));
  for (const Recalled::Claim& claim : recalled.claims) tell_claim(claim);
  if (recalled.missing) {
    waited_for_ = recalled;
    recall_again_ = clock_.steady_now() + witness_pause(++recalls_in_vain_);
  }
  return recalled;
}

// Once, as it is said again with each answer.
void Witnessing::tell_claim(const Recalled::Claim& claim) {
  for (const std::unique_ptr<Worker>& worker : workers_) {
    if (worker->name != claim.witness) continue;
    {
      const std::lock_guard lock(mutex_);
      if (worker->status.trouble == claim.what) return;
      worker->status.trouble = claim.what;
    }
    if (options_.on_trouble) options_.on_trouble(claim.witness, claim.what);
  }
}

Result<void> Witnessing::start(const VerifiedCheckpoint& newest) {
  if (memory_ != nullptr) {
    AVOUCH_TRY(kept_, memory_->read());
    if (kept_) {
      const auto restored =
          notes_.restore(*kept_, options_.log_keys, newest.checkpoint(), clock_.now());
      if (!restored.has_value() && options_.on_trouble) {
        options_.on_trouble("", "the witnessed checkpoint that was kept is not served: " +
                                    restored.error().message);
      }
    }
  }
  published(newest);
  for (const std::unique_ptr<Worker>& worker : workers_) {
    threads_.emplace_back(
        [this, raw = worker.get()](const std::stop_token& stop) { run(*raw, stop); });
  }
  return {};
}

void Witnessing::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  for (std::jthread& thread : threads_) thread.request_stop();
  wake_.notify_all();
  threads_.clear();
}

void Witnessing::published(const VerifiedCheckpoint& checkpoint) {
  {
    const std::lock_guard lock(mutex_);
    if (newest_ && newest_->size() > checkpoint.size()) return;
    newest_ = std::make_shared<const VerifiedCheckpoint>(checkpoint);
  }
  wake_.notify_all();
}

std::vector<WitnessStatus> Witnessing::status() const {
  const std::lock_guard lock(mutex_);
  std::vector<WitnessStatus> all;
  for (const std::unique_ptr<Worker>& worker : workers_) all.push_back(worker->status);
  return all;
}

SteadyTime Witnessing::next_round() const {
  if (!newest_ || newest_->size() == 0) return SteadyTime::max();  // nothing to vouch for yet
  if (!target_) return SteadyTime::min();
  return round_begun_ + (newest_->note() == target_->note() ? options_.refresh : options_.every);
}

SteadyTime Witnessing::deadline_of(const Worker& worker) const {
  // One that failed takes what is newest when its pause is over.
  if (worker.done_round != round_) return std::max(worker.not_before, SteadyTime{});
  return std::max(next_round(), worker.not_before);
}

void Witnessing::begin_round() {
  if (clock_.steady_now() < next_round()) return;
  target_ = newest_;
  round_begun_ = clock_.steady_now();
  ++round_;
  notes_.ask_for(*target_);
}

void Witnessing::run(Worker& worker, const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    const SteadyTime deadline = deadline_of(worker);
    const auto is_sooner = [&] { return stopping_ || deadline_of(worker) < deadline; };
    if (clock_.steady_now() < deadline) {
      clock_.wait_until(lock, wake_, deadline, is_sooner);
      continue;
    }
    begin_round();
    const std::shared_ptr<const VerifiedCheckpoint> target = target_;
    const std::uint64_t round = round_;
    lock.unlock();
    wake_.notify_all();  // the round has begun for the others too
    const WitnessOutcome outcome = ask(worker, *target, stop);
    lock.lock();
    if (stopping_) break;
    const bool is_done = outcome.kind == Kind::kCosigned || outcome.kind == Kind::kLater;
    if (is_done) {
      worker.done_round = round;
      worker.failures_in_a_row = 0;
    } else {
      ++worker.failures_in_a_row;
      ++worker.status.failures;
      worker.not_before = clock_.steady_now() + witness_pause(worker.failures_in_a_row);
    }
    lock.unlock();
    take(worker, *target, outcome, stop);
    lock.lock();
  }
}

WitnessOutcome Witnessing::ask(Worker& worker, const VerifiedCheckpoint& target,
                               const std::stop_token& stop) {
  WitnessOutcome outcome;
  for (int i = 0; i < kMostQuestions; ++i) {
    if (worker.progress.size() > target.size()) {
      outcome.kind = Kind::kLater;
      return outcome;
    }
    const auto body = worker.progress.request(target, tile_nodes(tiles_, target.size()));
    if (!body.has_value()) {
      outcome.why = "cannot be asked: " + body.error().message;
      return outcome;
    }
    const auto reply = worker.exchange->add_checkpoint(*body, stop);
    if (!reply.has_value()) {
      outcome.why = reply.error().message;
      return outcome;
    }
    std::uint64_t newest_size = 0;
    {
      const std::lock_guard lock(mutex_);
      newest_size = newest_->size();
    }
    outcome = worker.progress.take(target, *reply, newest_size);
    if (outcome.kind != Kind::kAskAgain) return outcome;
  }
  outcome.kind = Kind::kRefused;
  outcome.why += ", and another size each time: somebody else asks it in this log's name";
  return outcome;
}

void Witnessing::take(Worker& worker, const VerifiedCheckpoint& target,
                      const WitnessOutcome& outcome, const std::stop_token& stop) {
  if (outcome.kind == Kind::kCosigned) {
    // A witness' clock that is ahead makes no quorum younger than it is.
    const std::uint64_t seconds = std::min(outcome.seconds, seconds_of(clock_.now()));
    if (notes_.add(target.note(), worker.key, outcome.line, seconds)) keep();
  }
  worker.alarming_answers = is_alarming(outcome.kind) ? worker.alarming_answers + 1 : 0;
  bool is_new_trouble = false, is_alarm = false;
  {
    const std::lock_guard lock(mutex_);
    WitnessStatus& status = worker.status;
    status.size = worker.progress.size();
    if (outcome.kind == Kind::kCosigned) status.last_cosigned = clock_.now();
    const bool is_well = outcome.kind == Kind::kCosigned || outcome.kind == Kind::kLater;
    const std::string trouble = is_well ? std::string() : outcome.why;
    is_new_trouble = !trouble.empty() && trouble != status.trouble;
    status.trouble = trouble;
    is_alarm = worker.alarming_answers >= kConfirmed && !status.alarmed;
    status.alarmed = status.alarmed || is_alarm;
  }
  if (is_new_trouble && options_.on_trouble) options_.on_trouble(worker.name, outcome.why);
  if (is_alarm) raise(worker, outcome.why, stop);
}

void Witnessing::raise(Worker& worker, const std::string& what, const std::stop_token& stop) {
  std::shared_ptr<const VerifiedCheckpoint> newest;
  {
    const std::lock_guard lock(mutex_);
    newest = newest_;
  }
  WitnessAlarm alarm{worker.name, what, std::nullopt};
  const std::string digest = to_hex(crypto::sha256(as_bytes(newest->origin())));
  const auto reply = worker.exchange->checkpoint(digest, stop);
  if (reply.has_value()) {
    if (const auto foreign = foreign_checkpoint(*reply, options_.log_keys, *newest,
                                                tile_nodes(tiles_, newest->size()))) {
      alarm.note = foreign->note();
    }
  }
  if (options_.on_alarm) options_.on_alarm(alarm);
}

// Several threads may come with a note each: what is kept is the newest.
void Witnessing::keep() {
  if (memory_ == nullptr) return;
  std::string trouble;
  {
    const std::lock_guard lock(memory_mutex_);
    const auto witnessed = notes_.witnessed();
    if (!keeps_ || !witnessed || kept_ == witnessed->note) return;
    const auto replaced = memory_->replace(kept_, witnessed->note);
    if (replaced.has_value()) {
      kept_ = witnessed->note;
      return;
    }
    trouble = replaced.error().message;
    // What lies there is unknown now: it is left alone, and the next process begins from it.
    keeps_ = replaced.error().kind == ErrorKind::kRetryable;
  }
  if (options_.on_trouble) options_.on_trouble("", "the witnessed checkpoint: " + trouble);
}

}  // namespace avouch::tlog
