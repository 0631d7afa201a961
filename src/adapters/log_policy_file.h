#pragma once

// Files of the configuration that hold a C2SP tlog-policy.

#include <cstddef>
#include <string>

#include "base/result.h"
#include "tlog/log_policy.h"

namespace avouch::adapters {

struct LogPolicyFile {
  std::string text;
  tlog::LogPolicy policy;
};

// kRejected, with the file's name: there is none, it is larger than `max_bytes`, or no policy.
Result<LogPolicyFile> read_log_policy(const std::string& file,
                                      std::size_t max_bytes = tlog::kMaxLogPolicyBytes);

}  // namespace avouch::adapters
