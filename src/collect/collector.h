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
  std::chrono::milliseconds heartbeat{10'000};  // a quote at most this often, one a beacon
  std::chrono::milliseconds fallback{
      30'000};  // between two writes while the intake is out of reach
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

// beacon_published() and evidence_seen() may be called from any thread; the rest is one thread's.
class Collector {
 public:
  // The references must outlive the collector.
  Collector(Attester& attester, LogSource& logs, Uplink& uplink, Clock& clock,
            CollectorOptions options, CollectorEvents events);

  // The signed note of the newest beacon checkpoint.
  void beacon_published(std::string note);

  // This node's AttestationEvidence as it is now: whether it exists, and the challenge in its
  // status.
  void evidence_seen(bool exists, std::optional<ActivationRequest> activation);

  // Until `stop`.
  void run(const std::stop_token& stop);

  // One turn: does what is due, returns how long nothing will be due unless something is told.
  std::chrono::milliseconds step();

  // When the last turn ended: for liveness.
  SteadyTime last_turn() const;

 private:
  struct Told {  // by other threads
    std::string beacon;
    bool evidence_known = false;
    bool evidence_exists = false;
    std::optional<ActivationRequest> activation;
    std::uint64_t changes = 0;
  };

  Result<void> turn(const Told& told);
  Result<void> answer_activation(const ActivationRequest& request);
  Result<void> heartbeat(const std::string& beacon);
  Result<void> upload(const HeartbeatAnswer& answer);
  Result<void> publish();
  Result<void> refresh_uid();
  attest::UnverifiedEvidence evidence() const;
  std::string substance() const;
  bool quote_due(const Told& told) const;

  Attester& attester_;
  LogSource& logs_;
  Uplink& uplink_;
  Clock& clock_;
  const CollectorOptions options_;
  const CollectorEvents events_;

  mutable std::mutex mutex_;
  std::condition_variable wake_;
  Told told_;
  SteadyTime last_turn_{};

  std::string uid_;
  std::optional<attest::UnverifiedIdentity> identity_;
  std::optional<attest::ActivationAnswer> activation_;
  std::optional<Measurement> measurement_;
  std::optional<Bytes> boot_log_;
  std::optional<attest::BootLogReference> boot_log_reference_;
  RuntimeLog runtime_log_;
  std::string quoted_beacon_;
  std::optional<SteadyTime> quoted_at_;
  std::string published_substance_;
  std::optional<SteadyTime> published_at_;
  std::chrono::milliseconds backoff_{0};
};

}  // namespace avouch::collect
