#include "control/named_writers.h"

#include <utility>

#include "base/bytes.h"
#include "control/callers.h"
#include "control/concise_problem.h"

namespace avouch::control {

NamedWriters::NamedWriters(const std::vector<NamedWriter>& writers, WorkPool& pool) : pool_(pool) {
  for (const NamedWriter& writer : writers) names_.emplace(writer.token_sha256, writer.name);
}

WorkPool::Taken NamedWriters::receive(const HttpRequest& request, Serve serve) {
  Sender sender = sender_of(request);
  if (std::holds_alternative<HttpResponse>(sender)) {  // strangers take no place in the pool
    serve(std::move(sender));
    return WorkPool::Taken::kYes;
  }
  return pool_.post([sender = std::move(sender), serve = std::move(serve)] { serve(sender); });
}

Senders::Sender NamedWriters::sender_of(const HttpRequest& request) const {
  const auto token = token_of(request.headers);
  const auto found = token ? names_.find(crypto::sha256(as_bytes(*token))) : names_.end();
  if (found != names_.end()) return found->second;
  return concise_problem(401, "Unauthenticated",
                         "the token is none of a writer's of this log: expected Authorization: "
                         "Bearer TOKEN, whose SHA-256 stands below writers");
}

}  // namespace avouch::control
