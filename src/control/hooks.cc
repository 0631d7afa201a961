#include "control/hooks.h"

#include <condition_variable>
#include <mutex>
#include <utility>

#include "control/api_objects.h"
#include "control/api_writer.h"

namespace avouch::control {
namespace {

using codec::Json;

void pause(Clock& clock, std::chrono::milliseconds duration) {
  std::mutex mutex;
  std::condition_variable never;
  std::unique_lock lock(mutex);
  clock.wait_until(lock, never, clock.steady_now() + duration, [] { return false; });
}

// Repeats `attempt` until it succeeds, fails for good, or time is over.
Result<void> persist(Clock& clock, SteadyTime deadline, const HookOptions& options,
                     const HookProgress& progress, const std::string& what,
                     const std::function<Result<void>()>& attempt) {
  std::string said;
  for (;;) {
    const Result<void> outcome = attempt();
    if (outcome.has_value()) return {};
    if (outcome.error().kind != ErrorKind::kRetryable) return with_context(outcome.error(), what);
    if (clock.steady_now() >= deadline) {
      return with_context(retryable("not done in time: " + outcome.error().message), what);
    }
    if (outcome.error().message != said) {
      said = outcome.error().message;
      progress(with_context(outcome.error(), what).message);
    }
    pause(clock, options.poll);
  }
}

Result<void> set_exempt(const kube::Client& client, const std::string& name, const Json& value) {
  const auto found = client.get(kube::namespaces(), name);
  if (!found.has_value()) {
    if (found.error().is_not_found()) return {};
    return Error(found.error());
  }
  const Json* labels = found->find_path({"metadata", "labels"});
  const Json* present = labels == nullptr ? nullptr : labels->find(kExemptLabel);
  if (value.is_null() ? present == nullptr : present != nullptr && *present == value) return {};
  const Json patch = Json::Object{
      {"metadata", Json::Object{{"labels", Json::Object{{std::string(kExemptLabel), value}}}}}};
  const auto patched = client.patch(kube::namespaces(), name, kube::PatchType::kMerge, patch);
  if (!patched.has_value()) return Error(patched.error());
  return {};
}

Result<void> delete_webhooks(const kube::Client& client, const std::string& name) {
  const auto removed = client.remove(kube::validating_webhook_configurations(), name);
  if (!removed.has_value() && !removed.error().is_not_found()) return Error(removed.error());
  return {};
}

Result<void> stop_controller(const kube::Client& client, const ReleaseNames& names) {
  const kube::ResourcePath sets{"apps", "v1", "statefulsets", names.ns};
  const auto set = client.get(sets, names.lease());
  if (!set.has_value()) {
    if (set.error().is_not_found()) return {};
    return Error(set.error());
  }
  const Json* replicas = set->find_path({"spec", "replicas"});
  if (replicas == nullptr || !(*replicas == Json(0))) {
    const Json patch = Json::Object{{"spec", Json::Object{{"replicas", 0}}}};
    const auto scaled = client.patch(sets, names.lease(), kube::PatchType::kMerge, patch, "scale");
    if (!scaled.has_value()) return Error(scaled.error());
  }
  // StatefulSet pods are named after their set, counted from 0.
  const auto pod = client.get(kube::pods(names.ns), names.lease() + "-0");
  if (!pod.has_value()) {
    if (pod.error().is_not_found()) return {};
    return Error(pod.error());
  }
  return retryable("the controller's pod is still there");
}

Result<void> clean_nodes(const kube::Client& client, SystemTime now) {
  const auto nodes = client.reading(&read_node).list(kube::nodes());
  if (!nodes.has_value()) return Error(nodes.error());
  std::optional<Error> first;
  for (const Json& node : nodes->items) {
    NodeOutlook nothing;
    nothing.name = node.text({"metadata", "name"});
    nothing.node_uid = node.text({"metadata", "uid"});
    const auto cleaned = sync_node(client, nothing, &node, now);
    if (!cleaned.has_value() && !first) {
      first = retryable("node \"" + nothing.name + "\": " + cleaned.error().message);
    }
  }
  if (first) return *first;
  return {};
}

}  // namespace

Result<void> prepare(const kube::Client& client, Clock& clock, const HookOptions& options,
                     const HookProgress& progress) {
  const SteadyTime deadline = clock.steady_now() + options.time;
  for (const std::string& name : options.exempt_namespaces) {
    AVOUCH_CHECK(persist(clock, deadline, options, progress, "label namespace " + name,
                         [&] { return set_exempt(client, name, Json("true")); }));
    progress("namespace " + name + " is exempt");
  }
  return {};
}

Result<void> cleanup(const kube::Client& client, Clock& clock, const HookOptions& options,
                     const HookProgress& progress) {
  const SteadyTime deadline = clock.steady_now() + options.time;
  AVOUCH_CHECK(persist(clock, deadline, options, progress, "delete the webhook configuration",
                       [&] { return delete_webhooks(client, options.names.release); }));
  progress("the webhook configuration is gone");
  AVOUCH_CHECK(persist(clock, deadline, options, progress, "stop the controller",
                       [&] { return stop_controller(client, options.names); }));
  progress("the controller is stopped");
  AVOUCH_CHECK(persist(clock, deadline, options, progress, "clean the nodes",
                       [&] { return clean_nodes(client, clock.now()); }));
  progress("no node carries taint, label or condition");
  for (const std::string& name : options.exempt_namespaces) {
    AVOUCH_CHECK(persist(clock, deadline, options, progress, "unlabel namespace " + name,
                         [&] { return set_exempt(client, name, Json()); }));
  }
  return {};
}

}  // namespace avouch::control
