#include "control/reference_watcher.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace avouch::control {

ReferenceWatcher::ReferenceWatcher(const kube::Client& client, Clock& clock, crypto::Random& random,
                                   std::string own_namespace, std::function<void()> on_change)
    : client_(client),
      clock_(clock),
      random_(random),
      own_namespace_(std::move(own_namespace)),
      on_change_(std::move(on_change)) {}

ReferenceWatcher::~ReferenceWatcher() { watch({}); }

void ReferenceWatcher::watch(const std::vector<attest::ConfigMapName>& names) {
  std::vector<Watched> ended;  // stopped without the lock: their handlers may ask for data()
  {
    const std::lock_guard lock(mutex_);
    for (auto entry = watched_.begin(); entry != watched_.end();) {
      if (std::find(names.begin(), names.end(), entry->first) != names.end()) {
        ++entry;
        continue;
      }
      ended.push_back(std::move(entry->second));
      entry = watched_.erase(entry);
    }
    for (const attest::ConfigMapName& name : names) {
      if (watched_.contains(name) || watched_.size() >= kMaxReferences) continue;
      kube::InformerOptions options;
      options.resource = kube::config_maps(name.ns);
      options.field_selector = "metadata.name=" + name.name;
      options.max_objects = 1;
      Watched watched;
      watched.informer = std::make_unique<kube::Informer>(client_, clock_, random_, options);
      watched.since = clock_.steady_now();
      watched.problem = std::make_shared<std::pair<std::mutex, std::string>>();
      watched.informer->on_change([this](const kube::Change&) { on_change_(); });
      watched.informer->on_synced([this] { on_change_(); });
      watched.informer->on_problem([this, problem = watched.problem](const std::string& message) {
        {
          const std::lock_guard problem_lock(problem->first);
          problem->second = message;
        }
        on_change_();
      });
      watched.informer->start();
      watched_.emplace(name, std::move(watched));
    }
  }
  for (Watched& watched : ended) watched.informer->stop();
}

Result<ConfigMapData> ReferenceWatcher::data(const attest::ConfigMapName& name) const {
  const std::lock_guard lock(mutex_);
  const auto found = watched_.find(name);
  if (found == watched_.end()) {
    return rejected("more than " + std::to_string(kMaxReferences) +
                    " ConfigMaps are referred to in all; this one is not read");
  }
  const Watched& watched = found->second;
  const kube::ObjectPtr object = watched.informer->find(name.ns + "/" + name.name);
  if (object == nullptr) {
    if (watched.informer->synced()) return rejected("does not exist");
    if (clock_.steady_now() - watched.since < kPatience) {
      return retryable("has not been read yet");
    }
    const std::lock_guard problem_lock(watched.problem->first);
    const std::string hint =
        name.ns == own_namespace_
            ? ""
            : "; the controller may read ConfigMaps of namespace \"" + own_namespace_ +
                  "\" and of those in the chart's value controller.referenceNamespaces: is \"" +
                  name.ns + "\" among them?";
    return rejected("cannot be read: " + watched.problem->second + hint);
  }
  AVOUCH_CHECK(appraisal::require_text(*object));
  ConfigMapData data;
  const codec::Json* members = object->find("data");
  if (members != nullptr && members->is_object()) {
    for (const auto& [key, value] : *members->as_object()) {
      if (const std::string* text = value.as_string()) data[key] = *text;
    }
  }
  return data;
}

}  // namespace avouch::control
