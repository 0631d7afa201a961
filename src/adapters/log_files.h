#pragma once

// The log's `files` engine: a directory on a POSIX file system (src/tlog/FORMAT.md).
//
//   DIR/lock                      one writer at a time (flock)
//   DIR/public/checkpoint         exactly what is served: a static server may be pointed at public/
//   DIR/public/tile/...
//   DIR/private/journal/INDEX     committed records that are not published yet
//   DIR/private/preimages/...     preimages and ids, 256 a file
//
// An fsync error is kFatal and the descriptor is never used again. A full disk is kRetryable.

#include <filesystem>
#include <memory>

#include "base/result.h"
#include "tlog/store.h"

namespace avouch::adapters {

struct LogFilesOptions {
  std::filesystem::path directory;               // made if it is missing; its parent must exist
  std::size_t segment_bytes = 64 * 1024 * 1024;  // a new journal file is begun beyond this
};

// kRetryable if another process holds the lock; kRejected for a directory of another format.
Result<std::unique_ptr<tlog::Store>> open_log_files(const LogFilesOptions& options);

// Reads a log directory without the lock: for a reader in another process, and for fsck.
Result<std::unique_ptr<tlog::TileReader>> open_log_directory(
    const std::filesystem::path& directory);

// The head file: an anchor that must not lie in the log's directory, so that a backup of one is not
// a backup of both. kRetryable if another process holds it.
Result<std::unique_ptr<tlog::Anchor>> open_head_file(const std::filesystem::path& file);

}  // namespace avouch::adapters
