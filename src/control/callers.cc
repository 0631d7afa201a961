#include "control/callers.h"

#include <utility>

#include "base/packing.h"
#include "control/names.h"
#include "crypto/hash.h"
#include "kube/views.h"

namespace avouch::control {
namespace {

constexpr std::chrono::seconds kKnownFor{60};
constexpr std::chrono::seconds kRenewedAfter{40};  // so that a heartbeat, every 10 s, comes in time
constexpr std::chrono::seconds kRefusedFor{5};
constexpr std::size_t kMostAnswers = 20'000;
constexpr std::string_view kBearer = "Bearer ";

}  // namespace

std::optional<std::string> token_of(const HttpHeaders& headers) {
  if (const auto own = headers.find("Avouch-Token"); own && !own->empty()) {
    return std::string(*own);
  }
  const auto authorization = headers.find("Authorization");
  if (!authorization || !authorization->starts_with(kBearer) ||
      authorization->size() == kBearer.size()) {
    return std::nullopt;
  }
  return std::string(authorization->substr(kBearer.size()));
}

std::optional<HttpResponse> without_token(const HttpHeaders& headers) {
  if (token_of(headers)) return std::nullopt;
  return problem(401, "Unauthenticated",
                 "a service-account token is needed: Authorization: Bearer TOKEN, or Avouch-Token: "
                 "TOKEN through the API server's proxy");
}

Callers::Callers(kube::Client client, Clock& clock, CallerRules rules)
    : client_(std::move(client)),
      clock_(clock),
      rules_(std::move(rules)),
      // Answers are kept here; the reviewer's own cache must not add to their age.
      reviewer_(client_, clock,
                {.ttl = std::chrono::milliseconds(0),
                 .negative_ttl = std::chrono::milliseconds(0),
                 .max_entries = 16}),
      answers_(kMostAnswers) {}

std::optional<Caller> Callers::known(const std::string& token) {
  const crypto::Sha256 key = crypto::sha256(token);
  const std::lock_guard lock(mutex_);
  const Kept* kept = answers_.find(key, clock_.steady_now());
  return kept == nullptr ? std::nullopt : answer_of(*kept).caller;
}

Result<Caller> Callers::identify(const std::string& token) {
  const crypto::Sha256 key = crypto::sha256(token);
  const SteadyTime asked = clock_.steady_now();
  std::optional<Answer> answer;
  {
    const std::lock_guard lock(mutex_);
    if (const Kept* known = answers_.find(key, asked)) answer = answer_of(*known);
  }
  if (!answer) {
    AVOUCH_TRY(answer, ask(token));
    const std::lock_guard lock(mutex_);
    answers_.put(key, keep(*answer, asked), asked, answer->caller ? kKnownFor : kRefusedFor);
  }
  if (!answer->caller) return rejected(answer->refusal);
  return *answer->caller;
}

bool Callers::claim_renewal(const std::string& token) {
  const SteadyTime now = clock_.steady_now();
  const std::lock_guard lock(mutex_);
  Kept* kept = answers_.find(crypto::sha256(token), now);
  if (kept == nullptr || kept->account == nullptr || now < kept->renew_at) return false;
  kept->renew_at = SteadyTime::max();
  return true;
}

void Callers::renew(const std::string& token) {
  const SteadyTime asked = clock_.steady_now();
  const auto answer = ask(token);
  if (!answer.has_value()) return;
  const std::lock_guard lock(mutex_);
  answers_.put(crypto::sha256(token), keep(*answer, asked), asked,
               answer->caller ? kKnownFor : kRefusedFor);
}

Callers::Kept Callers::keep(const Answer& answer, SteadyTime asked) {
  Kept out;
  out.renew_at = asked + kRenewedAfter;
  out.text = answer.caller ? answer.caller->node : answer.refusal;
  out.text.shrink_to_fit();
  if (!answer.caller) return out;
  kube::UserInfo account = answer.caller->user;
  Packer extras;
  extras(account.extra);
  out.extras = std::move(extras).finish();
  out.extras.shrink_to_fit();
  account.extra.clear();
  out.account = accounts_.share(std::move(account));
  out.role = answer.caller->role;
  return out;
}

Callers::Answer Callers::answer_of(const Kept& kept) {
  if (kept.account == nullptr) return Answer{{}, kept.text};
  Answer out{Caller{kept.role, *kept.account, kept.text}, ""};
  Unpacker extras(kept.extras);
  extras(out.caller->user.extra);
  return out;
}

Result<Callers::Answer> Callers::ask(const std::string& token) {
  const auto verdict = reviewer_.review(token, {std::string(kTokenAudience)});
  if (!verdict.has_value()) return retryable(verdict.error().message);
  if (!verdict->authenticated) {
    return Answer{{},
                  "the token is not valid for the audience " + std::string(kTokenAudience) +
                      (verdict->error.empty() ? "" : ": " + verdict->error)};
  }
  const auto account = kube::parse_service_account(verdict->user.username);
  if (account.has_value() && account->ns == rules_.ns) {
    if (account->name == rules_.agent_service_account) return resolve_agent(verdict->user);
    if (account->name == rules_.webhook_service_account) {
      return Answer{Caller{Caller::Role::kWebhook, verdict->user, ""}, ""};
    }
  }
  return Answer{Caller{Caller::Role::kReader, verdict->user, ""}, ""};
}

// A token bound to a pod speaks for the node that the pod is on; a pod never moves.
Result<Callers::Answer> Callers::resolve_agent(const kube::UserInfo& user) {
  const std::string pod_name = user.first_extra("authentication.kubernetes.io/pod-name");
  const std::string pod_uid = user.first_extra("authentication.kubernetes.io/pod-uid");
  if (pod_name.empty() || pod_uid.empty()) {
    return Answer{{}, "the agent's token is not bound to a pod; mount a projected token"};
  }
  const auto pod = client_.get(kube::pods(rules_.ns), pod_name);
  if (!pod.has_value()) {
    if (pod.error().is_not_found()) return Answer{{}, "pod \"" + pod_name + "\" does not exist"};
    return retryable(pod.error().message);
  }
  AVOUCH_TRY(const kube::PodView view, kube::pod_view(*pod));
  if (view.meta.uid != pod_uid) {
    return Answer{{}, "pod \"" + pod_name + "\" is not the one that the token was made for"};
  }
  if (view.service_account != rules_.agent_service_account || view.node_name.empty()) {
    return Answer{{}, "pod \"" + pod_name + "\" is no agent on a node"};
  }
  return Answer{Caller{Caller::Role::kAgent, user, view.node_name}, ""};
}

}  // namespace avouch::control
