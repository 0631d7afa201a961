// Whether the webhook configuration is as the release has it, and whether the log takes what is
// decided: who hears of it where that is not so.

#include <utility>
#include <vector>

#include "operator/leader_parts.h"

namespace avouch::controller {
namespace {

using namespace std::chrono_literals;

constexpr std::chrono::seconds kLookEvery{30};
constexpr std::chrono::seconds kLookAtLogEvery{10};
constexpr std::chrono::seconds kWatchedWithin{120};
constexpr std::size_t kMostStates = 64;  // that wait; of more the oldest are not looked at

}  // namespace

// Each state is compared, also one that was put back at once.
void Leader::Parts::see_configuration(kube::ObjectPtr configuration) {
  {
    const std::lock_guard lock(guard_mutex);
    if (configurations.size() >= kMostStates) configurations.pop_front();
    configurations.push_back(std::move(configuration));
  }
  guard_worker.add(kAll);
}

Result<void> Leader::Parts::watch_guard() {
  guard_worker.add_after(kAll, kLookEvery);
  std::deque<kube::ObjectPtr> states;
  {
    const std::lock_guard lock(guard_mutex);
    states.swap(configurations);
  }
  // Read anew, later than the states: a release that changes both changes the ConfigMap first, and
  // two watches come in any order.
  const auto map =
      quick.get(kube::config_maps(config.release.name_space), config.release.object("controller"));
  const bool there = map.has_value();
  if (there || map.error().is_not_found()) {
    tell_guard(guard.expect(there ? &*map : nullptr, clock.steady_now()));
  }
  for (const kube::ObjectPtr& state : states) {
    tell_guard(guard.see(state.get(), clock.steady_now()));
  }
  using Watched = control::AdmissionGuard::Watched;
  const bool watched = webhooks.fresh(kWatchedWithin) && own_map.fresh(kWatchedWithin);
  tell_guard(guard.tick(watched ? Watched::kYes : Watched::kNo, clock.steady_now()));
  if (there || map.error().is_not_found()) return {};
  return retryable(map.error().message);
}

void Leader::Parts::tell_guard(const control::AdmissionGuard::News& news) {
  if (!news) return;
  constexpr const char* kPart = "webhook configuration";
  const bool failed = news->deviations > 0;
  bool mended = false;
  {
    const std::lock_guard lock(guard_mutex);
    mended = guard_failed && news->status == control::GuardState::Status::kTrue;
    guard_failed = (guard_failed || failed) && !mended;
  }
  if (failed) signals.problem(kPart, news->message);
  if (!failed) signals.note(kPart, news->message);
  if (failed || mended) {
    event_of_configuration(failed ? kube::EventType::kWarning : kube::EventType::kNormal,
                           news->reason, news->message);
  }
  show_policies_again();
}

void Leader::Parts::event_of_configuration(kube::EventType type, const std::string& reason,
                                           const std::string& message) {
  events.add({.about = {{.api_version = kube::validating_webhook_configurations().api_version(),
                         .kind = "ValidatingWebhookConfiguration",
                         .name = config.webhook.configuration,
                         .ns = "",
                         .uid = guard.configuration_uid(),
                         .resource_version = "",
                         .field_path = ""}},
              .type = type,
              .reason = reason,
              .message = message});
}

Result<void> Leader::Parts::watch_log() {
  guard_worker.add_after(kLogIntake, kLookAtLogEvery);
  const control::LogIntake now{.read_only = log->status().read_only,
                               .stalled = log_problem().has_value(),
                               .takes_allows = volume.takes_allows(),
                               .takes_denials = volume.takes_denials()};
  if (const auto news = recorded_watch.see(now, clock.steady_now())) {
    say_on_lease(codec::to_json(news->condition()));
    show_policies_again();
  }
  return {};
}

void Leader::Parts::show_policies_again() {
  const auto snapshot = policies.snapshot();
  for (const auto& [name, object] : *snapshot) policy_status_worker.add(name);
}

}  // namespace avouch::controller
