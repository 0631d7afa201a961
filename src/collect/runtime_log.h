#pragma once

// Follows the kernel's runtime measurement log (IMA, binary): whole entries only, what is new only.

#include <cstdint>
#include <optional>

#include "attest/evidence.h"
#include "base/bytes.h"
#include "base/result.h"
#include "collect/log_source.h"
#include "crypto/hash.h"

namespace avouch::collect {

// How many of the first bytes of `piece` are whole entries, and how many entries these are. An
// entry: u32 PCR, 20-byte template digest, u32 name length, name, then u32 data length and the data
// (legacy template "ima": 20-byte digest, u32 path length, path), integers little-endian. kRejected
// where a length is over its bound (name 64, data 256 KiB): then this is no such log.
struct WholeEntries {
  std::size_t bytes = 0;
  std::uint64_t entries = 0;
};
Result<WholeEntries> whole_entries(ByteView piece);

// One owner thread. Memory: one piece (kRuntimeLogPiece), for a moment.
class RuntimeLog {
 public:
  explicit RuntimeLog(LogSource& source) : source_(source) {}

  // Reads what came since the last call. Of an error in the log's form the place is known: it is
  // read from its start the next time.
  Result<void> advance();

  // Another boot, another log: it is read from its start. (Its length says nothing: a new log may
  // be longer than the one before.)
  void restart();

  // Of everything read so far; nothing where the node has no such log.
  std::optional<attest::RuntimeLogReference> reference() const;

  // Bytes from `offset` on, whole entries, at most kRuntimeLogPiece; never beyond reference().
  Result<Bytes> piece(std::uint64_t offset);

 private:
  LogSource& source_;
  bool present_ = false;
  std::uint64_t offset_ = 0;
  std::uint64_t entries_ = 0;
  crypto::Hasher hasher_{crypto::HashAlgorithm::kSha256};
};

}  // namespace avouch::collect
