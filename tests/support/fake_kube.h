#pragma once

// An API server in memory: objects, versions, lists in pages, watches with bookmarks and expiry,
// patches, server-side apply, reviews. Behind the same seam as the real one, and held to the same
// contract (tests/contract/kube). It does not authorize, default, validate, or collect garbage.

#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "codec/json.h"
#include "kube/resource.h"
#include "kube/transport.h"

namespace avouch::testing {

using codec::Json;

// Thread-safe.
class FakeKube final : public kube::Transport {
 public:
  FakeKube() = default;

  Result<HttpResponse> send(const HttpRequest& request, std::chrono::milliseconds timeout,
                            std::stop_token stop) override;
  Result<HttpResponse> stream(const HttpRequest& request, const kube::StreamLimits& limits,
                              const OnLine& on_line, std::stop_token stop) override;

  // Creates or replaces an object as it is, but for uid, resourceVersion and times; returns it as
  // stored.
  Json put(const kube::ResourcePath& resource, Json object);
  std::optional<Json> peek(const kube::ResourcePath& resource, const std::string& name) const;
  void erase(const kube::ResourcePath& resource, const std::string& name);

  // Faults. Each is used once, by the next request (of any kind, watches included) for which
  // `wanted`, if given, is true, before the request has any effect.
  using Wanted = std::function<bool(const HttpRequest&)>;
  void fail_next(Error error, Wanted wanted = {});
  void answer_next(HttpResponse response, Wanted wanted = {});
  // The request takes effect, but its answer is lost.
  void lose_next_answer(Error error, Wanted wanted = {});
  void set_down(bool down);  // every request fails with kRetryable; open watches break

  // Watches.
  void compact();  // forgets history: older versions and continue tokens are gone (410)
  void send_bookmarks();
  void send_line(const std::string& line);  // to every open watch, whatever it is
  void end_watches();                       // cleanly
  void break_watches(const Error& error);
  void await_watches(std::size_t count) const;  // blocks until at least `count` are open
  std::size_t open_watches() const;

  // Reviews. Unknown tokens are not authenticated; access is denied unless `allows` says so.
  void add_token(const std::string& token, Json user, std::vector<std::string> audiences);
  void set_access(std::function<bool(const Json& spec)> allows);

  std::vector<HttpRequest> requests() const;  // all so far
  void clear_requests();
  std::string version() const;  // the newest resourceVersion

 private:
  struct Target;
  struct Stored {
    Json object;
    std::map<std::string, std::set<std::string>> owners;  // server-side apply
  };
  struct Event {
    std::int64_t version;
    std::string collection;
    std::string type;
    Json object;
    Json previous;  // of MODIFIED: for watches with selectors
  };
  struct Watch {
    std::deque<std::string> lines;
    bool ended = false;
    std::optional<Error> broken;
    std::string collection, ns, labels, fields;
    bool metadata_only = false;
    std::int64_t version = 0;
  };
  enum class FaultKind { kError, kAnswer, kLostAnswer };
  struct Fault {
    FaultKind kind;
    Error error;
    HttpResponse response;
    Wanted wanted;
  };

  static Result<Target> parse_target(const HttpRequest& request);
  std::optional<Fault> take_fault(const HttpRequest& request);
  HttpResponse serve(const HttpRequest& request);
  HttpResponse list(const Target& target, const HttpRequest& request);
  HttpResponse create(const Target& target, const Json& body);
  HttpResponse create_subresource(const Target& target, const Json& body);
  HttpResponse update(const Target& target, const Json& body);
  HttpResponse patch(const Target& target, const HttpRequest& request);
  HttpResponse remove(const Target& target, const HttpRequest& request);
  HttpResponse review_token(Json review) const;
  HttpResponse review_access(Json review) const;
  Json store(const Target& target, const std::string& key, Json object,
             const std::map<std::string, std::set<std::string>>& owners);
  void record(const std::string& collection, const std::string& type, const Json& object,
              const Json& previous);
  static void deliver(Watch& watch, const Event& event);
  void bookmark(Watch& watch) const;

  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  std::map<std::string, std::map<std::string, Stored>> collections_;  // by group/plural, ns/name
  std::int64_t version_ = 1000;
  std::int64_t compacted_ = 0;
  std::int64_t next_uid_ = 1;
  std::vector<Event> history_;
  std::vector<Watch*> watches_;
  std::deque<Fault> faults_;
  bool down_ = false;
  std::map<std::string, std::pair<Json, std::vector<std::string>>> tokens_;
  std::function<bool(const Json&)> allows_;
  std::vector<HttpRequest> requests_;
};

HttpResponse status_answer(int code, const std::string& reason, const std::string& message);

}  // namespace avouch::testing
