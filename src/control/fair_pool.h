#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <list>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "control/work_pool.h"

namespace avouch::control {

// A few threads for what anybody may ask, so that nobody keeps others waiting: networks (see
// HttpRequest::network), or who else shares a turn, are served in turn, each its oldest first.
// Where no more may wait, the newest of the network that has most waiting gives way. Thread-safe.
class FairPool {
 public:
  struct Task {
    std::function<void()> run;
    std::function<void()> give_way;  // called in its place, by whoever posts
  };

  FairPool(int threads, std::size_t queue_limit);
  ~FairPool();  // stop()
  FairPool(const FairPool&) = delete;
  FairPool& operator=(const FairPool&) = delete;

  // kFull: neither was called, nor will be. An exception from either is dropped.
  WorkPool::Taken post(const std::string& network, Task task);
  void stop();  // drops what is queued, waits for what runs
  std::size_t waiting() const;

 private:
  struct Queue {
    std::deque<Task> tasks;                 // never empty
    std::list<std::string>::iterator turn;  // in turns_
  };
  using Queues = std::map<std::string, Queue>;

  void run();
  Task take(Queues::iterator from, bool oldest);

  const std::size_t queue_limit_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  Queues queues_;
  std::list<std::string> turns_;  // the networks of queues_, next first
  std::size_t waiting_ = 0;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace avouch::control
