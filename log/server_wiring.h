#pragma once

#include "adapters/termination.h"
#include "base/result.h"
#include "config/log_server_config.h"

namespace avouch::logprogram {

// Runs a log until `termination`: then fails readiness, finishes and publishes what it has taken,
// and returns. An error is a reason not to start. A log that fails for good (an fsync error,
// another writer in the database) ends the process with status 1.
Result<void> run_log_server(const config::LogServerConfig& config,
                            const adapters::Termination& termination);

}  // namespace avouch::logprogram
