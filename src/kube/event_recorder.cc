#include "kube/event_recorder.h"

#include <utility>

#include "base/hex.h"
#include "base/time_text.h"
#include "crypto/hash.h"

namespace avouch::kube {
namespace {

constexpr std::size_t kMaxMessageBytes = 1024;
constexpr std::size_t kMaxReasonBytes = 128;
constexpr std::size_t kMaxNameBytes = 253;

// At most `limit` bytes, not cut within a UTF-8 character.
std::string cut(std::string_view text, std::size_t limit) {
  if (text.size() <= limit) return std::string(text);
  std::size_t end = limit;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
  return std::string(text.substr(0, end));
}

std::string_view type_name(EventType type) {
  return type == EventType::kWarning ? "Warning" : "Normal";
}

// The same words about the same object have the same name.
std::string event_name(const ObjectReference& about, std::string_view type, std::string_view reason,
                       std::string_view message) {
  Bytes words;
  for (const std::string_view part :
       {std::string_view(about.kind), std::string_view(about.uid), type, reason, message}) {
    append_be64(words, part.size());
    append(words, part);
  }
  const crypto::Sha256 digest = crypto::sha256(ByteView(words));
  const std::string suffix = "." + to_hex(ByteView(digest).first(8));
  return about.name.substr(0, kMaxNameBytes - suffix.size()) + suffix;
}

std::int64_t count_of(const Json& event) {
  const Json* count = event.find("count");
  return count == nullptr || count->as_int() == nullptr ? 1 : *count->as_int();
}

}  // namespace

ObjectReference reference_to(const Json& object) {
  ObjectReference out;
  out.api_version = object.text({"apiVersion"});
  out.kind = object.text({"kind"});
  out.name = object.text({"metadata", "name"});
  out.ns = object.text({"metadata", "namespace"});
  out.uid = object.text({"metadata", "uid"});
  out.resource_version = object.text({"metadata", "resourceVersion"});
  return out;
}

EventRecorder::EventRecorder(const Client& client, Clock& clock, std::string component,
                             std::string instance)
    : client_(client),
      clock_(clock),
      component_(std::move(component)),
      instance_(std::move(instance)) {}

ApiResult<void> EventRecorder::record(const ObjectReference& about, EventType type,
                                      std::string_view reason, std::string_view message) const {
  if (about.kind.empty() || about.name.empty()) {
    return rejected("event " + std::string(reason) +
                    ": expected kind and name of the object that it is about");
  }
  const std::string ns = about.ns.empty() ? "default" : about.ns;
  const std::string words = cut(message, kMaxMessageBytes);
  const std::string why = cut(reason, kMaxReasonBytes);
  const std::string name = event_name(about, type_name(type), why, words);
  const std::string now = to_rfc3339(clock_.now());

  Json event;
  event["apiVersion"] = "v1";
  event["kind"] = "Event";
  event["metadata"]["name"] = name;
  event["metadata"]["namespace"] = ns;
  Json& object = event["involvedObject"];
  object["apiVersion"] = about.api_version;
  object["kind"] = about.kind;
  object["name"] = about.name;
  object["namespace"] = about.ns;
  object["uid"] = about.uid;
  object["resourceVersion"] = about.resource_version;
  object["fieldPath"] = about.field_path;
  event["type"] = type_name(type);
  event["reason"] = why;
  event["message"] = words;
  event["source"]["component"] = component_;
  event["reportingComponent"] = component_;
  event["reportingInstance"] = instance_;
  event["firstTimestamp"] = now;
  event["lastTimestamp"] = now;
  event["count"] = 1;
  const auto created = client_.create(events(ns), event);
  if (created.has_value()) return {};
  if (!created.error().is_already_exists()) return created.error();

  AVOUCH_TRY(const Json known, client_.get(events(ns), name));
  Json patch;
  patch["count"] = count_of(known) + 1;
  patch["lastTimestamp"] = now;
  AVOUCH_CHECK(client_.patch(events(ns), name, PatchType::kMerge, patch));
  return {};
}

}  // namespace avouch::kube
