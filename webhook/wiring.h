#pragma once

#include <string>

#include "adapters/termination.h"
#include "base/result.h"
#include "config/webhook_config.h"

namespace avouch::webhook {

// Runs the webhook until `termination`: then fails readiness, waits for the API server to look
// elsewhere, finishes what is under way, and returns. An error is a reason not to start.
Result<void> run(const config::WebhookConfig& config, const std::string& kubeconfig,
                 const adapters::Termination& termination);

}  // namespace avouch::webhook
