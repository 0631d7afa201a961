#include "kube/informer.h"

#include <algorithm>
#include <exception>
#include <new>
#include <utility>

namespace avouch::kube {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// A watch that ends sooner than this without a word is a failure: the server would be asked in a
// tight loop.
constexpr milliseconds kShortestWatch{1'000};
constexpr milliseconds kWatchGrace{10'000};

StreamLimits stream_limits(const InformerOptions& options) {
  StreamLimits limits;
  const milliseconds whole = milliseconds(options.watch_timeout) + kWatchGrace;
  limits.total_timeout = whole;
  limits.read_timeout = options.read_timeout > milliseconds(0) ? options.read_timeout : whole;
  limits.line_bytes = options.max_object_bytes + 1024 * 1024;
  return limits;
}

std::string version_of(const Json& object) {
  return std::string(object.text({"metadata", "resourceVersion"}));
}

// Not a passing fault and not an answer: what the server has does not fit our limits.
bool is_at_fault(const ApiError& error) {
  return error.code == 0 && error.kind == ErrorKind::kRejected;
}

// Half of the delay is fixed, half by chance.
milliseconds with_jitter(milliseconds delay, crypto::Random& random) {
  std::uint8_t bytes[4];
  random.fill(bytes);
  const std::uint32_t chance = ByteReader(bytes).be32("random").value();
  const std::int64_t half = delay.count() / 2;
  return milliseconds(half + static_cast<std::int64_t>(chance) % (half + 1));
}

}  // namespace

Informer::Informer(const Client& client, Clock& clock, crypto::Random& random,
                   InformerOptions options)
    : client_(client),
      clock_(clock),
      random_(random),
      options_(std::move(options)),
      objects_(options_.as_text) {}

Informer::~Informer() { stop(); }

void Informer::on_change(Handler handler) { handlers_.push_back(std::move(handler)); }
void Informer::on_synced(std::function<void()> handler) {
  synced_handlers_.push_back(std::move(handler));
}
void Informer::on_problem(OnProblem handler) { on_problem_ = std::move(handler); }

void Informer::start() {
  thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
}

void Informer::stop() {
  if (!thread_.joinable()) return;
  thread_.request_stop();
  {
    const std::lock_guard guard(mutex_);
    wake_.notify_all();
  }
  thread_.join();
}

void Informer::run(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    const milliseconds delay = step(stop);
    if (delay == milliseconds(0)) continue;
    const SteadyTime until = clock_.steady_now() + delay;
    std::unique_lock lock(mutex_);
    clock_.wait_until(lock, wake_, until, [&] { return stop.stop_requested(); });
  }
}

milliseconds Informer::step(const std::stop_token& stop) {
  try {
    return settle(needs_list_ ? relist(stop) : watch(stop), stop);
  } catch (const std::exception& exception) {
    // For want of memory: what has been kept may be incomplete.
    needs_list_ = true;
    return settle(
        retryable("informer of " + options_.resource.describe() + ": " + exception.what()), stop);
  }
}

milliseconds Informer::settle(const ApiResult<void>& outcome, const std::stop_token& stop) {
  if (stop.stop_requested()) return milliseconds(0);
  // A list alone proves nothing: where every watch fails, lists must slow down too.
  if (spoke_) failures_in_a_row_ = 0;
  spoke_ = false;
  if (outcome.has_value()) return milliseconds(0);
  const ApiError& error = outcome.error();
  {
    const std::lock_guard guard(mutex_);
    ++stats_.failures;
  }
  problem(error.message);
  if (error.is_gone()) needs_list_ = true;
  milliseconds delay = options_.min_backoff;
  for (int i = 0; i < failures_in_a_row_ && delay < options_.max_backoff; ++i) delay *= 2;
  delay = std::min(delay, options_.max_backoff);
  ++failures_in_a_row_;
  // The first "gone" is the normal course of things: list again at once.
  if (error.is_gone() && failures_in_a_row_ == 1) return milliseconds(0);
  return std::max(with_jitter(delay, random_), error.retry_after.value_or(milliseconds(0)));
}

ApiResult<void> Informer::relist(const std::stop_token& stop) {
  ListOptions list_options;
  list_options.label_selector = options_.label_selector;
  list_options.field_selector = options_.field_selector;
  list_options.metadata_only = options_.metadata_only;
  list_options.page_size = options_.page_size;
  list_options.max_objects = options_.max_objects;
  list_options.max_object_bytes = options_.max_object_bytes;
  list_options.read = options_.read;
  auto listed = client_.with_stop(stop).list(options_.resource, list_options);
  if (!listed.has_value()) {
    if (is_at_fault(listed.error())) {
      const std::lock_guard guard(mutex_);
      synced_ = false;
    }
    return std::move(listed).error();
  }
  for (const std::string& why : listed->unreadable) problem(why);

  std::vector<Change> changes;
  std::vector<std::string> refused;
  std::exception_ptr out_of_memory;
  {
    const std::lock_guard guard(mutex_);
    try {
      changes.reserve(listed->items.size() + objects_.size());  // none is lost from here on
      auto missing = objects_.keys();
      for (Json& item : listed->items) {
        const std::string key = object_key(item);
        if (auto why = try_put(changes, std::move(item))) {
          refused.push_back(*std::move(why));
        } else {
          missing.erase(key);
        }
      }
      for (const std::string& key : missing) erase(changes, key);
      synced_ = true;
      last_contact_ = clock_.steady_now();
      ++stats_.lists;
      stats_.unreadable += listed->unreadable.size() + refused.size();
    } catch (const std::bad_alloc&) {
      out_of_memory = std::current_exception();
    }
  }
  for (const std::string& why : refused) problem(why);
  if (out_of_memory) {
    notify(changes);
    std::rethrow_exception(out_of_memory);
  }
  resource_version_ = listed->resource_version;
  needs_list_ = false;
  notify(changes);
  for (const auto& handler : synced_handlers_) call_handler(handler);
  return {};
}

ApiResult<void> Informer::watch(const std::stop_token& stop) {
  WatchOptions watch_options;
  watch_options.label_selector = options_.label_selector;
  watch_options.field_selector = options_.field_selector;
  watch_options.metadata_only = options_.metadata_only;
  watch_options.resource_version = resource_version_;
  watch_options.timeout = options_.watch_timeout;
  watch_options.limits = stream_limits(options_);

  {
    const std::lock_guard guard(mutex_);
    ++stats_.watches;
  }
  ApiError in_stream;  // an ERROR event keeps its code
  bool has_in_stream = false;
  const auto on_line = [&](std::string_view line) -> Result<void> {
    spoke_ = true;
    auto event = parse_watch_event(line, options_.max_object_bytes, options_.read);
    if (event.has_value() && event->type == WatchEventType::kError) {
      in_stream = api_error_from_status(event->object, "watch " + options_.resource.describe());
      has_in_stream = true;
      return in_stream;
    }
    if (event.has_value()) return take_event(std::move(event).value());
    {
      const std::lock_guard guard(mutex_);
      ++stats_.unreadable;
    }
    return std::move(event).error();
  };
  const SteadyTime begun = clock_.steady_now();
  auto outcome = client_.with_stop(stop).watch(options_.resource, watch_options, on_line);
  if (has_in_stream) {
    // The server cannot go on from this version, whatever it says: start over.
    needs_list_ = true;
    return in_stream;
  }
  if (outcome.has_value()) {
    const SteadyTime now = clock_.steady_now();
    {
      const std::lock_guard guard(mutex_);
      last_contact_ = now;
    }
    if (!spoke_ && now - begun < kShortestWatch) {
      return retryable("watch " + options_.resource.describe() + ": ended at once, without a word");
    }
    spoke_ = true;
  } else if (is_at_fault(outcome.error())) {
    // A line that cannot be read or is too long: the object behind it must not stay as it was.
    needs_list_ = true;
  }
  return outcome;
}

Result<void> Informer::take_event(WatchEvent event) {
  const std::string version = version_of(event.object);
  if (version.empty()) {
    return rejected("watch event: metadata.resourceVersion is missing: expected an API object");
  }
  std::vector<Change> changes;
  std::optional<std::string> refused;
  {
    const std::lock_guard guard(mutex_);
    last_contact_ = clock_.steady_now();
    if (event.type == WatchEventType::kBookmark) {
      ++stats_.bookmarks;
    } else {
      ++stats_.events;
      const std::string key = object_key(event.object);
      if (key.empty())
        return rejected("watch event: metadata.name is missing: expected an API object");
      if (event.type == WatchEventType::kDeleted) {
        erase(changes, key);
      } else if (!objects_.contains(key) && objects_.size() >= options_.max_objects) {
        synced_ = false;
        return rejected("watch " + options_.resource.describe() + ": more than " +
                        std::to_string(options_.max_objects) +
                        " objects: narrow the selector or raise the limit");
      } else if ((refused = try_put(changes, std::move(event.object)))) {
        ++stats_.unreadable;
        erase(changes, key);
      }
    }
  }
  if (refused) problem(*refused);
  resource_version_ = version;
  notify(changes);
  return {};
}

ObjectPtr Informer::prepare(Json object) const {
  if (options_.drop_managed_fields) {
    if (Json::Object* members = object.as_object()) {
      const auto metadata = members->find("metadata");
      if (metadata != members->end() && metadata->second.as_object() != nullptr) {
        metadata->second.as_object()->erase("managedFields");
      }
    }
  }
  if (options_.trim) options_.trim(object);
  return std::make_shared<const Json>(std::move(object));
}

std::optional<std::string> Informer::try_put(std::vector<Change>& changes, Json object) {
  std::string where = options_.resource.describe() + " " + object_key(object);
  try {
    put(changes, prepare(std::move(object)));
    return std::nullopt;
  } catch (const std::bad_alloc&) {
    throw;
  } catch (const std::exception& exception) {
    return std::move(where) + ": is left out: " + exception.what();
  } catch (...) {
    return std::move(where) + ": is left out: unknown exception";
  }
}

void Informer::put(std::vector<Change>& changes, ObjectPtr object) {
  const std::string key = object_key(*object);
  const ObjectPtr previous = objects_.find(key);
  if (previous != nullptr && version_of(*previous) == version_of(*object)) return;
  ObjectPtr kept = options_.keep ? std::make_shared<const Json>(options_.keep(*object)) : object;
  objects_.put(key, std::move(kept));
  shared_.reset();
  changes.push_back({previous == nullptr ? ChangeType::kAdded : ChangeType::kModified, key,
                     std::move(object), previous});
}

void Informer::erase(std::vector<Change>& changes, const std::string& key) {
  ObjectPtr known = objects_.find(key);
  if (known == nullptr) return;
  changes.push_back({ChangeType::kDeleted, key, std::move(known), nullptr});
  objects_.erase(key);
  shared_.reset();
}

void Informer::notify(const std::vector<Change>& changes) {
  for (const Change& change : changes) {
    for (const Handler& handler : handlers_) call_handler([&] { handler(change); });
  }
}

void Informer::call_handler(const std::function<void()>& call) {
  std::string what;
  try {
    call();
    return;
  } catch (const std::exception& exception) {
    what = exception.what();
  } catch (...) {
    what = "unknown exception";
  }
  {
    const std::lock_guard guard(mutex_);
    ++stats_.handler_exceptions;
  }
  problem("handler of " + options_.resource.describe() + ": " + what);
}

void Informer::problem(const std::string& message) {
  if (!on_problem_) return;
  try {
    on_problem_(message);
  } catch (...) {
    const std::lock_guard guard(mutex_);
    ++stats_.handler_exceptions;
  }
}

bool Informer::synced() const {
  const std::lock_guard guard(mutex_);
  return synced_;
}

std::optional<SteadyTime> Informer::last_contact() const {
  const std::lock_guard guard(mutex_);
  return last_contact_;
}

bool Informer::fresh(milliseconds max_age) const {
  const SteadyTime now = clock_.steady_now();
  const std::lock_guard guard(mutex_);
  return synced_ && last_contact_ && now - *last_contact_ <= max_age;
}

std::shared_ptr<const Snapshot> Informer::snapshot() const {
  const std::lock_guard guard(mutex_);
  if (shared_ == nullptr) shared_ = std::make_shared<const Snapshot>(objects_.all());
  return shared_;
}

ObjectPtr Informer::find(std::string_view key) const {
  const std::lock_guard guard(mutex_);
  return objects_.find(key);
}

std::size_t Informer::size() const {
  const std::lock_guard guard(mutex_);
  return objects_.size();
}

Informer::Stats Informer::stats() const {
  const std::lock_guard guard(mutex_);
  return stats_;
}

}  // namespace avouch::kube
