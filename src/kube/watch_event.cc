#include "kube/watch_event.h"

#include <array>
#include <string>
#include <utility>

#include "codec/utf8.h"

namespace avouch::kube {
namespace {

constexpr std::array<std::pair<std::string_view, WatchEventType>, 5> kTypes = {{
    {"ADDED", WatchEventType::kAdded},
    {"MODIFIED", WatchEventType::kModified},
    {"DELETED", WatchEventType::kDeleted},
    {"BOOKMARK", WatchEventType::kBookmark},
    {"ERROR", WatchEventType::kError},
}};

}  // namespace

Result<WatchEvent> parse_watch_event(std::string_view line, std::size_t max_bytes,
                                     const ReadObject& read) {
  const auto parsed = codec::JsonDocument::parse(line, {.bytes = max_bytes + 256, .depth = 66});
  if (!parsed.has_value()) return with_context(parsed.error(), "watch event");
  const codec::JsonView event = parsed->root();
  const std::string type(event.text({"type"}));
  for (const auto& [name, value] : kTypes) {
    if (type != name) continue;
    const codec::JsonView object = event.find("object");
    if (!object.is_object()) {
      return rejected("watch event " + type + ": expected a member \"object\" that is an object");
    }
    const bool whole = !read || value == WatchEventType::kError;
    return WatchEvent{value, whole ? object.to_json() : read(object)};
  }
  return rejected("watch event: unknown type " + codec::in_quotes(type) +
                  ": expected ADDED, MODIFIED, DELETED, BOOKMARK or ERROR");
}

}  // namespace avouch::kube
