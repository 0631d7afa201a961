#pragma once

// How the log's programs serve others.

#include <optional>
#include <string>

#include "adapters/http_server.h"
#include "base/clock.h"
#include "config/common_config.h"

namespace avouch::logprogram {

adapters::HttpServerOptions serving_options(const std::string& listen,
                                            const config::ServingTls& tls);

// For readiness: why the certificate is no use; nothing where it is, and for plain HTTP.
std::optional<std::string> certificate_problem(const adapters::HttpServer& server, Clock& clock);

}  // namespace avouch::logprogram
