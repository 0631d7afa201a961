// Requests on their way to who answers them, and all that only reads.

#include "support/fake_kube.h"

#include <algorithm>

#include "support/fake_kube_parts.h"

namespace avouch::testing {

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

}  // namespace avouch::testing
