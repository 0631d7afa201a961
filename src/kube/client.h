#pragma once

// Calls on the API server's objects, as JSON. Thread-safe as far as its transport is.

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "codec/json.h"
#include "kube/api_error.h"
#include "kube/object_text.h"
#include "kube/resource.h"
#include "kube/transport.h"

namespace avouch::kube {

struct ListOptions {
  std::string label_selector;  // "a=b,c in (d,e)"
  std::string field_selector;  // "metadata.name=x", "spec.nodeName=y"
  int page_size = 500;
  // "" reads from etcd's quorum; "0" takes whatever the server's cache has.
  std::string resource_version;
  bool metadata_only = false;  // PartialObjectMetadata: apiVersion, kind, metadata
  std::size_t max_objects = 100'000;
  std::size_t max_object_bytes = 0;  // 0: as the client's
  ReadObject read;                   // of an item; empty: the client's
};

struct ObjectList {
  std::vector<Json> items;
  std::string resource_version;
  std::string continue_token;           // of list_page(): "" on the last page
  std::vector<std::string> unreadable;  // why each object that is not in `items` could not be read
};

struct WatchOptions {
  std::string label_selector;
  std::string field_selector;
  std::string resource_version;
  bool metadata_only = false;
  std::chrono::seconds timeout{300};  // asked of the server, which then ends the stream
  StreamLimits limits;
};

struct ApplyOptions {
  std::string field_manager;
  bool force = true;  // take over fields that another manager owns
};

struct DeleteOptions {
  std::string uid;  // preconditions; "" is none
  std::string resource_version;
  std::optional<int> grace_seconds;
};

enum class PatchType { kJson, kMerge, kStrategicMerge };

class Client {
 public:
  struct Options {
    std::chrono::milliseconds timeout{30'000};  // of each call
    std::string user_agent = "avouch";
    std::string field_manager;  // default for create, update and patch; "" leaves it to the server
    std::size_t max_object_bytes = 3 * 1024 * 1024;  // of an answer that is one object
    ReadObject read;                                 // of such an answer; empty: all of it
  };

  explicit Client(Transport& transport);  // which must outlive it and its copies
  Client(Transport& transport, Options options);

  // The same client with another time-out, or one whose calls end when `stop` is requested.
  Client with_timeout(std::chrono::milliseconds timeout) const;
  Client with_stop(std::stop_token stop) const;
  // One that reads as much of an object as can be stored, and keeps `read` of it.
  Client reading(ReadObject read) const;

  ApiResult<Json> get(const ResourcePath& resource, std::string_view name,
                      std::string_view subresource = {}) const;

  // All pages. Items get the apiVersion and kind that typed lists leave out of them. An object that
  // cannot be read (too large, too deep) is left out and named in
  // `unreadable`; the rest is returned. More than max_objects is kRejected; pages without end that
  // have none are kRetryable. A continue token that expires between pages gives is_gone().
  ApiResult<ObjectList> list(const ResourcePath& resource, const ListOptions& options = {}) const;
  // The same page by page, for what need not be held at once. Ends with the first error of
  // `on_page`.
  using OnPage = std::function<Result<void>(ObjectList page)>;
  ApiResult<void> each_page(const ResourcePath& resource, const ListOptions& options,
                            const OnPage& on_page) const;
  ApiResult<ObjectList> list_page(const ResourcePath& resource, const ListOptions& options,
                                  const std::string& continue_token) const;

  // POST. The namespace is resource.ns; apiVersion and kind must be in the object.
  ApiResult<Json> create(const ResourcePath& resource, const Json& object) const;
  // POST to a subresource of an object: "binding", "token", "eviction".
  ApiResult<Json> create_subresource(const ResourcePath& resource, std::string_view name,
                                     std::string_view subresource, const Json& object) const;

  // PUT. The object's metadata.resourceVersion, if it is there, must still be current.
  ApiResult<Json> update(const ResourcePath& resource, const Json& object,
                         std::string_view subresource = {}) const;

  ApiResult<Json> patch(const ResourcePath& resource, std::string_view name, PatchType type,
                        const Json& patch, std::string_view subresource = {}) const;

  // Server-side apply of metadata.name in `object`; creates it where it is missing.
  ApiResult<Json> apply(const ResourcePath& resource, const Json& object,
                        const ApplyOptions& options, std::string_view subresource = {}) const;

  ApiResult<void> remove(const ResourcePath& resource, std::string_view name,
                         const DeleteOptions& options = {}) const;

  // Hands each event's line to `on_line` until the stream ends (watch_event.h reads them).
  // Bookmarks are asked for.
  ApiResult<void> watch(const ResourcePath& resource, const WatchOptions& options,
                        const Transport::OnLine& on_line) const;

  // Any other call; an answer outside 2xx is an error. "" as an answer gives null.
  ApiResult<Json> call(HttpRequest request, const std::string& what) const;

 private:
  ApiResult<HttpResponse> exchange(HttpRequest request, const std::string& what) const;

  Transport* transport_;
  Options options_;
  std::stop_token stop_;
};

}  // namespace avouch::kube
