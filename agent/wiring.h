#pragma once

#include <string>

#include "adapters/termination.h"
#include "base/result.h"
#include "config/agent_config.h"

namespace avouch::agent {

// Runs the agent until the process is told to end.
Result<void> run(const config::AgentConfig& config, const std::string& kubeconfig,
                 const adapters::Termination& termination);

}  // namespace avouch::agent
