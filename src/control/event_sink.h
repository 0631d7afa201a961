#pragma once

// Sends Events, about nodes and their evidence above all, off the threads that decide.

#include <condition_variable>
#include <deque>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

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
  // The same words about each of some objects.
  struct Event {
    std::vector<kube::ObjectReference> about;
    kube::EventType type = kube::EventType::kNormal;
    std::string reason, message;
  };
  // About the node and its evidence, as far as they are there.
  static Event about_node(const NodeEvent& event);
  void add(Event event);

  // Sends one; what the thread runs in a loop.
  void send(const Event& event);

 private:
  const kube::EventRecorder& recorder_;
  ControlObserver& observer_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Event> events_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace avouch::control
