#pragma once

#include "adapters/termination.h"
#include "base/result.h"
#include "config/monitor_config.h"

namespace avouch::logprogram {

// Follows the logs of the configuration until `termination`, each on a thread of its own. An error
// is a reason not to start. An fsync error ends the process.
Result<void> run_monitor(const config::MonitorConfig& config,
                         const adapters::Termination& termination);

}  // namespace avouch::logprogram
