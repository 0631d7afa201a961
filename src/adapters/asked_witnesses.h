#pragma once

// The witnesses that a log asks, from its configuration.

#include <optional>
#include <vector>

#include "base/result.h"
#include "config/log_config.h"
#include "tlog/log_policy.h"
#include "tlog/witnessing.h"

namespace avouch::adapters {

struct AskedWitnesses {
  tlog::LogPolicy policy;
  std::vector<tlog::AskedWitness> witnesses;  // those of the policy that have a URL
};

// Nothing where the configuration names no policy. kRejected, with the file's name: there is no
// policy or authority, it needs no quorum or one that those who can be asked cannot reach, it has
// more than 32 of them, or a URL is none.
Result<std::optional<AskedWitnesses>> open_asked_witnesses(const config::LogWitnesses& config);

}  // namespace avouch::adapters
