#pragma once

// `kubectl avouch log fsck`: a whole log held against its newest checkpoint.

#include <string>

#include "cli/commands.h"

namespace avouch::cli {

// The release's log, as the controller serves it.
Result<Exit> log_fsck(const Context& context);

// A log's directory on this machine (a volume, a backup), with the preimages beside it. Takes no
// lock: a log that is being written to is checked up to the checkpoint that it had.
// common.log_vkey_file must be given (main.cc checks). kRejected: no log directory, or one that
// cannot be read; no key in that file.
Result<Exit> log_fsck_directory(const std::string& directory, const Common& common,
                                const Context::Progress& progress);

// The same of a log in a database; `file` holds libpq's connection string. kRetryable while the
// database does not answer.
Result<Exit> log_fsck_database(const std::string& file, const Common& common,
                               const Context::Progress& progress);

}  // namespace avouch::cli
