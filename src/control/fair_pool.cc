#include "control/fair_pool.h"

#include <algorithm>
#include <exception>
#include <optional>
#include <utility>

namespace avouch::control {
namespace {

void call(const std::function<void()>& one) {
  try {
    if (one) one();
  } catch (const std::exception&) {
    // The request's reply is destroyed uncalled, which the server answers with 500.
  }
}

}  // namespace

FairPool::FairPool(int threads, std::size_t queue_limit) : queue_limit_(queue_limit) {
  for (int i = 0; i < threads; ++i) threads_.emplace_back([this] { run(); });
}

FairPool::~FairPool() { stop(); }

WorkPool::Taken FairPool::post(const std::string& network, Task task) {
  std::optional<Task> out_of_the_way;
  {
    const std::lock_guard lock(mutex_);
    if (stopping_ || queue_limit_ == 0) return WorkPool::Taken::kFull;
    if (waiting_ >= queue_limit_) {
      const auto most =
          std::max_element(queues_.begin(), queues_.end(), [](const auto& a, const auto& b) {
            return a.second.tasks.size() < b.second.tasks.size();
          });
      const auto own = queues_.find(network);
      const std::size_t waits = own == queues_.end() ? 0 : own->second.tasks.size();
      if (most->second.tasks.size() <= waits + 1) return WorkPool::Taken::kFull;
      out_of_the_way = take(most, false);
    }
    auto [queue, is_new] = queues_.try_emplace(network);
    if (is_new) queue->second.turn = turns_.insert(turns_.end(), network);
    queue->second.tasks.push_back(std::move(task));
    ++waiting_;
    wake_.notify_one();
  }
  if (out_of_the_way) call(out_of_the_way->give_way);
  return WorkPool::Taken::kYes;
}

FairPool::Task FairPool::take(Queues::iterator from, bool oldest) {
  std::deque<Task>& tasks = from->second.tasks;
  Task task = std::move(oldest ? tasks.front() : tasks.back());
  oldest ? tasks.pop_front() : tasks.pop_back();
  --waiting_;
  if (tasks.empty()) {
    turns_.erase(from->second.turn);
    queues_.erase(from);
  }
  return task;
}

void FairPool::stop() {
  Queues dropped;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    dropped.swap(queues_);
    turns_.clear();
    waiting_ = 0;
    wake_.notify_all();
  }
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

std::size_t FairPool::waiting() const {
  const std::lock_guard lock(mutex_);
  return waiting_;
}

void FairPool::run() {
  for (;;) {
    Task task;
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [this] { return stopping_ || waiting_ > 0; });
      if (stopping_) return;
      const auto queue = queues_.find(turns_.front());
      turns_.splice(turns_.end(), turns_, queue->second.turn);
      task = take(queue, true);
    }
    call(task.run);
  }
}

}  // namespace avouch::control
