#pragma once

#include <cstdint>
#include <optional>
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

// Where a record is.
struct LoggedAt {
  LoggedAt(std::uint64_t at) : index(at) {}  // NOLINT(google-explicit-constructor)
  std::uint64_t index = 0;
  std::string origin;  // of the log; "" where the answer did not say
  bool operator==(const LoggedAt&) const = default;
};

// The place of each record, in order; nothing for a denial that the log has no room for.
using LogPlaces = std::vector<std::optional<LoggedAt>>;

// Seam: the verdict log's write side.
class LogEndpoint {
 public:
  virtual ~LogEndpoint() = default;

  // The records' places once all are sequenced. Blocks, for a few seconds at most.
  // kRetryable: not reached, overloaded, not allowed just now. kRejected: a record is at fault.
  // Called by one thread at a time.
  virtual Result<LogPlaces> append(std::span<const LogRecord> records) = 0;

  // Ends a call under way, and all later ones, soon (kRetryable). From any thread.
  virtual void cancel() = 0;
};

}  // namespace avouch::admission
