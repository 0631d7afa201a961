#pragma once

// Where the logs of a chain lie (tlog/shard_name.h), each by its label alone:
//
//   files       DIR/log, DIR/log-LABEL                    (log_files.h)
//   postgres    the connection's schema SCHEMA, SCHEMA_LABEL with '_' for '-'   (log_postgres.h)
//   either      DIR/log-head, DIR/log-head-LABEL          the head file
//               DIR/log-witnessed, DIR/log-witnessed-LABEL the witnessed note
//               DIR/renewals, DIR/renewals-LABEL           renewals in its epochs
//
// Without a label it is the place of a log that is in no shards.

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "config/log_config.h"
#include "tlog/store.h"

namespace avouch::adapters {

// Thread-safe. `engine` outlives it.
class LogShards {
 public:
  LogShards(const config::LogEngine& engine, std::filesystem::path directory)
      : engine_(engine), directory_(std::move(directory)) {}

  // Of which there is a head file (or, without a label or in a database, a log), in the order in
  // which they begin. Where the log is gone it tells that there was one; a folder without one is
  // somebody's copy, or of a log that was never begun. kRetryable where that cannot be told.
  Result<std::vector<std::string>> labels() const;

  // As open_log_store(), open_log_reader() and, of all labels, place_of_log().
  Result<std::unique_ptr<tlog::Store>> open(std::string_view label) const;
  Result<std::unique_ptr<tlog::TileReader>> read(std::string_view label) const;
  Result<std::optional<std::string>> place_of_any() const;

  std::filesystem::path log_directory(std::string_view label) const { return at("log", label); }
  std::filesystem::path head_file(std::string_view label) const { return at("log-head", label); }
  std::filesystem::path witnessed_file(std::string_view label) const {
    return at("log-witnessed", label);
  }
  std::filesystem::path renewals(std::string_view label) const { return at("renewals", label); }

 private:
  std::filesystem::path at(const char* name, std::string_view label) const;

  const config::LogEngine& engine_;
  const std::filesystem::path directory_;
};

}  // namespace avouch::adapters
