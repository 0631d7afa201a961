#include "control/reception.h"

#include <memory>
#include <utility>

namespace avouch::control {
namespace {

Error too_many() { return retryable("too many requests wait; try again later"); }

}  // namespace

std::string turn_of(const kube::UserInfo& user) {
  const auto account = kube::parse_service_account(user.username);
  return account.has_value() ? "namespace " + account->ns : "user " + user.username;
}

Reception::Reception(Callers& callers, WorkPool& pool, FairPool& strangers)
    : callers_(callers),
      post_([&pool](const Caller&, FairPool::Task task) { return pool.post(std::move(task.run)); }),
      strangers_(strangers) {}

Reception::Reception(Callers& callers, FairPool& pool, FairPool& strangers)
    : callers_(callers),
      post_([&pool](const Caller& caller, FairPool::Task task) {
        return pool.post(turn_of(caller.user), std::move(task));
      }),
      strangers_(strangers) {}

WorkPool::Taken Reception::serve_known(const Caller& caller, const SharedServe& serve) {
  return post_(caller, {.run = [serve, caller] { (*serve)(caller); },
                        .give_way = [serve] { (*serve)(too_many()); }});
}

WorkPool::Taken Reception::receive(const HttpRequest& request, Serve serve) {
  const auto shared = std::make_shared<const Serve>(std::move(serve));
  if (const auto caller = recognise(request)) return serve_known(*caller, shared);
  const std::string token = token_of(request.headers).value_or("");
  return strangers_.post(request.network, {.run =
                                               [this, token, shared] {
                                                 const auto caller = callers_.identify(token);
                                                 if (!caller.has_value()) return (*shared)(caller);
                                                 const auto taken = serve_known(*caller, shared);
                                                 if (taken == WorkPool::Taken::kFull)
                                                   (*shared)(too_many());
                                               },
                                           .give_way = [shared] { (*shared)(too_many()); }});
}

Result<Caller> Reception::known(const HttpRequest& head) {
  const auto token = token_of(head.headers);
  if (!token) return rejected("a service-account token is needed: Authorization: Bearer TOKEN");
  if (const auto caller = recognise(head)) return *caller;
  const auto taken =
      strangers_.post(head.network, {.run =
                                         [this, asked = *token] {
                                           const auto answer = callers_.identify(asked);
                                           static_cast<void>(answer);  // for the cache
                                         },
                                     .give_way = nullptr});
  return taken == WorkPool::Taken::kYes
             ? retryable("the caller is being identified; send the request again")
             : too_many();
}

std::optional<Caller> Reception::recognise(const HttpRequest& request) {
  const auto token = token_of(request.headers);
  if (!token) return std::nullopt;
  auto caller = callers_.known(*token);
  // Where the pool is full, the answer is asked for when the caller is a stranger again.
  if (caller && callers_.claim_renewal(*token)) {
    static_cast<void>(post_(
        *caller, {.run = [this, asked = *token] { callers_.renew(asked); }, .give_way = nullptr}));
  }
  return caller;
}

}  // namespace avouch::control
