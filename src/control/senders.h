#pragma once

// Who may send statements of other parties for the log (seam): a cluster's users by its API server,
// or writers that a configuration names. Whose a statement is, its signature says.

#include <functional>
#include <string>
#include <variant>

#include "base/http.h"
#include "control/reception.h"
#include "control/work_pool.h"
#include "kube/auth.h"

namespace avouch::control {

class Senders {
 public:
  // The name by which the sender is known, for lines of log; or the refusal, which is to be sent.
  using Sender = std::variant<HttpResponse, std::string>;
  using Serve = std::function<void(Sender)>;

  virtual ~Senders() = default;

  // Calls `serve` once, on a thread of a pool where there is work to do for the sender. kFull: too
  // much waits, `serve` is not called. Thread-safe.
  virtual WorkPool::Taken receive(const HttpRequest& request, Serve serve) = 0;
};

// Whoever the API server knows and says may `create` statements.avouch.dev (a name for roles alone,
// no object). References outlive it.
class ClusterSenders final : public Senders {
 public:
  ClusterSenders(Reception& reception, kube::AccessReviewer& access)
      : reception_(reception), access_(access) {}

  WorkPool::Taken receive(const HttpRequest& request, Serve serve) override;

 private:
  Reception& reception_;
  kube::AccessReviewer& access_;
};

}  // namespace avouch::control
