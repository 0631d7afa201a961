#include <algorithm>
#include <iterator>

#include "tlog/log_impl.h"

namespace avouch::tlog {
namespace {

constexpr std::chrono::milliseconds kRetryAfter{1000};
constexpr std::size_t kPrunedAtOnce = 16;  // groups of 256 entries: no publication waits for more

}  // namespace

void Log::Impl::publish(PublishDone done) {
  std::optional<Error> refusal;
  std::shared_ptr<const VerifiedCheckpoint> present;
  {
    const std::lock_guard lock(mutex);
    if (counters.failure) {
      refusal = counters.failure;
    } else if (published->size() >= counters.sequenced) {
      present = published;
    } else if (counters.read_only) {
      refusal = retryable(read_only_text(*counters.read_only));
    } else if (stopping) {
      refusal = retryable("log: is being closed");
    } else {
      waiters.push_back({counters.sequenced, std::move(done)});
      sequencer_wake.notify_one();
      return;
    }
  }
  if (refusal) return done(*refusal);
  done(*present);
}

void Log::Impl::run_publisher() {
  std::unique_lock lock(mutex);
  while (true) {
    publisher_wake.wait(
        lock, [this] { return handed || sequencer_done || counters.failure || pruning_is_due(); });
    if (counters.failure || (!handed && sequencer_done)) break;
    if (!handed) {
      prune(lock);
      continue;
    }
    Publication publication = std::move(*handed);
    handed.reset();
    lock.unlock();
    while (may_sign()) {
      const auto written = write(publication);
      if (written.has_value()) {
        announce(publication);
        break;
      }
      if (written.error().kind != ErrorKind::kRetryable) {
        fail(fatal(written.error().message));
        break;
      }
      lock.lock();
      ++counters.publish_retries;
      counters.publish_trouble = written.error().message;
      const bool stop =
          clock.wait_until(lock, publisher_wake, clock.steady_now() + kRetryAfter,
                           [this] { return stopping || counters.failure || counters.read_only; });
      // Nothing is lost by giving up: the entries are committed and published after the next start.
      if (stop) gave_up = true;
      lock.unlock();
      if (stop) break;
    }
    lock.lock();
    publishing = false;
    sequencer_wake.notify_one();
  }
  std::vector<Waiter> left = std::move(waiters);
  waiters.clear();
  const Error reason = counters.failure ? *counters.failure : retryable("log: is being closed");
  lock.unlock();
  for (const Waiter& waiter : left) waiter.done(reason);
}

bool Log::Impl::pruning_is_due() const {
  return retention->content_gone < retention->pruning.content_from && !stopping &&
         !counters.read_only;
}

// What is left when the log ends is left to the next start.
void Log::Impl::prune(std::unique_lock<std::mutex>& lock) {
  Retention next = *retention;
  lock.unlock();
  const auto pruned = prune_content(store, options.origin, kPrunedAtOnce, next);
  if (!pruned.has_value() && pruned.error().kind != ErrorKind::kRetryable) {
    fail(fatal(pruned.error().message));
  }
  for (const std::string& lost : pruned.has_value() ? *pruned : std::vector<std::string>()) {
    if (!options.on_lost_content) continue;
    options.on_lost_content(
        lost +
        ": it was to be pruned, and is written anew without content; what was there is "
        "set aside (see \"A log that is read-only\" in docs/operations.md)");
  }
  lock.lock();
  if (pruned.has_value()) {
    retention = std::make_shared<const Retention>(std::move(next));
    return;
  }
  if (counters.failure) return;
  counters.publish_trouble = pruned.error().message;
  clock.wait_until(lock, publisher_wake, clock.steady_now() + kRetryAfter,
                   [this] { return handed || stopping || counters.failure || counters.read_only; });
}

bool Log::Impl::may_sign() const {
  const std::lock_guard lock(mutex);
  return !counters.read_only;
}

// Each step only after the one before is durable: what a checkpoint covers, what its entries erase,
// the anchors' memory of it, the checkpoint itself. What they prune is gone after that. A retry
// repeats a step with the same bytes.
Result<void> Log::Impl::write(Publication& publication) {
  if (!publication.stored) {
    AVOUCH_CHECK(store.put(publication.objects));
    AVOUCH_CHECK(erase_preimages(store, publication.erasures));
    Retention next = *retention;  // this thread's alone to change
    AVOUCH_CHECK(take_retention(store, publication.of_retention, next));
    publication.retention = std::make_shared<const Retention>(std::move(next));
    publication.stored = true;
    publication.objects.clear();
  }
  if (!publication.checkpoint) {
    AVOUCH_TRY(publication.checkpoint,
               sign_checkpoint(options.origin, publication.size, publication.root, signers));
  }
  std::string present;
  {
    const std::lock_guard lock(mutex);
    present = published->note();
  }
  for (Anchor* anchor : anchors) {
    AVOUCH_CHECK(anchor->replace(present, publication.checkpoint->note()));
  }
  return store.publish(publication.checkpoint->note(), publication.size);
}

void Log::Impl::announce(const Publication& publication) {
  const auto checkpoint = std::make_shared<const VerifiedCheckpoint>(*publication.checkpoint);
  std::vector<Waiter> served;
  {
    const std::lock_guard lock(mutex);
    for (std::uint64_t i = published->size(); i < checkpoint->size(); ++i) {
      const Record& record = unpublished.front();
      unpublished_bytes -= record.entry.size() + record.preimage.size();
      unpublished.pop_front();
    }
    published = checkpoint;
    if (publication.retention) retention = publication.retention;
    counters.published = checkpoint->size();
    ++counters.publications;
    counters.publish_trouble.reset();
    const auto waiting = std::stable_partition(
        waiters.begin(), waiters.end(),
        [&](const Waiter& waiter) { return waiter.size > checkpoint->size(); });
    std::move(waiting, waiters.end(), std::back_inserter(served));
    waiters.erase(waiting, waiters.end());
  }
  if (options.on_published) options.on_published(*checkpoint);
  for (const Waiter& waiter : served) waiter.done(*checkpoint);
}

void Log::Impl::fail(const Error& error) {
  std::deque<Request> queued;
  std::vector<Waiter> waiting;
  {
    const std::lock_guard lock(mutex);
    if (counters.failure) return;
    counters.failure = error;
    queued.swap(queue);
    waiting.swap(waiters);
    queue_entries = queue_bytes = 0;
  }
  sequencer_wake.notify_all();
  publisher_wake.notify_all();
  for (Request& request : queued) request.done(error);
  for (const Waiter& waiter : waiting) waiter.done(error);
  if (options.on_fatal) options.on_fatal(error);
}

}  // namespace avouch::tlog
