#include "control/fenced_transport.h"

#include <algorithm>
#include <string_view>
#include <utility>

namespace avouch::control {
namespace {

bool changes_something(const HttpRequest& request) {
  if (request.method == "GET") return false;
  const std::string_view path = request.path;
  return !path.starts_with("/apis/authentication.k8s.io/") &&
         !path.starts_with("/apis/authorization.k8s.io/");
}

}  // namespace

Result<HttpResponse> FencedTransport::send(const HttpRequest& request,
                                           std::chrono::milliseconds timeout,
                                           std::stop_token stop) {
  if (changes_something(request)) {
    const std::optional<SteadyTime> until = leading_until_();
    const SteadyTime now = clock_.steady_now();
    if (!until || *until <= now) {
      return retryable(request.method + " " + request.path +
                       ": not sent, this process is not the leader (any more)");
    }
    timeout = std::min<std::chrono::milliseconds>(timeout, *until - now);
  }
  return inner_.send(request, timeout, std::move(stop));
}

Result<HttpResponse> FencedTransport::stream(const HttpRequest& request,
                                             const kube::StreamLimits& limits,
                                             const OnLine& on_line, std::stop_token stop) {
  return inner_.stream(request, limits, on_line, std::move(stop));
}

}  // namespace avouch::control
