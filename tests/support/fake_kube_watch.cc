// Watches, and what a test does to them.

#include <algorithm>

#include "support/fake_kube_parts.h"

namespace avouch::testing {

void FakeKube::record(const std::string& collection, const std::string& type, const Json& object,
                      const Json& previous) {
  history_.push_back({version_, collection, type, object, previous});
  for (Watch* watch : watches_) deliver(*watch, history_.back());
}

// What an event is to a watch with selectors: an object may enter or leave what it shows.
void FakeKube::deliver(Watch& watch, const Event& event) {
  if (event.collection != watch.collection || event.version <= watch.version) return;
  watch.version = event.version;
  const bool is_in =
      event.type != "DELETED" && matches(event.object, watch.ns, watch.labels, watch.fields);
  const bool was_in =
      !event.previous.is_null() && matches(event.previous, watch.ns, watch.labels, watch.fields);
  if (!is_in && !was_in) return;
  Json object = event.object;
  const std::string type = !is_in ? "DELETED" : was_in ? "MODIFIED" : "ADDED";
  watch.lines.push_back(event_line(type, watch.metadata_only ? metadata_of(object) : object));
}

void FakeKube::bookmark(Watch& watch) const {
  Json object;
  object["kind"] = "Bookmark";
  object["apiVersion"] = "v1";
  object["metadata"]["resourceVersion"] = std::to_string(version_);
  watch.lines.push_back(event_line("BOOKMARK", object));
}

Result<HttpResponse> FakeKube::stream(const HttpRequest& request, const kube::StreamLimits& limits,
                                      const OnLine& on_line, std::stop_token stop) {
  const std::stop_callback wake(stop, [this] {
    const std::lock_guard guard(mutex_);
    changed_.notify_all();
  });
  std::unique_lock lock(mutex_);
  requests_.push_back(request);
  if (stop.stop_requested()) return retryable("stopped");
  if (down_) return retryable("connection refused");
  if (const auto fault = take_fault(request)) {
    if (fault->kind == FaultKind::kAnswer) return fault->response;
    return fault->error;
  }
  const auto target = parse_target(request);
  if (!target.has_value()) return status_answer(404, "NotFound", target.error().message);

  Watch watch;
  watch.collection = target->collection();
  watch.ns = target->ns;
  watch.labels = query(request, "labelSelector");
  watch.fields = query(request, "fieldSelector");
  watch.metadata_only = wants_metadata(request);
  const std::int64_t from = to_number(query(request, "resourceVersion"));
  if (from == 0) {
    for (const auto& [key, stored] : collections_[watch.collection]) {
      if (matches(stored.object, watch.ns, watch.labels, watch.fields)) {
        watch.lines.push_back(
            event_line("ADDED", watch.metadata_only ? metadata_of(stored.object) : stored.object));
      }
    }
    watch.version = version_;
  } else if (from < compacted_) {
    const HttpResponse gone = status_answer(410, "Expired", "too old resource version");
    watch.lines.push_back(event_line("ERROR", *codec::parse_json(gone.body)));
    watch.ended = true;
  } else {
    watch.version = from;
    for (const Event& event : history_) deliver(watch, event);
  }

  const std::int64_t seconds = to_number(query(request, "timeoutSeconds"));
  const auto now = std::chrono::steady_clock::now();
  const auto end = now + std::chrono::seconds(seconds > 0 ? seconds : 3600);
  const auto limit = now + limits.total_timeout;
  watches_.push_back(&watch);
  changed_.notify_all();
  Result<HttpResponse> outcome = HttpResponse{.status = 200, .headers = {}, .body = {}};
  while (true) {
    if (stop.stop_requested()) {
      outcome = retryable("stopped");
      break;
    }
    if (!watch.lines.empty()) {
      const std::string line = std::move(watch.lines.front());
      watch.lines.pop_front();
      if (line.size() > limits.line_bytes) {
        outcome = rejected("stream: line too long");
        break;
      }
      lock.unlock();
      const auto taken = on_line(line);
      lock.lock();
      if (taken.has_value()) continue;
      outcome = taken.error();
      break;
    }
    if (watch.broken) {
      outcome = *watch.broken;
      break;
    }
    if (watch.ended) break;
    const auto until = std::min(end, limit);
    if (std::chrono::steady_clock::now() >= until) {
      if (until == limit) {
        outcome = retryable("the stream lasted too long");
        break;
      }
      watch.ended = true;
      bookmark(watch);
      continue;
    }
    changed_.wait_until(lock, until);
  }
  std::erase(watches_, &watch);
  changed_.notify_all();
  return outcome;
}

void FakeKube::compact() {
  const std::lock_guard guard(mutex_);
  history_.clear();
  compacted_ = ++version_;
}

void FakeKube::send_bookmarks() {
  const std::lock_guard guard(mutex_);
  for (Watch* watch : watches_) bookmark(*watch);
  changed_.notify_all();
}

void FakeKube::send_line(const std::string& line) {
  const std::lock_guard guard(mutex_);
  for (Watch* watch : watches_) watch->lines.push_back(line);
  changed_.notify_all();
}

void FakeKube::end_watches() {
  const std::lock_guard guard(mutex_);
  for (Watch* watch : watches_) watch->ended = true;
  changed_.notify_all();
}

void FakeKube::break_watches(const Error& error) {
  const std::lock_guard guard(mutex_);
  for (Watch* watch : watches_) watch->broken = error;
  changed_.notify_all();
}

void FakeKube::await_watches(std::size_t count) const {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return watches_.size() >= count; });
}

std::size_t FakeKube::open_watches() const {
  const std::lock_guard guard(mutex_);
  return watches_.size();
}

}  // namespace avouch::testing
