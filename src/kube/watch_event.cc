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

Result<WatchEvent> parse_watch_event(std::string_view line, std::size_t max_bytes) {
  auto parsed = codec::parse_json(line, {.bytes = max_bytes + 256, .depth = 66});
  if (!parsed.has_value()) return with_context(std::move(parsed).error(), "watch event");
  codec::Json::Object* event = parsed->as_object();
  const std::string type(parsed->text({"type"}));
  for (const auto& [name, value] : kTypes) {
    if (type != name) continue;
    const auto object = event->find("object");
    if (object == event->end() || !object->second.is_object()) {
      return rejected("watch event " + type + ": expected a member \"object\" that is an object");
    }
    return WatchEvent{value, std::move(object->second)};
  }
  return rejected("watch event: unknown type " + codec::in_quotes(type) +
                  ": expected ADDED, MODIFIED, DELETED, BOOKMARK or ERROR");
}

}  // namespace avouch::kube
