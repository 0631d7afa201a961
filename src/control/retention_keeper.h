#pragma once

// Keeps the log to its retention policy: enters the policy where it is another than the log says,
// and then, each hour, how far it has come. What that means for content is the log's to do, once
// the entry is published (tlog/retention.h).

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <set>
#include <stop_token>
#include <string>
#include <thread>

#include "base/clock.h"
#include "control/control_observer.h"
#include "control/recorder.h"
#include "crypto/keys.h"
#include "crypto/random.h"
#include "tlog/log.h"
#include "tlog/retention.h"

namespace avouch::control {

class RetentionKeeper {
 public:
  struct Options {
    tlog::RetentionPolicy policy;  // as configured
    std::string origin;
    Bytes pseudonym_key;
    std::chrono::milliseconds every = std::chrono::hours(1);
    std::chrono::milliseconds retry = std::chrono::minutes(1);  // after a fault that passes
  };
  using Publish = std::function<Result<tlog::VerifiedCheckpoint>()>;
  // Entries that all who follow the log have been shown: no boundary goes beyond.
  using Followed = std::function<std::uint64_t()>;

  // References outlive it. `tiles`: the log's store.
  RetentionKeeper(Options options, tlog::Log& log, tlog::TileReader& tiles, EntryLog& entries,
                  Publish publish, Followed followed, const crypto::PrivateKey& verifier_key,
                  crypto::Random& random, Clock& clock, ControlObserver& observer);
  ~RetentionKeeper();  // stop()
  RetentionKeeper(const RetentionKeeper&) = delete;
  RetentionKeeper& operator=(const RetentionKeeper&) = delete;

  void start();  // the first step at once
  void stop();

  // Enters what is to be entered, at most two entries, and has them published. Does nothing where
  // the log is read-only, or there is no policy and never was one. kRetryable: the log takes no
  // entries now, or stop().
  Result<void> step();

 private:
  Result<void> enter_policy();
  Result<void> enter_pruning(const tlog::Retention& known);
  // `unread`: which groups of preimages could not be read, and why. Epochs in them count for
  // nothing.
  Result<std::uint64_t> boundary(std::uint64_t from, std::chrono::milliseconds kept, SystemTime now,
                                 std::uint64_t limit, std::set<std::string>& unread);
  Result<void> enter(std::string_view kind, codec::Cbor payload);
  void run();

  const Options options_;
  tlog::Log& log_;
  tlog::TileReader& tiles_;
  EntryLog& entries_;
  const Publish publish_;
  const Followed followed_;
  const crypto::PrivateKey& verifier_key_;
  crypto::Random& random_;
  Clock& clock_;
  ControlObserver& observer_;

  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;
  std::stop_source ending_;
  std::thread thread_;
};

}  // namespace avouch::control
