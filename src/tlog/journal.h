#pragma once

// The journal of the `files` engine: batches of records in files ("segments"), each batch made
// durable as one. Encoding only; bytes are in FORMAT.md. Pure and thread-safe.
//
// A batch is written only after the one before it is on stable storage. So a batch that is not
// whole is either the last one, interrupted before it was acknowledged (torn: cut it), or damage
// (a whole batch follows it: stop).

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "tlog/store.h"

namespace avouch::tlog {

inline constexpr std::size_t kSegmentHeaderBytes = 48;
inline constexpr std::size_t kMaxBatchBytes = 256 * 1024 * 1024;

using SegmentSeed = std::array<std::uint8_t, 16>;  // random: batches of other segments do not fit

// First bytes of a segment whose first record will have index `first`.
Bytes format_segment_header(std::uint64_t first, const SegmentSeed& seed);

// `batch` as it is written at `offset` of the segment with that header. At least one record;
// indexes without gaps.
Bytes format_batch(ByteView segment_header, std::uint64_t offset, std::span<const Record> batch);

struct Segment {
  std::uint64_t first = 0;      // index of its first record
  std::vector<Record> records;  // with index >= the `from` of parse_segment
  std::uint64_t end = 0;        // offset behind the last whole batch
  std::uint64_t next = 0;       // index behind the last record
  std::uint64_t torn = 0;       // bytes behind `end`, to be cut
};

// Reads a segment. `last`: whether it is the newest one, in which alone something may be torn.
// kFatal for damage, with the offset.
Result<Segment> parse_segment(ByteView bytes, std::uint64_t from, bool last);

}  // namespace avouch::tlog
