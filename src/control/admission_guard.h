#pragma once

// What is known of the webhook configuration over time: whether pods are guarded as the release
// would have it, and what to tell of it. It changes nothing: who may edit or delete the
// configuration has decided that, and a tool that keeps it would fight back. But nobody does it
// unseen.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>

#include "base/clock.h"
#include "codec/json.h"
#include "control/admission_shape.h"

namespace avouch::control {

struct GuardState {
  enum class Status { kUnknown, kTrue, kFalse };
  Status status = Status::kUnknown;
  std::string reason;          // UpperCamelCase
  std::string message;         // what, where, expected, remedy
  std::size_t deviations = 0;  // 0 while it is as it should be, or is awaited
  bool operator==(const GuardState&) const = default;

  // The condition of an AttestationPolicy, without lastTransitionTime.
  codec::Json condition() const;
};

inline constexpr std::string_view kGuardedCondition = "Guarded";

// Thread-safe; pure but for its lock. Each call returns the state where it has become another one.
class AdmissionGuard {
 public:
  // How long a configuration that was not there yet is awaited after the start (the chart's hooks
  // and Helm's order may put it there last), and one that still is as the release before it had it.
  static constexpr std::chrono::seconds kPatience{120};

  // Names, for messages; `start` is when this process began to lead.
  AdmissionGuard(std::string configuration, std::string config_map, SteadyTime start);

  using News = std::optional<GuardState>;
  // The ConfigMap with the expectation, null where there is none.
  News expect(const codec::Json* config_map, SteadyTime now);
  // The configuration, null where there is none.
  News see(const codec::Json* configuration, SteadyTime now);
  // What keeps the controller from setting its own part of the namespaceSelectors; "": nothing.
  News shares_kept(const std::string& problem, SteadyTime now);
  // Time passes; to be called every minute. `watched`: what is known of both is not old.
  enum class Watched { kYes, kNo };
  News tick(Watched watched, SteadyTime now);

  std::optional<GuardState> state() const;  // nothing until configuration and expectation are read
  std::uint64_t departures() const;  // how often it ceased to be as it should be, since the start
  std::string configuration_uid() const;  // the last that was seen; "" before

 private:
  News decide(SteadyTime now);
  GuardState judge(SteadyTime now) const;

  const std::string name_, config_map_;
  mutable std::mutex mutex_;
  SteadyTime awaited_until_;   // one that was never seen
  SteadyTime replaced_until_;  // one that is as `before_`
  bool asked_ = false;         // the ConfigMap was read
  bool seen_ = false;          // the configuration was
  bool ever_there_ = false;
  std::string unreadable_;  // why there is no expectation
  std::optional<ExpectedWebhooks> expected_, before_;
  std::optional<codec::Json> live_;
  std::string uid_, share_problem_;
  Watched watched_ = Watched::kYes;
  std::optional<GuardState> state_;
  std::uint64_t departures_ = 0;
};

}  // namespace avouch::control
