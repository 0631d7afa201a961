#pragma once

// The tables of the log's `postgres` engine (src/tlog/FORMAT.md), and how they come about: numbered
// migrations, each in a transaction of its own and harmless when repeated, since CockroachDB and
// YugabyteDB commit changes of the schema by themselves.

#include <cstdint>
#include <string>
#include <vector>

#include "adapters/postgres_session.h"
#include "base/result.h"

namespace avouch::adapters {

inline constexpr std::uint64_t kLogSchemaVersion = 1;

// The version of the tables in the connection's schema; 0 where there are none. kRejected if it is
// newer than this program knows.
Result<std::uint64_t> log_schema_version(PostgresSession& session);

// The suffixes (PostgresOptions::schema_suffix) of the schemas that have a log's tables, "" for the
// connection's own. kFatal where there are more than a thousand.
Result<std::vector<std::string>> log_schema_suffixes(PostgresSession& session);

// Makes the schema with that suffix where it is missing; `session` is on the one without.
Result<void> make_log_schema(PostgresSession& session, const std::string& suffix);

// Brings the tables to kLogSchemaVersion.
Result<void> migrate_log_schema(PostgresSession& session);

}  // namespace avouch::adapters
