#include "control/event_sink.h"

#include <exception>
#include <utility>

#include "kube/resource.h"

namespace avouch::control {

EventSink::EventSink(const kube::EventRecorder& recorder, ControlObserver& observer)
    : recorder_(recorder), observer_(observer) {}

EventSink::~EventSink() { stop(); }

void EventSink::start() {
  thread_ = std::thread([this] {
    for (;;) {
      NodeEvent event;
      {
        std::unique_lock lock(mutex_);
        wake_.wait(lock, [this] { return stopping_ || !events_.empty(); });
        if (stopping_) return;
        event = std::move(events_.front());
        events_.pop_front();
      }
      try {
        send(event);
      } catch (const std::exception& error) {
        observer_.problem("events", std::string("unexpected: ") + error.what());
      }
    }
  });
}

void EventSink::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    wake_.notify_all();
  }
  if (thread_.joinable()) thread_.join();
}

void EventSink::add(NodeEvent event) {
  bool dropped = false;
  {
    const std::lock_guard lock(mutex_);
    if (events_.size() >= kMostWaiting) {
      events_.pop_front();
      dropped = true;
    }
    events_.push_back(std::move(event));
    wake_.notify_all();
  }
  if (dropped) observer_.problem("events", "too many Events wait; the oldest was dropped");
}

void EventSink::send(const NodeEvent& event) {
  const auto type = event.severity == NodeEvent::Severity::kNormal ? kube::EventType::kNormal
                                                                   : kube::EventType::kWarning;
  const auto record = [&](const kube::ObjectReference& about) {
    const auto sent = recorder_.record(about, type, event.reason, event.message);
    if (!sent.has_value()) {
      observer_.problem("events", about.kind + " " + about.name + ": " + sent.error().message);
    }
  };
  if (!event.node_uid.empty()) {
    record({.api_version = "v1",
            .kind = "Node",
            .name = event.node_name,
            .ns = "",
            .uid = event.node_uid,
            .resource_version = "",
            .field_path = ""});
  }
  if (!event.evidence_uid.empty()) {
    record({.api_version = kube::attestation_evidences().api_version(),
            .kind = "AttestationEvidence",
            .name = event.node_name,
            .ns = "",
            .uid = event.evidence_uid,
            .resource_version = "",
            .field_path = ""});
  }
}

}  // namespace avouch::control
