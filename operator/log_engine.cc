#include "operator/log_engine.h"

#include <optional>
#include <string>
#include <system_error>

#include "adapters/files.h"
#include "adapters/log_files.h"
#include "adapters/log_postgres.h"

namespace avouch::controller {
namespace {

constexpr std::size_t kMaxConnectionFile = 16 * 1024;
// As many as read the log for requests at once (leader_serve.cc), for callers that are known and
// for those that are not.
constexpr std::size_t kReaders = 8;

// A secret: no message shows any of it.
Result<std::string> read_connection(const std::string& file) {
  constexpr std::string_view kExpected =
      "; expected a file with the connection string of the log's database, as libpq takes it "
      "(log.connectionFile)";
  const auto refuse = [&](std::string_view what) {
    return rejected("log: " + file + ": " + std::string(what) + std::string(kExpected));
  };
  std::error_code failure;
  const std::filesystem::file_status status = std::filesystem::status(file, failure);
  if (status.type() == std::filesystem::file_type::not_found) return refuse("there is none");
  if (failure) return retryable("log: " + file + ": " + failure.message());
  // Reading a pipe would wait for whoever writes.
  if (status.type() != std::filesystem::file_type::regular) return refuse("is no regular file");
  AVOUCH_TRY(const std::optional<Bytes> bytes, adapters::read_file(file, kMaxConnectionFile));
  if (!bytes) return refuse("there is none");
  std::string text(as_text(*bytes));
  text.erase(text.find_last_not_of(" \r\n") + 1);
  if (text.empty()) return refuse("is empty");
  return text;
}

}  // namespace

Result<std::unique_ptr<tlog::Store>> open_log_store(const config::ControllerConfig::Log& log,
                                                    const std::filesystem::path& data_dir) {
  if (!is_in_database(log)) return adapters::open_log_files({.directory = data_dir / "log"});
  AVOUCH_TRY(std::string connection, read_connection(log.connection_file));
  auto opened = adapters::open_log_postgres(
      {.database = {.connection = std::move(connection)}, .readers = kReaders});
  if (!opened.has_value() && opened.error().kind == ErrorKind::kRejected) {
    return with_context(opened.error(), log.connection_file);
  }
  return opened;
}

}  // namespace avouch::controller
