#include "control/latest_pool.h"

#include <exception>
#include <utility>

namespace avouch::control {

LatestPool::LatestPool(int threads, std::size_t queue_limit) : queue_limit_(queue_limit) {
  for (int i = 0; i < threads; ++i) threads_.emplace_back([this] { run(); });
}

LatestPool::~LatestPool() { stop(); }

WorkPool::Taken LatestPool::post(const std::string& key, Task task) {
  Task dropped;  // what it holds goes after the lock
  const std::lock_guard lock(mutex_);
  if (stopping_) return WorkPool::Taken::kFull;
  const auto found = keys_.find(key);
  const bool replaces = found != keys_.end() && found->second.next != nullptr;
  if (!replaces && waiting_ >= queue_limit_) return WorkPool::Taken::kFull;
  Key& state = keys_[key];
  dropped = std::exchange(state.next, std::move(task));
  if (replaces) return WorkPool::Taken::kYes;
  ++waiting_;
  if (!state.runs) {
    turns_.push_back(key);
    wake_.notify_one();
  }
  return WorkPool::Taken::kYes;
}

void LatestPool::stop() {
  std::map<std::string, Key> dropped;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    turns_.clear();
    waiting_ = 0;
    wake_.notify_all();
  }
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
  const std::lock_guard lock(mutex_);
  dropped.swap(keys_);
}

std::size_t LatestPool::waiting() const {
  const std::lock_guard lock(mutex_);
  return waiting_;
}

void LatestPool::run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    wake_.wait(lock, [this] { return stopping_ || !turns_.empty(); });
    if (stopping_) return;
    const std::string key = std::move(turns_.front());
    turns_.pop_front();
    Key& state = keys_.at(key);  // stays: it runs
    state.runs = true;
    Task task = std::exchange(state.next, nullptr);
    --waiting_;
    lock.unlock();
    bool again = false;
    try {
      again = task();
    } catch (const std::exception&) {
      // Whoever asked asks again.
    }
    if (!again) task = nullptr;
    lock.lock();
    state.runs = false;
    if (again && state.next == nullptr && !stopping_) {
      state.next = std::move(task);
      ++waiting_;
    }
    if (stopping_) return;
    if (state.next == nullptr) {
      keys_.erase(key);
    } else {
      turns_.push_back(key);
      wake_.notify_one();
    }
  }
}

}  // namespace avouch::control
