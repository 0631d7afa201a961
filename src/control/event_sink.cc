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
      Event event;
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

void EventSink::add(Event event) {
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

EventSink::Event EventSink::about_node(const NodeEvent& event) {
  Event out{.about = {},
            .type = event.severity == NodeEvent::Severity::kNormal ? kube::EventType::kNormal
                                                                   : kube::EventType::kWarning,
            .reason = event.reason,
            .message = event.message};
  if (!event.node_uid.empty()) {
    out.about.push_back({.api_version = "v1",
                         .kind = "Node",
                         .name = event.node_name,
                         .ns = "",
                         .uid = event.node_uid,
                         .resource_version = "",
                         .field_path = ""});
  }
  if (!event.evidence_uid.empty()) {
    out.about.push_back({.api_version = kube::attestation_evidences().api_version(),
                         .kind = "AttestationEvidence",
                         .name = event.node_name,
                         .ns = "",
                         .uid = event.evidence_uid,
                         .resource_version = "",
                         .field_path = ""});
  }
  return out;
}

void EventSink::send(const Event& event) {
  for (const kube::ObjectReference& about : event.about) {
    const auto sent = recorder_.record(about, event.type, event.reason, event.message);
    if (!sent.has_value()) {
      observer_.problem("events", about.kind + " " + about.name + ": " + sent.error().message);
    }
  }
}

}  // namespace avouch::control
