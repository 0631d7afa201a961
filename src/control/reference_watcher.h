#pragma once

// The ConfigMaps that policies refer to, watched one by one: no right to list a namespace is needed
// beyond that on the named object, and other ConfigMaps cost nothing.

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>

#include "base/clock.h"
#include "control/policy_set.h"
#include "crypto/random.h"
#include "kube/client.h"
#include "kube/informer.h"

namespace avouch::control {

inline constexpr std::size_t kMaxReferences = 128;

class ReferenceWatcher {
 public:
  // `on_change` runs on informers' threads whenever a watched object has changed or can be read for
  // the first time. References outlive the watcher.
  // `own_namespace` is the release's: there the controller may read every ConfigMap.
  ReferenceWatcher(const kube::Client& client, Clock& clock, crypto::Random& random,
                   std::string own_namespace, std::function<void()> on_change);
  ~ReferenceWatcher();

  // Watches exactly these from now on. More than kMaxReferences: the rest is reported unreadable.
  void watch(const std::vector<attest::ConfigMapName>& names);

  // A watched ConfigMap's data. kRejected: it does not exist, cannot be read (says why), or has
  // binary entries too.
  // kRetryable: it has not been read yet; on_change will say when.
  Result<ConfigMapData> data(const attest::ConfigMapName& name) const;

 private:
  // How long a first read may take before its absence counts.
  static constexpr std::chrono::seconds kPatience{10};
  struct Watched {
    std::unique_ptr<kube::Informer> informer;
    SteadyTime since{};
    std::shared_ptr<std::pair<std::mutex, std::string>> problem;
  };

  const kube::Client& client_;
  Clock& clock_;
  crypto::Random& random_;
  const std::string own_namespace_;
  const std::function<void()> on_change_;

  mutable std::mutex mutex_;
  std::map<attest::ConfigMapName, Watched> watched_;
};

}  // namespace avouch::control
