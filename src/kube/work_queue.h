#pragma once

// Keys that wait for work. A key is handed to one worker at a time, however often it was added.

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>

#include "base/clock.h"

namespace avouch::kube {

// Thread-safe. Memory is bounded by the number of distinct keys that callers use.
//
// A key that is added while a worker has it is handed out again after done(). Of several times
// asked for, the earliest counts and the others are forgotten: whoever works on a key asks for its
// next turn anew.
class WorkQueue {
 public:
  struct Options {
    std::chrono::milliseconds base_backoff{200};
    std::chrono::milliseconds max_backoff{60'000};
  };

  explicit WorkQueue(Clock& clock);
  WorkQueue(Clock& clock, Options options);

  void add(const std::string& key);
  void add_after(const std::string& key, std::chrono::milliseconds delay);
  // After base * 2^n, at most max, where n counts the calls for this key since forget().
  void add_with_backoff(const std::string& key);
  void forget(const std::string& key);  // after success

  // Waits for a key; nothing once shutdown() was called. Call done() for every key taken.
  std::optional<std::string> take();
  std::optional<std::string> try_take();  // does not wait
  void done(const std::string& key);

  void shutdown();              // wakes every take(); what is queued is dropped
  std::size_t waiting() const;  // ready and delayed

 private:
  void add_locked(const std::string& key);
  void add_after_locked(const std::string& key, std::chrono::milliseconds delay);
  std::optional<std::string> pop_locked();
  void release_due_locked();

  Clock& clock_;
  const Options options_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  bool shut_down_ = false;
  std::deque<std::string> ready_;
  std::set<std::string> dirty_;  // to be handed out: in ready_, or being processed and added again
  std::set<std::string> working_;
  std::map<std::string, SteadyTime> due_at_;  // delayed keys
  std::set<std::pair<SteadyTime, std::string>> delayed_;
  std::map<std::string, int> failures_;
};

}  // namespace avouch::kube
