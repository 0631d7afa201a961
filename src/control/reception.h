#pragma once

// Who calls is asked of the API server apart from the work for those who are known, so that tokens
// that anybody makes up keep nobody waiting but their own network.

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/http.h"
#include "base/result.h"
#include "control/callers.h"
#include "control/fair_pool.h"
#include "control/work_pool.h"

namespace avouch::control {

// Who shares a turn with whom in a FairPool: the service accounts of a namespace, since whoever has
// it may make any number of them; others by themselves.
std::string turn_of(const kube::UserInfo& user);

// Thread-safe.
class Reception {
 public:
  using Serve = std::function<void(const Result<Caller>&)>;

  // References outlive it. Strangers are identified on `strangers`; who is known is served on
  // `pool`, as it comes or in turn (turn_of), where it is also asked again before the answer is too
  // old, so that who goes on calling does not become a stranger.
  Reception(Callers& callers, WorkPool& pool, FairPool& strangers);
  Reception(Callers& callers, FairPool& pool, FairPool& strangers);

  // Calls `serve` once on a thread of one of the two, with who sends the request, or with why that
  // is not known (as Callers::identify; kRetryable too where too many wait). The request has a
  // token: see without_token(). kFull: `serve` is not called.
  WorkPool::Taken receive(const HttpRequest& request, Serve serve);

  // Who sends this request, where that is known; nothing else is begun.
  std::optional<Caller> recognise(const HttpRequest& request);

  // Who sends this request, from the cache alone: for decisions on a server's thread, before a body
  // is read. kRetryable where the API server has to be asked; that is begun, so that the same
  // request succeeds a moment later. kRejected without a token.
  Result<Caller> known(const HttpRequest& head);

  // Requests of strangers that wait to be identified.
  std::size_t waiting() const { return strangers_.waiting(); }

 private:
  using Post = std::function<WorkPool::Taken(const Caller&, FairPool::Task)>;
  using SharedServe = std::shared_ptr<const Serve>;

  WorkPool::Taken serve_known(const Caller& caller, const SharedServe& serve);

  Callers& callers_;
  const Post post_;  // to the pool of those who are known
  FairPool& strangers_;
};

}  // namespace avouch::control
