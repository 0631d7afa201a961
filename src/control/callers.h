#pragma once

// Who calls the controller: the token in a request's head, checked by the API server, and what the
// caller may therefore speak for.

#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/http.h"
#include "base/recent.h"
#include "kube/auth.h"
#include "kube/client.h"

namespace avouch::control {

struct Caller {
  enum class Role {
    kAgent,    // the agent's service account; `node` says for which node
    kWebhook,  // the webhook's service account
    kReader,   // anybody else whom the API server knows
  };
  Role role = Role::kReader;
  kube::UserInfo user;
  std::string node;  // of an agent
};

struct CallerRules {
  std::string ns;                     // the release's
  std::string agent_service_account;  // in `ns`
  std::string webhook_service_account;
};

// The bearer token, or that of the header Avouch-Token (which wins: a proxy may have put its own
// into the other). Nothing where there is none.
std::optional<std::string> token_of(const HttpHeaders& headers);

// The 401 for a request that has none; nothing where it has one.
std::optional<HttpResponse> without_token(const HttpHeaders& headers);

// Thread-safe. Answers are cached for at most a minute, refusals for five seconds.
class Callers {
 public:
  Callers(kube::Client client, Clock& clock, CallerRules rules);

  // From the cache alone; nothing where the API server has to be asked.
  std::optional<Caller> known(const std::string& token);

  // Asks the API server where the cache has no answer; blocks. kRejected: the token is not good, or
  // is an agent's without a node (message says why). kRetryable: could not be asked.
  Result<Caller> identify(const std::string& token);

  // Whether the answer for a known caller is old enough to be asked for again; then it says so to
  // nobody else until renew() is done with it, or the answer has expired.
  bool claim_renewal(const std::string& token);

  // Asks the API server, blocks, and puts the answer in place of the one that is kept; where it
  // cannot be asked, that one stays until it expires.
  void renew(const std::string& token);

 private:
  struct Answer {
    std::optional<Caller> caller;
    std::string refusal;
  };
  // There is one a node: of agents all that differs is the node and the pod.
  struct Kept {
    std::shared_ptr<const kube::UserInfo> account;  // without its extras; null: refused
    Bytes extras;                                   // packed
    Caller::Role role = Caller::Role::kReader;
    std::string text;  // the node, or why it is refused
    SteadyTime renew_at{};
  };
  Kept keep(const Answer& answer, SteadyTime asked);
  static Answer answer_of(const Kept& kept);
  Result<Answer> ask(const std::string& token);
  Result<Answer> resolve_agent(const kube::UserInfo& user);

  const kube::Client client_;
  Clock& clock_;
  const CallerRules rules_;
  kube::TokenReviewer reviewer_;
  std::mutex mutex_;
  kube::TtlCache<Kept> answers_;
  Recent<kube::UserInfo> accounts_;
};

}  // namespace avouch::control
