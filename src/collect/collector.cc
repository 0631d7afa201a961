#include "collect/collector.h"

#include <algorithm>

#include "crypto/hash.h"

namespace avouch::collect {
namespace {

using std::chrono::milliseconds;

constexpr std::uint8_t kImaPcr = 10;  // changes with every file that IMA measures: no new substance

}  // namespace

Collector::Collector(Attester& attester, LogSource& logs, Uplink& uplink, Clock& clock,
                     CollectorOptions options, CollectorEvents events)
    : attester_(attester),
      logs_(logs),
      uplink_(uplink),
      clock_(clock),
      options_(std::move(options)),
      events_(std::move(events)),
      last_turn_(clock.steady_now()),
      runtime_log_(logs) {}

void Collector::beacon_published(std::string note) {
  const std::lock_guard lock(mutex_);
  if (told_.beacon == note) return;
  told_.beacon = std::move(note);
  ++told_.changes;
  wake_.notify_all();
}

void Collector::evidence_seen(bool exists, std::optional<ActivationRequest> activation) {
  const std::lock_guard lock(mutex_);
  if (told_.evidence_known && told_.evidence_exists == exists && told_.activation == activation) {
    return;
  }
  told_.evidence_known = true;
  told_.evidence_exists = exists;
  told_.activation = std::move(activation);
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
    clock_.wait_until(lock, wake_, clock_.steady_now() + pause, [&] {
      // After a failure only time helps: what changes meanwhile is seen at the next turn.
      return stop.stop_requested() || (backoff_ == milliseconds{0} && told_.changes != seen);
    });
  }
}

milliseconds Collector::step() {
  Told told;
  {
    const std::lock_guard lock(mutex_);
    told = told_;
  }
  const Result<void> done = turn(told);
  {
    const std::lock_guard lock(mutex_);
    last_turn_ = clock_.steady_now();
  }
  if (!done.has_value()) {
    events_.on_problem("turn", done.error());
    backoff_ = std::clamp(backoff_ * 2, options_.min_backoff, options_.max_backoff);
    return backoff_;
  }
  backoff_ = milliseconds{0};
  if (quoted_at_ && !told.beacon.empty() && told.beacon != quoted_beacon_) {
    // A beacon came before its time: quote for the newest one when the heartbeat is due.
    const auto due = *quoted_at_ + options_.heartbeat * 3 / 4;
    return std::max(milliseconds{1}, due - clock_.steady_now());
  }
  return options_.heartbeat;  // an idle turn is a sign of life
}

bool Collector::quote_due(const Told& told) const {
  if (told.beacon.empty() || told.beacon == quoted_beacon_) return false;
  // Three quarters: a beacon that comes a little early must not wait for the next one.
  return !quoted_at_ || clock_.steady_now() >= *quoted_at_ + options_.heartbeat * 3 / 4;
}

Result<void> Collector::refresh_uid() {
  AVOUCH_TRY(std::string uid, uplink_.node_uid());
  if (uid == uid_) return {};
  // Another Node object of the same name: what was said for the old one counts no more.
  uid_ = std::move(uid);
  activation_.reset();
  published_substance_.clear();
  return {};
}

Result<void> Collector::turn(const Told& told) {
  if (uid_.empty()) AVOUCH_CHECK(refresh_uid());
  AVOUCH_TRY(auto identity, attester_.identity());
  if (identity_ != identity) {
    identity_ = std::move(identity);
    activation_.reset();
  }
  if (told.activation &&
      (!activation_ || activation_->challenge_id != told.activation->challenge_id)) {
    AVOUCH_CHECK(answer_activation(*told.activation));
  }
  if (quote_due(told)) AVOUCH_CHECK(heartbeat(told.beacon));
  const bool gone = told.evidence_known && !told.evidence_exists;
  const bool old = published_at_ && clock_.steady_now() >= *published_at_ + options_.republish;
  if (gone || old || substance() != published_substance_) AVOUCH_CHECK(publish());
  return {};
}

Result<void> Collector::answer_activation(const ActivationRequest& request) {
  auto answer = attester_.activate(request, uid_);
  if (!answer.has_value()) {
    if (answer.error().kind == ErrorKind::kRetryable) return std::move(answer).error();
    // Made for other keys than ours: the controller makes another one for what we publish.
    events_.on_problem("activation", answer.error());
    return {};
  }
  activation_ = *std::move(answer);
  events_.on_progress("activation answered");
  return publish();
}

Result<void> Collector::heartbeat(const std::string& beacon) {
  AVOUCH_TRY(measurement_, attester_.measure(beacon, uid_));
  quoted_beacon_ = beacon;
  quoted_at_ = clock_.steady_now();

  auto boot_log = logs_.boot_log();
  if (!boot_log.has_value()) {
    events_.on_problem("boot log", boot_log.error());
  } else {
    boot_log_ = *std::move(boot_log);
    boot_log_reference_.reset();
    if (boot_log_) boot_log_reference_ = {crypto::sha256(*boot_log_), boot_log_->size()};
  }
  // After the quote: the log then has at least every entry that the quote covers.
  if (const auto advanced = runtime_log_.advance(); !advanced.has_value()) {
    events_.on_problem("runtime log", advanced.error());
  }

  auto answer = uplink_.heartbeat(evidence());
  if (!answer.has_value()) {
    events_.on_problem("heartbeat", answer.error());
    AVOUCH_CHECK(refresh_uid());
    if (!published_at_ || clock_.steady_now() >= *published_at_ + options_.fallback) {
      return publish();
    }
    return {};
  }
  events_.on_heartbeat(*answer);
  switch (answer->outcome) {
    case HeartbeatAnswer::Outcome::kTaken:
      return upload(*answer);
    case HeartbeatAnswer::Outcome::kNotEnrolled:
    case HeartbeatAnswer::Outcome::kRefused:
      return refresh_uid();
  }
  return {};
}

Result<void> Collector::upload(const HeartbeatAnswer& answer) {
  for (const crypto::Sha256& digest : answer.missing_blobs) {
    if (!boot_log_ || !boot_log_reference_ || boot_log_reference_->digest != digest) continue;
    AVOUCH_CHECK(uplink_.put_blob(digest, *boot_log_));
  }
  const auto reference = runtime_log_.reference();
  if (!reference || !answer.runtime_log_offset) return {};
  std::uint64_t offset = *answer.runtime_log_offset;
  while (offset < reference->offset) {
    AVOUCH_TRY(const Bytes piece, runtime_log_.piece(offset));
    if (piece.empty()) return {};
    AVOUCH_TRY(const std::uint64_t next, uplink_.append_runtime_log(offset, piece));
    if (next <= offset) return {};  // the controller wants it another way: at the next heartbeat
    offset = next;
  }
  return {};
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

Result<void> Collector::publish() {
  const std::string now = substance();
  AVOUCH_CHECK(uplink_.publish(evidence()));
  published_substance_ = now;
  published_at_ = clock_.steady_now();
  events_.on_progress("evidence published");
  return {};
}

}  // namespace avouch::collect
