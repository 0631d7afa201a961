#include "control/recorded_watch.h"

#include "codec/utf8.h"

namespace avouch::control {
namespace {

using codec::Json;
using Taken = RecordedState::Taken;

constexpr std::size_t kMostOfWhy = 640;  // bytes

constexpr const char* kSpooled =
    "webhooks keep allows in their spools, and deny gated pods when these are full, or at once "
    "where a policy says Strict";
constexpr const char* kMakeRoom =
    ". To do: make the volume larger (docs/operations.md, \"The log's volume\")";

std::string shortened_why(std::string_view why) {
  std::string out = codec::to_valid_utf8(why.substr(0, kMostOfWhy));
  return why.size() > kMostOfWhy ? out + "..." : out;
}

}  // namespace

Json RecordedState::condition() const {
  return Json::Object{{"type", kRecordedCondition},
                      {"status", taken == Taken::kAll ? "True" : "False"},
                      {"reason", reason},
                      {"message", message}};
}

RecordedState recorded_state(const LogIntake& intake) {
  const std::string spooled(kSpooled);
  if (intake.read_only) {
    return {Taken::kReadOnly, "LogReadOnly",
            "the verdict log takes no entries and signs nothing: " +
                shortened_why(*intake.read_only) + ". Meanwhile " + spooled +
                "; beacons stop, so that verdicts on nodes run out after maxAge. To do: find out "
                "what happened before anything else (docs/operations.md, \"A log that is "
                "read-only\")"};
  }
  if (intake.stalled) {
    return {Taken::kNothing, "LogTakesNothing",
            "the verdict log can write nothing at present. Meanwhile " + spooled +
                "; verdicts on nodes run out after maxAge. To do: /readyz and the log of the "
                "controller's pod say why: make its volume larger (docs/operations.md, \"The log's "
                "volume\"), or bring its database back"};
  }
  const std::string still = "Verdicts on nodes are still recorded, so that nodes stay trusted";
  if (!intake.takes_allows) {
    return {Taken::kNoAdmissions, "AdmissionsNotRecorded",
            "the log's volume has less left than three quarters of its reserve, so that no verdict "
            "on a pod is recorded. Meanwhile " +
                spooled + "; denials are only counted. " + still + kMakeRoom};
  }
  if (!intake.takes_denials) {
    return {Taken::kNoDenials, "DenialsNotRecorded",
            "the log's volume has less left than its reserve, so that denials are not recorded, "
            "only counted. " +
                still + ", and so is every pod that is let in" + kMakeRoom};
  }
  return {Taken::kAll, "EntriesTaken", "the verdict log takes what is decided"};
}

std::optional<RecordedState> RecordedWatch::see(const LogIntake& intake, SteadyTime now) {
  RecordedState next = recorded_state(intake);
  const std::lock_guard lock(mutex_);
  const bool better = state_ && next.taken < state_->taken;
  if (!better) last_as_bad_ = now;
  if (better && now - last_as_bad_ < kSettled) return std::nullopt;
  if (state_ && *state_ == next) return std::nullopt;
  if (better) last_as_bad_ = now;
  state_ = std::move(next);
  return state_;
}

std::optional<RecordedState> RecordedWatch::state() const {
  const std::lock_guard lock(mutex_);
  return state_;
}

}  // namespace avouch::control
