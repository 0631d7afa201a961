#pragma once

// Keeps a local copy of the objects of one resource: list, then watch, for ever.

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "codec/json.h"
#include "crypto/random.h"
#include "kube/client.h"
#include "kube/kept_objects.h"
#include "kube/watch_event.h"

namespace avouch::kube {

enum class ChangeType { kAdded, kModified, kDeleted };

struct Change {
  ChangeType type = ChangeType::kAdded;
  std::string key;
  ObjectPtr object;    // for kDeleted: the last state that is known
  ObjectPtr previous;  // for kModified
};

struct InformerOptions {
  ResourcePath resource;
  std::string label_selector;
  std::string field_selector;
  bool metadata_only = false;

  // How long a watch is asked to last. A server sends bookmarks only where something has changed,
  // so a quiet watch gives a sign of life at its end: last_contact() is as old as this (plus
  // seconds) while all is well, and a connection that died unseen is found after this. Readiness
  // checks need it short; agents, of which there are thousands, should ask for minutes.
  std::chrono::seconds watch_timeout{40};
  std::chrono::milliseconds read_timeout{0};  // silence that ends a watch; 0: watch_timeout + 10 s
  std::chrono::milliseconds min_backoff{500};
  std::chrono::milliseconds max_backoff{30'000};

  int page_size = 500;
  std::size_t max_objects = 100'000;  // more: the list fails, the old snapshot stays, not synced
  std::size_t max_object_bytes = 3 * 1024 * 1024;

  bool drop_managed_fields = true;
  // Of an object that may be large: what is read of it at all. Sets max_object_bytes to
  // kMaxStoredObjectBytes.
  void read_only(ReadObject of_object) {
    read = std::move(of_object);
    max_object_bytes = kMaxStoredObjectBytes;
  }
  ReadObject read;
  // Removes what nobody reads before an object is kept; leaves apiVersion, kind and metadata alone.
  std::function<void(Json&)> trim;
  // Makes of an object what is kept of it, once the handlers have seen all of it: less. Later
  // changes give that as `previous`, and as `object` of a deletion. It must leave name, namespace,
  // uid and resourceVersion alone.
  std::function<Json(const Json&)> keep;
  // Keeps it as text: for many objects of which one is looked at now and then. `previous` and what
  // find() gives are then read each time, and snapshot() costs as much as all of them.
  bool as_text = false;
};

// Threads: handlers run on the informer's own thread, one at a time, in the order of the changes;
// everything else may be called from any thread. An exception from a handler is caught and counted.
//
// An object that cannot be read, or at which trim or keep throws, counts as absent: if it was known
// before, it is deleted. It costs nobody but itself, and is counted as unreadable. For want of
// memory alone the list is given up, and begun anew; handlers have then seen what has been kept.
class Informer {
 public:
  using Handler = std::function<void(const Change&)>;

  // A problem that the informer lived through: for a log line. Same thread as handlers.
  using OnProblem = std::function<void(const std::string& message)>;

  // The references must outlive the informer.
  Informer(const Client& client, Clock& clock, crypto::Random& random, InformerOptions options);
  ~Informer();  // stops
  Informer(const Informer&) = delete;
  Informer& operator=(const Informer&) = delete;

  // Before start(). A handler sees every object of the first list as kAdded. on_synced handlers run
  // after each list has been handed over completely.
  void on_change(Handler handler);
  void on_synced(std::function<void()> handler);
  void on_problem(OnProblem handler);

  void start();
  void stop();  // within a second; from any thread but the informer's own

  // True once a list has succeeded, and as long as the objects fit the limits.
  bool synced() const;
  // When the server last said anything about these objects: clock time; empty before the first
  // list.
  std::optional<SteadyTime> last_contact() const;
  // synced() and last_contact() not longer ago than `max_age`.
  bool fresh(std::chrono::milliseconds max_age) const;

  // An immutable copy, shared by all callers until the next change.
  std::shared_ptr<const Snapshot> snapshot() const;
  ObjectPtr find(std::string_view key) const;  // null where there is none
  std::size_t size() const;

  struct Stats {
    std::uint64_t lists = 0, watches = 0, events = 0, bookmarks = 0, failures = 0, unreadable = 0,
                  handler_exceptions = 0;
  };
  Stats stats() const;

  // One list or one watch; returns how long to wait before the next. This is what the thread runs
  // in a loop; tests call it directly.
  std::chrono::milliseconds step(const std::stop_token& stop);

 private:
  ApiResult<void> relist(const std::stop_token& stop);
  ApiResult<void> watch(const std::stop_token& stop);
  Result<void> take_event(WatchEvent event);
  ObjectPtr prepare(Json object) const;
  // Nothing, or why the object cannot be kept: nothing has changed then. Throws std::bad_alloc.
  std::optional<std::string> try_put(std::vector<Change>& changes, Json object);
  void put(std::vector<Change>& changes, ObjectPtr object);
  void erase(std::vector<Change>& changes, const std::string& key);
  void notify(const std::vector<Change>& changes);
  void call_handler(const std::function<void()>& call);
  void problem(const std::string& message);
  std::chrono::milliseconds settle(const ApiResult<void>& outcome, const std::stop_token& stop);
  void run(const std::stop_token& stop);

  const Client& client_;
  Clock& clock_;
  crypto::Random& random_;
  const InformerOptions options_;
  std::vector<Handler> handlers_;
  std::vector<std::function<void()>> synced_handlers_;
  OnProblem on_problem_;

  // Of the thread that calls step().
  std::string resource_version_;
  bool needs_list_ = true;
  int failures_in_a_row_ = 0;
  bool spoke_ = false;  // the watch of this step has brought a line or lasted its time

  mutable std::mutex mutex_;
  std::condition_variable wake_;
  KeptObjects objects_;
  mutable std::shared_ptr<const Snapshot> shared_;  // null after a change
  bool synced_ = false;
  std::optional<SteadyTime> last_contact_;
  Stats stats_;
  std::jthread thread_;
};

}  // namespace avouch::kube
