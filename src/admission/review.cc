#include "admission/review.h"

#include <algorithm>

#include "admission/text.h"
#include "codec/json.h"

namespace avouch::admission {
namespace {

using codec::JsonView;

constexpr std::size_t kMaxUid = 120;
constexpr std::size_t kMaxNameBytes = 253;
constexpr std::size_t kMaxUser = 4096;
constexpr std::size_t kMaxGroups = 1000;
constexpr std::size_t kMaxLabels = 1000;

Error wrong(std::string_view path, const std::string& expected) {
  return rejected(std::string(path) + ": expected " + expected);
}

// A text that may be missing (then "").
Result<std::string> text(const JsonView& at, std::string_view member, std::string_view path,
                         std::size_t max_bytes = kMaxNameBytes) {
  const JsonView value = at.find(member);
  if (!value.exists() || value.is_null()) return std::string();
  const auto found = value.as_string();
  if (!found || found->size() > max_bytes) {
    return wrong(std::string(path) + "." + std::string(member),
                 "a text of at most " + std::to_string(max_bytes) + " bytes");
  }
  return std::string(*found);
}

Result<JsonView> object_or_nothing(const JsonView& at, std::string_view member,
                                   std::string_view path) {
  const JsonView value = at.find(member);
  if (!value.exists() || value.is_null()) return JsonView();
  if (!value.is_object()) return wrong(path, "an object");
  return value;
}

// The first value of an extra, "" where there is none.
Result<std::string> extra(const JsonView& extras, std::string_view name) {
  const JsonView values = extras.find(name);
  if (!values.exists()) return std::string();
  const std::string path = "request.userInfo.extra[" + std::string(name) + "]";
  if (!values.is_array()) return wrong(path, "a list of texts");
  const auto items = values.items();
  if (items.empty()) return std::string();
  const auto first = items.front().as_string();
  if (items.size() != 1 || !first || first->size() > kMaxNameBytes) {
    return wrong(path, "one text of at most 253 bytes");
  }
  return std::string(*first);
}

Result<Caller> read_caller(const JsonView& request) {
  const JsonView user = request.find("userInfo");
  if (!user.is_object()) return wrong("request.userInfo", "an object");
  Caller caller;
  AVOUCH_TRY(caller.username, text(user, "username", "request.userInfo", kMaxUser));
  const JsonView groups = user.find("groups");
  if (groups.exists() && !groups.is_array() && !groups.is_null()) {
    return wrong("request.userInfo.groups", "a list of texts");
  }
  for (const JsonView& group : groups.items()) {
    const auto name = group.as_string();
    if (!name || name->size() > kMaxUser || caller.groups.size() >= kMaxGroups) {
      return wrong("request.userInfo.groups", "at most 1,000 texts");
    }
    caller.groups.emplace_back(*name);
  }
  AVOUCH_TRY(const JsonView extras, object_or_nothing(user, "extra", "request.userInfo.extra"));
  AVOUCH_TRY(caller.node_name, extra(extras, "authentication.kubernetes.io/node-name"));
  AVOUCH_TRY(caller.pod_name, extra(extras, "authentication.kubernetes.io/pod-name"));
  AVOUCH_TRY(caller.pod_uid, extra(extras, "authentication.kubernetes.io/pod-uid"));
  return caller;
}

Result<std::string> read_uid(const JsonView& request) {
  const std::string_view uid = request.text({"uid"});
  const auto visible = [](char c) { return c > 0x20 && c < 0x7f; };
  if (uid.empty() || uid.size() > kMaxUid || !std::all_of(uid.begin(), uid.end(), visible)) {
    return wrong("request.uid", "1 to 120 visible ASCII characters");
  }
  return std::string(uid);
}

}  // namespace

std::optional<std::string> uid_at_start(std::string_view first_bytes) {
  constexpr std::string_view kBefore = R"("request":{"uid":")";
  const std::size_t before = first_bytes.find(kBefore);
  if (before == std::string_view::npos) return std::nullopt;
  const std::string_view rest = first_bytes.substr(before + kBefore.size());
  const std::string_view uid = rest.substr(0, rest.find('"'));
  const bool plain = std::all_of(uid.begin(), uid.end(), [](char each) {
    return (each >= '0' && each <= '9') || (each >= 'a' && each <= 'z') ||
           (each >= 'A' && each <= 'Z') || each == '-';
  });
  if (uid.empty() || uid.size() > kMaxUid || uid.size() == rest.size() || !plain) {
    return std::nullopt;
  }
  return std::string(uid);
}

Result<Review> parse_review(std::string_view body) {
  AVOUCH_TRY(auto document,
             codec::JsonDocument::parse(body, {.bytes = kMaxReviewBytes, .depth = 64}));
  Review review(std::move(document));
  const JsonView root = review.document.root();
  if (root.text({"kind"}) != "AdmissionReview" ||
      root.text({"apiVersion"}) != "admission.k8s.io/v1") {
    return rejected("apiVersion, kind: expected admission.k8s.io/v1, AdmissionReview");
  }
  const JsonView request = root.find("request");
  if (!request.is_object()) return wrong("request", "an object");
  AVOUCH_TRY(review.uid, read_uid(request));
  const JsonView resource = request.find("resource");
  if (!resource.is_object()) return wrong("request.resource", "an object");
  AVOUCH_TRY(review.group, text(resource, "group", "request.resource"));
  AVOUCH_TRY(review.version, text(resource, "version", "request.resource"));
  AVOUCH_TRY(review.resource, text(resource, "resource", "request.resource"));
  AVOUCH_TRY(review.subresource, text(request, "subResource", "request"));
  AVOUCH_TRY(review.operation, text(request, "operation", "request"));
  AVOUCH_TRY(review.name, text(request, "name", "request"));
  AVOUCH_TRY(review.ns, text(request, "namespace", "request"));
  AVOUCH_TRY(review.caller, read_caller(request));
  AVOUCH_TRY(review.object, object_or_nothing(request, "object", "request.object"));
  AVOUCH_TRY(review.old_object, object_or_nothing(request, "oldObject", "request.oldObject"));
  const JsonView dry_run = request.find("dryRun");
  if (dry_run.exists() && !dry_run.is_null()) {
    const auto value = dry_run.as_bool();
    if (!value) return wrong("request.dryRun", "true or false");
    review.dry_run = *value;
  }
  return review;
}

std::string write_answer(std::string_view uid, const ReviewAnswer& answer) {
  codec::Json response(codec::Json::Object{});
  response["uid"] = uid;
  response["allowed"] = answer.allowed;
  if (!answer.allowed) {
    response["status"]["code"] = std::int64_t{answer.code};
    response["status"]["message"] = answer.message;
  }
  if (!answer.warnings.empty()) {
    codec::Json::Array warnings(answer.warnings.begin(), answer.warnings.end());
    response["warnings"] = codec::Json(std::move(warnings));
  }
  for (const auto& [key, value] : answer.audit_annotations) {
    response["auditAnnotations"][key] = value;
  }
  codec::Json review(codec::Json::Object{});
  review["apiVersion"] = "admission.k8s.io/v1";
  review["kind"] = "AdmissionReview";
  review["response"] = std::move(response);
  return codec::to_json(review);
}

Result<attest::Labels> labels_of(const JsonView& object) {
  attest::Labels labels;
  const JsonView map = object.find_path({"metadata", "labels"});
  if (!map.exists() || map.is_null()) return labels;
  if (!map.is_object()) return wrong("metadata.labels", "an object");
  for (const auto& [key, value] : map.members()) {
    const auto found = value.as_string();
    if (!found || labels.size() >= kMaxLabels) {
      return wrong("metadata.labels", "at most 1,000 labels, each a text");
    }
    labels.emplace(std::string(key), std::string(*found));
  }
  return labels;
}

}  // namespace avouch::admission
