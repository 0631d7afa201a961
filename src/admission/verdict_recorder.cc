#include "admission/verdict_recorder.h"

#include <exception>
#include <utility>

#include "admission/verdict_recorder_entry.h"

namespace avouch::admission {

VerdictRecorder::VerdictRecorder(LogEndpoint& log, Spool& spool, Clock& clock,
                                 RecorderOptions options)
    : log_(log),
      spool_(spool),
      clock_(clock),
      options_(std::move(options)),
      spooled_before_(spool.records()) {
  sender_ = std::thread([this] { send_loop(); });
  spooler_ = std::thread([this] { spool_loop(); });
  timer_ = std::thread([this] { time_loop(); });
}

VerdictRecorder::~VerdictRecorder() { stop(); }

void VerdictRecorder::record(std::string id, Need need, SteadyTime give_up, MakePayload make,
                             Done done, std::string caller) {
  auto entry = std::make_shared<Entry>();
  entry->id = std::move(id);
  entry->need = need;
  entry->give_up = give_up;
  entry->make = std::move(make);
  entry->done = std::move(done);
  entry->caller = std::move(caller);
  std::vector<Outcome> outcomes;
  {
    const std::lock_guard lock(mutex_);
    if (stopping_ || !enqueue(entry)) {
      ++(need == Need::kSometime ? stats_.lost : stats_.refused);
      settle(entry,
             {Placed::Where::kNowhere, 0,
              stopping_ ? "the webhook is stopping" : "too many verdicts wait for the log"},
             outcomes);
    } else if (need != Need::kSometime) {
      const SteadyTime spool_at = clock_.steady_now() + options_.spool_after;
      const bool later = need == Need::kLogOrSpool && !entry->to_spool && spool_at < give_up;
      set_timer(entry, later ? spool_at : give_up);
    }
  }
  report(outcomes);
}

// False where there is no room.
bool VerdictRecorder::enqueue(const EntryPtr& entry) {
  const bool denial = entry->need == Need::kSometime;
  if (denial && !denials_waiting_.allows(entry->caller, 1, denials_, options_.queue_records)) {
    if (!entry->caller.empty()) ++stats_.over_share;
    return false;
  }
  // Anybody can provoke denials, faster than a log takes them.
  const std::size_t most = denial ? options_.queue_records / 2 : options_.queue_records;
  const bool full = queue_.size() >= most;
  if (entry->need != Need::kLog && (down_ || full)) {
    if (spooling_.size() >= most) return false;
    to_spool(entry);
  } else if (full) {
    return false;
  } else {
    wait_in(queue_, queue_.end(), entry);
    send_wake_.notify_one();
  }
  if (denial) {
    denials_waiting_.take(entry->caller, 1);
    ++denials_;
    entry->counted = true;
  }
  return true;
}

void VerdictRecorder::set_timer(const EntryPtr& entry, SteadyTime at) {
  const Timers::iterator timer = timers_.emplace(at, entry);
  entry->timer = timer;
  if (timer == timers_.begin()) time_wake_.notify_one();
}

void VerdictRecorder::wait_in(Queue& queue, Queue::iterator before, const EntryPtr& entry) {
  entry->place = queue.insert(before, entry);
  entry->waits_in = &queue;
}

// The caller has a share in the entry: the queue's goes.
void VerdictRecorder::leave_queue(Entry& entry) {
  if (Queue* const queue = std::exchange(entry.waits_in, nullptr)) queue->erase(entry.place);
}

// What was on its way to the log, and may be wanted no more there.
void VerdictRecorder::back_to_front(const EntryPtr& entry) {
  if (!entry->settled && !entry->to_spool) wait_in(queue_, queue_.begin(), entry);
}

void VerdictRecorder::to_spool(const EntryPtr& entry) {
  entry->to_spool = true;
  leave_queue(*entry);
  wait_in(spooling_, spooling_.end(), entry);
  spool_wake_.notify_one();
}

void VerdictRecorder::settle(const EntryPtr& entry, Placed placed, std::vector<Outcome>& outcomes) {
  if (entry->settled) return;
  entry->settled = true;
  leave_queue(*entry);
  if (entry->timer) timers_.erase(*entry->timer);
  entry->timer.reset();
  if (std::exchange(entry->counted, false)) {
    denials_waiting_.give_back(entry->caller, 1);
    --denials_;
  }
  outcomes.push_back({entry, std::move(placed)});
}

void VerdictRecorder::report(std::vector<Outcome>& outcomes) {
  for (auto& [entry, placed] : outcomes) {
    if (!entry->done) continue;
    try {
      entry->done(std::move(placed));
    } catch (...) {  // nobody is told then, and nothing is admitted
    }
    entry->done = nullptr;
  }
  outcomes.clear();
}

RecorderStats VerdictRecorder::stats() const {
  const std::lock_guard lock(mutex_);
  RecorderStats stats = stats_;
  stats.waiting = queue_.size() + spooling_.size();
  return stats;
}

// ---- deadlines ----

void VerdictRecorder::time_loop() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    const SteadyTime next = timers_.empty() ? SteadyTime::max() : timers_.begin()->first;
    clock_.wait_until(lock, time_wake_, next, [this, next] {
      return stopping_ || (!timers_.empty() && timers_.begin()->first < next);
    });
    std::vector<Outcome> outcomes;
    take_due(clock_.steady_now(), outcomes);
    if (idle()) idle_wake_.notify_all();
    lock.unlock();
    report(outcomes);
    lock.lock();
  }
}

void VerdictRecorder::take_due(SteadyTime now, std::vector<Outcome>& outcomes) {
  while (!timers_.empty() && timers_.begin()->first <= now) {
    const EntryPtr entry = timers_.begin()->second;
    if (entry->need == Need::kLogOrSpool && !entry->to_spool && now < entry->give_up) {
      timers_.erase(timers_.begin());
      entry->timer.reset();
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

// ---- the end ----

bool VerdictRecorder::idle() const {
  return queue_.empty() && spooling_.empty() && busy_ == 0 && spool_.records() == 0;
}

bool VerdictRecorder::flush(SteadyTime until) {
  std::unique_lock lock(mutex_);
  clock_.wait_until(lock, idle_wake_, until, [this] { return stopping_ || idle(); });
  return idle();
}

void VerdictRecorder::stop() {
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) return;
    stopping_ = true;
    for (auto* wake : {&send_wake_, &spool_wake_, &time_wake_, &idle_wake_}) wake->notify_all();
  }
  log_.cancel();
  sender_.join();
  spooler_.join();
  timer_.join();
  std::vector<Outcome> outcomes;
  std::unique_lock lock(mutex_);
  for (auto at = queue_.begin(); at != queue_.end();) {
    const EntryPtr entry = *at++;
    if (entry->need != Need::kLog) to_spool(entry);
  }
  while (!spooling_.empty()) spool_some(lock, outcomes);
  while (!timers_.empty()) {
    const EntryPtr entry = timers_.begin()->second;
    settle(entry, {Placed::Where::kNowhere, 0, "the webhook is stopping"}, outcomes);
  }
  lock.unlock();
  report(outcomes);
}

}  // namespace avouch::admission
