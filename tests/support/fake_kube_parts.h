#pragma once

// What the parts of the API server in memory share. Internal to it.

#include <charconv>
#include <string>
#include <string_view>

#include "support/fake_kube.h"
#include "support/fake_kube_objects.h"

namespace avouch::testing {

// What a path names.
struct FakeKube::Target {
  std::string group, version, plural, ns, name, subresource;

  std::string collection() const { return group + "/" + plural; }
  std::string key() const { return ns.empty() ? name : ns + "/" + name; }
};

inline std::string text_at(const Json& object, std::initializer_list<std::string_view> path) {
  return std::string(object.text(path));
}

inline std::int64_t to_number(std::string_view text) {
  std::int64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

inline HttpResponse answer(int code, const Json& body) {
  HttpResponse response;
  response.status = code;
  response.content_type = "application/json";
  response.body = codec::to_json(body);
  return response;
}

inline std::string query(const HttpRequest& request, std::string_view name) {
  auto value = query_value(request.query, name);
  return value.has_value() ? value->value_or("") : "";
}

inline std::string event_line(const std::string& type, const Json& object) {
  Json event;
  event["type"] = type;
  event["object"] = object;
  return codec::to_json(event);
}

inline Json metadata_of(const Json& object) {
  Json out;
  out["apiVersion"] = "meta.k8s.io/v1";
  out["kind"] = "PartialObjectMetadata";
  if (const Json* metadata = object.find("metadata")) out["metadata"] = *metadata;
  return out;
}

inline bool wants_metadata(const HttpRequest& request) {
  const auto accept = request.headers.find("Accept");
  return accept && accept->find("as=PartialObjectMetadata") != std::string_view::npos;
}

inline bool matches(const Json& object, const std::string& ns, const std::string& labels,
                    const std::string& fields) {
  return (ns.empty() || object.text({"metadata", "namespace"}) == ns) &&
         matches_labels(object, labels) && matches_fields(object, fields);
}

}  // namespace avouch::testing
