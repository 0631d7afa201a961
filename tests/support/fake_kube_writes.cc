// Requests that change objects.

#include <algorithm>

#include "support/fake_kube_parts.h"

namespace avouch::testing {
namespace {

using kube::object_key;

constexpr const char* kTime = "2026-11-21T09:00:00Z";

bool has_status(const std::string& plural, const std::string& group) {
  return group == "avouch.dev" || plural == "nodes" || plural == "pods" || plural == "namespaces";
}

}  // namespace

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

}  // namespace avouch::testing
