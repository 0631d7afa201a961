#include "tlog/log.h"

#include <future>
#include <string>

#include "tlog/bundle.h"
#include "tlog/client.h"
#include "tlog/entry.h"
#include "tlog/log_impl.h"
#include "tlog/preimages.h"
#include "tlog/shard.h"

namespace avouch::tlog {
namespace {

Result<std::size_t> check_submissions(const std::vector<Submission>& submissions,
                                      const LogOptions& options) {
  if (submissions.size() > options.queue_entries) {
    return rejected("log: " + std::to_string(submissions.size()) +
                    " entries in one call, at most " + std::to_string(options.queue_entries) +
                    " are taken");
  }
  std::size_t bytes = 0;
  for (const Submission& submission : submissions) {
    if (submission.entry.empty() || submission.entry.size() > kMaxEntryBytes) {
      return rejected("log: entry has " + std::to_string(submission.entry.size()) +
                      " bytes, expected 1 to " + std::to_string(kMaxEntryBytes));
    }
    if (submission.preimage.size() > kMaxPreimageBytes) {
      return rejected("log: preimage has " + std::to_string(submission.preimage.size()) +
                      " bytes, at most " + std::to_string(kMaxPreimageBytes) + " are kept");
    }
    if (submission.id.size() > kMaxIdBytes) {
      return rejected("log: id has " + std::to_string(submission.id.size()) + " bytes, at most " +
                      std::to_string(kMaxIdBytes) + " are kept");
    }
    bytes += submission.entry.size() + submission.preimage.size() + submission.id.size();
  }
  if (bytes > options.queue_bytes) {
    return rejected("log: " + std::to_string(bytes) + " bytes in one call, at most " +
                    std::to_string(options.queue_bytes) + " are taken");
  }
  return bytes;
}

// Whether the last submission closes the log. kRejected where another one does.
enum class Closes { kNo, kYes };
Result<Closes> closes_log(const std::vector<Submission>& submissions, const std::string& origin) {
  for (const Submission& submission : submissions) {
    if (closes_log_of(submission.entry) != origin) continue;
    if (&submission == &submissions.back()) return Closes::kYes;
    return rejected("log: entries behind the one that closes it; expected it to be the last");
  }
  return Closes::kNo;
}

// What is stored was verified when it was written: whatever is wrong with it now is damage.
Error as_damage(Error error) {
  if (error.kind == ErrorKind::kRejected) error.kind = ErrorKind::kFatal;
  return error;
}

}  // namespace

Log::Impl::Impl(LogOptions options_in, Store& store_in, std::vector<Anchor*> anchors_in,
                std::vector<NoteSigner> signers_in, Clock& clock_in, Opened opened,
                RecentIds recent_in)
    : options(std::move(options_in)),
      store(store_in),
      anchors(std::move(anchors_in)),
      signers(std::move(signers_in)),
      clock(clock_in),
      handed_size(opened.checkpoint.size()),
      published(std::make_shared<const VerifiedCheckpoint>(opened.checkpoint)),
      retention(std::make_shared<const Retention>(std::move(opened.retention))),
      builder(std::move(opened.builder)),
      recent(std::move(recent_in)) {
  counters.published = opened.checkpoint.size();
  for (Record& record : opened.pending) {
    const Hash leaf = leaf_hash(record.entry);
    builder.push(record, leaf);
    recent.insert(id_key(record.id, leaf), Place{record.index, leaf});
    unpublished_bytes += record.entry.size() + record.preimage.size();
    unpublished.push_back(std::move(record));
  }
  counters.sequenced = builder.size();
  if (opened.read_only) {  // without a builder
    counters.read_only = std::move(opened.read_only);
    handed_size = counters.sequenced = counters.published;
  }
  if (builder.closes_log() == options.origin) {
    closing = true;
    counters.closed_by = counters.sequenced - 1;
  }
  if (!unpublished.empty()) oldest_unhanded = clock.steady_now();
  unhanded_bytes = unpublished_bytes;
}

Result<std::unique_ptr<Log>> Log::open(LogOptions options, Store& store,
                                       std::vector<Anchor*> anchors, NoteSigner signer,
                                       Clock& clock) {
  if (options.batch_entries == 0 || options.queue_entries == 0) {
    return rejected("log: batch and queue must have room for at least one entry");
  }
  const RecoveryOptions recovery{options.origin, options.adopt_missing_anchors, options.remembered};
  std::vector<NoteSigner> signers{std::move(signer)};
  signers.insert(signers.end(), options.also_signing.begin(), options.also_signing.end());
  RecentIds recent(options.recent_ids);
  auto tried = open_stored_log(recovery, store, anchors, signers);
  if (tried.has_value()) {
    auto loaded =
        load_recent_ids(tried->checkpoint, options.recent_ids, tried->retention, store, recent);
    if (!loaded.has_value()) tried = std::move(loaded).error();
  }
  if (!tried.has_value() && tried.error().kind == ErrorKind::kFatal &&
      options.read_only_on_conflict) {
    tried = open_to_read(recovery, store, anchors, signers, tried.error());
  }
  AVOUCH_TRY(Opened opened, std::move(tried));
  auto impl =
      std::make_unique<Impl>(std::move(options), store, std::move(anchors), std::move(signers),
                             clock, std::move(opened), std::move(recent));
  impl->publisher = std::thread([raw = impl.get()] { raw->run_publisher(); });
  impl->sequencer = std::thread([raw = impl.get()] { raw->run_sequencer(); });
  return std::make_unique<Log>(std::move(impl));
}

Log::Log(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Log::~Log() { impl_->stop(); }

void Log::Impl::stop() {
  {
    const std::lock_guard lock(mutex);
    stopping = true;
  }
  sequencer_wake.notify_all();
  publisher_wake.notify_all();
  sequencer.join();
  publisher.join();
}

void Log::append(std::vector<Submission> submissions, AppendDone done) {
  impl_->append(std::move(submissions), std::move(done));
}

void Log::Impl::append(std::vector<Submission> submissions, AppendDone done) {
  const auto bytes = check_submissions(submissions, options);
  if (!bytes.has_value()) return done(bytes.error());
  if (submissions.empty()) return done(std::vector<Sequenced>());
  const auto closes = closes_log(submissions, options.origin);
  if (!closes.has_value()) return done(closes.error());

  std::optional<Error> refusal;
  {
    const std::lock_guard lock(mutex);
    const std::size_t count = submissions.size();
    if (counters.failure) {
      refusal = counters.failure;
    } else if (counters.read_only) {
      refusal = retryable(read_only_text(*counters.read_only));
    } else if (stopping) {
      refusal = retryable("log: is being closed");
    } else if (closing) {
      refusal = retryable("log: is closed; the one that follows it takes entries in a moment");
    } else if (queue_entries + count > options.queue_entries ||
               queue_bytes + *bytes > options.queue_bytes) {
      refusal = retryable("log: the queue is full; try again in a second");
    } else if (unpublished.size() + queue_entries + count > options.unpublished_entries ||
               unpublished_bytes + queue_bytes + *bytes > options.unpublished_bytes) {
      refusal = retryable("log: publishing does not keep up; try again in a second");
    } else {
      queue_entries += count;
      queue_bytes += *bytes;
      closing = *closes == Closes::kYes;
      queue.push_back(
          {std::move(submissions), std::move(done), *bytes, closing, clock.steady_now()});
      sequencer_wake.notify_one();
      return;
    }
    counters.refused += count;
  }
  done(*refusal);
}

void Log::stop_signing(const std::string& why) { impl_->stop_signing(why); }

void Log::Impl::stop_signing(const std::string& why) {
  std::deque<Request> queued;
  std::vector<Waiter> waiting;
  {
    const std::lock_guard lock(mutex);
    if (counters.read_only || counters.failure) return;
    counters.read_only = why;
    queued.swap(queue);
    waiting.swap(waiters);
    queue_entries = queue_bytes = 0;
    for (const Request& request : queued) counters.refused += request.submissions.size();
  }
  sequencer_wake.notify_all();
  publisher_wake.notify_all();
  const Error refusal = retryable(read_only_text(why));
  for (const Request& request : queued) request.done(refusal);
  for (const Waiter& waiter : waiting) waiter.done(refusal);
}

Result<Sequenced> Log::append_and_wait(Submission submission) {
  auto promise = std::make_shared<std::promise<Result<std::vector<Sequenced>>>>();
  auto future = promise->get_future();
  std::vector<Submission> submissions;
  submissions.push_back(std::move(submission));
  impl_->append(std::move(submissions), [promise](Result<std::vector<Sequenced>> places) {
    promise->set_value(std::move(places));
  });
  AVOUCH_TRY(const std::vector<Sequenced> places, future.get());
  return places.front();
}

void Log::publish(PublishDone done) { impl_->publish(std::move(done)); }

Result<VerifiedCheckpoint> Log::publish_now() {
  auto promise = std::make_shared<std::promise<Result<VerifiedCheckpoint>>>();
  auto future = promise->get_future();
  impl_->publish([promise](Result<VerifiedCheckpoint> checkpoint) {
    promise->set_value(std::move(checkpoint));
  });
  return future.get();
}

VerifiedCheckpoint Log::checkpoint() const {
  const std::lock_guard lock(impl_->mutex);
  return *impl_->published;
}

std::shared_ptr<const Retention> Log::retention() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->retention;
}

LogStatus Log::status() const {
  const std::lock_guard lock(impl_->mutex);
  LogStatus status = impl_->counters;
  status.queued = impl_->queue_entries;
  return status;
}

Result<StoredEntry> Log::get(std::uint64_t index) const {
  std::shared_ptr<const VerifiedCheckpoint> at;
  std::shared_ptr<const Retention> retention;
  {
    const std::lock_guard lock(impl_->mutex);
    if (index >= impl_->counters.sequenced) {
      return rejected("log: no entry " + std::to_string(index) + ", there are " +
                      std::to_string(impl_->counters.sequenced));
    }
    at = impl_->published;
    retention = impl_->retention;
    if (index >= at->size()) {
      const Record& record = impl_->unpublished[index - at->size()];
      return StoredEntry{index, record.entry, record.preimage, record.id, {}, false};
    }
  }
  return read_stored_entry(impl_->store, *at, *retention, index);
}

Result<std::vector<Hash>> Log::inclusion_proof(std::uint64_t index,
                                               const VerifiedCheckpoint& at) const {
  if (at.origin() != impl_->options.origin) return rejected("log: a checkpoint of another log");
  if (index >= at.size()) {
    return rejected("log: index " + std::to_string(index) + " is not under a checkpoint of size " +
                    std::to_string(at.size()));
  }
  auto included = fetch_entry(impl_->store, at, index);
  if (!included.has_value()) return as_damage(std::move(included).error());
  return std::move(included->proof);
}

}  // namespace avouch::tlog
