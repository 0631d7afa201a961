#include "kube/auth.h"

#include <algorithm>
#include <utility>

#include "base/time_text.h"

namespace avouch::kube {
namespace {

constexpr std::size_t kMaxTokenBytes = 16 * 1024;

// Parts with their lengths, so that no two lists of parts have one key.
class KeyMaker {
 public:
  void add(std::string_view part) {
    append_be64(bytes_, part.size());
    append(bytes_, part);
  }
  crypto::Sha256 key() const { return crypto::sha256(ByteView(bytes_)); }

 private:
  Bytes bytes_;
};

Json json_strings(const std::vector<std::string>& texts) {
  return Json::Array(texts.begin(), texts.end());
}

std::vector<std::string> strings_of(const Json* value) {
  std::vector<std::string> out;
  if (value == nullptr || value->as_array() == nullptr) return out;
  for (const Json& item : *value->as_array()) {
    if (const std::string* text = item.as_string()) out.push_back(*text);
  }
  return out;
}

bool is_true(const Json* value) {
  return value != nullptr && value->as_bool() != nullptr && *value->as_bool();
}

// The characters that a header value may carry (RFC 6750's b68token is narrower still).
bool is_token_text(std::string_view token) {
  return !token.empty() && token.size() <= kMaxTokenBytes &&
         std::all_of(token.begin(), token.end(), [](char c) { return c > 0x20 && c < 0x7f; });
}

UserInfo user_of(const Json& user) {
  UserInfo info;
  info.username = user.text({"username"});
  info.uid = user.text({"uid"});
  info.groups = strings_of(user.find("groups"));
  if (const Json* extra = user.find("extra"); extra != nullptr && extra->as_object() != nullptr) {
    for (const auto& [name, values] : *extra->as_object()) info.extra[name] = strings_of(&values);
  }
  return info;
}

TokenVerdict verdict_of(const Json& status, const std::vector<std::string>& audiences) {
  TokenVerdict verdict;
  verdict.error = status.text({"error"});
  if (!is_true(status.find("authenticated"))) {
    if (verdict.error.empty()) verdict.error = "the API server does not know this token";
    return verdict;
  }
  // A server that knows no audiences answers without any: then nothing is known about ours.
  const std::vector<std::string> valid = strings_of(status.find("audiences"));
  const bool ours = std::any_of(valid.begin(), valid.end(), [&](const std::string& audience) {
    return std::find(audiences.begin(), audiences.end(), audience) != audiences.end();
  });
  if (!ours) {
    verdict.error = "the token is not for any of the expected audiences";
    return verdict;
  }
  const Json* user = status.find("user");
  if (user == nullptr || user->text({"username"}).empty()) {
    verdict.error = "the API server names no user for this token";
    return verdict;
  }
  verdict.user = user_of(*user);
  verdict.authenticated = true;
  return verdict;
}

}  // namespace

std::string UserInfo::first_extra(std::string_view name) const {
  const auto it = extra.find(std::string(name));
  return it == extra.end() || it->second.empty() ? "" : it->second.front();
}

Result<ServiceAccountName> parse_service_account(std::string_view username) {
  constexpr std::string_view kPrefix = "system:serviceaccount:";
  const auto bad = [&] {
    return rejected("user \"" + std::string(username.substr(0, 253)) +
                    "\" is no service account: expected system:serviceaccount:NAMESPACE:NAME");
  };
  if (!username.starts_with(kPrefix)) return bad();
  username.remove_prefix(kPrefix.size());
  const std::size_t colon = username.find(':');
  if (colon == std::string_view::npos || colon == 0 || colon + 1 == username.size()) return bad();
  if (username.find(':', colon + 1) != std::string_view::npos) return bad();
  return ServiceAccountName{std::string(username.substr(0, colon)),
                            std::string(username.substr(colon + 1))};
}

TokenReviewer::TokenReviewer(const Client& client, Clock& clock, ReviewCacheOptions options)
    : client_(client), clock_(clock), options_(options), cache_(options.max_entries) {}

ApiResult<TokenVerdict> TokenReviewer::review(std::string_view token,
                                              const std::vector<std::string>& audiences) {
  if (!is_token_text(token)) {
    TokenVerdict verdict;
    verdict.error = "not a bearer token: expected 1 to 16384 visible ASCII characters";
    return verdict;
  }
  if (audiences.empty()) return rejected("token review: expected at least one audience");
  KeyMaker maker;
  maker.add(token);
  for (const std::string& audience : audiences) maker.add(audience);
  const crypto::Sha256 key = maker.key();
  {
    const SteadyTime now = clock_.steady_now();
    const std::lock_guard guard(mutex_);
    if (const TokenVerdict* known = cache_.find(key, now)) return *known;
  }

  Json review;
  review["apiVersion"] = "authentication.k8s.io/v1";
  review["kind"] = "TokenReview";
  review["spec"]["token"] = token;
  review["spec"]["audiences"] = json_strings(audiences);
  // The answer is as old as its question.
  const SteadyTime asked = clock_.steady_now();
  AVOUCH_TRY(const Json answer,
             client_.create({"authentication.k8s.io", "v1", "tokenreviews", ""}, review));
  const Json* status = answer.find("status");
  if (status == nullptr) return retryable("token review: answer without a status");
  TokenVerdict verdict = verdict_of(*status, audiences);
  const std::lock_guard guard(mutex_);
  cache_.put(key, verdict, asked, verdict.authenticated ? options_.ttl : options_.negative_ttl);
  return verdict;
}

AccessReviewer::AccessReviewer(const Client& client, Clock& clock, ReviewCacheOptions options)
    : client_(client), clock_(clock), options_(options), cache_(options.max_entries) {}

namespace {

Json access_review(const UserInfo& user, const AccessQuestion& question) {
  Json review;
  review["apiVersion"] = "authorization.k8s.io/v1";
  review["kind"] = "SubjectAccessReview";
  Json& spec = review["spec"];
  spec["user"] = user.username;
  spec["uid"] = user.uid;
  spec["groups"] = json_strings(user.groups);
  Json::Object extra;
  for (const auto& [name, values] : user.extra) extra[name] = json_strings(values);
  spec["extra"] = std::move(extra);
  Json& attributes = spec["resourceAttributes"];
  attributes["verb"] = question.verb;
  attributes["group"] = question.group;
  attributes["resource"] = question.resource;
  attributes["subresource"] = question.subresource;
  attributes["namespace"] = question.ns;
  attributes["name"] = question.name;
  return review;
}

// The question itself is the key: members are sorted, so one question has one text.
crypto::Sha256 key_of(const Json& review) { return crypto::sha256(codec::to_json(review)); }

}  // namespace

std::optional<Access> AccessReviewer::known(const UserInfo& user, const AccessQuestion& question) {
  if (user.username.empty()) return Access::kDenied;
  const crypto::Sha256 key = key_of(access_review(user, question));
  const SteadyTime now = clock_.steady_now();
  const std::lock_guard guard(mutex_);
  const Access* found = cache_.find(key, now);
  return found == nullptr ? std::nullopt : std::optional(*found);
}

ApiResult<Access> AccessReviewer::check(const UserInfo& user, const AccessQuestion& question) {
  if (const auto access = known(user, question)) return *access;
  const Json review = access_review(user, question);
  const SteadyTime asked = clock_.steady_now();
  AVOUCH_TRY(const Json answer,
             client_.create({"authorization.k8s.io", "v1", "subjectaccessreviews", ""}, review));
  const Json* status = answer.find("status");
  if (status == nullptr) return retryable("access review: answer without a status");
  const bool allowed = is_true(status->find("allowed")) && !is_true(status->find("denied"));
  const Access access = allowed ? Access::kAllowed : Access::kDenied;
  const std::lock_guard guard(mutex_);
  cache_.put(key_of(review), access, asked, allowed ? options_.ttl : options_.negative_ttl);
  return access;
}

ApiResult<IssuedToken> request_token(const Client& client, const TokenRequest& request) {
  Json body;
  body["apiVersion"] = "authentication.k8s.io/v1";
  body["kind"] = "TokenRequest";
  body["spec"]["audiences"] = json_strings(request.audiences);
  body["spec"]["expirationSeconds"] = static_cast<std::int64_t>(request.expiration.count());
  if (request.bound_pod_name.empty() != request.bound_pod_uid.empty()) {
    return rejected("token request: expected both name and UID of the pod, or none of them");
  }
  if (!request.bound_pod_name.empty()) {
    Json& bound = body["spec"]["boundObjectRef"];
    bound["apiVersion"] = "v1";
    bound["kind"] = "Pod";
    bound["name"] = request.bound_pod_name;
    bound["uid"] = request.bound_pod_uid;
  }
  AVOUCH_TRY(const Json answer, client.create_subresource(service_accounts(request.account.ns),
                                                          request.account.name, "token", body));
  IssuedToken issued;
  issued.token = answer.text({"status", "token"});
  if (issued.token.empty()) return retryable("token request: answer without a token");
  AVOUCH_TRY(issued.expires, from_rfc3339(answer.text({"status", "expirationTimestamp"})));
  return issued;
}

}  // namespace avouch::kube
