#pragma once

// The insides of Log: one thread that sequences (sequencer.cc), one that publishes (publisher.cc),
// and what they share.

#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "tlog/builder.h"
#include "tlog/log.h"
#include "tlog/recent_ids.h"
#include "tlog/recovery.h"
#include "tlog/retention.h"

namespace avouch::tlog {

inline std::string read_only_text(const std::string& why) { return "log: is read-only: " + why; }

struct Log::Impl {
  struct Request {
    std::vector<Submission> submissions;
    AppendDone done;
    std::size_t bytes = 0;
    bool closes = false;  // its last entry closes the log
    SteadyTime arrived;
  };
  struct Publication {
    std::vector<Object> objects;
    std::vector<Erasure> erasures;     // that its entries make
    std::vector<Record> of_retention;  // of its entries
    std::uint64_t size = 0;
    Hash root{};
    std::optional<VerifiedCheckpoint> checkpoint;  // once it is signed
    bool stored = false;                           // objects are in the store, and erasures made
    std::shared_ptr<const Retention> retention;    // with its entries; null: as before
  };
  struct Waiter {
    std::uint64_t size = 0;
    PublishDone done;
  };
  // What a batch of requests comes to.
  struct Batch {
    std::vector<Request> requests;
    std::vector<std::vector<Sequenced>> places;  // of each request
    std::vector<Record> records;                 // what is new
    std::vector<Sequenced> new_places;           // of the records
    std::uint64_t duplicates = 0;
  };

  Impl(LogOptions options_in, Store& store_in, std::vector<Anchor*> anchors_in,
       std::vector<NoteSigner> signers_in, Clock& clock_in, Opened opened, RecentIds recent_in);

  // Log's methods.
  void append(std::vector<Submission> submissions, AppendDone done);
  void publish(PublishDone done);
  void stop_signing(const std::string& why);
  void stop();

  // The sequencing thread.
  void run_sequencer();
  SteadyTime sequencer_deadline() const;  // with `mutex` held, as the next four
  bool batch_is_ready() const;
  bool publication_is_due() const;
  bool publisher_is_behind() const;
  std::vector<Request> take_batch();
  void sequence(std::vector<Request> requests);
  Batch place(std::vector<Request> requests) const;
  void finish(Batch batch);
  void refuse(const Batch& batch, const Error& error);
  void hand_over(std::unique_lock<std::mutex>& lock);

  // The publishing thread.
  void run_publisher();
  bool may_sign() const;
  Result<void> write(Publication& publication);
  void announce(const Publication& publication);
  bool pruning_is_due() const;  // with `mutex` held
  void prune(std::unique_lock<std::mutex>& lock);

  void fail(const Error& error);  // the log is done for: everyone is told

  const LogOptions options;
  Store& store;
  const std::vector<Anchor*> anchors;
  const std::vector<NoteSigner> signers;
  Clock& clock;

  mutable std::mutex mutex;
  std::condition_variable sequencer_wake, publisher_wake;
  // Guarded by `mutex`.
  std::deque<Request> queue;
  std::size_t queue_entries = 0, queue_bytes = 0;
  std::deque<Record> unpublished;  // from published.size() on
  std::size_t unpublished_bytes = 0;
  std::size_t unhanded_bytes = 0;             // of entries that the publisher has not been given
  std::uint64_t handed_size = 0;              // entries that the publisher has been given
  std::optional<SteadyTime> oldest_unhanded;  // when the first entry behind them was sequenced
  std::shared_ptr<const VerifiedCheckpoint> published;
  std::shared_ptr<const Retention> retention;  // as entries under it say; the publisher writes it
  std::optional<Publication> handed;
  bool publishing = false;
  bool closing = false;  // an entry that closes the log waits, or is in it: nothing more is taken
  SteadyTime publishing_since;
  bool stopping = false, sequencer_done = false, gave_up = false;
  std::vector<Waiter> waiters;
  LogStatus counters;

  // The sequencing thread's own.
  Builder builder;
  RecentIds recent;

  std::thread sequencer, publisher;
};

}  // namespace avouch::tlog
