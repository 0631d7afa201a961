#pragma once

#include "adapters/termination.h"
#include "base/result.h"
#include "config/witness_config.h"

namespace avouch::logprogram {

// Is a witness until `termination`: then fails readiness, finishes what is under way, and returns.
// An error is a reason not to start. An fsync error ends the process.
Result<void> run_witness(const config::WitnessConfig& config,
                         const adapters::Termination& termination);

}  // namespace avouch::logprogram
