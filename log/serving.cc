#include "log/serving.h"

#include <algorithm>
#include <thread>

namespace avouch::logprogram {
namespace {

constexpr std::size_t kMaxConnections = 1024;
constexpr std::size_t kMaxBodies = 64UL * 1024 * 1024;

}  // namespace

adapters::HttpServerOptions serving_options(const std::string& listen,
                                            const config::ServingTls& tls) {
  adapters::HttpServerOptions options;
  options.listen = listen;
  if (!tls.is_plain()) options.tls = adapters::tls_from_files(tls.certificate, tls.key);
  options.threads = static_cast<int>(std::clamp(std::thread::hardware_concurrency(), 2U, 8U));
  options.connections = kMaxConnections;
  options.body_bytes = kMaxBodies;
  return options;
}

std::optional<std::string> certificate_problem(const adapters::HttpServer& server, Clock& clock) {
  const auto end = server.certificate_not_after();
  if (!end || *end > clock.now()) return std::nullopt;
  return "the serving certificate has expired";
}

}  // namespace avouch::logprogram
