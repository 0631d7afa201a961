#include "operator/log_engine.h"

#include <optional>
#include <string>

#include "adapters/files.h"
#include "adapters/log_files.h"
#include "adapters/log_postgres.h"

namespace avouch::controller {
namespace {

constexpr std::size_t kMaxConnectionFile = 16 * 1024;

Result<std::string> read_connection(const std::string& file) {
  AVOUCH_TRY(const std::optional<Bytes> bytes, adapters::read_file(file, kMaxConnectionFile));
  std::string text(bytes ? as_text(*bytes) : std::string_view());
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
  if (text.empty()) {
    return rejected("log: " + file + ": expected the connection string of the log's database");
  }
  return text;
}

}  // namespace

Result<std::unique_ptr<tlog::Store>> open_log_store(const config::ControllerConfig::Log& log,
                                                    const std::filesystem::path& data_dir) {
  if (log.engine == config::ControllerConfig::Log::Engine::kFiles) {
    return adapters::open_log_files({.directory = data_dir / "log"});
  }
  AVOUCH_TRY(std::string connection, read_connection(log.connection_file));
  return adapters::open_log_postgres({.database = {.connection = std::move(connection)}});
}

}  // namespace avouch::controller
