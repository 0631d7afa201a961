#pragma once

// Where the log is kept: the engine that the configuration names.

#include <filesystem>
#include <memory>

#include "base/result.h"
#include "config/controller_config.h"
#include "tlog/store.h"

namespace avouch::controller {

inline bool is_in_database(const config::ControllerConfig::Log& log) {
  return log.engine == config::ControllerConfig::Log::Engine::kPostgres;
}

// kRejected, with the file's name and nothing of what it holds, for a connection string that is not
// there, is no regular file or cannot be parsed; else as the engine's own open. In a database the
// log is taken over from whoever wrote it before: only the leader calls.
Result<std::unique_ptr<tlog::Store>> open_log_store(const config::ControllerConfig::Log& log,
                                                    const std::filesystem::path& data_dir);

}  // namespace avouch::controller
