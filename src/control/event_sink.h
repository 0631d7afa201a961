#pragma once

// Sends Events about nodes and their evidence, off the threads that decide.

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

#include "control/appraiser.h"
#include "control/control_observer.h"
#include "kube/event_recorder.h"

namespace avouch::control {

// Thread-safe. At most kMostWaiting wait; then the oldest is dropped and the observer told: Events
// are for people, the log is what counts.
class EventSink {
 public:
  static constexpr std::size_t kMostWaiting = 2000;

  EventSink(const kube::EventRecorder& recorder, ControlObserver& observer);
  ~EventSink();  // stop()
  EventSink(const EventSink&) = delete;
  EventSink& operator=(const EventSink&) = delete;

  void start();
  void stop();
  void add(NodeEvent event);

  // Sends one; what the thread runs in a loop.
  void send(const NodeEvent& event);

 private:
  const kube::EventRecorder& recorder_;
  ControlObserver& observer_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<NodeEvent> events_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace avouch::control
