// The recorder's way into the log.

#include <algorithm>
#include <exception>

#include "admission/verdict_recorder_entry.h"

namespace avouch::admission {

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
    ++busy_;
    try {
      if (spooled) {
        send_from_spool(lock);
      } else {
        send_from_queue(lock);
      }
    } catch (const std::exception& e) {  // those who wait are told at their deadline
      if (!lock.owns_lock()) lock.lock();
      note_failure(retryable(e.what()));
    }
    --busy_;
    if (idle()) idle_wake_.notify_all();
  }
}

std::vector<VerdictRecorder::EntryPtr> VerdictRecorder::take_batch() {
  std::vector<EntryPtr> batch;
  while (!queue_.empty() && batch.size() < options_.batch_records) {
    const EntryPtr entry = queue_.front();
    if (entry->alone && !batch.empty()) break;
    leave_queue(*entry);
    batch.push_back(entry);
    if (entry->alone) break;
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
  while (batch.size() > records.size()) {
    back_to_front(batch.back());
    batch.pop_back();
  }
  if (sent.has_value()) {
    note_success();
    for (std::size_t i = 0; i < batch.size(); ++i) {
      if (const auto& at = (*sent)[i]) {
        ++stats_.logged;
        settle(batch[i], {Placed::Where::kLog, at->index, {}, at->origin}, outcomes);
      } else {
        ++(batch[i]->need == Need::kSometime ? stats_.left_out : stats_.refused);
        settle(batch[i], {Placed::Where::kNowhere, 0, "the verdict log has no room for it"},
               outcomes);
      }
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
  for (auto it = batch.rbegin(); it != batch.rend(); ++it) {
    // One bad record must not take the others with it.
    if (refused) (*it)->alone = true;
    if (refused || (*it)->need == Need::kLog) {
      back_to_front(*it);  // until it gives up
    } else if (!(*it)->settled && !(*it)->to_spool) {
      to_spool(*it);
    }
  }
}

void VerdictRecorder::send_from_spool(std::unique_lock<std::mutex>& lock) {
  lock.unlock();
  auto records = spool_.front(options_.batch_records, options_.batch_bytes);
  Result<LogPlaces> sent = LogPlaces{};
  if (records.has_value() && !records->empty()) {
    sent = log_.append(*records);
    if (!sent.has_value() && sent.error().kind == ErrorKind::kRejected && records->size() > 1) {
      records->resize(1);
      sent = log_.append(*records);
    }
  }
  // A record that is damaged, or that the log will never take, must not stop the ones behind it.
  const bool damaged = !records.has_value() && records.error().kind == ErrorKind::kRejected;
  const bool lost = !sent.has_value() && sent.error().kind == ErrorKind::kRejected;
  Result<void> dropped;
  if (damaged) {
    dropped = spool_.drop(1);
  } else if (!records.has_value()) {
    dropped = records.error();
  } else if (sent.has_value() || lost) {
    dropped = spool_.drop(records->size());
  }
  lock.lock();
  if (dropped.has_value()) {
    if (damaged || lost || sent.has_value()) forget_dropped(damaged ? 1 : records->size());
  }
  if (dropped.has_value() && damaged) {
    ++stats_.lost;
    stats_.spool_error = records.error().message;
    return;
  }
  if (!dropped.has_value()) {
    stats_.spool_error = dropped.error().message;
    spool_resume_at_ = clock_.steady_now() + options_.max_backoff;
    return;
  }
  stats_.spool_error.clear();
  if (sent.has_value()) {
    const auto left_out = static_cast<std::uint64_t>(
        std::count(sent->begin(), sent->end(), std::optional<std::uint64_t>()));
    stats_.drained += records->size() - left_out;
    stats_.left_out += left_out;
    note_success();
    if (left_out > 0 && options_.on_left_out) {
      lock.unlock();
      options_.on_left_out(left_out);
      lock.lock();
    }
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

}  // namespace avouch::admission
