#include "control/api_writer.h"

#include <exception>
#include <utility>

#include "control/api_objects.h"
#include "control/names.h"

namespace avouch::control {
namespace {

using codec::Json;

constexpr int kNodeAttempts = 4;

// An object that has gone needs no status; its informer will say so.
Result<void> unless_gone(const kube::ApiError& error) {
  if (error.is_not_found()) return {};
  return Error(error);
}

// A JSON patch whose test fails is 422 on some servers and 409 on others.
bool lost_race(const kube::ApiError& error) { return error.is_conflict() || error.is_invalid(); }

}  // namespace

Worker::Worker(std::string name, int threads, Clock& clock, ControlObserver& observer, Sync sync)
    : name_(std::move(name)),
      thread_count_(threads),
      observer_(observer),
      sync_(std::move(sync)),
      queue_(clock) {}

Worker::~Worker() { stop(); }

void Worker::start() {
  for (int i = 0; i < thread_count_; ++i) {
    threads_.emplace_back([this] {
      while (const auto key = queue_.take()) handle(*key);
    });
  }
}

void Worker::stop() {
  queue_.shutdown();
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

Worker::Worked Worker::step() {
  const auto key = queue_.try_take();
  if (!key) return Worked::kNothing;
  handle(*key);
  return Worked::kOne;
}

void Worker::handle(const std::string& key) {
  Result<void> outcome;
  try {
    outcome = sync_(key);
  } catch (const std::exception& error) {
    outcome = retryable(std::string("unexpected: ") + error.what());
  }
  if (outcome.has_value()) {
    queue_.forget(key);
  } else {
    observer_.problem(name_, key + ": " + outcome.error().message);
    queue_.add_with_backoff(key);
  }
  queue_.done(key);
}

Result<void> sync_status(const kube::Client& client, const kube::ResourcePath& resource,
                         const std::string& kind, const std::string& name, const std::string& uid,
                         const Json& desired, const Json* live, SystemTime now) {
  if (live == nullptr || live->text({"metadata", "uid"}) != uid) return {};
  const Json* status = live->find("status");
  const Json wanted = with_transition_times(desired, status, now);
  if (!repair_patch(status == nullptr ? Json() : *status, wanted)) return {};

  const auto merge = [&](const Json& patch) -> Result<void> {
    const auto merged = client.patch(resource, name, kube::PatchType::kMerge,
                                     Json(Json::Object{{"status", patch}}), "status");
    if (!merged.has_value()) return unless_gone(merged.error());
    return {};
  };
  if (const auto removal = removal_patch(status == nullptr ? Json() : *status, wanted)) {
    AVOUCH_CHECK(merge(*removal));
  }
  const Json object = Json::Object{{"apiVersion", resource.api_version()},
                                   {"kind", kind},
                                   {"metadata", Json::Object{{"name", name}, {"uid", uid}}},
                                   {"status", wanted}};
  const auto applied = client.apply(
      resource, object, {.field_manager = std::string(kFieldManager), .force = true}, "status");
  if (!applied.has_value()) return unless_gone(applied.error());

  // Server-side apply leaves list members alone that another manager has added.
  const Json* result = applied->find("status");
  if (const auto repair = repair_patch(result == nullptr ? Json() : *result, wanted)) {
    return merge(*repair);
  }
  return {};
}

Result<void> sync_node(const kube::Client& api, const NodeOutlook& outlook, const Json* live,
                       SystemTime now) {
  if (live == nullptr || live->text({"metadata", "uid"}) != outlook.node_uid) return {};
  // A node can make its own object large, and would else be left without its taint.
  const kube::Client client = api.reading(&read_node);
  if (node_patch(*live, outlook.signals, now)) {
    for (int attempt = 1;; ++attempt) {
      const auto node = client.get(kube::nodes(), outlook.name);
      if (!node.has_value()) return unless_gone(node.error());
      if (node->text({"metadata", "uid"}) != outlook.node_uid) return {};
      const auto patch = node_patch(*node, outlook.signals, now);
      if (!patch) break;
      const auto patched =
          client.patch(kube::nodes(), outlook.name, kube::PatchType::kJson, *patch);
      if (patched.has_value()) break;
      if (!lost_race(patched.error()) || attempt == kNodeAttempts) {
        return unless_gone(patched.error());
      }
    }
  }
  if (const auto patch = node_condition_patch(*live, outlook.signals, now)) {
    const auto patched = client.patch(kube::nodes(), outlook.name, kube::PatchType::kStrategicMerge,
                                      *patch, "status");
    if (!patched.has_value()) return unless_gone(patched.error());
  }
  return {};
}

}  // namespace avouch::control
