#pragma once

// Whether the log takes what is decided, as every AttestationPolicy says it: condition `Recorded`.
// So whoever may see policies can know it; `kubectl avouch status` reads it there.

#include <chrono>
#include <mutex>
#include <optional>
#include <string>

#include "base/clock.h"
#include "codec/json.h"

namespace avouch::control {

// What is known of the log and its volume.
struct LogIntake {
  std::optional<std::string> read_only;  // why nothing is signed or taken until a person has looked
  bool stalled = false;                  // nothing can be written at present
  bool takes_allows = true;              // by what is left of the volume's reserve
  bool takes_denials = true;
};

struct RecordedState {
  // In the order of how much is not recorded.
  enum class Taken { kAll, kNoDenials, kNoAdmissions, kNothing, kReadOnly };
  Taken taken = Taken::kReadOnly;
  std::string reason;   // UpperCamelCase
  std::string message;  // what, what happens meanwhile, remedy; bounded, valid UTF-8
  bool operator==(const RecordedState&) const = default;

  // The condition of an AttestationPolicy, without lastTransitionTime.
  codec::Json condition() const;
};

inline constexpr std::string_view kRecordedCondition = "Recorded";

// The message has no number that changes while the state does not.
RecordedState recorded_state(const LogIntake& intake);

// Thread-safe; pure but for its lock. What is worse is told at once, what is better only after half
// a minute without anything as bad, so that a volume at its bound makes no write of every policy
// each time that somebody looks.
class RecordedWatch {
 public:
  static constexpr std::chrono::seconds kSettled{30};

  // The state where it has become another one.
  std::optional<RecordedState> see(const LogIntake& intake, SteadyTime now);
  std::optional<RecordedState> state() const;  // nothing before the first see()

 private:
  mutable std::mutex mutex_;
  std::optional<RecordedState> state_;
  SteadyTime last_as_bad_{};
};

}  // namespace avouch::control
