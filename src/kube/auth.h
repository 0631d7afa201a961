#pragma once

// Who is calling, and may they: TokenReview, SubjectAccessReview, TokenRequest.

#include <chrono>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "kube/client.h"
#include "kube/ttl_cache.h"

namespace avouch::kube {

struct UserInfo {
  std::string username;
  std::string uid;
  std::vector<std::string> groups;
  std::map<std::string, std::vector<std::string>> extra;

  // The first value of an extra, or "": "authentication.kubernetes.io/pod-name".
  std::string first_extra(std::string_view name) const;
  bool operator==(const UserInfo&) const = default;
};

// An answer about a token. Default-constructed: not authenticated.
struct TokenVerdict {
  bool authenticated = false;
  UserInfo user;
  std::string error;  // why not, in the server's words
};

// The name and namespace in "system:serviceaccount:NS:NAME"; kRejected for other users.
struct ServiceAccountName {
  std::string ns, name;
  bool operator==(const ServiceAccountName&) const = default;
};
Result<ServiceAccountName> parse_service_account(std::string_view username);

struct ReviewCacheOptions {
  std::chrono::milliseconds ttl{60'000};
  std::chrono::milliseconds negative_ttl{5'000};
  std::size_t max_entries = 10'000;
};

// Thread-safe. An answer may be as old as the TTL: a revoked token is accepted that much longer.
class TokenReviewer {
 public:
  TokenReviewer(const Client& client, Clock& clock, ReviewCacheOptions options = {});

  // Authenticated only if the server says so *and* names one of `audiences` (not empty) as valid.
  // A token over 16 KiB or with anything but visible ASCII is not authenticated without a call.
  // Errors only when the server could not be asked.
  ApiResult<TokenVerdict> review(std::string_view token, const std::vector<std::string>& audiences);

 private:
  const Client& client_;
  Clock& clock_;
  const ReviewCacheOptions options_;
  std::mutex mutex_;
  TtlCache<TokenVerdict> cache_;
};

struct AccessQuestion {
  std::string verb;      // "get"
  std::string group;     // "" is core
  std::string resource;  // plural
  std::string subresource;
  std::string ns;
  std::string name;
};

enum class Access { kDenied, kAllowed };

// Thread-safe; the same caching.
class AccessReviewer {
 public:
  AccessReviewer(const Client& client, Clock& clock, ReviewCacheOptions options = {});
  ApiResult<Access> check(const UserInfo& user, const AccessQuestion& question);
  // From the cache alone; nothing where the server has to be asked.
  std::optional<Access> known(const UserInfo& user, const AccessQuestion& question);

 private:
  const Client& client_;
  Clock& clock_;
  const ReviewCacheOptions options_;
  std::mutex mutex_;
  TtlCache<Access> cache_;
};

struct TokenRequest {
  ServiceAccountName account;
  std::vector<std::string> audiences;
  std::chrono::seconds expiration{3600};
  std::string bound_pod_name, bound_pod_uid;  // optional, both or none
};
struct IssuedToken {
  std::string token;  // a secret
  SystemTime expires{};
};
ApiResult<IssuedToken> request_token(const Client& client, const TokenRequest& request);

}  // namespace avouch::kube
