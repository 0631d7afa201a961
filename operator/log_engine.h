#pragma once

// Where the log is kept: the engine that the configuration names.

#include <filesystem>
#include <memory>
#include <optional>
#include <string>

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

// Where a log lies that somebody has begun, in words: in its directory or its database, or, where
// only the head file remembers it, there. Nothing where there is none. Writes nothing and takes
// nothing over. Errors as of open_log_store().
Result<std::optional<std::string>> place_of_log(const config::ControllerConfig::Log& log,
                                                const std::filesystem::path& data_dir);

// The head file below a data directory.
inline std::filesystem::path head_file_in(const std::filesystem::path& data_dir) {
  return data_dir / "log-head";
}

}  // namespace avouch::controller
