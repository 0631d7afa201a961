#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace avouch::admission {

struct LogRecord {
  std::string id;  // AdmissionReview UID: the same id gets the same index
  Bytes payload;   // CBOR
};

// Seam: the verdict log's write side.
class LogEndpoint {
 public:
  virtual ~LogEndpoint() = default;

  // The records' indices, in order, once all are sequenced. Blocks, for a few seconds at most.
  // kRetryable: not reached, overloaded, not allowed just now. kRejected: a record is at fault.
  // Called by one thread at a time.
  virtual Result<std::vector<std::uint64_t>> append(std::span<const LogRecord> records) = 0;

  // Ends a call under way, and all later ones, soon (kRetryable). From any thread.
  virtual void cancel() = 0;
};

}  // namespace avouch::admission
