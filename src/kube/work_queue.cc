#include "kube/work_queue.h"

#include <algorithm>

namespace avouch::kube {

WorkQueue::WorkQueue(Clock& clock) : WorkQueue(clock, Options()) {}
WorkQueue::WorkQueue(Clock& clock, Options options) : clock_(clock), options_(options) {}

void WorkQueue::add_locked(const std::string& key) {
  if (shut_down_) return;
  if (const auto due = due_at_.find(key); due != due_at_.end()) {
    delayed_.erase({due->second, key});
    due_at_.erase(due);
  }
  if (!dirty_.insert(key).second) return;
  if (!working_.contains(key)) ready_.push_back(key);
  wake_.notify_one();
}

void WorkQueue::add(const std::string& key) {
  const std::lock_guard guard(mutex_);
  add_locked(key);
}

void WorkQueue::add_after_locked(const std::string& key, std::chrono::milliseconds delay) {
  if (delay <= std::chrono::milliseconds(0)) return add_locked(key);
  // A key that is to be handed out anyway needs no timer, unless a worker has it: then the delayed
  // turn is another one.
  if (shut_down_ || (dirty_.contains(key) && !working_.contains(key))) return;
  const SteadyTime due = clock_.steady_now() + delay;
  if (const auto old = due_at_.find(key); old != due_at_.end()) {
    if (old->second <= due) return;
    delayed_.erase({old->second, key});
  }
  due_at_[key] = due;
  delayed_.emplace(due, key);
  wake_.notify_all();  // whoever waits may have to wake earlier
}

void WorkQueue::add_after(const std::string& key, std::chrono::milliseconds delay) {
  const std::lock_guard guard(mutex_);
  add_after_locked(key, delay);
}

void WorkQueue::add_with_backoff(const std::string& key) {
  const std::lock_guard guard(mutex_);
  std::chrono::milliseconds delay = options_.base_backoff;
  int& failures = failures_[key];
  for (int i = 0; i < failures && delay < options_.max_backoff; ++i) delay *= 2;
  if (delay < options_.max_backoff) ++failures;
  add_after_locked(key, std::min(delay, options_.max_backoff));
}

void WorkQueue::forget(const std::string& key) {
  const std::lock_guard guard(mutex_);
  failures_.erase(key);
}

void WorkQueue::release_due_locked() {
  const SteadyTime now = clock_.steady_now();
  while (!delayed_.empty() && delayed_.begin()->first <= now) {
    const std::string key = delayed_.begin()->second;
    add_locked(key);
  }
}

std::optional<std::string> WorkQueue::pop_locked() {
  release_due_locked();
  if (shut_down_ || ready_.empty()) return std::nullopt;
  std::string key = std::move(ready_.front());
  ready_.pop_front();
  dirty_.erase(key);
  working_.insert(key);
  return key;
}

std::optional<std::string> WorkQueue::try_take() {
  const std::lock_guard guard(mutex_);
  return pop_locked();
}

std::optional<std::string> WorkQueue::take() {
  std::unique_lock lock(mutex_);
  while (!shut_down_) {
    if (auto key = pop_locked()) return key;
    const SteadyTime next = delayed_.empty() ? SteadyTime::max() : delayed_.begin()->first;
    clock_.wait_until(lock, wake_, next, [&] {
      const bool earlier = !delayed_.empty() && delayed_.begin()->first < next;
      return shut_down_ || !ready_.empty() || earlier;
    });
  }
  return std::nullopt;
}

void WorkQueue::done(const std::string& key) {
  const std::lock_guard guard(mutex_);
  working_.erase(key);
  if (dirty_.contains(key)) {
    ready_.push_back(key);
    wake_.notify_one();
  }
}

void WorkQueue::shutdown() {
  const std::lock_guard guard(mutex_);
  shut_down_ = true;
  ready_.clear();
  dirty_.clear();
  delayed_.clear();
  due_at_.clear();
  wake_.notify_all();
}

std::size_t WorkQueue::waiting() const {
  const std::lock_guard guard(mutex_);
  return dirty_.size() + due_at_.size();
}

}  // namespace avouch::kube
