#include "admission/verdict_recorder.h"

#include <algorithm>
#include <optional>

#include "base/time_text.h"

namespace avouch::admission {

struct VerdictRecorder::Entry {
  std::string id;
  Need need = Need::kLog;
  SteadyTime give_up{};
  MakePayload make;
  Done done;
  bool settled = false;
  bool to_spool = false;  // no longer for the queue
  std::optional<Timers::iterator> timer;
};

VerdictRecorder::VerdictRecorder(LogEndpoint& log, Spool& spool, Clock& clock,
                                 RecorderOptions options)
    : log_(log), spool_(spool), clock_(clock), options_(options) {
  sender_ = std::thread([this] { send_loop(); });
  keeper_ = std::thread([this] { keep_loop(); });
}

VerdictRecorder::~VerdictRecorder() { stop(); }

void VerdictRecorder::record(std::string id, Need need, SteadyTime give_up, MakePayload make,
                             Done done) {
  auto entry = std::make_shared<Entry>();
  entry->id = std::move(id);
  entry->need = need;
  entry->give_up = give_up;
  entry->make = std::move(make);
  entry->done = std::move(done);
  std::vector<Outcome> outcomes;
  {
    const std::lock_guard lock(mutex_);
    const bool full = queue_.size() >= options_.queue_records;
    if (stopping_ || (full && need != Need::kSometime)) {
      ++stats_.refused;
      settle(entry,
             {Placed::Where::kNowhere, 0,
              stopping_ ? "the webhook is stopping" : "too many verdicts wait for the log"},
             outcomes);
    } else if (need != Need::kLog && (down_ || full)) {
      to_spool(entry);
    } else {
      queue_.push_back(entry);
      send_wake_.notify_one();
    }
    if (!entry->settled && need != Need::kSometime) {
      const SteadyTime spool_at = clock_.steady_now() + options_.spool_after;
      const bool later = need == Need::kLogOrSpool && !entry->to_spool && spool_at < give_up;
      set_timer(entry, later ? spool_at : give_up);
    }
  }
  report(outcomes);
}

void VerdictRecorder::set_timer(const EntryPtr& entry, SteadyTime at) {
  const Timers::iterator timer = timers_.emplace(at, entry);
  entry->timer = timer;
  if (timer == timers_.begin()) keep_wake_.notify_one();
}

void VerdictRecorder::to_spool(const EntryPtr& entry) {
  entry->to_spool = true;
  spooling_.push_back(entry);
  keep_wake_.notify_one();
}

void VerdictRecorder::settle(const EntryPtr& entry, Placed placed, std::vector<Outcome>& outcomes) {
  if (entry->settled) return;
  entry->settled = true;
  if (entry->timer) timers_.erase(*entry->timer);
  entry->timer.reset();
  outcomes.push_back({entry, std::move(placed)});
}

void VerdictRecorder::report(std::vector<Outcome>& outcomes) {
  for (auto& [entry, placed] : outcomes) {
    if (entry->done) entry->done(std::move(placed));
  }
  outcomes.clear();
}

RecorderStats VerdictRecorder::stats() const {
  const std::lock_guard lock(mutex_);
  RecorderStats stats = stats_;
  stats.waiting = queue_.size() + spooling_.size();
  return stats;
}

// ---- the log ----

bool VerdictRecorder::can_drain(SteadyTime now) const {
  return now >= resume_at_ && now >= spool_resume_at_ && spool_.records() > 0;
}

bool VerdictRecorder::can_send(SteadyTime now) const {
  return (now >= resume_at_ && !queue_.empty()) || can_drain(now);
}

void VerdictRecorder::send_loop() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    const SteadyTime now = clock_.steady_now();
    if (!can_send(now)) {
      SteadyTime until = SteadyTime::max();
      for (const SteadyTime at : {resume_at_, spool_resume_at_}) {
        if (at > now) until = std::min(until, at);
      }
      clock_.wait_until(lock, send_wake_, until,
                        [this, now] { return stopping_ || can_send(now); });
      continue;
    }
    // While both have something they take turns: new verdicts keep their speed.
    const bool spooled = can_drain(now) && (queue_.empty() || spool_turn_);
    spool_turn_ = !spooled;
    if (spooled) {
      send_from_spool(lock);
    } else {
      send_from_queue(lock);
    }
  }
}

std::vector<VerdictRecorder::EntryPtr> VerdictRecorder::take_batch() {
  std::vector<EntryPtr> batch;
  const std::size_t most = singles_ > 0 ? 1 : options_.batch_records;
  while (!queue_.empty() && batch.size() < most) {
    EntryPtr entry = std::move(queue_.front());
    queue_.pop_front();
    if (singles_ > 0) --singles_;
    if (!entry->settled && !entry->to_spool) batch.push_back(std::move(entry));
  }
  return batch;
}

void VerdictRecorder::send_from_queue(std::unique_lock<std::mutex>& lock) {
  std::vector<EntryPtr> batch = take_batch();
  if (batch.empty()) return;
  lock.unlock();
  std::vector<LogRecord> records;
  std::size_t bytes = 0;
  for (const EntryPtr& entry : batch) {
    LogRecord record{entry->id, entry->make(false)};
    bytes += record.payload.size() + record.id.size();
    if (!records.empty() && bytes > options_.batch_bytes) break;
    records.push_back(std::move(record));
  }
  auto sent = log_.append(records);
  if (sent.has_value() && sent->size() != records.size()) {
    sent = retryable("the log answered with another number of results");
  }
  std::vector<Outcome> outcomes;
  lock.lock();
  // What did not fit goes first next time.
  queue_.insert(queue_.begin(), batch.begin() + static_cast<std::ptrdiff_t>(records.size()),
                batch.end());
  batch.resize(records.size());
  if (sent.has_value()) {
    note_success();
    stats_.logged += batch.size();
    for (std::size_t i = 0; i < batch.size(); ++i) {
      settle(batch[i], {Placed::Where::kLog, (*sent)[i], {}}, outcomes);
    }
  } else {
    batch_failed(batch, sent.error(), outcomes);
  }
  lock.unlock();
  report(outcomes);
  lock.lock();
}

void VerdictRecorder::batch_failed(const std::vector<EntryPtr>& batch, const Error& error,
                                   std::vector<Outcome>& outcomes) {
  note_failure(error);
  const bool refused = error.kind == ErrorKind::kRejected;
  if (refused && batch.size() == 1) {
    ++stats_.lost;
    settle(batch.front(),
           {Placed::Where::kNowhere, 0, "the log refused the verdict: " + error.message}, outcomes);
    return;
  }
  // One bad record must not take the others with it.
  if (refused) singles_ = batch.size();
  for (auto it = batch.rbegin(); it != batch.rend(); ++it) {
    if (refused || (*it)->need == Need::kLog) {
      queue_.push_front(*it);  // until it gives up
    } else if (!(*it)->settled && !(*it)->to_spool) {
      to_spool(*it);
    }
  }
}

void VerdictRecorder::send_from_spool(std::unique_lock<std::mutex>& lock) {
  lock.unlock();
  auto records = spool_.front(options_.batch_records, options_.batch_bytes);
  Result<std::vector<std::uint64_t>> sent = std::vector<std::uint64_t>{};
  if (records.has_value() && !records->empty()) {
    sent = log_.append(*records);
    if (!sent.has_value() && sent.error().kind == ErrorKind::kRejected && records->size() > 1) {
      records->resize(1);
      sent = log_.append(*records);
    }
  }
  // A record that the log will never take must not stop the ones behind it.
  const bool lost = !sent.has_value() && sent.error().kind == ErrorKind::kRejected;
  Result<void> dropped;
  if (!records.has_value()) {
    dropped = records.error();
  } else if (sent.has_value() || lost) {
    dropped = spool_.drop(records->size());
  }
  lock.lock();
  if (!dropped.has_value()) {
    stats_.spool_error = dropped.error().message;
    spool_resume_at_ = clock_.steady_now() + options_.max_backoff;
    return;
  }
  stats_.spool_error.clear();
  if (sent.has_value()) {
    stats_.drained += records->size();
    note_success();
  } else {
    if (lost) stats_.lost += records->size();
    note_failure(sent.error());
  }
}

void VerdictRecorder::note_success() {
  ++stats_.batches;
  stats_.log_error.clear();
  down_ = false;
  backoff_ = {};
  resume_at_ = {};
}

void VerdictRecorder::note_failure(const Error& error) {
  ++stats_.failures;
  stats_.log_error = error.message;
  if (error.kind == ErrorKind::kRejected) return;  // the log itself is well
  down_ = true;
  backoff_ = std::clamp(backoff_ * 2, options_.min_backoff, options_.max_backoff);
  resume_at_ = clock_.steady_now() + backoff_;
}

// ---- the spool, and deadlines ----

void VerdictRecorder::keep_loop() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    const SteadyTime next = timers_.empty() ? SteadyTime::max() : timers_.begin()->first;
    clock_.wait_until(lock, keep_wake_, next, [this, next] {
      return stopping_ || !spooling_.empty() || (!timers_.empty() && timers_.begin()->first < next);
    });
    std::vector<Outcome> outcomes;
    take_due(clock_.steady_now(), outcomes);
    if (!spooling_.empty()) spool_waiting(lock, outcomes);
    lock.unlock();
    report(outcomes);
    lock.lock();
  }
}

void VerdictRecorder::take_due(SteadyTime now, std::vector<Outcome>& outcomes) {
  while (!timers_.empty() && timers_.begin()->first <= now) {
    const EntryPtr entry = timers_.begin()->second;
    if (entry->need == Need::kLogOrSpool && !entry->to_spool) {
      timers_.erase(timers_.begin());
      set_timer(entry, entry->give_up);
      to_spool(entry);
      continue;
    }
    ++stats_.refused;
    std::string why = "the verdict log did not answer in time";
    if (!stats_.log_error.empty()) why += ": " + stats_.log_error;
    settle(entry, {Placed::Where::kNowhere, 0, std::move(why)}, outcomes);
  }
}

// Why no more may be spooled, or "".
std::string VerdictRecorder::spool_refusal(std::size_t more_bytes) const {
  const std::string log = stats_.log_error.empty() ? "" : "; the log: " + stats_.log_error;
  if (spool_.bytes() + more_bytes > options_.spool_bytes) {
    return "the verdict log is out of reach and the spool is full" + log;
  }
  const auto oldest = spool_.oldest();
  if (oldest && clock_.now() - *oldest > options_.spool_age) {
    return "the verdict log has been out of reach since " + to_rfc3339(*oldest) +
           ", longer than verdicts may be spooled" + log;
  }
  return {};
}

void VerdictRecorder::spool_waiting(std::unique_lock<std::mutex>& lock,
                                    std::vector<Outcome>& outcomes) {
  std::vector<EntryPtr> batch;
  batch.swap(spooling_);
  std::erase_if(batch, [](const EntryPtr& entry) { return entry->settled; });
  if (batch.empty()) return;
  lock.unlock();
  std::vector<LogRecord> records;
  std::size_t bytes = 0;
  for (const EntryPtr& entry : batch) {
    records.push_back({entry->id, entry->make(true)});
    bytes += records.back().payload.size() + records.back().id.size();
  }
  lock.lock();
  std::string why = spool_refusal(bytes);
  if (why.empty()) {
    const SystemTime now = clock_.now();
    lock.unlock();
    if (auto kept = spool_.append(records, now); !kept.has_value()) {
      why = "the verdict log is out of reach and the spool cannot be written: " +
            kept.error().message;
    }
    lock.lock();
  }
  if (why.empty()) {
    stats_.spooled += batch.size();
    send_wake_.notify_one();
  } else {
    stats_.lost += batch.size();
  }
  for (const EntryPtr& entry : batch) {
    settle(entry, {why.empty() ? Placed::Where::kSpool : Placed::Where::kNowhere, 0, why},
           outcomes);
  }
}

void VerdictRecorder::stop() {
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) return;
    stopping_ = true;
    send_wake_.notify_all();
    keep_wake_.notify_all();
  }
  log_.cancel();
  sender_.join();
  keeper_.join();
  std::vector<Outcome> outcomes;
  std::unique_lock lock(mutex_);
  for (const EntryPtr& entry : queue_) {
    if (entry->settled || entry->to_spool) continue;
    if (entry->need != Need::kLog) to_spool(entry);
  }
  if (!spooling_.empty()) spool_waiting(lock, outcomes);
  while (!timers_.empty()) {
    const EntryPtr entry = timers_.begin()->second;
    settle(entry, {Placed::Where::kNowhere, 0, "the webhook is stopping"}, outcomes);
  }
  queue_.clear();
  lock.unlock();
  report(outcomes);
}

}  // namespace avouch::admission
