#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "admission/log_endpoint.h"
#include "base/clock.h"
#include "base/result.h"

namespace avouch::admission {

// Seam: a durable queue of verdicts that the log has not got yet. Thread-safe.
class Spool {
 public:
  virtual ~Spool() = default;

  // Durable when it returns; all or, on an error, none of them counts as kept.
  virtual Result<void> append(std::span<const LogRecord> records, SystemTime now) = 0;

  // The oldest records, in order: at most `max_records`, and of more than one at most `max_bytes`.
  // kRejected: the very oldest is damaged; drop it to get at the others.
  virtual Result<std::vector<LogRecord>> front(std::size_t max_records, std::size_t max_bytes) = 0;

  // Forgets the oldest `count` records. They may come back after a crash.
  virtual Result<void> drop(std::size_t count) = 0;

  // These three never wait for the disk: they are asked while requests wait.
  virtual std::size_t records() const = 0;
  virtual std::size_t bytes() const = 0;                 // on disk
  virtual std::optional<SystemTime> oldest() const = 0;  // when the front record was spooled
};

}  // namespace avouch::admission
