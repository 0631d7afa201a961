#pragma once

// Gives admission verdicts a durable place: in the log (group commit: one request under way, what
// comes meanwhile goes into the next), or in the spool while the log is out of reach.

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "admission/fair_shares.h"
#include "admission/log_endpoint.h"
#include "admission/spool.h"
#include "base/clock.h"

namespace avouch::admission {

enum class Need {
  kLog,         // nothing but the log will do (logging: Strict)
  kLogOrSpool,  // the spool will do when the log is slow or out of reach
  kSometime,    // nobody waits: a denial; at most half of queues and spool is for these
};

struct Placed {
  enum class Where { kLog, kSpool, kNowhere };
  Where where = Where::kNowhere;
  std::uint64_t index = 0;  // kLog
  std::string why;          // kNowhere, for people
  std::string origin = {};  // kLog: of the log, where it was said
};

struct RecorderOptions {
  std::size_t batch_records = 1024;
  std::size_t batch_bytes = 600 * 1024;  // of payloads
  std::size_t queue_records = 8192;  // that wait for the log, and for the spool; more are refused
  std::size_t spool_bytes = 64 * 1024 * 1024;
  std::chrono::milliseconds spool_age{3'600'000};  // no more is spooled once the oldest is older
  std::chrono::milliseconds spool_after{1'000};    // of waiting for the log
  std::chrono::milliseconds min_backoff{100};
  std::chrono::milliseconds max_backoff{5'000};
  // Told of denials that were in the spool, and that the log has no room for: of those nobody else
  // is told. On a thread of the recorder; must be quick, and must not throw.
  std::function<void(std::uint64_t)> on_left_out;
};

struct RecorderStats {
  std::uint64_t logged = 0, spooled = 0, drained = 0, batches = 0, failures = 0;
  std::uint64_t refused = 0;     // somebody waited, and was told
  std::uint64_t lost = 0;        // verdicts without a durable place
  std::uint64_t left_out = 0;    // denials that the log had no room for
  std::uint64_t over_share = 0;  // of both: because their caller had its share
  std::size_t waiting = 0;
  std::string log_error;    // of the last attempt; "" when it succeeded
  std::string spool_error;  // of the last use of the spool that failed; "" once it is read again
};

class VerdictRecorder {
 public:
  // The payload, and the same marked as late.
  using MakePayload = std::function<Bytes(bool late)>;
  // Called once, on a thread of the recorder or the caller's; must be quick. What it throws is
  // dropped, with whatever it holds.
  using Done = std::function<void(Placed)>;

  // The references outlive it.
  VerdictRecorder(LogEndpoint& log, Spool& spool, Clock& clock, RecorderOptions options);
  ~VerdictRecorder();  // stop()
  VerdictRecorder(const VerdictRecorder&) = delete;
  VerdictRecorder& operator=(const VerdictRecorder&) = delete;

  // Thread-safe; waits for neither log nor disk. At `give_up` the latest `done` is called, with
  // kNowhere, however long log and spool hang. A record that had no place then may still get one.
  // For kSometime `done` may be empty, and give_up is not used. `caller` is who shares with others
  // what there is of spool and of room for denials (FairShares).
  void record(std::string id, Need need, SteadyTime give_up, MakePayload make, Done done,
              std::string caller = {});

  // Waits until all that was recorded, the spool's content too, is in the log. False: not so at
  // `until`.
  bool flush(SteadyTime until);

  // Cancels the endpoint's call, spools what may be spooled, refuses the rest, ends the threads.
  // Idempotent.
  void stop();

  RecorderStats stats() const;

 private:
  struct Entry;
  using EntryPtr = std::shared_ptr<Entry>;
  // Of entries that are not settled: who has given up takes no place.
  using Queue = std::list<EntryPtr>;
  using Timers = std::multimap<SteadyTime, EntryPtr>;
  struct Outcome {
    EntryPtr entry;
    Placed placed;
  };
  struct Spooled {  // one record of this process in the spool
    std::string caller;
    bool waited_for = false;
    std::size_t bytes = 0;
  };

  void send_loop();
  void spool_loop();
  void time_loop();
  bool idle() const;
  bool enqueue(const EntryPtr& entry);
  static void wait_in(Queue& queue, Queue::iterator before, const EntryPtr& entry);
  static void leave_queue(Entry& entry);
  void back_to_front(const EntryPtr& entry);
  bool can_drain(SteadyTime now) const;
  bool can_send(SteadyTime now) const;
  void send_from_queue(std::unique_lock<std::mutex>& lock);
  void send_from_spool(std::unique_lock<std::mutex>& lock);
  std::vector<EntryPtr> take_batch();
  void batch_failed(const std::vector<EntryPtr>& batch, const Error& error,
                    std::vector<Outcome>& outcomes);
  void note_success();
  void note_failure(const Error& error);
  void set_timer(const EntryPtr& entry, SteadyTime at);
  void take_due(SteadyTime now, std::vector<Outcome>& outcomes);
  void spool_some(std::unique_lock<std::mutex>& lock, std::vector<Outcome>& outcomes);
  std::string spool_refusal(const Entry& entry, std::size_t size, std::size_t more_bytes);
  FairShares& spool_shares(bool waited_for);
  void note_spooled(const Entry& entry, std::size_t size);
  void forget_spooled(bool newest);
  void forget_dropped(std::size_t count);
  void to_spool(const EntryPtr& entry);
  void settle(const EntryPtr& entry, Placed placed, std::vector<Outcome>& outcomes);
  static void report(std::vector<Outcome>& outcomes);

  LogEndpoint& log_;
  Spool& spool_;
  Clock& clock_;
  const RecorderOptions options_;

  mutable std::mutex mutex_;  // guards all below
  std::condition_variable send_wake_, spool_wake_, time_wake_, idle_wake_;
  Queue queue_;                     // for the log
  Queue spooling_;                  // for the spool
  FairShares denials_waiting_;      // entries of kSometime, in both queues
  std::size_t denials_ = 0;         // all of them
  std::deque<Spooled> spooled_;     // as in the spool, behind what is of an earlier process
  std::size_t spooled_before_ = 0;  // records of an earlier process
  FairShares spooled_waited_, spooled_denials_;  // bytes in the spool
  Timers timers_;
  int busy_ = 0;  // batches on their way to the log or the disk
  bool stopping_ = false;
  bool down_ = false;  // the last attempt failed
  bool spool_turn_ = false;
  SteadyTime resume_at_{};        // of the log, after a failure
  SteadyTime spool_resume_at_{};  // of the spool's reading, after a failure of its own
  std::chrono::milliseconds backoff_{0};
  RecorderStats stats_;
  std::thread sender_, spooler_, timer_;  // apart, so that none hangs with another
};

}  // namespace avouch::admission
