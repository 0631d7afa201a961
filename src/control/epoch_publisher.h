#pragma once

// The beacon: an epoch entry with fresh random bytes each period, the checkpoint that covers it,
// and the object that agents watch.

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "control/beacon_ring.h"
#include "control/control_observer.h"
#include "control/recorder.h"
#include "control/renewals.h"
#include "crypto/keys.h"
#include "crypto/random.h"

namespace avouch::control {

class EpochPublisher {
 public:
  struct Options {
    std::string origin;
    Bytes pseudonym_key;
    std::chrono::milliseconds cadence{10'000};
    std::chrono::milliseconds retry{500};
  };
  // Publishes a checkpoint that covers all that is sequenced, and returns its signed note.
  using PublishNote = std::function<Result<std::string>()>;
  // Shows the note to the agents (ConfigMap R-beacon).
  using ShowNote = std::function<Result<void>(const std::string& note)>;

  // The references outlive the publisher.
  EpochPublisher(Options options, EntryLog& log, PublishNote publish, ShowNote show,
                 RenewalBatch& renewals, RenewalStore& store, BeaconRing& ring,
                 const crypto::PrivateKey& verifier_key, crypto::Random& random, Clock& clock,
                 ControlObserver& observer);
  ~EpochPublisher();  // stop()
  EpochPublisher(const EpochPublisher&) = delete;
  EpochPublisher& operator=(const EpochPublisher&) = delete;

  void start();  // the first beacon at once
  void stop();

  // One epoch, or what is left of it: after an error the next step goes on from there, so that an
  // API server that is away costs no entries and the renewals are in the log once. An epoch that
  // is not shown within a period is left: its beacon would be old when it is seen.
  Result<void> step();

 private:
  Result<void> log_epoch();
  Result<void> save_renewals();
  Result<void> publish();
  void run();

  const Options options_;
  EntryLog& log_;
  const PublishNote publish_;
  const ShowNote show_;
  RenewalBatch& renewals_;
  RenewalStore& store_;
  BeaconRing& ring_;
  const crypto::PrivateKey& verifier_key_;
  crypto::Random& random_;
  Clock& clock_;
  ControlObserver& observer_;

  // Of the epoch under way.
  enum class Stage { kNone, kLogged, kPublished };
  Stage stage_ = Stage::kNone;
  SteadyTime begun_{};
  std::string note_;  // published, not shown yet
  std::vector<Renewal> unsaved_;
  std::uint64_t unsaved_index_ = 0;

  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace avouch::control
