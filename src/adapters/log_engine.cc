#include "adapters/log_engine.h"

#include <optional>
#include <string>
#include <system_error>
#include <utility>

#include "adapters/files.h"
#include "adapters/log_files.h"
#include "adapters/log_postgres.h"

namespace avouch::adapters {
namespace {

constexpr std::size_t kMaxConnectionFile = 16 * 1024;
// As many as read the log for requests at once (the controller's leader_serve.cc), for callers that
// are known and for those that are not.
constexpr std::size_t kReaders = 8;

// A secret: no message shows any of it.
Result<std::string> read_connection(const std::string& file) {
  constexpr std::string_view kExpected =
      "; expected a file with the connection string of the log's database, as libpq takes it "
      "(connectionFile)";
  const auto refuse = [&](std::string_view what) {
    return rejected("log: " + file + ": " + std::string(what) + std::string(kExpected));
  };
  std::error_code failure;
  const std::filesystem::file_status status = std::filesystem::status(file, failure);
  if (status.type() == std::filesystem::file_type::not_found) return refuse("there is none");
  if (failure) return retryable("log: " + file + ": " + failure.message());
  // Reading a pipe would wait for whoever writes.
  if (status.type() != std::filesystem::file_type::regular) return refuse("is no regular file");
  AVOUCH_TRY(const std::optional<Bytes> bytes, read_file(file, kMaxConnectionFile));
  if (!bytes) return refuse("there is none");
  std::string text(as_text(*bytes));
  text.erase(text.find_last_not_of(" \r\n") + 1);
  if (text.empty()) return refuse("is empty");
  return text;
}

Result<PostgresOptions> database_of(const config::LogEngine& engine, const std::string& suffix) {
  PostgresOptions out;
  AVOUCH_TRY(out.connection, read_connection(engine.connection_file));
  out.schema_suffix = suffix;
  return out;
}

// A connection string that is no use is named by its file.
template <typename T>
Result<T> of_file(Result<T> outcome, const std::string& connection_file) {
  if (outcome.has_value() || outcome.error().kind != ErrorKind::kRejected) return outcome;
  return with_context(std::move(outcome).error(), connection_file);
}

// `place` where there is such a file; nothing where there is none.
Result<std::optional<std::string>> place_of(const std::filesystem::path& file,
                                            const std::string& place) {
  std::error_code failure;
  const bool is_there = std::filesystem::exists(file, failure);
  if (failure) return retryable("log: " + file.string() + ": " + failure.message());
  return is_there ? std::optional(place) : std::nullopt;
}

}  // namespace

Result<std::unique_ptr<tlog::Store>> open_log_store(const config::LogEngine& engine,
                                                    const std::filesystem::path& directory,
                                                    const std::string& schema_suffix) {
  if (!engine.is_in_database()) return open_log_files({.directory = directory});
  AVOUCH_TRY(PostgresOptions database, database_of(engine, schema_suffix));
  return of_file(open_log_postgres({.database = std::move(database), .readers = kReaders}),
                 engine.connection_file);
}

Result<std::unique_ptr<tlog::TileReader>> open_log_reader(const config::LogEngine& engine,
                                                          const std::filesystem::path& directory,
                                                          const std::string& schema_suffix) {
  if (!engine.is_in_database()) return open_log_directory(directory);
  AVOUCH_TRY(const PostgresOptions database, database_of(engine, schema_suffix));
  return of_file(open_log_postgres_reader(database), engine.connection_file);
}

Result<std::vector<std::string>> log_schemas(const config::LogEngine& engine) {
  AVOUCH_TRY(const PostgresOptions database, database_of(engine, ""));
  return of_file(log_postgres_schemas(database), engine.connection_file);
}

Result<std::optional<std::string>> place_of_log(const config::LogEngine& engine,
                                                const std::filesystem::path& directory,
                                                const std::filesystem::path& head_file,
                                                const std::string& schema_suffix) {
  std::optional<std::string> place;
  if (engine.is_in_database()) {
    AVOUCH_TRY(const PostgresOptions database, database_of(engine, schema_suffix));
    AVOUCH_TRY(const std::optional<std::string> note,
               of_file(log_postgres_checkpoint(database), engine.connection_file));
    if (note) place = "in the database of " + engine.connection_file;
  } else {
    AVOUCH_TRY(place, place_of(directory / "public" / "checkpoint", "in " + directory.string()));
  }
  if (place) return place;
  return place_of(head_file, "that head file " + head_file.string() + " remembers");
}

}  // namespace avouch::adapters
