#pragma once

// Makes the appraiser's decisions last: what the verdict was made of, then the log entry, then the
// node's record on disk, then the answer. A verdict whose inputs cannot be kept stands all the same
// (observer: problem "records"): a full disk takes no node's trust, and gives none.
// Jobs are done in order, many at a time, so that one wait for the disk serves them all.

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "control/appraiser.h"
#include "control/control_observer.h"
#include "control/record_store.h"
#include "control/renewals.h"
#include "control/verdict_archive.h"
#include "crypto/keys.h"
#include "crypto/random.h"

namespace avouch::control {

// Seam to the log: tlog::Log behind the few calls that are needed here.
struct EntryToLog {
  Bytes statement;
  Bytes preimage;
  std::string id;
};
class EntryLog {
 public:
  virtual ~EntryLog() = default;
  // Waits until all are sequenced. kRetryable: none was, try again.
  virtual Result<std::vector<LogPlace>> append(std::vector<EntryToLog> entries) = 0;
};

class Recorder {
 public:
  using Done = std::function<void(const RecordJob& job, std::optional<LogPlace> place)>;

  struct Options {
    std::string origin;
    std::size_t batch = 512;
    std::chrono::milliseconds retry{200};
  };

  // The references outlive the recorder. `done` runs on the recorder's thread.
  Recorder(Options options, EntryLog& log, RecordStore& records, RenewalBatch& renewals,
           VerdictArchive& archive, const crypto::PrivateKey& verifier_key, crypto::Random& random,
           Clock& clock, ControlObserver& observer, Done done);
  ~Recorder();  // stop()
  Recorder(const Recorder&) = delete;
  Recorder& operator=(const Recorder&) = delete;

  void start();
  void stop();  // does what is queued first, unless a fault keeps it from that
  void add(RecordJob job);
  std::size_t waiting() const;

  // Does the jobs that are queued; what the thread runs in a loop. kRetryable: nothing was done.
  Result<void> step();

 private:
  void keep(const std::vector<RecordJob>& jobs);
  Result<std::vector<LogPlace>> append(const std::vector<RecordJob>& jobs);
  Result<void> save(const std::vector<RecordJob>& jobs, const std::vector<LogPlace>& places);
  void run();

  const Options options_;
  EntryLog& log_;
  RecordStore& records_;
  RenewalBatch& renewals_;
  VerdictArchive& archive_;
  const crypto::PrivateKey& verifier_key_;
  crypto::Random& random_;
  Clock& clock_;
  ControlObserver& observer_;
  const Done done_;

  std::map<std::string, LogPlace> places_;  // by node UID: newest, until the appraiser knows it

  // Jobs taken by a step that failed half-way keep their places: an entry is appended once.
  std::vector<RecordJob> taken_;
  std::vector<LogPlace> taken_places_;
  bool appended_ = false;

  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<RecordJob> queue_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace avouch::control
