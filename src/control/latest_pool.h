#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "control/work_pool.h"

namespace avouch::control {

// A few threads for work of which, for each key, one piece runs at a time and the newest alone
// waits: nobody takes more than one thread, however often they ask. A piece that takes long is done
// in turns, between which all other keys that wait have theirs. Thread-safe.
class LatestPool {
 public:
  // True: it is to be called again, after the others' turns, unless a newer one waits by then.
  using Task = std::function<bool()>;

  // `queue_limit`: so many keys may wait, beside those whose piece is in work.
  LatestPool(int threads, std::size_t queue_limit);
  ~LatestPool();  // stop()
  LatestPool(const LatestPool&) = delete;
  LatestPool& operator=(const LatestPool&) = delete;

  // What waits for the same key is dropped uncalled. An exception of the task is dropped. kFull: it
  // will not be called.
  WorkPool::Taken post(const std::string& key, Task task);
  void stop();  // drops what waits, waits for what runs
  std::size_t waiting() const;

 private:
  struct Key {
    Task next;  // empty: nothing waits
    bool runs = false;
  };

  void run();

  const std::size_t queue_limit_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::map<std::string, Key> keys_;  // of which something waits or runs
  std::deque<std::string> turns_;    // keys of which something waits and nothing runs
  std::size_t waiting_ = 0;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace avouch::control
