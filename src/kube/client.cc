#include "kube/client.h"

#include <algorithm>
#include <utility>

#include "kube/list_split.h"

namespace avouch::kube {
namespace {

constexpr std::size_t kMaxEnvelopeBytes = 1024 * 1024;
constexpr int kMostEmptyPages = 1000;  // one after another
constexpr std::string_view kJson = "application/json";

void add_query(std::string& query, std::string_view name, std::string_view value) {
  if (value.empty()) return;
  if (!query.empty()) query.push_back('&');
  query += name;
  query.push_back('=');
  query += url_encode(value);
}

std::string accept_header(bool metadata_only, std::string_view kind) {
  if (!metadata_only) return std::string(kJson);
  return "application/json;as=" + std::string(kind) + ";g=meta.k8s.io;v=v1";
}

std::string_view content_type(PatchType type) {
  switch (type) {
    case PatchType::kJson:
      return "application/json-patch+json";
    case PatchType::kMerge:
      return "application/merge-patch+json";
    case PatchType::kStrategicMerge:
      return "application/strategic-merge-patch+json";
  }
  return kJson;
}

// "get nodes n1", "patch nodes n1 (status)".
std::string describe(std::string_view verb, const ResourcePath& resource, std::string_view name,
                     std::string_view subresource) {
  std::string out = std::string(verb) + " " + resource.describe(name);
  if (!subresource.empty()) out += " (" + std::string(subresource) + ")";
  return out;
}

Result<HttpRequest> make_request(std::string_view method, const ResourcePath& resource,
                                 std::string_view name = {}, std::string_view subresource = {}) {
  HttpRequest request;
  request.method = method;
  AVOUCH_TRY(request.path, resource.path(name, subresource));
  return request;
}

Result<std::string> name_of(const Json& object) {
  const std::string_view name = object.text({"metadata", "name"});
  if (name.empty()) return rejected("object: metadata.name is missing: expected a name");
  return std::string(name);
}

// Typed lists leave apiVersion and kind out of their items.
void complete_item(Json& item, const Json& envelope) {
  std::string_view kind = envelope.text({"kind"});
  constexpr std::string_view kSuffix = "List";
  if (!kind.ends_with(kSuffix)) return;
  kind.remove_suffix(kSuffix.size());
  if (item.find("kind") == nullptr) item["kind"] = kind;
  if (item.find("apiVersion") == nullptr) item["apiVersion"] = envelope.text({"apiVersion"});
}

// A page that is too large to be received at once is asked for in smaller pieces.
bool may_be_too_large(const ApiError& error) {
  return error.code == 0 && error.kind == ErrorKind::kRejected;
}

}  // namespace

Client::Client(Transport& transport) : transport_(&transport) {}
Client::Client(Transport& transport, Options options)
    : transport_(&transport), options_(std::move(options)) {}

Client Client::with_timeout(std::chrono::milliseconds timeout) const {
  Client copy = *this;
  copy.options_.timeout = timeout;
  return copy;
}

Client Client::with_stop(std::stop_token stop) const {
  Client copy = *this;
  copy.stop_ = std::move(stop);
  return copy;
}

Client Client::reading(ReadObject read) const {
  Client copy = *this;
  copy.options_.max_object_bytes = kMaxStoredObjectBytes;
  copy.options_.read = std::move(read);
  return copy;
}

ApiResult<HttpResponse> Client::exchange(HttpRequest request, const std::string& what) const {
  request.headers.add("User-Agent", options_.user_agent);
  if (!request.headers.find("Accept")) request.headers.add("Accept", std::string(kJson));
  if (!request.body.empty() && !request.headers.find("Content-Type")) {
    request.headers.add("Content-Type", std::string(kJson));
  }
  auto response = transport_->send(request, options_.timeout, stop_);
  if (!response.has_value()) return with_context(std::move(response).error(), what);
  if (response->status < 200 || response->status > 299) return api_error_from(*response, what);
  return std::move(response).value();
}

ApiResult<Json> Client::call(HttpRequest request, const std::string& what) const {
  AVOUCH_TRY(const HttpResponse response, exchange(std::move(request), what));
  if (response.body.empty()) return Json();
  auto parsed = parse_object(response.body, options_.max_object_bytes, options_.read);
  if (!parsed.has_value()) return with_context(std::move(parsed).error(), what + ": answer");
  return std::move(parsed).value();
}

ApiResult<Json> Client::get(const ResourcePath& resource, std::string_view name,
                            std::string_view subresource) const {
  if (name.empty()) return rejected("get " + resource.describe() + ": expected a name");
  AVOUCH_TRY(HttpRequest request, make_request("GET", resource, name, subresource));
  return call(std::move(request), describe("get", resource, name, subresource));
}

ApiResult<ObjectList> Client::list_page(const ResourcePath& resource, const ListOptions& options,
                                        const std::string& continue_token) const {
  const std::string what = describe("list", resource, "", "");
  AVOUCH_TRY(HttpRequest request, make_request("GET", resource));
  request.headers.add("Accept", accept_header(options.metadata_only, "PartialObjectMetadataList"));
  if (options.page_size > 0) add_query(request.query, "limit", std::to_string(options.page_size));
  add_query(request.query, "labelSelector", options.label_selector);
  add_query(request.query, "fieldSelector", options.field_selector);
  add_query(request.query, "continue", continue_token);
  // The token stands for the version of the first page.
  if (continue_token.empty()) {
    add_query(request.query, "resourceVersion", options.resource_version);
  }
  AVOUCH_TRY(const HttpResponse response, exchange(std::move(request), what));

  auto split = split_list(response.body);
  if (!split.has_value()) return retryable(what + ": answer: " + split.error().message);
  auto envelope = codec::parse_json(split->envelope, {.bytes = kMaxEnvelopeBytes, .depth = 64});
  if (!envelope.has_value()) return retryable(what + ": answer: " + envelope.error().message);
  ObjectList list;
  list.resource_version = envelope->text({"metadata", "resourceVersion"});
  list.continue_token = envelope->text({"metadata", "continue"});
  if (list.resource_version.empty()) {
    return retryable(what + ": answer: metadata.resourceVersion is missing: expected a list");
  }
  // A second list, or one whose name is spelled with an escape, would be lost silently.
  if (const Json* left = envelope->find("items");
      left != nullptr && !left->is_null() && (!left->is_array() || !left->as_array()->empty())) {
    return retryable(what + ": answer: items cannot be told apart: expected one list of items");
  }
  const std::size_t most =
      options.max_object_bytes > 0 ? options.max_object_bytes : options_.max_object_bytes;
  const ReadObject& read = options.read ? options.read : options_.read;
  list.items.reserve(split->items.size());
  for (std::size_t i = 0; i < split->items.size(); ++i) {
    auto item = parse_object(split->items[i], most, read);
    if (!item.has_value()) {
      list.unreadable.push_back(what + ": item " + std::to_string(i) + ": " + item.error().message);
    } else if (object_key(*item).empty()) {
      list.unreadable.push_back(what + ": item " + std::to_string(i) +
                                ": metadata.name is missing");
    } else {
      complete_item(*item, *envelope);
      list.items.push_back(std::move(item).value());
    }
  }
  return list;
}

ApiResult<void> Client::each_page(const ResourcePath& resource, const ListOptions& options,
                                  const OnPage& on_page) const {
  ListOptions page_options = options;
  std::size_t objects = 0;
  int empty_pages = 0;
  std::string continue_token;
  while (true) {
    auto page = list_page(resource, page_options, continue_token);
    if (!page.has_value()) {
      if (!may_be_too_large(page.error()) || page_options.page_size <= 1) {
        return std::move(page).error();
      }
      page_options.page_size = std::max(1, page_options.page_size / 8);
      continue;
    }
    const std::size_t count = page->items.size() + page->unreadable.size();
    objects += count;
    if (objects > options.max_objects) {
      return rejected("list " + resource.describe() + ": more than " +
                      std::to_string(options.max_objects) +
                      " objects: narrow the selector or raise the limit");
    }
    empty_pages = count > 0 ? 0 : empty_pages + 1;
    if (empty_pages > kMostEmptyPages) {
      return retryable("list " + resource.describe() + ": answer: more than " +
                       std::to_string(kMostEmptyPages) +
                       " pages without an object: expected the list to end");
    }
    continue_token = std::move(page->continue_token);
    AVOUCH_CHECK(on_page(*std::move(page)));
    if (continue_token.empty()) return {};
  }
}

ApiResult<ObjectList> Client::list(const ResourcePath& resource, const ListOptions& options) const {
  ObjectList all;
  AVOUCH_CHECK(each_page(resource, options, [&all](ObjectList page) -> Result<void> {
    std::move(page.items.begin(), page.items.end(), std::back_inserter(all.items));
    std::move(page.unreadable.begin(), page.unreadable.end(), std::back_inserter(all.unreadable));
    all.resource_version = std::move(page.resource_version);
    return {};
  }));
  return all;
}

ApiResult<Json> Client::create(const ResourcePath& resource, const Json& object) const {
  AVOUCH_TRY(HttpRequest request, make_request("POST", resource));
  add_query(request.query, "fieldManager", options_.field_manager);
  request.body = codec::to_json(object);
  return call(std::move(request),
              describe("create", resource, object.text({"metadata", "name"}), ""));
}

ApiResult<Json> Client::create_subresource(const ResourcePath& resource, std::string_view name,
                                           std::string_view subresource, const Json& object) const {
  AVOUCH_TRY(HttpRequest request, make_request("POST", resource, name, subresource));
  request.body = codec::to_json(object);
  return call(std::move(request), describe("create", resource, name, subresource));
}

ApiResult<Json> Client::update(const ResourcePath& resource, const Json& object,
                               std::string_view subresource) const {
  AVOUCH_TRY(const std::string name, name_of(object));
  AVOUCH_TRY(HttpRequest request, make_request("PUT", resource, name, subresource));
  add_query(request.query, "fieldManager", options_.field_manager);
  request.body = codec::to_json(object);
  return call(std::move(request), describe("update", resource, name, subresource));
}

ApiResult<Json> Client::patch(const ResourcePath& resource, std::string_view name, PatchType type,
                              const Json& patch, std::string_view subresource) const {
  if (name.empty()) return rejected("patch " + resource.describe() + ": expected a name");
  AVOUCH_TRY(HttpRequest request, make_request("PATCH", resource, name, subresource));
  add_query(request.query, "fieldManager", options_.field_manager);
  request.headers.add("Content-Type", std::string(content_type(type)));
  request.body = codec::to_json(patch);
  return call(std::move(request), describe("patch", resource, name, subresource));
}

ApiResult<Json> Client::apply(const ResourcePath& resource, const Json& object,
                              const ApplyOptions& options, std::string_view subresource) const {
  AVOUCH_TRY(const std::string name, name_of(object));
  const std::string what = describe("apply", resource, name, subresource);
  if (options.field_manager.empty()) return rejected(what + ": expected a field manager");
  AVOUCH_TRY(HttpRequest request, make_request("PATCH", resource, name, subresource));
  add_query(request.query, "fieldManager", options.field_manager);
  add_query(request.query, "force", options.force ? "true" : "false");
  request.headers.add("Content-Type", "application/apply-patch+yaml");
  request.body = codec::to_json(object);
  return call(std::move(request), what);
}

ApiResult<void> Client::remove(const ResourcePath& resource, std::string_view name,
                               const DeleteOptions& options) const {
  // Without a name the whole collection would go.
  if (name.empty()) return rejected("delete " + resource.describe() + ": expected a name");
  AVOUCH_TRY(HttpRequest request, make_request("DELETE", resource, name));
  Json body;
  body["apiVersion"] = "v1";
  body["kind"] = "DeleteOptions";
  if (!options.uid.empty()) body["preconditions"]["uid"] = options.uid;
  if (!options.resource_version.empty()) {
    body["preconditions"]["resourceVersion"] = options.resource_version;
  }
  if (options.grace_seconds) body["gracePeriodSeconds"] = *options.grace_seconds;
  request.body = codec::to_json(body);
  AVOUCH_CHECK(exchange(std::move(request), describe("delete", resource, name, "")));
  return {};
}

ApiResult<void> Client::watch(const ResourcePath& resource, const WatchOptions& options,
                              const Transport::OnLine& on_line) const {
  const std::string what = describe("watch", resource, "", "");
  AVOUCH_TRY(HttpRequest request, make_request("GET", resource));
  request.query = "watch=true&allowWatchBookmarks=true";
  add_query(request.query, "timeoutSeconds", std::to_string(options.timeout.count()));
  add_query(request.query, "resourceVersion", options.resource_version);
  add_query(request.query, "labelSelector", options.label_selector);
  add_query(request.query, "fieldSelector", options.field_selector);
  request.headers.add("User-Agent", options_.user_agent);
  request.headers.add("Accept", accept_header(options.metadata_only, "PartialObjectMetadata"));
  auto response = transport_->stream(request, options.limits, on_line, stop_);
  if (!response.has_value()) return with_context(std::move(response).error(), what);
  if (response->status != 200) return api_error_from(*response, what);
  return {};
}

}  // namespace avouch::kube
