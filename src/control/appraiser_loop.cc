#include "control/appraiser_loop.h"

#include <exception>
#include <utility>

namespace avouch::control {

AppraiserLoop::AppraiserLoop(Appraiser& appraiser, Clock& clock, ControlObserver& observer,
                             std::chrono::milliseconds tick)
    : appraiser_(appraiser), clock_(clock), observer_(observer), tick_(tick) {
  last_turn_ = clock.steady_now();
}

AppraiserLoop::~AppraiserLoop() { stop(); }

void AppraiserLoop::start() {
  thread_ = std::thread([this] { run(); });
}

void AppraiserLoop::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    tasks_.clear();
    wake_.notify_all();
  }
  if (thread_.joinable()) thread_.join();
}

void AppraiserLoop::post(Task task) {
  const std::lock_guard lock(mutex_);
  if (stopping_) return;
  tasks_.push_back(std::move(task));
  wake_.notify_all();
}

AppraiserLoop::Offer AppraiserLoop::offer(Task task) {
  const std::lock_guard lock(mutex_);
  if (stopping_ || tasks_.size() >= kMaxOffered) return Offer::kFull;
  tasks_.push_back(std::move(task));
  wake_.notify_all();
  return Offer::kTaken;
}

std::size_t AppraiserLoop::waiting() const {
  const std::lock_guard lock(mutex_);
  return tasks_.size();
}

void AppraiserLoop::run() {
  SteadyTime next_tick = clock_.steady_now() + tick_;
  for (;;) {
    Task task;
    {
      std::unique_lock lock(mutex_);
      clock_.wait_until(lock, wake_, next_tick, [this] { return stopping_ || !tasks_.empty(); });
      if (stopping_) return;
      if (!tasks_.empty()) {
        task = std::move(tasks_.front());
        tasks_.pop_front();
      }
    }
    try {
      const Moment now = read_clock(clock_);
      last_turn_ = now.steady;
      if (task) task(appraiser_, now);
      if (now.steady >= next_tick) {
        appraiser_.tick(now);
        next_tick = now.steady + tick_;
      }
    } catch (const std::exception& error) {
      // Half a decision may be in memory: what is on disk and in the log is whole.
      observer_.fatal("appraiser", fatal(std::string("unexpected: ") + error.what()));
      return;
    }
  }
}

}  // namespace avouch::control
