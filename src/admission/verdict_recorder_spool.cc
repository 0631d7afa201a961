// The recorder's way into the spool.

#include <exception>

#include "admission/verdict_recorder_entry.h"
#include "base/time_text.h"

namespace avouch::admission {
namespace {

constexpr std::size_t kRecordOverhead = 64;  // of a record on disk, generously

}  // namespace

void VerdictRecorder::spool_loop() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    clock_.wait_until(lock, spool_wake_, SteadyTime::max(),
                      [this] { return stopping_ || !spooling_.empty(); });
    if (stopping_ || spooling_.empty()) continue;
    std::vector<Outcome> outcomes;
    ++busy_;
    try {
      spool_some(lock, outcomes);
    } catch (const std::exception& e) {  // those who wait are told at their deadline
      if (!lock.owns_lock()) lock.lock();
      stats_.spool_error = e.what();
    }
    --busy_;
    if (idle()) idle_wake_.notify_all();
    lock.unlock();
    report(outcomes);
    lock.lock();
  }
}

FairShares& VerdictRecorder::spool_shares(bool waited_for) {
  return waited_for ? spooled_waited_ : spooled_denials_;
}

// Why `entry` may not be spooled, after `more_bytes` of others, or "".
std::string VerdictRecorder::spool_refusal(const Entry& entry, std::size_t size,
                                           std::size_t more_bytes) {
  const std::string log = stats_.log_error.empty() ? "" : "; the log: " + stats_.log_error;
  // Anybody can provoke denials; they must not take the place of what is waited for.
  const bool waited_for = entry.need != Need::kSometime;
  const std::size_t limit = waited_for ? options_.spool_bytes : options_.spool_bytes / 2;
  const std::size_t used = spool_.bytes() + more_bytes;
  if (used + size > limit) {
    return "the verdict log is out of reach and the spool is full" + log;
  }
  if (!spool_shares(waited_for).allows(entry.caller, size, used, limit)) {
    ++stats_.over_share;
    return "the verdict log is out of reach, and " + entry.caller +
           " has had its share of the spool" + log;
  }
  const auto oldest = spool_.oldest();
  if (oldest && clock_.now() - *oldest > options_.spool_age) {
    return "the verdict log has been out of reach since " + to_rfc3339(*oldest) +
           ", longer than verdicts may be spooled" + log;
  }
  return {};
}

void VerdictRecorder::note_spooled(const Entry& entry, std::size_t size) {
  const bool waited_for = entry.need != Need::kSometime;
  spooled_.push_back({entry.caller, waited_for, size});
  spool_shares(waited_for).take(entry.caller, size);
}

void VerdictRecorder::forget_spooled(bool newest) {
  const Spooled record = std::move(newest ? spooled_.back() : spooled_.front());
  if (newest) {
    spooled_.pop_back();
  } else {
    spooled_.pop_front();
  }
  spool_shares(record.waited_for).give_back(record.caller, record.bytes);
}

// The oldest `count` records have left the spool.
void VerdictRecorder::forget_dropped(std::size_t count) {
  for (; count > 0 && spooled_before_ > 0; --count) --spooled_before_;
  for (; count > 0 && !spooled_.empty(); --count) forget_spooled(false);
}

void VerdictRecorder::spool_some(std::unique_lock<std::mutex>& lock,
                                 std::vector<Outcome>& outcomes) {
  std::vector<EntryPtr> batch;
  while (!spooling_.empty() && batch.size() < options_.batch_records) {
    batch.push_back(spooling_.front());
    leave_queue(*batch.back());
  }
  if (batch.empty()) return;
  lock.unlock();
  std::vector<LogRecord> made;
  made.reserve(batch.size());
  for (const EntryPtr& entry : batch) made.push_back({entry->id, entry->make(true)});
  lock.lock();

  std::vector<EntryPtr> taken;
  std::vector<LogRecord> records;
  std::size_t bytes = 0;
  for (std::size_t i = 0; i < batch.size(); ++i) {
    const std::size_t size = made[i].payload.size() + made[i].id.size() + kRecordOverhead;
    if (std::string why = spool_refusal(*batch[i], size, bytes); !why.empty()) {
      ++stats_.lost;
      settle(batch[i], {Placed::Where::kNowhere, 0, std::move(why)}, outcomes);
      continue;
    }
    bytes += size;
    note_spooled(*batch[i], size);  // before it can be drained
    taken.push_back(std::move(batch[i]));
    records.push_back(std::move(made[i]));
  }
  if (records.empty()) return;
  const SystemTime now = clock_.now();
  lock.unlock();
  const auto kept = spool_.append(records, now);
  lock.lock();
  Placed placed{Placed::Where::kSpool, 0, {}};
  if (kept.has_value()) {
    stats_.spooled += taken.size();
    send_wake_.notify_one();
  } else {
    for (std::size_t i = 0; i < taken.size(); ++i) forget_spooled(true);
    stats_.lost += taken.size();
    stats_.spool_error = kept.error().message;
    placed = {
        Placed::Where::kNowhere, 0,
        "the verdict log is out of reach and the spool cannot be written: " + kept.error().message};
  }
  for (const EntryPtr& entry : taken) settle(entry, placed, outcomes);
}

}  // namespace avouch::admission
