#pragma once

#include <string>

#include "adapters/termination.h"
#include "base/result.h"
#include "config/controller_config.h"
#include "control/hooks.h"

namespace avouch::controller {

// Runs the controller until the process is told to end. Does not return when the leadership is lost
// or a fault leaves state that cannot be trusted: the process ends there and then.
Result<void> run(const config::ControllerConfig& config, const std::string& kubeconfig,
                 const adapters::Termination& termination);

enum class Hook { kPrepare, kCleanup };
Result<void> run_hook(Hook hook, const control::HookOptions& options,
                      const std::string& kubeconfig);

}  // namespace avouch::controller
