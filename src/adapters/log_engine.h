#pragma once

// Where a log is kept: the engine that its configuration names.

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "config/log_config.h"
#include "tlog/store.h"

namespace avouch::adapters {

// `directory`: with files. kRejected, with the file's name and nothing of what it holds, for a
// connection string that is not there, is no regular file or cannot be parsed; else as the engine's
// own open. In a database the log is taken over from whoever wrote it before: only a log's writer
// calls.
// `schema_suffix`: in a database (PostgresOptions).
Result<std::unique_ptr<tlog::Store>> open_log_store(const config::LogEngine& engine,
                                                    const std::filesystem::path& directory,
                                                    const std::string& schema_suffix = "");

// Reads such a log without taking it over. kRejected where there is none.
Result<std::unique_ptr<tlog::TileReader>> open_log_reader(const config::LogEngine& engine,
                                                          const std::filesystem::path& directory,
                                                          const std::string& schema_suffix);

// With a database: the suffixes of the schemas that have a log.
Result<std::vector<std::string>> log_schemas(const config::LogEngine& engine);

// Where a log lies that somebody has begun, in words: in its directory or its database, or, where
// only the head file remembers it, there. Nothing where there is none. Writes nothing and takes
// nothing over. Errors as of open_log_store().
Result<std::optional<std::string>> place_of_log(const config::LogEngine& engine,
                                                const std::filesystem::path& directory,
                                                const std::filesystem::path& head_file,
                                                const std::string& schema_suffix = "");

}  // namespace avouch::adapters
