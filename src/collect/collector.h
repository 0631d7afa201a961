#pragma once

// The agent's loop: when to quote, what to send where.

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>

#include "attest/evidence.h"
#include "base/clock.h"
#include "collect/attester.h"
#include "collect/log_source.h"
#include "collect/runtime_log.h"
#include "collect/uplink.h"

namespace avouch::collect {

struct CollectorOptions {
  std::string version;
  // A quote this often, one a beacon; sooner again only where the last one found no taker.
  std::chrono::milliseconds heartbeat{10'000};
  // How long the intake must have been out of reach before the AttestationEvidence is written in
  // its stead, and between two such writes: all agents see a controller that restarts at once.
  std::chrono::milliseconds fallback{30'000};
  std::chrono::milliseconds republish{3'600'000};  // the AttestationEvidence at least this often
  std::chrono::milliseconds min_backoff{500};
  std::chrono::milliseconds max_backoff{15'000};
};

// What the agent tells its shell: for log lines and metrics. Called on the loop's thread.
struct CollectorEvents {
  std::function<void(const HeartbeatAnswer&)> on_heartbeat = [](const HeartbeatAnswer&) {};
  std::function<void(std::string_view what, const Error&)> on_problem = [](std::string_view,
                                                                           const Error&) {};
  std::function<void(std::string_view what)> on_progress = [](std::string_view) {};
};

// This node's AttestationEvidence as it is now.
struct PublishedEvidence {
  std::string ak_public;  // spec.identity.akPublic, as it is written there
  std::optional<ActivationRequest> activation;
  bool operator==(const PublishedEvidence&) const = default;
};

// When to try again what failed: after growing pauses.
class Retry {
 public:
  Retry(std::chrono::milliseconds min, std::chrono::milliseconds max) : min_(min), max_(max) {}
  bool due(SteadyTime now) const { return now >= at_; }
  SteadyTime at() const { return at_; }
  void failed(SteadyTime now);
  void succeeded();

 private:
  std::chrono::milliseconds min_, max_, pause_{0};
  SteadyTime at_ = SteadyTime::min();
};

// Four things go on beside one another, each with its own pauses after a failure: the node's UID,
// the TPM, heartbeats and writes of the AttestationEvidence. None waits for another that is out of
// reach, as long as it does not need what that brings.
//
// beacon_published() and evidence_seen() may be called from any thread; the rest is one thread's.
class Collector {
 public:
  // The references must outlive the collector.
  Collector(Attester& attester, LogSource& logs, Uplink& uplink, Clock& clock,
            CollectorOptions options, CollectorEvents events);

  // The signed note of the newest beacon checkpoint.
  void beacon_published(std::string note);

  // Nothing: there is no AttestationEvidence of this node. One that names another key than ours,
  // because somebody else wrote it, is written anew, but not more often than each `fallback`.
  void evidence_seen(std::optional<PublishedEvidence> evidence);

  // Until `stop`.
  void run(const std::stop_token& stop);

  // One turn: does what is due, returns how long nothing will be due unless something is told.
  std::chrono::milliseconds step();

  // When the last turn ended: for liveness.
  SteadyTime last_turn() const;

 private:
  struct Told {  // by other threads
    std::string beacon;
    SteadyTime beacon_since{};  // when the first beacon came that no quote was made for
    bool evidence_known = false;
    std::optional<PublishedEvidence> evidence;
    std::uint64_t changes = 0, evidence_changes = 0;
  };

  void turn(const Told& told);
  void learn_uid();
  void learn_identity();
  void answer_activation(const ActivationRequest& request);
  void heartbeat(const std::string& beacon);
  std::optional<Measurement> measure(const std::string& beacon);
  bool read_logs(const Measurement& measurement);  // false: the runtime log may be read again
  void send();
  void upload(const HeartbeatAnswer& answer);
  bool publish();
  attest::UnverifiedEvidence evidence() const;
  std::string substance() const;
  bool publication_due(const Told& told) const;
  bool is_of_another(const Told& told) const;
  SteadyTime quote_due_at(const Told& told) const;
  SteadyTime next_due(const Told& told) const;
  std::chrono::milliseconds phase() const;

  Attester& attester_;
  LogSource& logs_;
  Uplink& uplink_;
  Clock& clock_;
  const CollectorOptions options_;
  const CollectorEvents events_;

  mutable std::mutex mutex_;
  std::condition_variable wake_;
  Told told_;
  bool beacon_waits_ = false;  // no quote has been made for told_.beacon
  SteadyTime last_turn_{};

  std::string uid_;
  std::optional<attest::UnverifiedIdentity> identity_;
  std::optional<attest::ActivationAnswer> activation_;
  std::string hopeless_challenge_;  // made for other keys than ours
  std::optional<Measurement> measurement_;
  std::optional<attest::BootLogReference> boot_log_reference_;
  RuntimeLog runtime_log_;
  int unread_ = 0;  // in a row, as it could not be read for now

  std::string quoted_beacon_;             // the last quote's
  std::string settled_beacon_;            // quoted for, and answered
  std::optional<SteadyTime> next_quote_;  // after one that was taken
  std::optional<SteadyTime> reached_at_;  // the intake last answered
  std::string published_substance_;
  std::optional<SteadyTime> published_at_;
  Retry uid_retry_, tpm_retry_, quote_retry_, publish_retry_;
};

}  // namespace avouch::collect
