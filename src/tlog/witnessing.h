#pragma once

// Has the witnesses of a policy cosign what a log publishes. One thread for each witness, so that
// one that hangs delays nobody, the log least of all: it only says what it has published.
//
// All are asked for the same checkpoint, the newest when a round begins, since cosignatures of
// several make no quorum. A round begins with the first checkpoint that is published `every` or
// longer after the last round, and after `refresh` for an unchanged one, so that the age of a
// quorum says whether witnesses can be reached, not whether the log grows.

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "tlog/cosigned_notes.h"
#include "tlog/log.h"
#include "tlog/store.h"
#include "tlog/witness_client.h"
#include "tlog/witness_recall.h"

namespace avouch::tlog {

// A witness that says that this log went back in time, or is two.
struct WitnessAlarm {
  std::string witness;
  std::string what;
  std::optional<std::string> note;  // the proof: a checkpoint by this log's key that is not its own
};

struct WitnessingOptions {
  std::chrono::milliseconds every{5'000};
  std::chrono::milliseconds refresh{60'000};
  std::vector<NoteVerifier> log_keys;     // of this log
  std::vector<NoteVerifier> former_keys;  // under which witnesses may have cosigned it last

  // Called on a witness' thread, without a lock held: must not call stop() nor destroy.
  std::function<void(const std::string& witness, const std::string& why)> on_trouble;  // if changed
  std::function<void(const WitnessAlarm&)> on_alarm;  // once for each witness
};

struct AskedWitness {
  std::string name;  // in the policy
  CosignerKey key;
  std::unique_ptr<WitnessExchange> exchange;
};

struct WitnessStatus {
  std::string name;
  std::uint64_t size = 0;                   // cosigned last, as far as known
  std::optional<SystemTime> last_cosigned;  // by our clock
  std::uint64_t failures = 0;               // since the start
  std::string trouble;                      // why the last question was in vain; "" if it was not
  bool alarmed = false;
};

class Witnessing {
 public:
  // References outlive it. `memory`: where the witnessed note is kept, alone; may be null.
  Witnessing(WitnessingOptions options, LogPolicy policy, std::vector<AskedWitness> witnesses,
             TileReader& tiles, Anchor* memory, Clock& clock);
  ~Witnessing();  // stop()
  Witnessing(const Witnessing&) = delete;
  Witnessing& operator=(const Witnessing&) = delete;

  // What the witnesses remember of this log, before anything of it is signed (witness_recall.h).
  // Before start(). Where that was too little, they are asked again after a pause that grows
  // (witness_pause()), and until then the answer is the same. `empty`: as of RecallOptions. Errors
  // of recall(), of the store and
  // of the memory.
  Result<Recalled> recall(const VerifiedCheckpoint& empty, const std::stop_token& stop);

  // Takes up the witnessed note that an earlier process kept, if it still is one of this log, and
  // begins to ask.
  Result<void> start(const VerifiedCheckpoint& newest);
  void stop();

  // What the log has published; quick, from any thread.
  void published(const VerifiedCheckpoint& checkpoint);

  const CosignedNotes& notes() const { return notes_; }
  std::vector<WitnessStatus> status() const;

 private:
  struct Worker;
  void run(Worker& worker, const std::stop_token& stop);
  WitnessOutcome ask(Worker& worker, const VerifiedCheckpoint& target, const std::stop_token& stop);
  void take(Worker& worker, const VerifiedCheckpoint& target, const WitnessOutcome& outcome,
            const std::stop_token& stop);
  void raise(Worker& worker, const std::string& what, const std::stop_token& stop);
  void tell_claim(const Recalled::Claim& claim);
  void keep();

  // With `mutex_` held.
  SteadyTime next_round() const;
  SteadyTime deadline_of(const Worker& worker) const;
  void begin_round();

  const WitnessingOptions options_;
  CosignedNotes notes_;
  TileReader& tiles_;
  Anchor* const memory_;
  Clock& clock_;

  mutable std::mutex mutex_;
  std::condition_variable wake_;
  // Guarded by `mutex_`.
  bool stopping_ = false;
  std::shared_ptr<const VerifiedCheckpoint> newest_, target_;
  SteadyTime round_begun_{};
  std::uint64_t round_ = 0;

  // Of recall() alone.
  std::optional<Recalled> waited_for_;
  std::uint64_t recalls_in_vain_ = 0;
  SteadyTime recall_again_{};

  std::mutex memory_mutex_;  // guards the memory and what lies in it
  std::optional<std::string> kept_;
  bool keeps_ = true;

  std::vector<std::unique_ptr<Worker>> workers_;
  std::vector<std::jthread> threads_;
};

}  // namespace avouch::tlog
