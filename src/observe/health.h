#pragma once

// The health listener's handler: GET (or HEAD) /healthz, /readyz and /metrics.

#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/http.h"
#include "observe/metrics.h"

namespace avouch::observe {

// Nothing when all is well, else why not, for people.
using HealthCheck = std::function<std::optional<std::string>()>;

// Thread-safe. /healthz and /readyz list every check, a failing one with its reason:
//
//   [+] certificate ok
//   [-] informers: nodes not synced for 83s, at most 60s allowed
//
// and answer 200 when all passed, else 503. Checks run on the caller's thread and must not block;
// one that throws has failed. Before the first readiness check was added, /readyz answers 503: a
// program that has not finished its start is not ready.
class HealthHandler final : public HttpHandler {
 public:
  explicit HealthHandler(Metrics& metrics) : metrics_(metrics) {}

  // A check of a name that is there takes its place.
  void add_liveness(std::string name, HealthCheck check);
  void add_readiness(std::string name, HealthCheck check);

  // From now on /readyz fails with `reason`, whatever the checks say (graceful stop).
  void fail_readiness(std::string reason);

  // The first failing readiness check as "name: reason", or nothing.
  std::optional<std::string> not_ready() const;

  Result<BodyPlan> plan(const HttpRequest& head) override;
  void handle(HttpRequest request, std::shared_ptr<BodySink> sink, Reply reply) override;

 private:
  using Checks = std::vector<std::pair<std::string, HealthCheck>>;
  Checks readiness() const;
  void add(Checks& checks, std::string name, HealthCheck check);

  Metrics& metrics_;
  mutable std::mutex mutex_;
  Checks liveness_;
  Checks readiness_;
};

}  // namespace avouch::observe
