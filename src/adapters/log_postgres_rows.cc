#include "adapters/log_postgres_rows.h"

#include <algorithm>
#include <array>
#include <iterator>

#include "crypto/random.h"
#include "tlog/journal.h"
#include "tlog/note.h"
#include "tlog/preimages.h"
#include "tlog/retention.h"
#include "tlog/tile.h"

namespace avouch::adapters {
namespace {

constexpr std::string_view kDigestDomain = "avouch-log-object 1\n";
constexpr std::uint64_t kTile = 1, kBundle = 2, kPreimageGroup = 3, kRetention = 4;
constexpr std::size_t kMaxHolderBytes = 64;
// A row of a batch is closed once it has this much; a record has at most 128 KiB and a little.
constexpr std::size_t kRowBytes = 512 * 1024;
constexpr std::size_t kMaxRowBytes = 1024 * 1024;
constexpr std::uint64_t kRowsAtOnce = 16;

Error damaged(const std::string& what) { return fatal("log: database: " + what); }

// Column `column` is the length of the bytes in the one after it, which are null where they are too
// many: so that no row makes this process hold more than it must.
Result<ByteView> sized_bytes(const PostgresRows& rows, std::size_t row, int column, std::size_t max,
                             const std::string& what) {
  AVOUCH_TRY(const std::uint64_t length, rows.number(row, column));
  if (length > max) {
    return damaged(what + " has " + std::to_string(length) + " bytes, expected at most " +
                   std::to_string(max));
  }
  return rows.bytes(row, column + 1, max);
}

Result<void> check_digest(const PostgresRows& rows, int column, std::string_view path,
                          ByteView bytes) {
  AVOUCH_TRY(const ByteView digest, rows.bytes(0, column, sizeof(crypto::Sha256)));
  if (!equal(digest, log_object_digest(path, bytes))) {
    return damaged(std::string(path) +
                   ": its digest is not that of its bytes: damage, or somebody "
                   "changed the row. Nothing of it is used");
  }
  return {};
}

Result<LogWriterLane> lane_of(const PostgresRows& rows, std::size_t row, std::uint64_t lane) {
  LogWriterLane out;
  AVOUCH_TRY(const std::uint64_t number, rows.number(row, 0));
  if (number != lane) {
    return damaged("avouch_log_writer has lane " + std::to_string(number) + ", expected " +
                   std::to_string(lane));
  }
  AVOUCH_TRY(out.epoch, rows.number(row, 1));
  AVOUCH_TRY(out.holder, rows.text(row, 2, kMaxHolderBytes));
  AVOUCH_TRY(const std::uint64_t closed, rows.number(row, 3));
  out.closed = closed != 0;
  AVOUCH_TRY(out.next_index, rows.number(row, 4));
  return out;
}

}  // namespace

Result<std::optional<LogObjectKey>> log_object_key(std::string_view path) {
  if (path.starts_with(tlog::kPreimagesPrefix)) {
    const std::string index(path.substr(tlog::kPreimagesPrefix.size()));
    AVOUCH_TRY(const tlog::Resource resource, tlog::parse_resource("tile/entries/" + index));
    if (resource.tile.width != tlog::kTileWidth) return rejected("preimages have no partial form");
    return std::optional(LogObjectKey{kPreimageGroup, 0, resource.tile.index, tlog::kTileWidth});
  }
  if (path == tlog::kRetentionPath) {
    return std::optional(LogObjectKey{kRetention, 0, 0, tlog::kTileWidth});
  }
  AVOUCH_TRY(const tlog::Resource resource, tlog::parse_resource(path));
  if (resource.kind == tlog::Resource::Kind::kCheckpoint) return std::optional<LogObjectKey>();
  const bool is_tile = resource.kind == tlog::Resource::Kind::kTile;
  return std::optional(LogObjectKey{is_tile ? kTile : kBundle, is_tile ? resource.tile.level : 0,
                                    resource.tile.index, resource.tile.width});
}

crypto::Sha256 log_object_digest(std::string_view path, ByteView bytes) {
  Bytes all = to_bytes(kDigestDomain);
  append(all, path);
  append(all, "\n");
  append(all, bytes);
  return crypto::sha256(all);
}

Result<std::optional<Bytes>> read_log_object(PostgresSession& session, std::string_view path,
                                             const LogObjectKey& key) {
  const std::array<SqlValue, 5> values{key.kind, key.level, key.index, key.width,
                                       std::uint64_t{tlog::kMaxStoredObjectBytes}};
  AVOUCH_TRY(const PostgresRows rows,
             session.run("SELECT CAST(octet_length(bytes) AS BIGINT), "
                         "CASE WHEN octet_length(bytes) <= $5 THEN bytes END, digest "
                         "FROM avouch_log_object WHERE kind = $1 AND level = $2 "
                         "AND tile_index = $3 AND width = $4",
                         values));
  if (rows.size() == 0) return std::optional<Bytes>();
  const std::string name(path);
  AVOUCH_TRY(const ByteView bytes, sized_bytes(rows, 0, 0, tlog::kMaxStoredObjectBytes, name));
  AVOUCH_CHECK(check_digest(rows, 2, path, bytes));
  if (key.kind == kTile && bytes.size() != key.width * tlog::kHashBytes) {
    return damaged(name + " has " + std::to_string(bytes.size()) + " bytes, expected " +
                   std::to_string(key.width * tlog::kHashBytes));
  }
  return std::optional(Bytes(bytes.begin(), bytes.end()));
}

Result<std::optional<std::string>> read_log_checkpoint(PostgresSession& session, bool locked) {
  const std::array<SqlValue, 1> values{std::uint64_t{tlog::kMaxNoteBytes}};
  const char* statement = locked ? "SELECT CAST(octet_length(note) AS BIGINT), "
                                   "CASE WHEN octet_length(note) <= $1 THEN note END, digest "
                                   "FROM avouch_log_checkpoint WHERE id = 1 FOR UPDATE"
                                 : "SELECT CAST(octet_length(note) AS BIGINT), "
                                   "CASE WHEN octet_length(note) <= $1 THEN note END, digest "
                                   "FROM avouch_log_checkpoint WHERE id = 1";
  AVOUCH_TRY(const PostgresRows rows, session.run(statement, values));
  if (rows.size() == 0) return std::optional<std::string>();
  AVOUCH_TRY(const ByteView note, sized_bytes(rows, 0, 0, tlog::kMaxNoteBytes, "checkpoint"));
  AVOUCH_CHECK(check_digest(rows, 2, "checkpoint", note));
  return std::optional(std::string(as_text(note)));
}

Result<std::vector<LogWriterLane>> lock_log_writer(PostgresSession& session) {
  AVOUCH_TRY(const PostgresRows rows,
             session.run("SELECT lane, epoch, holder, closed, next_index FROM avouch_log_writer "
                         "ORDER BY lane FOR UPDATE"));
  if (rows.size() != 2) {
    return damaged("avouch_log_writer has " + std::to_string(rows.size()) + " rows, expected 2");
  }
  std::vector<LogWriterLane> lanes;
  for (std::uint64_t row = 0; row < 2; ++row) {
    AVOUCH_TRY(LogWriterLane lane, lane_of(rows, row, row + 1));
    lanes.push_back(std::move(lane));
  }
  if (lanes[0].epoch != lanes[1].epoch || lanes[0].holder != lanes[1].holder) {
    return damaged("the rows of avouch_log_writer are of different writers: somebody changed one");
  }
  return lanes;
}

Result<LogWriterLane> lock_log_lane(PostgresSession& session, std::uint64_t lane) {
  const std::array<SqlValue, 1> values{lane};
  AVOUCH_TRY(const PostgresRows rows,
             session.run("SELECT lane, epoch, holder, closed, next_index FROM avouch_log_writer "
                         "WHERE lane = $1 FOR UPDATE",
                         values));
  if (rows.size() != 1) return damaged("avouch_log_writer has not its two rows");
  return lane_of(rows, 0, lane);
}

Result<std::vector<tlog::Record>> read_log_batches(PostgresSession& session, std::uint64_t from,
                                                   std::uint64_t next) {
  if (next < from) {
    return damaged("has " + std::to_string(next) + " committed entries, but " +
                   std::to_string(from) + " are published: it went back in time");
  }
  std::vector<tlog::Record> records;
  std::uint64_t done = from;
  while (done < next) {
    const std::array<SqlValue, 3> values{done, std::uint64_t{kMaxRowBytes}, kRowsAtOnce};
    AVOUCH_TRY(const PostgresRows rows,
               session.run("SELECT first_index, next_index, CAST(octet_length(segment) AS BIGINT), "
                           "CASE WHEN octet_length(segment) <= $2 THEN segment END "
                           "FROM avouch_log_batch WHERE next_index > $1 "
                           "ORDER BY first_index LIMIT $3",
                           values));
    if (rows.size() == 0 || rows.size() > kRowsAtOnce) break;
    for (std::size_t row = 0; row < rows.size(); ++row) {
      AVOUCH_TRY(const std::uint64_t first, rows.number(row, 0));
      AVOUCH_TRY(const std::uint64_t behind, rows.number(row, 1));
      const std::string name = "batch of entry " + std::to_string(first);
      AVOUCH_TRY(const ByteView bytes, sized_bytes(rows, row, 2, kMaxRowBytes, name));
      auto segment = tlog::parse_segment(bytes, done, false);
      if (!segment.has_value()) return damaged(name + ": " + segment.error().message);
      const bool fits = segment->first == first && segment->next == behind && behind <= next &&
                        (first == done || (done == from && first < from)) && behind > done;
      if (!fits) {
        return damaged(name + " holds entries " + std::to_string(segment->first) + " to below " +
                       std::to_string(segment->next) + ", its row says below " +
                       std::to_string(behind) + ", expected from " + std::to_string(done) +
                       " to at most " + std::to_string(next) + ": a row is missing or changed");
      }
      done = behind;
      std::move(segment->records.begin(), segment->records.end(), std::back_inserter(records));
    }
  }
  if (done != next) {
    return damaged("committed entries " + std::to_string(done) + " to below " +
                   std::to_string(next) + " are missing");
  }
  return records;
}

std::vector<LogBatchRow> make_log_batches(std::span<const tlog::Record> batch) {
  std::vector<LogBatchRow> rows;
  while (!batch.empty()) {
    std::size_t count = 0, bytes = 0;
    while (count < batch.size() && bytes < kRowBytes) {
      const tlog::Record& record = batch[count++];
      bytes += 8 + record.entry.size() + record.preimage.size() + record.id.size();
    }
    tlog::SegmentSeed seed{};
    crypto::system_random().fill(seed);
    const std::uint64_t first = batch.front().index;
    Bytes segment = tlog::format_segment_header(first, seed);
    append(segment, tlog::format_batch(segment, segment.size(), batch.first(count)));
    rows.push_back({first, first + count, std::move(segment)});
    batch = batch.subspan(count);
  }
  return rows;
}

}  // namespace avouch::adapters
