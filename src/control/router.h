#pragma once

#include <string>
#include <vector>

#include "base/http.h"

namespace avouch::control {

// Gives each request to the handler of the longest prefix that its path begins with; 404 where
// there is none. Immutable after construction, so thread-safe.
class Router final : public HttpHandler {
 public:
  struct Route {
    std::string prefix;
    HttpHandler& handler;
  };
  explicit Router(std::vector<Route> routes) : routes_(std::move(routes)) {}

  Result<BodyPlan> plan(const HttpRequest& head) override;
  void handle(HttpRequest request, std::shared_ptr<BodySink> sink, Reply reply) override;

 private:
  HttpHandler* find(const HttpRequest& request) const;
  const std::vector<Route> routes_;
};

}  // namespace avouch::control
