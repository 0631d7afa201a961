// Answers of an API server: a list is taken apart without losing or inventing anything, and neither
// a list nor a watch line is ever more than refused.

#include <cstdint>
#include <cstdlib>

#include "codec/json.h"
#include "fuzz/fuzz_target.h"
#include "kube/api_error.h"
#include "kube/list_split.h"
#include "kube/views.h"
#include "kube/watch_event.h"

namespace avouch::fuzzing::kube_answer_target {
namespace {

using avouch::codec::Json;

void require(bool holds) {
  if (!holds) std::abort();
}

void view(const Json& object) {
  (void)avouch::kube::node_view(object);
  (void)avouch::kube::pod_view(object);
  (void)avouch::kube::object_key(object);
}

// Where the whole document is good JSON with one list of items, the parts are those of the
// document.
void compare(std::string_view text, const Json& whole) {
  const Json* items = whole.find("items");
  if (!whole.is_object()) return;
  const auto split = avouch::kube::split_list(text);
  require(split.has_value());
  const bool listed = items != nullptr && items->as_array() != nullptr;
  require(split->items.size() == (listed ? items->as_array()->size() : 0));
  Json rebuilt = avouch::codec::parse_json(split->envelope).value();
  if (listed) {
    Json::Array parts;
    for (const std::string_view part : split->items) {
      parts.push_back(avouch::codec::parse_json(part).value());
    }
    rebuilt["items"] = std::move(parts);
  }
  require(rebuilt == whole);
}

}  // namespace

AVOUCH_FUZZ_TARGET("kube_answer_fuzz") {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto split = avouch::kube::split_list(text);
  if (split.has_value()) {
    std::size_t total = 0;
    for (const std::string_view item : split->items) {
      require(item.data() >= text.data() && item.data() + item.size() <= text.data() + size);
      total += item.size();
    }
    require(split->envelope.size() + total <= size + 2);
  }
  const auto whole = avouch::codec::parse_json(text, {.bytes = 64 * 1024, .depth = 32});
  // A name spelled with an escape ("\\u0069tems") is not found: Client::list_page refuses it.
  if (whole.has_value() && text.find("\\u") == std::string_view::npos) compare(text, *whole);
  if (whole.has_value()) view(*whole);
  const auto event = avouch::kube::parse_watch_event(text, 64 * 1024);
  if (event.has_value()) {
    view(event->object);
    (void)avouch::kube::api_error_from_status(event->object, "watch");
  } else {
    require(event.error().kind == avouch::ErrorKind::kRejected);
  }
  avouch::HttpResponse response;
  response.status = 500;
  response.body = text;
  require(avouch::kube::api_error_from(response, "get").code == 500);
  return 0;
}

}  // namespace avouch::fuzzing::kube_answer_target
