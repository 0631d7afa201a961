#pragma once

// core/v1 Events about objects.

#include <string>

#include "base/clock.h"
#include "kube/client.h"

namespace avouch::kube {

struct ObjectReference {
  std::string api_version, kind, name, ns, uid, resource_version, field_path;
};
ObjectReference reference_to(const Json& object);  // from its apiVersion, kind and metadata

enum class EventType { kNormal, kWarning };

// Thread-safe. The caller records transitions, not heartbeats. An event that was recorded before in
// the same words (also by an earlier process) has its count raised instead of being made anew: the
// event's name is derived from object, type, reason and message.
class EventRecorder {
 public:
  EventRecorder(const Client& client, Clock& clock, std::string component, std::string instance);

  // `reason` is UpperCamelCase, at most 128 bytes; `message` is cut to 1,024 bytes. Events about
  // cluster-scoped objects go to the namespace "default".
  ApiResult<void> record(const ObjectReference& about, EventType type, std::string_view reason,
                         std::string_view message) const;

 private:
  const Client& client_;
  Clock& clock_;
  const std::string component_, instance_;
};

}  // namespace avouch::kube
