#pragma once

// What a witness remembers, as a file: what it cosigned, batch by batch, each made durable as one.
// Encoding only; bytes are in FORMAT.md. Pure and thread-safe.
//
// A batch is written only after the one before it is on stable storage, and answered only after it
// is there itself. So a file that ends within its last batch was interrupted before an answer: that
// batch is cut off. Anything else that is not as it was written is damage, and never taken for
// something that was not cosigned.

#include <array>
#include <cstdint>
#include <map>
#include <span>
#include <string>

#include "base/bytes.h"
#include "base/result.h"
#include "tlog/witness.h"

namespace avouch::tlog {

using WitnessSeed = std::array<std::uint8_t, 16>;  // random: batches of other files do not fit

inline constexpr std::size_t kWitnessHeaderBytes = 34;
inline constexpr std::size_t kWitnessBatchHeaderBytes = 44;
inline constexpr std::size_t kMaxWitnessBatchBytes = 64 * 1024 * 1024;
inline constexpr std::size_t kMaxWitnessedOrigins = 2'048;
// With a request's note and the witness' own line.
inline constexpr std::size_t kMaxWitnessNoteBytes = kMaxAddCheckpointBytes + 4 * 1024;

struct WitnessChange {
  std::string origin;  // 1 to 65,535 bytes
  std::string note;    // 1 to kMaxWitnessNoteBytes
};

// As large as `change` is in a batch.
std::size_t witness_change_bytes(const WitnessChange& change);

// The first bytes of a file.
Bytes format_witness_header(const WitnessSeed& seed);

// A batch as it is written at `offset` of the file with that header. kRejected: no change, or sizes
// over the limits.
Result<Bytes> format_witness_batch(ByteView header, std::uint64_t offset,
                                   std::span<const WitnessChange> changes);

struct WitnessNotes {
  std::map<std::string, std::string, std::less<>> latest;  // by origin
  std::uint64_t end = 0;                                   // offset behind the last whole batch
  std::uint64_t torn = 0;                                  // bytes behind `end`, to be cut
};

// kFatal for damage, with the offset; for more origins than kMaxWitnessedOrigins; for a note that
// is no checkpoint of its origin.
Result<WitnessNotes> parse_witness_journal(ByteView file);

}  // namespace avouch::tlog
