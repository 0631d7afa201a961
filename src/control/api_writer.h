#pragma once

// Brings the API's objects to what the outlooks say, and keeps them there: a key is worked on when
// its outlook or its live object has changed, and again after a failure.

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "control/control_observer.h"
#include "control/outlook.h"
#include "kube/client.h"
#include "kube/informer.h"
#include "kube/work_queue.h"

namespace avouch::control {

// The newest outlook of each name. Thread-safe.
template <typename Outlook>
class Board {
 public:
  void put(Outlook outlook) {
    auto shared = std::make_shared<const Outlook>(std::move(outlook));
    const std::lock_guard lock(mutex_);
    outlooks_[shared->name] = std::move(shared);
  }
  void erase(const std::string& name) {
    const std::lock_guard lock(mutex_);
    outlooks_.erase(name);
  }
  std::shared_ptr<const Outlook> find(const std::string& name) const {
    const std::lock_guard lock(mutex_);
    const auto found = outlooks_.find(name);
    return found == outlooks_.end() ? nullptr : found->second;
  }

 private:
  mutable std::mutex mutex_;
  std::map<std::string, std::shared_ptr<const Outlook>> outlooks_;
};

// One queue, some threads, one function per key.
class Worker {
 public:
  using Sync = std::function<Result<void>(const std::string& key)>;

  // `name` is for messages. A key whose sync fails is tried again with growing pauses.
  Worker(std::string name, int threads, Clock& clock, ControlObserver& observer, Sync sync);
  ~Worker();  // stop()
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  void start();
  void stop();
  void add(const std::string& key) { queue_.add(key); }
  void add_after(const std::string& key, std::chrono::milliseconds delay) {
    queue_.add_after(key, delay);
  }
  std::size_t waiting() const { return queue_.waiting(); }

  // Works on one key, if one is ready; what the threads run in a loop.
  enum class Worked { kNothing, kOne };
  Worked step();

 private:
  void handle(const std::string& key);

  const std::string name_;
  const int thread_count_;
  ControlObserver& observer_;
  const Sync sync_;
  kube::WorkQueue queue_;
  std::vector<std::thread> threads_;
};

// What one key's sync does. `live` is what the informer has, null where there is no such object.
Result<void> sync_status(const kube::Client& client, const kube::ResourcePath& resource,
                         const std::string& kind, const std::string& name, const std::string& uid,
                         const codec::Json& desired, const codec::Json* live, SystemTime now);

Result<void> sync_node(const kube::Client& api, const NodeOutlook& outlook, const codec::Json* live,
                       SystemTime now);

}  // namespace avouch::control
