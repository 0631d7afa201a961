#include "support/fake_kube.h"

#include <algorithm>
#include <charconv>

#include "support/fake_kube_objects.h"

namespace avouch::testing {
namespace {

using kube::object_key;

constexpr const char* kTime = "2026-11-21T09:00:00Z";

std::string text_at(const Json& object, std::initializer_list<std::string_view> path) {
  return std::string(object.text(path));
}

std::int64_t to_number(std::string_view text) {
  std::int64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

HttpResponse answer(int code, const Json& body) {
  HttpResponse response;
  response.status = code;
  response.content_type = "application/json";
  response.body = codec::to_json(body);
  return response;
}

std::string query(const HttpRequest& request, std::string_view name) {
  auto value = query_value(request.query, name);
  return value.has_value() ? value->value_or("") : "";
}

std::string event_line(const std::string& type, const Json& object) {
  Json event;
  event["type"] = type;
  event["object"] = object;
  return codec::to_json(event);
}

Json metadata_of(const Json& object) {
  Json out;
  out["apiVersion"] = "meta.k8s.io/v1";
  out["kind"] = "PartialObjectMetadata";
  if (const Json* metadata = object.find("metadata")) out["metadata"] = *metadata;
  return out;
}

bool wants_metadata(const HttpRequest& request) {
  const auto accept = request.headers.find("Accept");
  return accept && accept->find("as=PartialObjectMetadata") != std::string_view::npos;
}

bool has_status(const std::string& plural, const std::string& group) {
  return group == "avouch.dev" || plural == "nodes" || plural == "pods" || plural == "namespaces";
}

bool matches(const Json& object, const std::string& ns, const std::string& labels,
             const std::string& fields) {
  return (ns.empty() || object.text({"metadata", "namespace"}) == ns) &&
         matches_labels(object, labels) && matches_fields(object, fields);
}

}  // namespace

HttpResponse status_answer(int code, const std::string& reason, const std::string& message) {
  Json status;
  status["apiVersion"] = "v1";
  status["kind"] = "Status";
  status["status"] = "Failure";
  status["code"] = code;
  status["reason"] = reason;
  status["message"] = message;
  return answer(code, status);
}

// What a path names.
struct FakeKube::Target {
  std::string group, version, plural, ns, name, subresource;

  std::string collection() const { return group + "/" + plural; }
  std::string key() const { return ns.empty() ? name : ns + "/" + name; }
};

Result<FakeKube::Target> FakeKube::parse_target(const HttpRequest& request) {
  std::vector<std::string> parts;
  std::string part;
  for (const char c : request.path.substr(1) + "/") {
    if (c != '/') {
      part.push_back(c);
    } else {
      parts.push_back(std::move(part));
      part.clear();
    }
  }
  Target target;
  std::size_t at = 0;
  const auto next = [&] { return at < parts.size() ? parts[at++] : std::string(); };
  const std::string root = next();
  if (root == "apis") target.group = next();
  target.version = next();
  // "namespaces/NS/PLURAL..." is inside a namespace, "namespaces/NAME" is one.
  if (parts.size() - at >= 3 && parts[at] == "namespaces" && parts[at + 2] != "status") {
    ++at;
    target.ns = next();
  }
  target.plural = next();
  target.name = next();
  target.subresource = next();
  if ((root != "api" && root != "apis") || target.plural.empty()) {
    return rejected("the server could not find the requested resource");
  }
  return target;
}

std::optional<FakeKube::Fault> FakeKube::take_fault(const HttpRequest& request) {
  const auto it = std::find_if(faults_.begin(), faults_.end(), [&](const Fault& fault) {
    return !fault.wanted || fault.wanted(request);
  });
  if (it == faults_.end()) return std::nullopt;
  Fault fault = std::move(*it);
  faults_.erase(it);
  return fault;
}

Result<HttpResponse> FakeKube::send(const HttpRequest& request, std::chrono::milliseconds,
                                    std::stop_token stop) {
  const std::lock_guard guard(mutex_);
  requests_.push_back(request);
  if (stop.stop_requested()) return retryable("stopped");
  if (down_) return retryable("connection refused");
  const auto fault = take_fault(request);
  if (fault && fault->kind == FaultKind::kError) return fault->error;
  if (fault && fault->kind == FaultKind::kAnswer) return fault->response;
  HttpResponse response = serve(request);
  changed_.notify_all();
  if (fault) return fault->error;
  return response;
}

HttpResponse FakeKube::serve(const HttpRequest& request) {
  const auto target = parse_target(request);
  if (!target.has_value()) return status_answer(404, "NotFound", target.error().message);
  if (request.method == "GET" && target->name.empty()) return list(*target, request);
  if (request.method == "GET") {
    const auto& objects = collections_[target->collection()];
    const auto it = objects.find(target->key());
    if (it == objects.end()) {
      return status_answer(404, "NotFound", target->plural + " \"" + target->name + "\" not found");
    }
    return answer(200,
                  wants_metadata(request) ? metadata_of(it->second.object) : it->second.object);
  }
  if (request.method == "DELETE") return remove(*target, request);
  if (request.method == "PATCH") return patch(*target, request);
  auto body = codec::parse_json(request.body);
  if (!body.has_value() || !body->is_object()) {
    return status_answer(400, "BadRequest", "the body is no object");
  }
  if (request.method == "POST" && target->plural == "tokenreviews") {
    return review_token(std::move(*body));
  }
  if (request.method == "POST" && target->plural == "subjectaccessreviews") {
    return review_access(std::move(*body));
  }
  if (request.method == "POST" && !target->subresource.empty()) {
    return create_subresource(*target, *body);
  }
  if (request.method == "POST") return create(*target, *body);
  if (request.method == "PUT") return update(*target, *body);
  return status_answer(405, "MethodNotAllowed", request.method);
}

HttpResponse FakeKube::list(const Target& target, const HttpRequest& request) {
  const std::string token = query(request, "continue");
  const std::int64_t limit = to_number(query(request, "limit"));
  std::int64_t version = version_;
  std::string after;
  if (!token.empty()) {
    version = to_number(token);
    after = token.substr(token.find(':') + 1);
    if (version < compacted_) {
      return status_answer(410, "Expired", "The provided continue parameter is too old");
    }
  }
  const bool metadata_only = wants_metadata(request);
  Json::Array items;
  std::string last;
  std::string continue_token;
  std::string kind = "Object";
  for (const auto& [key, stored] : collections_[target.collection()]) {
    if (key <= after) continue;
    if (!matches(stored.object, target.ns, query(request, "labelSelector"),
                 query(request, "fieldSelector"))) {
      continue;
    }
    if (limit > 0 && static_cast<std::int64_t>(items.size()) == limit) {
      continue_token = std::to_string(version) + ":" + last;
      break;
    }
    last = key;
    kind = text_at(stored.object, {"kind"});
    Json item = metadata_only ? metadata_of(stored.object) : stored.object;
    // As the real one does for its own types.
    if (!metadata_only && target.group != "avouch.dev") {
      item.as_object()->erase("kind");
      item.as_object()->erase("apiVersion");
    }
    items.push_back(std::move(item));
  }
  Json out;
  out["kind"] = metadata_only ? "PartialObjectMetadataList" : kind + "List";
  out["apiVersion"] = metadata_only          ? "meta.k8s.io/v1"
                      : target.group.empty() ? target.version
                                             : target.group + "/" + target.version;
  out["metadata"]["resourceVersion"] = std::to_string(version);
  if (!continue_token.empty()) out["metadata"]["continue"] = continue_token;
  out["items"] = std::move(items);
  return answer(200, out);
}

Json FakeKube::store(const Target& target, const std::string& key, Json object,
                     const std::map<std::string, std::set<std::string>>& owners) {
  auto& objects = collections_[target.collection()];
  const auto known = objects.find(key);
  Json previous = known == objects.end() ? Json() : known->second.object;
  Json& metadata = object["metadata"];
  if (previous.is_null()) {
    metadata["uid"] = "00000000-0000-4000-8000-" + std::to_string(100000000000 + next_uid_++);
    metadata["creationTimestamp"] = kTime;
    metadata["generation"] = 1;
  } else {
    metadata["uid"] = *previous.find_path({"metadata", "uid"});
    metadata["creationTimestamp"] = *previous.find_path({"metadata", "creationTimestamp"});
    const Json* generation = previous.find_path({"metadata", "generation"});
    const bool same = object.find("spec") == previous.find("spec") ||
                      (object.find("spec") != nullptr && previous.find("spec") != nullptr &&
                       *object.find("spec") == *previous.find("spec"));
    metadata["generation"] = *generation->as_int() + (same ? 0 : 1);
    metadata["resourceVersion"] = *previous.find_path({"metadata", "resourceVersion"});
    if (object == previous) {  // nothing changes: no new version, no event
      objects[key].owners = owners;
      return object;
    }
  }
  metadata["resourceVersion"] = std::to_string(++version_);
  objects[key] = {object, owners};
  record(target.collection(), previous.is_null() ? "ADDED" : "MODIFIED", object, previous);
  return object;
}

HttpResponse FakeKube::create(const Target& target, const Json& body) {
  Json object = body;
  const std::string name = text_at(object, {"metadata", "name"});
  if (name.empty()) return status_answer(422, "Invalid", "metadata.name: Required value");
  if (object.text({"kind"}).empty() || object.text({"apiVersion"}).empty()) {
    return status_answer(400, "BadRequest", "kind and apiVersion must be set");
  }
  if (!target.ns.empty()) object["metadata"]["namespace"] = target.ns;
  const std::string key = object_key(object);
  if (collections_[target.collection()].contains(key)) {
    return status_answer(409, "AlreadyExists", target.plural + " \"" + name + "\" already exists");
  }
  if (has_status(target.plural, target.group) && target.group == "avouch.dev") {
    object.as_object()->erase("status");
  }
  return answer(201, store(target, key, std::move(object), {}));
}

HttpResponse FakeKube::create_subresource(const Target& target, const Json& body) {
  auto& objects = collections_[target.collection()];
  const auto it = objects.find(target.key());
  if (it == objects.end()) {
    return status_answer(404, "NotFound", target.plural + " \"" + target.name + "\" not found");
  }
  if (target.subresource == "binding") {
    Json pod = it->second.object;
    if (!pod.text({"spec", "nodeName"}).empty()) {
      return status_answer(409, "Conflict", "pod is already assigned to a node");
    }
    pod["spec"]["nodeName"] = text_at(body, {"target", "name"});
    store(target, target.key(), std::move(pod), it->second.owners);
    return answer(201, body);
  }
  if (target.subresource == "token") {
    Json issued = body;
    const std::string token = "token-" + std::to_string(next_uid_++);
    issued["status"]["token"] = token;
    issued["status"]["expirationTimestamp"] = "2026-11-21T10:00:00Z";
    std::vector<std::string> audiences;
    if (const Json* wanted = body.find_path({"spec", "audiences"})) {
      for (const Json& audience : *wanted->as_array()) audiences.push_back(*audience.as_string());
    }
    Json user;
    user["username"] = "system:serviceaccount:" + target.ns + ":" + target.name;
    tokens_[token] = {user, audiences};
    return answer(201, issued);
  }
  return status_answer(404, "NotFound", "no such subresource");
}

HttpResponse FakeKube::update(const Target& target, const Json& body) {
  auto& objects = collections_[target.collection()];
  const auto it = objects.find(target.key());
  if (it == objects.end()) {
    return status_answer(404, "NotFound", target.plural + " \"" + target.name + "\" not found");
  }
  const Json& current = it->second.object;
  if (text_at(body, {"metadata", "name"}) != target.name) {
    return status_answer(400, "BadRequest", "the name of the object does not match the URL");
  }
  const std::string version = text_at(body, {"metadata", "resourceVersion"});
  if (version.empty() && target.group == "avouch.dev") {
    return status_answer(422, "Invalid", "metadata.resourceVersion: must be specified");
  }
  if (!version.empty() && version != text_at(current, {"metadata", "resourceVersion"})) {
    return status_answer(409, "Conflict", "the object has been modified");
  }
  Json object = body;
  if (target.subresource == "status") {
    object = current;
    if (const Json* status = body.find("status")) object["status"] = *status;
  } else if (has_status(target.plural, target.group)) {
    object.as_object()->erase("status");
    if (const Json* status = current.find("status")) object["status"] = *status;
  }
  if (!target.ns.empty()) object["metadata"]["namespace"] = target.ns;
  return answer(200, store(target, target.key(), std::move(object), it->second.owners));
}

HttpResponse FakeKube::patch(const Target& target, const HttpRequest& request) {
  const auto body = codec::parse_json(request.body);
  if (!body.has_value()) return status_answer(400, "BadRequest", "the patch is no JSON");
  const std::string type(request.headers.find("Content-Type").value_or(""));
  auto& objects = collections_[target.collection()];
  const auto it = objects.find(target.key());
  const bool is_apply = type == "application/apply-patch+yaml";
  if (it == objects.end() && (!is_apply || !target.subresource.empty())) {
    return status_answer(404, "NotFound", target.plural + " \"" + target.name + "\" not found");
  }
  const Json current = it == objects.end() ? Json() : it->second.object;
  auto owners =
      it == objects.end() ? std::map<std::string, std::set<std::string>>() : it->second.owners;
  Json object = current;
  if (type == "application/merge-patch+json") {
    merge_patch(object, *body);
  } else if (type == "application/strategic-merge-patch+json") {
    if (target.group == "avouch.dev") {
      return status_answer(415, "UnsupportedMediaType", "custom resources have no merge keys");
    }
    strategic_merge_patch(object, *body);
  } else if (type == "application/json-patch+json") {
    const auto outcome = json_patch(object, *body);
    if (!outcome.has_value()) return status_answer(422, "Invalid", outcome.error().message);
  } else if (is_apply) {
    Json applied = *body;
    const std::string manager = query(request, "fieldManager");
    if (manager.empty()) return status_answer(400, "BadRequest", "fieldManager is required");
    if (text_at(applied, {"metadata", "name"}) != target.name) {
      return status_answer(400, "BadRequest", "the name of the object does not match the URL");
    }
    if (!target.ns.empty()) applied["metadata"]["namespace"] = target.ns;
    // Status and the rest have managers of their own.
    if (target.subresource == "status") {
      std::erase_if(*applied.as_object(),
                    [](const auto& member) { return member.first != "status"; });
    } else if (has_status(target.plural, target.group)) {
      applied.as_object()->erase("status");
    }
    const auto outcome = server_side_apply(object, applied, manager + "|" + target.subresource,
                                           query(request, "force") == "true", owners);
    if (!outcome.has_value()) return status_answer(409, "Conflict", outcome.error().message);
  } else {
    return status_answer(415, "UnsupportedMediaType", type);
  }
  const std::string wanted = text_at(object, {"metadata", "resourceVersion"});
  if (!current.is_null() && wanted != text_at(current, {"metadata", "resourceVersion"})) {
    return status_answer(409, "Conflict", "the object has been modified");
  }
  if (target.subresource == "status") {
    Json kept = current;
    if (const Json* status = object.find("status")) {
      kept["status"] = *status;
    } else {
      kept.as_object()->erase("status");
    }
    object = std::move(kept);
  } else if (has_status(target.plural, target.group)) {
    object.as_object()->erase("status");
    if (const Json* status = current.find("status")) object["status"] = *status;
  }
  return answer(current.is_null() ? 201 : 200,
                store(target, target.key(), std::move(object), owners));
}

HttpResponse FakeKube::remove(const Target& target, const HttpRequest& request) {
  auto& objects = collections_[target.collection()];
  const auto it = objects.find(target.key());
  if (it == objects.end()) {
    return status_answer(404, "NotFound", target.plural + " \"" + target.name + "\" not found");
  }
  if (const auto options = codec::parse_json(request.body); options.has_value()) {
    for (const char* field : {"uid", "resourceVersion"}) {
      const std::string wanted = text_at(*options, {"preconditions", field});
      if (!wanted.empty() && wanted != text_at(it->second.object, {"metadata", field})) {
        return status_answer(409, "Conflict", std::string("the ") + field + " does not match");
      }
    }
  }
  Json object = it->second.object;
  objects.erase(it);
  object["metadata"]["resourceVersion"] = std::to_string(++version_);
  record(target.collection(), "DELETED", object, object);
  Json status;
  status["kind"] = "Status";
  status["apiVersion"] = "v1";
  status["status"] = "Success";
  return answer(200, status);
}

HttpResponse FakeKube::review_token(Json review) const {
  const auto it = tokens_.find(text_at(review, {"spec", "token"}));
  Json::Array audiences;
  if (it != tokens_.end()) {
    if (const Json* wanted = review.find_path({"spec", "audiences"})) {
      for (const Json& audience : *wanted->as_array()) {
        const auto& known = it->second.second;
        if (std::find(known.begin(), known.end(), *audience.as_string()) != known.end()) {
          audiences.push_back(audience);
        }
      }
    }
  }
  if (audiences.empty()) {
    review["status"]["authenticated"] = false;
    review["status"]["error"] = "invalid bearer token";
  } else {
    review["status"]["authenticated"] = true;
    review["status"]["user"] = it->second.first;
    review["status"]["audiences"] = std::move(audiences);
  }
  return answer(201, review);
}

HttpResponse FakeKube::review_access(Json review) const {
  const Json* spec = review.find("spec");
  const bool allowed = spec != nullptr && allows_ && allows_(*spec);
  review["status"]["allowed"] = allowed;
  return answer(201, review);
}

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

Json FakeKube::put(const kube::ResourcePath& resource, Json object) {
  const std::lock_guard guard(mutex_);
  Target target{resource.group,
                resource.version,
                resource.plural,
                resource.ns,
                text_at(object, {"metadata", "name"}),
                ""};
  if (!resource.ns.empty()) object["metadata"]["namespace"] = resource.ns;
  if (object.find("apiVersion") == nullptr) object["apiVersion"] = resource.api_version();
  if (object.find("kind") == nullptr) object["kind"] = "Object";
  Json stored = store(target, target.key(), std::move(object), {});
  changed_.notify_all();
  return stored;
}

std::optional<Json> FakeKube::peek(const kube::ResourcePath& resource,
                                   const std::string& name) const {
  const std::lock_guard guard(mutex_);
  const auto collection = collections_.find(resource.group + "/" + resource.plural);
  if (collection == collections_.end()) return std::nullopt;
  const auto it = collection->second.find(resource.ns.empty() ? name : resource.ns + "/" + name);
  if (it == collection->second.end()) return std::nullopt;
  return it->second.object;
}

void FakeKube::erase(const kube::ResourcePath& resource, const std::string& name) {
  const std::lock_guard guard(mutex_);
  remove({resource.group, resource.version, resource.plural, resource.ns, name, ""}, {});
  changed_.notify_all();
}

void FakeKube::fail_next(Error error, Wanted wanted) {
  const std::lock_guard guard(mutex_);
  faults_.push_back({FaultKind::kError, std::move(error), {}, std::move(wanted)});
}

void FakeKube::answer_next(HttpResponse response, Wanted wanted) {
  const std::lock_guard guard(mutex_);
  faults_.push_back({FaultKind::kAnswer, {}, std::move(response), std::move(wanted)});
}

void FakeKube::lose_next_answer(Error error, Wanted wanted) {
  const std::lock_guard guard(mutex_);
  faults_.push_back({FaultKind::kLostAnswer, std::move(error), {}, std::move(wanted)});
}

void FakeKube::set_down(bool down) {
  if (down) break_watches(retryable("connection reset"));
  const std::lock_guard guard(mutex_);
  down_ = down;
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

void FakeKube::break_watches(Error error) {
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

void FakeKube::add_token(const std::string& token, Json user, std::vector<std::string> audiences) {
  const std::lock_guard guard(mutex_);
  tokens_[token] = {std::move(user), std::move(audiences)};
}

void FakeKube::set_access(std::function<bool(const Json& spec)> allows) {
  const std::lock_guard guard(mutex_);
  allows_ = std::move(allows);
}

std::vector<HttpRequest> FakeKube::requests() const {
  const std::lock_guard guard(mutex_);
  return requests_;
}

void FakeKube::clear_requests() {
  const std::lock_guard guard(mutex_);
  requests_.clear();
}

std::string FakeKube::version() const {
  const std::lock_guard guard(mutex_);
  return std::to_string(version_);
}

}  // namespace avouch::testing
