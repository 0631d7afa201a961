#include "collect/collector.h"

#include <algorithm>

#include "codec/base64.h"
#include "crypto/hash.h"

namespace avouch::collect {
namespace {

using std::chrono::milliseconds;

constexpr std::uint8_t kImaPcr = 10;  // changes with every file that IMA measures: no new substance
constexpr milliseconds kIdleTurn{60'000};      // a sign of life, however long the heartbeat is
constexpr milliseconds kLongestRetry{60'000};  // between quotes that found no taker
constexpr milliseconds kWidestPhase{30'000};

// A beacon that comes a little early must not wait for the next one.
constexpr int kReadsOfLog = 3;  // so many fail before a quote is sent without what they would say

milliseconds shortest_pause(milliseconds heartbeat) { return heartbeat * 3 / 4; }

}  // namespace

void Retry::failed(SteadyTime now) {
  pause_ = std::clamp(pause_ * 2, min_, max_);
  at_ = now + pause_;
}

void Retry::succeeded() {
  pause_ = milliseconds{0};
  at_ = SteadyTime::min();
}

Collector::Collector(Attester& attester, LogSource& logs, Uplink& uplink, Clock& clock,
                     CollectorOptions options, CollectorEvents events)
    : attester_(attester),
      logs_(logs),
      uplink_(uplink),
      clock_(clock),
      options_(std::move(options)),
      events_(std::move(events)),
      last_turn_(clock.steady_now()),
      runtime_log_(logs),
      uid_retry_(options_.min_backoff, options_.max_backoff),
      tpm_retry_(options_.min_backoff, options_.max_backoff),
      quote_retry_(std::min(options_.min_backoff * 2, shortest_pause(options_.heartbeat)),
                   std::min(kLongestRetry, shortest_pause(options_.heartbeat))),
      publish_retry_(options_.min_backoff, options_.max_backoff) {}

void Collector::beacon_published(std::string note) {
  const std::lock_guard lock(mutex_);
  if (told_.beacon == note) return;
  told_.beacon = std::move(note);
  if (!beacon_waits_) told_.beacon_since = clock_.steady_now();
  beacon_waits_ = true;
  ++told_.changes;
  wake_.notify_all();
}

void Collector::evidence_seen(std::optional<PublishedEvidence> evidence) {
  const std::lock_guard lock(mutex_);
  if (told_.evidence_known && told_.evidence == evidence) return;
  told_.evidence_known = true;
  told_.evidence = std::move(evidence);
  ++told_.evidence_changes;
  ++told_.changes;
  wake_.notify_all();
}

SteadyTime Collector::last_turn() const {
  const std::lock_guard lock(mutex_);
  return last_turn_;
}

void Collector::run(const std::stop_token& stop) {
  const std::stop_callback wake_up(stop, [this] {
    const std::lock_guard lock(mutex_);
    wake_.notify_all();
  });
  while (!stop.stop_requested()) {
    std::uint64_t seen = 0;
    {
      const std::lock_guard lock(mutex_);
      seen = told_.changes;
    }
    const milliseconds pause = step();
    std::unique_lock lock(mutex_);
    clock_.wait_until(lock, wake_, clock_.steady_now() + pause,
                      [&] { return stop.stop_requested() || told_.changes != seen; });
  }
}

milliseconds Collector::step() {
  const auto told_now = [this] {
    const std::lock_guard lock(mutex_);
    return told_;
  };
  turn(told_now());
  const SteadyTime due = next_due(told_now());
  const std::lock_guard lock(mutex_);
  last_turn_ = clock_.steady_now();
  return std::clamp(std::max(due, last_turn_) - last_turn_, milliseconds{1}, kIdleTurn);
}

void Collector::turn(const Told& told) {
  if (uid_.empty()) {
    if (uid_retry_.due(clock_.steady_now())) learn_uid();
    if (uid_.empty()) return;
  }
  if (!tpm_retry_.due(clock_.steady_now())) return;
  learn_identity();
  if (!identity_) return;
  const auto challenge = told.evidence ? told.evidence->activation : std::nullopt;
  if (challenge && challenge->challenge_id != hopeless_challenge_ &&
      (!activation_ || activation_->challenge_id != challenge->challenge_id)) {
    answer_activation(*challenge);
  }
  if (clock_.steady_now() >= quote_due_at(told)) heartbeat(told.beacon);
  if (publication_due(told) && publish_retry_.due(clock_.steady_now()) && publish()) {
    // What is there now is ours, whatever was heard before; what is heard from now on counts.
    const std::lock_guard lock(mutex_);
    if (told_.evidence_changes == told.evidence_changes) told_.evidence_known = false;
  }
}

// Every node of a cluster sees the same beacon at the same moment: each has its own place behind
// it.
milliseconds Collector::phase() const {
  const milliseconds spread = std::min(options_.heartbeat / 10, kWidestPhase);
  const crypto::Sha256 digest = crypto::sha256(uid_);
  const std::uint32_t place = ByteReader(digest).be32("phase").value();
  return milliseconds((spread.count() * static_cast<std::int64_t>(place)) >> 32);
}

SteadyTime Collector::quote_due_at(const Told& told) const {
  if (told.beacon.empty() || told.beacon == settled_beacon_) return SteadyTime::max();
  if (!next_quote_) return quote_retry_.at();  // the first, or the last found no taker: soon
  return std::max(*next_quote_, told.beacon_since) + phase();
}

bool Collector::is_of_another(const Told& told) const {
  return identity_ && told.evidence_known && told.evidence &&
         told.evidence->ak_public != codec::to_base64(identity_->ak_public);
}

bool Collector::publication_due(const Told& told) const {
  if (told.evidence_known && !told.evidence) return true;
  const auto since_last = [&](milliseconds pause) {
    return published_at_ && clock_.steady_now() >= *published_at_ + pause;
  };
  return since_last(options_.republish) || (is_of_another(told) && since_last(options_.fallback)) ||
         substance() != published_substance_;
}

SteadyTime Collector::next_due(const Told& told) const {
  if (uid_.empty()) return uid_retry_.at();
  const SteadyTime now = clock_.steady_now();
  if (!tpm_retry_.due(now)) return tpm_retry_.at();
  SteadyTime next = std::min(quote_due_at(told), now + kIdleTurn);
  if (publication_due(told)) {
    next = std::min(next, publish_retry_.at());
  } else if (published_at_) {
    next = std::min(
        next, *published_at_ + (is_of_another(told) ? options_.fallback : options_.republish));
  }
  return next;
}

void Collector::learn_uid() {
  auto uid = uplink_.node_uid();
  if (!uid.has_value()) {
    events_.on_problem("node", uid.error());
    return uid_retry_.failed(clock_.steady_now());
  }
  uid_retry_.succeeded();
  if (*uid == uid_) return;
  // Another Node object of the same name: what was said for the old one counts no more.
  uid_ = *std::move(uid);
  activation_.reset();
  published_substance_.clear();
}

void Collector::learn_identity() {
  auto identity = attester_.identity();
  if (!identity.has_value()) {
    events_.on_problem("tpm", identity.error());
    return tpm_retry_.failed(clock_.steady_now());
  }
  if (attester_.storage_trouble()) events_.on_problem("key file", *attester_.storage_trouble());
  if (identity_ == *identity) return;
  identity_ = *std::move(identity);
  activation_.reset();
  hopeless_challenge_.clear();
}

void Collector::answer_activation(const ActivationRequest& request) {
  auto answer = attester_.activate(request, uid_);
  if (!answer.has_value()) {
    events_.on_problem("activation", answer.error());
    if (answer.error().kind == ErrorKind::kRejected) {
      // Made for other keys than ours: the controller makes another one for what we publish.
      hopeless_challenge_ = request.challenge_id;
    } else {
      tpm_retry_.failed(clock_.steady_now());
    }
    return;
  }
  activation_ = *std::move(answer);
  events_.on_progress("activation answered");
  quote_retry_.succeeded();  // it is waited for
  publish();
}

std::optional<Measurement> Collector::measure(const std::string& beacon) {
  const auto parsed = parse_beacon_unverified(beacon);
  if (!parsed.has_value()) {
    events_.on_problem("beacon", parsed.error());
    settled_beacon_ = beacon;  // the next may be better
    return std::nullopt;
  }
  auto measured = attester_.measure(*parsed, uid_);
  if (!measured.has_value()) {
    events_.on_problem("quote", measured.error());
    tpm_retry_.failed(clock_.steady_now());
    return std::nullopt;
  }
  tpm_retry_.succeeded();
  return *std::move(measured);
}

bool Collector::read_logs(const Measurement& measurement) {
  const bool other_boot =
      measurement_ && (measurement_->reset_count != measurement.reset_count ||
                       measurement_->restart_count != measurement.restart_count);
  if (other_boot) {
    measurement_.reset();
    boot_log_reference_.reset();
    runtime_log_.restart();
  }
  const auto boot_log = logs_.boot_log();
  if (!boot_log.has_value()) {
    events_.on_problem("boot log", boot_log.error());
  } else {
    boot_log_reference_.reset();
    if (*boot_log) boot_log_reference_ = {crypto::sha256(**boot_log), (*boot_log)->size()};
  }
  // After the quote: the log then has at least every entry that the quote covers.
  const auto advanced = runtime_log_.advance();
  if (!advanced.has_value()) events_.on_problem("runtime log", advanced.error());
  return advanced.has_value() || advanced.error().kind != ErrorKind::kRetryable;
}

void Collector::heartbeat(const std::string& beacon) {
  auto measured = measure(beacon);
  if (!measured) return;
  // What was read before ends where this quote does not. A log that stays unreadable is another
  // matter: not every policy wants it.
  const bool is_whole = read_logs(*measured);
  unread_ = is_whole ? 0 : unread_ + 1;
  if (unread_ > 0 && unread_ < kReadsOfLog) {
    next_quote_.reset();
    return quote_retry_.failed(clock_.steady_now());
  }
  measurement_ = std::move(measured);  // what is shown till now goes with the log as it was
  {
    const std::lock_guard lock(mutex_);
    beacon_waits_ = told_.beacon != beacon;
    if (beacon_waits_) told_.beacon_since = clock_.steady_now();
  }
  quoted_beacon_ = beacon;
  send();
}

void Collector::send() {
  const auto answer = uplink_.heartbeat(evidence());
  const SteadyTime now = clock_.steady_now();
  if (!answer.has_value()) {
    events_.on_problem("heartbeat", answer.error());
    next_quote_.reset();
    quote_retry_.failed(now);
    const auto since = std::max(reached_at_, published_at_);
    if (publish_retry_.due(now) && (!since || now >= *since + options_.fallback)) publish();
    return;
  }
  reached_at_ = now;
  events_.on_heartbeat(*answer);
  if (answer->outcome == HeartbeatAnswer::Outcome::kTaken) {
    settled_beacon_ = quoted_beacon_;
    next_quote_ = now + shortest_pause(options_.heartbeat);
    quote_retry_.succeeded();
    return upload(*answer);
  }
  // Refused for this beacon, or to be tried again once enrolled.
  if (answer->outcome == HeartbeatAnswer::Outcome::kRefused) settled_beacon_ = quoted_beacon_;
  next_quote_.reset();
  quote_retry_.failed(now);
  if (uid_retry_.due(now)) learn_uid();
}

void Collector::upload(const HeartbeatAnswer& answer) {
  const auto trouble = [this](const Error& error) { events_.on_problem("upload", error); };
  for (const crypto::Sha256& digest : answer.missing_blobs) {
    if (!boot_log_reference_ || boot_log_reference_->digest != digest) continue;
    const auto boot_log = logs_.boot_log();
    if (!boot_log.has_value()) return trouble(boot_log.error());
    if (!*boot_log || crypto::sha256(**boot_log) != digest) continue;  // another by now
    if (const auto put = uplink_.put_blob(digest, **boot_log); !put.has_value()) {
      return trouble(put.error());
    }
  }
  const auto reference = runtime_log_.reference();
  if (!reference || !answer.runtime_log_offset) return;
  std::uint64_t offset = *answer.runtime_log_offset;
  while (offset < reference->offset) {
    const auto piece = runtime_log_.piece(offset);
    if (!piece.has_value()) return trouble(piece.error());
    if (piece->empty()) return;
    const auto next = uplink_.append_runtime_log(offset, *piece);
    if (!next.has_value()) return trouble(next.error());
    if (*next <= offset) return;  // the controller wants it another way: at the next heartbeat
    offset = *next;
  }
}

attest::UnverifiedEvidence Collector::evidence() const {
  attest::UnverifiedEvidence out;
  out.node_uid = uid_;
  out.identity = identity_;
  out.activation = activation_;
  if (measurement_) {
    out.quote = measurement_->quote;
    out.pcrs = measurement_->pcrs;
  }
  out.boot_log = boot_log_reference_;
  out.runtime_log = runtime_log_.reference();
  out.agent = attester_.info(options_.version);
  return out;
}

std::string Collector::substance() const {
  attest::UnverifiedEvidence view = evidence();
  std::erase_if(view.pcrs, [](const auto& entry) { return entry.first.index == kImaPcr; });
  view.quote.reset();
  view.runtime_log.reset();
  const crypto::Sha256 pcrs = attest::pcrs_digest(view.pcrs);
  view.pcrs.clear();
  std::string out = codec::to_json(attest::to_evidence_spec(view));
  out.append(pcrs.begin(), pcrs.end());
  if (measurement_) {
    out += std::to_string(measurement_->reset_count) + "." +
           std::to_string(measurement_->restart_count);
  }
  return out;
}

bool Collector::publish() {
  const std::string now = substance();
  if (const auto published = uplink_.publish(evidence()); !published.has_value()) {
    events_.on_problem("publish", published.error());
    publish_retry_.failed(clock_.steady_now());
    return false;
  }
  publish_retry_.succeeded();
  published_substance_ = now;
  published_at_ = clock_.steady_now();
  events_.on_progress("evidence published");
  return true;
}

}  // namespace avouch::collect
