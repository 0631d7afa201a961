#pragma once

// Seam: what the agent says to the controller and to the API server.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "attest/evidence.h"
#include "base/result.h"
#include "crypto/hash.h"

namespace avouch::collect {

struct HeartbeatAnswer {
  enum class Outcome {
    kTaken,        // judged: `phase` says how
    kNotEnrolled,  // enrol first
    kRefused,      // not acceptable as evidence: `code` says why; quote again for the next beacon
  };
  Outcome outcome = Outcome::kRefused;
  std::string phase;
  std::string code, detail;
  std::vector<crypto::Sha256> missing_blobs;
  std::optional<std::uint64_t> runtime_log_offset;  // what the controller has of it
};

// One owner thread. kRetryable: out of reach for now.
class Uplink {
 public:
  virtual ~Uplink() = default;

  virtual Result<std::string> node_uid() = 0;

  // To the controller's intake.
  virtual Result<HeartbeatAnswer> heartbeat(const attest::UnverifiedEvidence& evidence) = 0;
  virtual Result<void> put_blob(const crypto::Sha256& digest, ByteView content) = 0;
  // Gives the offset that the controller expects next, also where `offset` was not that one.
  virtual Result<std::uint64_t> append_runtime_log(std::uint64_t offset, ByteView piece) = 0;

  // Server-side apply of this node's AttestationEvidence.
  virtual Result<void> publish(const attest::UnverifiedEvidence& evidence) = 0;
};

}  // namespace avouch::collect
