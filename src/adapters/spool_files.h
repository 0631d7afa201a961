#pragma once

// The webhook's spool on a POSIX file system.
//
//   DIR/lock               one process at a time (flock)
//   DIR/0000000042.spool   segments, in order; deleted once all their records are dropped
//
// A segment is the line "avouch-spool/v1" and records: u32be length of what follows, the first
// 8 bytes of the SHA-256 of the rest, u64be Unix milliseconds when it was spooled, u16be length of
// the id, id, payload. A record that was cut by a crash ends its segment; it had never been
// acknowledged.

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "admission/spool.h"

namespace avouch::adapters {

struct SpoolFilesOptions {
  std::filesystem::path directory;  // made if it is missing, with its parents
  std::size_t segment_bytes = 1024 * 1024;
};

struct OpenedSpool {
  std::unique_ptr<admission::Spool> spool;
  std::vector<std::string> notes;  // what was found damaged, for a log line each
};

// kRetryable if another process has the spool, or the file system fails.
Result<OpenedSpool> open_spool_files(SpoolFilesOptions options);

}  // namespace avouch::adapters
