#pragma once

// The log's `postgres` engine: a schema in a PostgreSQL-compatible database (src/tlog/FORMAT.md,
// docs/log-postgres.md).
//
// One writer at a time: opening takes the next epoch, and every commit(), put() and publish() holds
// the writer's row and finds its own epoch in it, in the transaction that writes. So a writer that
// was paused or cut off, and then replaced, changes nothing any more: kFatal.
//
// A connection that is lost is kRetryable, and made anew by the next call. Where it is lost while a
// commit() is under way, a new one asks under the same lock whether the batch is in; kFatal only
// where that cannot be found out within some seconds.
//
// Rows are checked when they are read: types, sizes, gaps, digests. What does not hold is kFatal
// and named. A digest tells damage from what was written; whoever may write to the database can
// make one, but not what the signed checkpoint says (fsck, and every proof).

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "adapters/postgres_session.h"
#include "base/result.h"
#include "tlog/store.h"

namespace avouch::adapters {

struct LogPostgresOptions {
  PostgresOptions database;
  std::size_t readers = 4;  // connections that fetch() uses at most; two more write
  // Whether to take over from a writer that has not closed the log. Without it such a log is
  // kRetryable: a writer is at work, or ended without closing.
  bool take_over = true;
};

// Makes the tables where they are missing, and the schema where its name has a suffix. kRejected: a
// connection string that cannot be read, a newer schema, a server that does not keep what it
// acknowledged (fsync off). kRetryable: no connection, or another transaction holds the writer's
// rows.
Result<std::unique_ptr<tlog::Store>> open_log_postgres(const LogPostgresOptions& options);

// Reads a log without writing anything: for a reader in another process, and for fsck. kRejected
// where there is no log.
Result<std::unique_ptr<tlog::TileReader>> open_log_postgres_reader(const PostgresOptions& options);

// The suffixes of the schemas that have a log (PostgresOptions::schema_suffix), "" for the
// connection's own. Writes nothing. Errors as of open_log_postgres().
Result<std::vector<std::string>> log_postgres_schemas(const PostgresOptions& options);

// The checkpoint of the log that is there, as it is stored; nothing where there are no tables, or
// none was ever published. Writes nothing. Errors as of open_log_postgres().
Result<std::optional<std::string>> log_postgres_checkpoint(const PostgresOptions& options);

}  // namespace avouch::adapters
