#include "control/senders.h"

#include <utility>

#include "control/entering.h"

namespace avouch::control {

WorkPool::Taken ClusterSenders::receive(const HttpRequest& request, Serve serve) {
  return reception_.receive(
      request, [this, serve = std::move(serve)](const Result<Caller>& caller) {
        if (auto refusal = refuse_caller(caller, access_, may_create("statements"))) {
          return serve(*std::move(refusal));
        }
        serve(caller->user.username);
      });
}

}  // namespace avouch::control
