#pragma once

// One line of a watch stream.

#include <cstddef>
#include <string_view>

#include "base/result.h"
#include "codec/json.h"
#include "kube/object_text.h"

namespace avouch::kube {

enum class WatchEventType { kAdded, kModified, kDeleted, kBookmark, kError };

struct WatchEvent {
  WatchEventType type = WatchEventType::kError;
  codec::Json object;  // for kError a metav1.Status; for kBookmark only metadata.resourceVersion
};

// kRejected: not a watch event, an unknown type, or an object of more than `max_bytes`. `read` is
// not asked of a kError's object.
Result<WatchEvent> parse_watch_event(std::string_view line, std::size_t max_bytes,
                                     const ReadObject& read = {});

}  // namespace avouch::kube
