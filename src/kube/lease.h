#pragma once

// Leader election by a coordination.k8s.io/v1 Lease.

#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>

#include "base/clock.h"
#include "kube/client.h"

namespace avouch::kube {

// On the controller's Lease: the condition `Recorded` of AttestationPolicies, as JSON. Whoever may
// see no policy, or finds none, can know it by that.
inline constexpr std::string_view kRecordedAnnotation = "avouch.dev/recorded";

// No lease may be longer, and none is waited for longer, whatever the object says: who may write
// it stops the controller for this long at most by one write.
inline constexpr std::chrono::seconds kLongestLease{120};

// How far clocks of a cluster may be apart. A Lease with a time to come by more says nothing true.
inline constexpr std::chrono::minutes kClocksApart{10};

struct LeaseOptions {
  std::string ns;
  std::string name;
  std::string identity;  // unique to this process: pod name and UID
  std::chrono::milliseconds lease_duration{15'000};
  std::chrono::milliseconds renew_deadline{10'000};  // < lease_duration
  std::chrono::milliseconds retry_period{2'000};     // < renew_deadline
  std::string annotation{};  // key under which say() is kept; "": the Lease says nothing
};

// kRejected with every rule that the options break.
Result<void> check_lease_options(const LeaseOptions& options);

// Safety does not rest on the candidates' wall clocks: another's lease counts as expired only when
// this process has seen it unchanged for its whole duration by its own steady clock, and one's own
// ends renew_deadline after the last successful renewal was *begun*, or as soon as another's name
// is seen on it. A process that was stopped and wakes finds is_leader() false at once, before any
// thread of it has run.
//
// What the object says is anybody's who may write it. renewTime decides nothing, and the duration
// is no shorter than one's own, or a leader that renewed just before would be overlapped, and at
// most kLongestLease. A lease that was another's and is deleted is waited for like one that is not
// renewed: that leader may not know yet. One without a holder was given up and is taken at once.
// Who clears the holder, or writes a candidate's name, makes a second leader until the first looks,
// which is retry_period at most: what is written below must bear that.
//
// Between is_leader() and a write's arrival time passes: writes that must not come from a past
// leader carry a resourceVersion, and their time-out ends before leading_until().
class LeaderElector {
 public:
  // References must outlive the elector.
  LeaderElector(const Client& client, Clock& clock, LeaseOptions options);
  ~LeaderElector();  // stops and releases
  LeaderElector(const LeaderElector&) = delete;
  LeaderElector& operator=(const LeaderElector&) = delete;

  // Before start(); called on the elector's thread, on_lost also when stop() ends a leadership.
  void on_elected(std::function<void()> handler);
  void on_lost(std::function<void()> handler);
  void on_problem(std::function<void(const std::string&)> handler);
  // Another than this process holds the lease: told once, and when that changes.
  void on_other(std::function<void(const std::string& who_leads)> handler);

  // For whoever reads the Lease, from the next renewal on: at most some KiB, as it goes with each.
  // What another process said goes with its leadership. Thread-safe.
  void say(std::string text);

  void start();
  void stop();  // gives the lease up, so that a successor need not wait; any thread but its own

  // Reads the clock each time. Thread-safe.
  bool is_leader() const;
  std::optional<SteadyTime> leading_until() const;  // empty when not leading
  // spec.leaseTransitions of the own leadership: grows with each change of leader, up to the 32
  // bits that it has. 0 when never led.
  std::int64_t term() const;
  std::string holder() const;  // as last seen; "" when unknown
  // Who holds the lease, since when, and when another takes it: a sentence, as it was last seen.
  std::string who_leads() const;

  // One attempt to acquire or renew; returns how long to wait before the next. This is what the
  // thread runs in a loop; tests call it directly.
  std::chrono::milliseconds step(std::stop_token stop = {});
  void release();  // no effect when not leading; the same thread as step()

 private:
  enum class Attempt { kLeading, kNotLeading };
  ApiResult<Attempt> try_acquire(SteadyTime begun, bool was_leading, const Client& client);
  // The lease as an answer of the server has it.
  struct Seen {
    std::string version;  // "": there is none
    std::string holder;
    std::string since;              // acquireTime, "" where it cannot be read
    std::chrono::seconds lasts{0};  // within the bounds above
  };
  Seen seen_in(const Json& lease) const;
  bool is_others(const Seen& seen) const;
  bool has_expired() const;
  void claim(Json& lease, std::int64_t term, bool anew) const;
  void see(Seen now);
  void lead(SteadyTime begun, const Json& stored, std::int64_t term);
  void announce(bool leading);
  void run(const std::stop_token& stop);

  const Client client_;
  Clock& clock_;
  const LeaseOptions options_;
  std::function<void()> on_elected_, on_lost_;
  std::function<void(const std::string&)> on_problem_, on_other_;

  SteadyTime seen_since_{};  // of the thread that calls step(): when the lease last changed
  bool announced_ = false;

  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::optional<SteadyTime> until_;
  std::int64_t term_ = 0;
  std::optional<Seen> seen_;  // changed by the thread that calls step() only
  std::optional<std::string> said_;
  std::jthread thread_;
};

}  // namespace avouch::kube
