#include "control/admission_guard.h"

#include <utility>
#include <vector>

namespace avouch::control {
namespace {

using codec::Json;
using Status = GuardState::Status;

constexpr std::size_t kTextBytes = 640;  // so that an Event has room for the remedy too

}  // namespace

Json GuardState::condition() const {
  constexpr std::string_view kStatus[] = {"Unknown", "True", "False"};
  return Json::Object{{"type", kGuardedCondition},
                      {"status", kStatus[static_cast<std::size_t>(status)]},
                      {"reason", reason},
                      {"message", message}};
}

AdmissionGuard::AdmissionGuard(std::string configuration, std::string config_map, SteadyTime start)
    : name_(std::move(configuration)),
      config_map_(std::move(config_map)),
      awaited_until_(start + kPatience),
      replaced_until_(start) {}

AdmissionGuard::News AdmissionGuard::expect(const Json* config_map, SteadyTime now) {
  const std::lock_guard lock(mutex_);
  asked_ = true;
  std::optional<ExpectedWebhooks> read;
  const Json* text =
      config_map == nullptr ? nullptr : config_map->find_path({"data", kExpectedWebhooks});
  if (text == nullptr || text->as_string() == nullptr) {
    unreadable_ = "there is none";
  } else if (auto parsed = parse_expected_webhooks(*text->as_string()); parsed.has_value()) {
    read = *std::move(parsed);
    unreadable_.clear();
  } else {
    unreadable_ = parsed.error().message;
  }
  if (read && expected_ && *read != *expected_) {
    before_ = std::move(expected_);
    replaced_until_ = now + kPatience;
  }
  // Without one the last that was read stands for whether another one is new.
  if (read) expected_ = std::move(read);
  return decide(now);
}

AdmissionGuard::News AdmissionGuard::see(const Json* configuration, SteadyTime now) {
  const std::lock_guard lock(mutex_);
  seen_ = true;
  live_.reset();
  if (configuration != nullptr) {
    ever_there_ = true;
    live_ = *configuration;
    uid_ = configuration->text({"metadata", "uid"});
  }
  return decide(now);
}

AdmissionGuard::News AdmissionGuard::shares_kept(const std::string& problem, SteadyTime now) {
  const std::lock_guard lock(mutex_);
  share_problem_ = problem;
  return decide(now);
}

AdmissionGuard::News AdmissionGuard::tick(Watched watched, SteadyTime now) {
  const std::lock_guard lock(mutex_);
  watched_ = watched;
  return decide(now);
}

std::optional<GuardState> AdmissionGuard::state() const {
  const std::lock_guard lock(mutex_);
  return state_;
}

std::uint64_t AdmissionGuard::departures() const {
  const std::lock_guard lock(mutex_);
  return departures_;
}

std::string AdmissionGuard::configuration_uid() const {
  const std::lock_guard lock(mutex_);
  return uid_;
}

AdmissionGuard::News AdmissionGuard::decide(SteadyTime now) {
  const bool late = now >= awaited_until_;
  if (!late && (!asked_ || !seen_)) return std::nullopt;
  GuardState next = judge(now);
  if (state_ && *state_ == next) return std::nullopt;
  if (next.deviations > 0 && (!state_ || state_->deviations == 0)) ++departures_;
  state_ = std::move(next);
  return state_;
}

GuardState AdmissionGuard::judge(SteadyTime now) const {
  const std::string what = "ValidatingWebhookConfiguration \"" + name_ + "\" ";
  const std::string restore =
      ". Put it back with helm upgrade (Helm 4: --force-conflicts), or, if it is meant to be so, "
      "set the chart's values accordingly; the API server's audit log says who changed it";
  // Before that the watches are only beginning.
  const bool unwatched = watched_ == Watched::kNo && now >= awaited_until_;
  if (!asked_ || !seen_ || unwatched) {
    return {Status::kUnknown, "ConfigurationNotWatched",
            what +
                "or what it should be has not been read for two minutes or more: whether pods "
                "are guarded is not known. May the controller list and watch it, and ConfigMap "
                "\"" +
                config_map_ + "\"? Its log says why not",
            1};
  }
  if (!live_) {
    if (!ever_there_ && now < awaited_until_) {
      return {Status::kUnknown, "ConfigurationAwaited",
              what + "is not there yet: until it is, no pod is guarded", 0};
    }
    return {Status::kFalse, "ConfigurationAbsent",
            what +
                "does not exist: NO pod is guarded and no admission is recorded, whatever the "
                "policies say" +
                restore,
            1};
  }
  if (!unreadable_.empty()) {
    return {Status::kUnknown, "ExpectationUnknown",
            "what " + what + "should be is not known: " + std::string(kExpectedWebhooks) +
                " of ConfigMap \"" + config_map_ + "\": " + unreadable_ +
                ". Put it back with helm upgrade",
            1};
  }
  std::vector<Deviation> found = deviations_of(&*live_, *expected_);
  if (!found.empty() && before_ && now < replaced_until_ &&
      deviations_of(&*live_, *before_).empty()) {
    return {
        Status::kUnknown, "ConfigurationAwaited",
        what + "is still as before the release was changed: " + deviations_text(found, kTextBytes),
        0};
  }
  if (!share_problem_.empty()) {
    found.push_back({"", "the controller's part of the namespaceSelectors", "not set",
                     "that of the policies: " + share_problem_.substr(0, kTextBytes / 2)});
  }
  if (found.empty()) {
    return {Status::kTrue, "AsInstalled", what + "is as the release has it", 0};
  }
  const std::size_t count = found.size();
  return {Status::kFalse, "ConfigurationChanged",
          what + "is not as the release has it, so that pods may run unguarded: " +
              deviations_text(found, kTextBytes) + restore,
          count};
}

}  // namespace avouch::control
