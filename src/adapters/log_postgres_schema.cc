#include "adapters/log_postgres_schema.h"

#include <array>
#include <span>
#include <string>

namespace avouch::adapters {
namespace {

// Lane 1 is held by a transaction that commits entries, lane 2 by one that puts or publishes.
constexpr std::array kVersion1 = {
    "CREATE TABLE IF NOT EXISTS avouch_log_schema (version BIGINT PRIMARY KEY)",
    "CREATE TABLE IF NOT EXISTS avouch_log_writer (lane BIGINT PRIMARY KEY, epoch BIGINT NOT NULL, "
    "holder TEXT NOT NULL, closed BIGINT NOT NULL, next_index BIGINT NOT NULL)",
    "CREATE TABLE IF NOT EXISTS avouch_log_batch (first_index BIGINT PRIMARY KEY, "
    "next_index BIGINT NOT NULL, epoch BIGINT NOT NULL, segment BYTEA NOT NULL)",
    "CREATE TABLE IF NOT EXISTS avouch_log_object (kind BIGINT NOT NULL, level BIGINT NOT NULL, "
    "tile_index BIGINT NOT NULL, width BIGINT NOT NULL, bytes BYTEA NOT NULL, "
    "digest BYTEA NOT NULL, PRIMARY KEY (kind, level, tile_index, width))",
    "CREATE TABLE IF NOT EXISTS avouch_log_checkpoint (id BIGINT PRIMARY KEY, "
    "size BIGINT NOT NULL, note BYTEA NOT NULL, digest BYTEA NOT NULL)",
    "INSERT INTO avouch_log_writer (lane, epoch, holder, closed, next_index) "
    "VALUES (1, 0, '', 1, 0), (2, 0, '', 1, 0) ON CONFLICT (lane) DO NOTHING",
    "INSERT INTO avouch_log_schema (version) VALUES (1) ON CONFLICT (version) DO NOTHING",
};

constexpr std::array<std::span<const char* const>, kLogSchemaVersion> kMigrations = {kVersion1};

}  // namespace

Result<std::uint64_t> log_schema_version(PostgresSession& session) {
  AVOUCH_TRY(const PostgresRows tables,
             session.run("SELECT count(*) FROM information_schema.tables WHERE table_schema = "
                         "current_schema() AND table_name = 'avouch_log_schema'"));
  AVOUCH_TRY(const std::uint64_t count, tables.number(0, 0));
  if (count == 0) return std::uint64_t{0};
  AVOUCH_TRY(const PostgresRows versions,
             session.run("SELECT COALESCE(max(version), 0) FROM avouch_log_schema"));
  AVOUCH_TRY(const std::uint64_t version, versions.number(0, 0));
  if (version > kLogSchemaVersion) {
    return rejected("log: the database's tables have version " + std::to_string(version) +
                    ", this program knows up to " + std::to_string(kLogSchemaVersion) +
                    ": it is older than the one that wrote them. Use that one");
  }
  return version;
}

Result<std::vector<std::string>> log_schema_suffixes(PostgresSession& session) {
  constexpr std::size_t kMostSchemas = 1000, kLongestName = 256;
  AVOUCH_TRY(const PostgresRows own, session.run("SELECT CAST(current_schema() AS TEXT)"));
  if (own.size() != 1 || own.is_null(0, 0)) {
    return rejected(
        "log: the connection has no schema to be in: name one that is there in its "
        "search_path");
  }
  AVOUCH_TRY(const std::string base, own.text(0, 0, kLongestName));
  AVOUCH_TRY(const PostgresRows rows,
             session.run("SELECT CAST(table_schema AS TEXT) FROM information_schema.tables WHERE "
                         "table_name = 'avouch_log_schema' AND left(CAST(table_schema AS TEXT), "
                         "char_length(current_schema())) = current_schema() LIMIT 1001"));
  if (rows.size() > kMostSchemas) return fatal("log: the database has more than 1000 logs");
  std::vector<std::string> out;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    AVOUCH_TRY(const std::string name, rows.text(i, 0, kLongestName));
    out.push_back(name.substr(base.size()));
  }
  return out;
}

Result<void> make_log_schema(PostgresSession& session, const std::string& suffix) {
  const std::array<SqlValue, 1> values{std::string_view(suffix)};
  AVOUCH_TRY(const PostgresRows found,
             session.run("SELECT count(*) FROM information_schema.schemata WHERE schema_name = "
                         "current_schema() || $1",
                         values));
  AVOUCH_TRY(const std::uint64_t count, found.number(0, 0));
  if (count > 0) return {};
  AVOUCH_TRY(const PostgresRows named,
             session.run("SELECT quote_ident(current_schema() || $1)", values));
  AVOUCH_TRY(const std::string name, named.text(0, 0, 1024));
  AVOUCH_CHECK(session.run(("CREATE SCHEMA IF NOT EXISTS " + name).c_str()));
  return {};
}

namespace {

Result<void> migrate_to_next(PostgresSession& session, std::uint64_t version, bool& raced) {
  AVOUCH_CHECK(session.begin());
  for (const char* statement : kMigrations.at(version)) {
    const auto done = session.run(statement);
    if (!done.has_value()) {
      raced = session.has_raced();
      session.rollback();
      return raced ? retryable("log: another connection makes the database's tables: " +
                               done.error().message)
                   : done.error();
    }
  }
  AVOUCH_TRY(const PostgresSession::Outcome outcome, session.commit());
  if (outcome == PostgresSession::Outcome::kUnknown) {
    return retryable("log: the connection was lost while the database's tables were made");
  }
  return {};
}

}  // namespace

Result<void> migrate_log_schema(PostgresSession& session) {
  AVOUCH_TRY(std::uint64_t version, log_schema_version(session));
  // One whose connection was lost may still be at it, and be done by the second time.
  for (bool again = true; version < kLogSchemaVersion;) {
    bool raced = false;
    const auto done = migrate_to_next(session, version, raced);
    if (done.has_value()) {
      ++version;
      continue;
    }
    if (!again || !raced) return done.error();
    again = false;
    AVOUCH_TRY(version, log_schema_version(session));
  }
  return {};
}

}  // namespace avouch::adapters
