#pragma once

// What the tables of the log's `postgres` engine hold, read and checked.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "adapters/postgres_session.h"
#include "base/bytes.h"
#include "base/result.h"
#include "crypto/hash.h"
#include "tlog/store.h"

namespace avouch::adapters {

// A group of preimages that was set aside, by the index that it had. No path names it.
inline constexpr std::uint64_t kDamagedPreimages = 5;

// The key of an object: what its path names.
struct LogObjectKey {
  std::uint64_t kind = 0;  // 1 tile, 2 bundle, 3 preimages, 4 retention
  std::uint64_t level = 0, index = 0, width = 0;
  auto operator<=>(const LogObjectKey&) const = default;
};

// Nothing for "checkpoint". kRejected for a path that names no object.
Result<std::optional<LogObjectKey>> log_object_key(std::string_view path);

// SHA-256 that lies beside the bytes at `path`.
crypto::Sha256 log_object_digest(std::string_view path, ByteView bytes);

// The object's bytes, or nothing. kFatal for bytes that are too many, not of the tile's size, or
// not those of the digest.
Result<std::optional<Bytes>> read_log_object(PostgresSession& session, std::string_view path,
                                             const LogObjectKey& key);

// The note, or nothing. `locked`: keeps the row to the transaction under way.
Result<std::optional<std::string>> read_log_checkpoint(PostgresSession& session, bool locked);

// The rows of avouch_log_writer: lane 1 and lane 2.
struct LogWriterLane {
  std::uint64_t epoch = 0;
  std::string holder;
  bool closed = false;
  std::uint64_t next_index = 0;  // of lane 1: entries committed
};
Result<std::vector<LogWriterLane>> lock_log_writer(PostgresSession& session);
Result<LogWriterLane> lock_log_lane(PostgresSession& session, std::uint64_t lane);

// Committed records with index >= from, without gaps, up to `next`, which the writer's row says.
// kFatal for anything else.
Result<std::vector<tlog::Record>> read_log_batches(PostgresSession& session, std::uint64_t from,
                                                   std::uint64_t next);

// Rows to write for a batch: each a segment of the journal's format (tlog/journal.h).
struct LogBatchRow {
  std::uint64_t first = 0, next = 0;
  Bytes segment;
};
std::vector<LogBatchRow> make_log_batches(std::span<const tlog::Record> batch);

}  // namespace avouch::adapters
