#include "observe/health.h"

#include <exception>

namespace avouch::observe {
namespace {

std::optional<std::string> run(const HealthCheck& check) {
  try {
    return check();
  } catch (const std::exception& e) {
    return std::string("the check failed: ") + e.what();
  } catch (...) {
    return "the check failed";
  }
}

HttpResponse report(const std::vector<std::pair<std::string, HealthCheck>>& checks) {
  HttpResponse response;
  response.status = 200;
  for (const auto& [name, check] : checks) {
    const std::optional<std::string> reason = run(check);
    if (reason) {
      response.status = 503;
      response.body += "[-] " + name + ": " + *reason + "\n";
    } else {
      response.body += "[+] " + name + " ok\n";
    }
  }
  return response;
}

}  // namespace

void HealthHandler::add(Checks& checks, std::string name, HealthCheck check) {
  const std::lock_guard lock(mutex_);
  for (auto& [known, present] : checks) {
    if (known != name) continue;
    present = std::move(check);
    return;
  }
  checks.emplace_back(std::move(name), std::move(check));
}

void HealthHandler::add_liveness(std::string name, HealthCheck check) {
  add(liveness_, std::move(name), std::move(check));
}

void HealthHandler::add_readiness(std::string name, HealthCheck check) {
  add(readiness_, std::move(name), std::move(check));
}

void HealthHandler::fail_readiness(std::string reason) {
  add_readiness("serving", [reason = std::move(reason)] { return std::optional(reason); });
}

HealthHandler::Checks HealthHandler::readiness() const {
  const std::lock_guard lock(mutex_);
  if (readiness_.empty()) {
    return {{"start", [] { return std::optional<std::string>("the program is still starting"); }}};
  }
  return readiness_;
}

std::optional<std::string> HealthHandler::not_ready() const {
  for (const auto& [name, check] : readiness()) {
    if (const auto reason = run(check)) return name + ": " + *reason;
  }
  return std::nullopt;
}

Result<BodyPlan> HealthHandler::plan(const HttpRequest&) { return BodyPlan{}; }

void HealthHandler::handle(HttpRequest request, std::shared_ptr<BodySink>, Reply reply) {
  if (request.method != "GET" && request.method != "HEAD") {
    HttpResponse response = problem(405, "MethodNotAllowed", "expected GET or HEAD");
    response.headers.add("Allow", "GET, HEAD");
    return reply(std::move(response));
  }
  if (request.path == "/readyz") return reply(report(readiness()));
  if (request.path == "/healthz") {
    Checks checks;
    {
      const std::lock_guard lock(mutex_);
      checks = liveness_;
    }
    HttpResponse response = report(checks);
    if (response.body.empty()) response.body = "ok\n";
    return reply(std::move(response));
  }
  if (request.path == "/metrics") {
    HttpResponse response;
    response.status = 200;
    response.content_type = Metrics::content_type();
    response.body = metrics_.text();
    return reply(std::move(response));
  }
  reply(problem(404, "NotFound", "expected /healthz, /readyz or /metrics"));
}

}  // namespace avouch::observe
