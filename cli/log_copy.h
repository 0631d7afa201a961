#pragma once

// `kubectl avouch log copy`: a log moved from one engine to another.

#include <string>

#include "adapters/postgres_session.h"
#include "cli/commands.h"

namespace avouch::cli {

struct LogCopyOptions {
  // "files:DIRECTORY", or "postgres:FILE" with a file that holds libpq's connection string: not the
  // string itself, which is a secret and would be seen among the processes.
  std::string from, to;
  bool take_over = false;       // from a writer that ended without closing its database
  bool published_only = false;  // tlog::CopyOptions
};

// "" or what is wrong with such a place.
std::string log_place_problem(const std::string& place);

// The database that a file with libpq's connection string names.
Result<adapters::PostgresOptions> read_connection(const std::string& file);

// common.log_vkey_file must be given (main.cc checks). kRetryable while somebody writes to either.
Result<Exit> log_copy(const LogCopyOptions& options, const Common& common,
                      const Context::Progress& progress);

}  // namespace avouch::cli
