#include "control/router.h"

#include <utility>

namespace avouch::control {

namespace {

HttpResponse not_found(const HttpRequest& request) {
  return problem(404, "NotFound", "no such resource: " + request.path.substr(0, 256));
}

}  // namespace

Result<BodyPlan> Router::plan(const HttpRequest& head) {
  if (HttpHandler* handler = find(head)) return handler->plan(head);
  return BodyPlan{.limit = 0, .sink = nullptr, .refusal = not_found(head)};
}

void Router::handle(HttpRequest request, std::shared_ptr<BodySink> sink, Reply reply) {
  if (HttpHandler* handler = find(request)) {
    return handler->handle(std::move(request), std::move(sink), std::move(reply));
  }
  reply(not_found(request));
}

HttpHandler* Router::find(const HttpRequest& request) const {
  HttpHandler* best = nullptr;
  std::size_t length = 0;
  for (const Route& route : routes_) {
    if (request.path.starts_with(route.prefix) && route.prefix.size() >= length) {
      best = &route.handler;
      length = route.prefix.size();
    }
  }
  return best;
}

}  // namespace avouch::control
