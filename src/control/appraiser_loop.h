#pragma once

// The thread that owns the appraiser: a queue in front, a tick a few times a second.

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

#include "base/clock.h"
#include "control/appraiser.h"
#include "control/control_observer.h"

namespace avouch::control {

class AppraiserLoop {
 public:
  using Task = std::function<void(Appraiser& appraiser, Moment now)>;

  // The references outlive the loop.
  AppraiserLoop(Appraiser& appraiser, Clock& clock, ControlObserver& observer,
                std::chrono::milliseconds tick = std::chrono::milliseconds(250));
  ~AppraiserLoop();  // stop()
  AppraiserLoop(const AppraiserLoop&) = delete;
  AppraiserLoop& operator=(const AppraiserLoop&) = delete;

  void start();
  void stop();  // drops what is queued; from any thread but the loop's own

  // Changes in the cluster and results of jobs: never refused.
  void post(Task task);

  // Evidence: refused when more than kMaxOffered tasks wait, so that a flood of heartbeats cannot
  // hold up the rest.
  enum class Offer { kTaken, kFull };
  Offer offer(Task task);
  static constexpr std::size_t kMaxOffered = 8192;

  std::size_t waiting() const;

  // When the thread last began a turn: a few times a second as long as nothing holds it up.
  SteadyTime last_turn() const { return last_turn_.load(); }

 private:
  void run();

  Appraiser& appraiser_;
  Clock& clock_;
  ControlObserver& observer_;
  const std::chrono::milliseconds tick_;

  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Task> tasks_;
  bool stopping_ = false;
  std::atomic<SteadyTime> last_turn_;
  std::thread thread_;
};

}  // namespace avouch::control
