#include <algorithm>
#include <iterator>
#include <limits>

#include "tlog/log_impl.h"

namespace avouch::tlog {
namespace {

// A publication begins when this share of publish_within has passed since the first entry that it
// covers; the rest is for writing it.
constexpr int kLeadNumerator = 3, kLeadDenominator = 4;

}  // namespace

void Log::Impl::run_sequencer() {
  std::unique_lock lock(mutex);
  while (!counters.failure) {
    const SteadyTime deadline = sequencer_deadline();
    clock.wait_until(lock, sequencer_wake, deadline, [this, deadline] {
      return counters.failure || stopping || publication_is_due() || batch_is_ready() ||
             sequencer_deadline() < deadline;  // something arrived while it waited: wait for that
    });
    if (counters.failure) break;
    if (publication_is_due()) hand_over(lock);
    if (batch_is_ready()) {
      std::vector<Request> requests = take_batch();
      lock.unlock();
      sequence(std::move(requests));
      lock.lock();
      continue;
    }
    if (!stopping) continue;
    if (gave_up || counters.read_only || (!publishing && handed_size == counters.sequenced)) break;
    if (publishing) {
      sequencer_wake.wait(lock, [this] { return !publishing || counters.failure; });
    }
  }
  sequencer_done = true;
  publisher_wake.notify_all();
}

SteadyTime Log::Impl::sequencer_deadline() const {
  SteadyTime deadline = SteadyTime::max();
  if (!queue.empty()) {
    deadline = publisher_is_behind() ? publishing_since + options.publish_within
                                     : queue.front().arrived + options.batch_age;
  }
  if (!publishing && oldest_unhanded && !counters.read_only) {
    deadline = std::min(
        deadline, *oldest_unhanded + options.publish_within * kLeadNumerator / kLeadDenominator);
  }
  return deadline;
}

bool Log::Impl::batch_is_ready() const {
  if (queue.empty() || publisher_is_behind()) return false;
  return stopping || queue_entries >= options.batch_entries || queue_bytes >= options.batch_bytes ||
         clock.steady_now() >= queue.front().arrived + options.batch_age;
}

bool Log::Impl::publication_is_due() const {
  if (publishing || gave_up || counters.read_only || handed_size == counters.sequenced) {
    return false;
  }
  return stopping || !waiters.empty() || unhanded_bytes >= options.publish_bytes ||
         clock.steady_now() >=
             *oldest_unhanded + options.publish_within * kLeadNumerator / kLeadDenominator;
}

bool Log::Impl::publisher_is_behind() const {
  return publishing && !stopping && unpublished_bytes >= options.ahead_bytes &&
         clock.steady_now() < publishing_since + options.publish_within;
}

std::vector<Log::Impl::Request> Log::Impl::take_batch() {
  std::vector<Request> requests;
  std::size_t entries = 0, bytes = 0;
  while (!queue.empty()) {
    Request& next = queue.front();
    const bool fits = entries + next.submissions.size() <= options.batch_entries &&
                      bytes + next.bytes <= options.batch_bytes;
    if (!requests.empty() && !fits) break;
    entries += next.submissions.size();
    bytes += next.bytes;
    requests.push_back(std::move(next));
    queue.pop_front();
  }
  queue_entries -= entries;
  queue_bytes -= bytes;
  return requests;
}

Log::Impl::Batch Log::Impl::place(std::vector<Request> requests) const {
  Batch batch;
  RecentIds fresh(std::numeric_limits<std::size_t>::max());
  for (Request& request : requests) {
    std::vector<Sequenced> places;
    for (Submission& submission : request.submissions) {
      const Hash leaf = leaf_hash(submission.entry);
      const IdKey key = id_key(submission.id, leaf);
      std::optional<Place> known = recent.find(key);
      if (!known) known = fresh.find(key);
      if (known) {
        places.push_back({known->index, known->leaf});
        ++batch.duplicates;
        continue;
      }
      const std::uint64_t index = builder.size() + batch.records.size();
      fresh.insert(key, Place{index, leaf});
      places.push_back({index, leaf});
      batch.new_places.push_back({index, leaf});
      batch.records.push_back(Record{index, std::move(submission.entry),
                                     std::move(submission.preimage), std::move(submission.id)});
    }
    batch.places.push_back(std::move(places));
  }
  batch.requests = std::move(requests);
  return batch;
}

void Log::Impl::sequence(std::vector<Request> requests) {
  Batch batch = place(std::move(requests));
  if (!batch.records.empty()) {
    const auto begin = std::chrono::steady_clock::now();
    const auto committed = store.commit(batch.records);
    const auto took = std::chrono::steady_clock::now() - begin;
    if (!committed.has_value()) return refuse(batch, committed.error());
    const std::lock_guard lock(mutex);
    ++counters.commits;
    counters.commit_trouble.reset();
    counters.commit_time += std::chrono::duration_cast<std::chrono::microseconds>(took);
  }
  finish(std::move(batch));
}

void Log::Impl::finish(Batch batch) {
  std::size_t bytes = 0;
  for (std::size_t i = 0; i < batch.records.size(); ++i) {
    const Record& record = batch.records[i];
    const Sequenced& placed = batch.new_places[i];
    builder.push(record, placed.leaf);
    recent.insert(id_key(record.id, placed.leaf), Place{placed.index, placed.leaf});
    bytes += record.entry.size() + record.preimage.size();
  }
  {
    const std::lock_guard lock(mutex);
    std::move(batch.records.begin(), batch.records.end(), std::back_inserter(unpublished));
    unpublished_bytes += bytes;
    unhanded_bytes += bytes;
    counters.sequenced = builder.size();
    if (builder.closes_log() == options.origin) counters.closed_by = counters.sequenced - 1;
    counters.duplicates += batch.duplicates;
    if (!oldest_unhanded && handed_size < counters.sequenced) oldest_unhanded = clock.steady_now();
  }
  for (std::size_t i = 0; i < batch.requests.size(); ++i) {
    batch.requests[i].done(std::move(batch.places[i]));
  }
}

void Log::Impl::refuse(const Batch& batch, const Error& error) {
  // Any error but kRetryable leaves the store in a state that nobody knows.
  const Error reason = error.kind == ErrorKind::kRetryable ? error : fatal(error.message);
  if (reason.kind == ErrorKind::kFatal) fail(reason);
  {
    const std::lock_guard lock(mutex);
    counters.refused += batch.records.size();
    const bool was_closing = std::any_of(batch.requests.begin(), batch.requests.end(),
                                         [](const Request& request) { return request.closes; });
    if (was_closing) closing = false;
    counters.commit_trouble = reason.message;
  }
  for (const Request& request : batch.requests) request.done(reason);
}

void Log::Impl::hand_over(std::unique_lock<std::mutex>& lock) {
  publishing = true;
  publishing_since = clock.steady_now();
  unhanded_bytes = 0;
  handed_size = counters.sequenced;
  oldest_unhanded.reset();
  lock.unlock();
  Publication publication;
  publication.size = builder.size();
  publication.root = builder.root();
  publication.objects = builder.take_objects();
  publication.erasures = builder.take_erasures();
  publication.of_retention = builder.take_of_retention();
  lock.lock();
  handed = std::move(publication);
  publisher_wake.notify_one();
}

}  // namespace avouch::tlog
