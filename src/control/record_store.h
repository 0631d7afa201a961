#pragma once

// Seam to small durable records, each a text under a key.

#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"

namespace avouch::control {

inline constexpr std::size_t kMaxRecordBytes = 1024 * 1024;

struct RecordChange {
  std::string key;   // 1 to 128 of [A-Za-z0-9.-], not starting with '.'
  std::string text;  // at most kMaxRecordBytes; empty removes the record
};

// One caller at a time.
class RecordStore {
 public:
  virtual ~RecordStore() = default;

  // Everything that is stored. kFatal for a record that cannot be read.
  virtual Result<std::map<std::string, std::string>> load() = 0;

  // Each change is atomic and on stable storage when this returns; a crash in between leaves each
  // record as it was or as it should be. kRetryable if the disk is full; kFatal after a failed
  // fsync: what is on the disk is then unknown, so end the process.
  virtual Result<void> apply(std::span<const RecordChange> changes) = 0;
};

}  // namespace avouch::control
