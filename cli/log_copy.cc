#include "cli/log_copy.h"

#include <iostream>
#include <memory>
#include <span>

#include "adapters/log_files.h"
#include "adapters/log_postgres.h"
#include "cli/files.h"
#include "cli/session.h"
#include "codec/json.h"
#include "inspect/proof.h"
#include "tlog/copy.h"

namespace avouch::cli {
namespace {

constexpr std::string_view kFiles = "files:", kPostgres = "postgres:";

// Where a log must be already, nothing is made.
Result<std::unique_ptr<tlog::Store>> open_place(const std::string& place, bool is_source,
                                                bool take_over) {
  if (place.starts_with(kFiles)) {
    const std::string directory = place.substr(kFiles.size());
    if (is_source) AVOUCH_CHECK(adapters::open_log_directory(directory));
    return adapters::open_log_files({.directory = directory});
  }
  AVOUCH_TRY(const adapters::PostgresOptions database,
             read_connection(place.substr(kPostgres.size())));
  if (is_source) AVOUCH_CHECK(adapters::open_log_postgres_reader(database));
  return adapters::open_log_postgres({.database = database, .take_over = take_over});
}

void print_copied(const tlog::CopyReport& report, const std::string& origin, Format format) {
  if (format == Format::kJson) {
    codec::Json out;
    out["origin"] = origin;
    out["entries"] = static_cast<std::int64_t>(report.entries);
    out["had"] = static_cast<std::int64_t>(report.had);
    out["objects"] = static_cast<std::int64_t>(report.objects);
    out["bytes"] = static_cast<std::int64_t>(report.bytes);
    out["left"] = static_cast<std::int64_t>(report.left);
    out["lost"] = static_cast<std::int64_t>(report.lost);
    std::cout << codec::to_json_pretty(out) << '\n';
    return;
  }
  std::cout << "log " << inspect::printable(origin) << ": " << report.entries << " entries in "
            << report.objects << " objects, " << report.bytes << " bytes";
  if (report.had > 0) std::cout << " (" << report.had << " entries were there)";
  std::cout << "\nwhole on both sides: everything is what the checkpoint's signer committed to\n";
  if (report.left > 0) {
    std::cout << "left behind: " << report.left
              << " entries that the source has committed and never published\n";
  }
  if (report.lost > 0) {
    std::cout << "but for the content of " << report.lost
              << " entries, which is never pruned and which the source has lost (log fsck)\n";
  }
}

}  // namespace

Result<adapters::PostgresOptions> read_connection(const std::string& file) {
  AVOUCH_TRY(std::string text, read_user_file(file));
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r' || text.back() == ' ')) {
    text.pop_back();
  }
  if (text.empty()) return rejected(file + ": is empty, expected libpq's connection string");
  return adapters::PostgresOptions{.connection = std::move(text)};
}

std::string log_place_problem(const std::string& place) {
  for (const std::string_view engine : {kFiles, kPostgres}) {
    if (place.starts_with(engine) && place.size() > engine.size()) return "";
  }
  return "expected files:DIRECTORY, or postgres:FILE with a file that holds the connection string";
}

Result<Exit> log_copy(const LogCopyOptions& options, const Common& common,
                      const Context::Progress& progress) {
  AVOUCH_TRY(const NamedLog log, named_log(common));
  progress("opening " + options.from);
  auto from = open_place(options.from, true, options.take_over);
  if (!from.has_value()) return with_context(std::move(from).error(), "--from");
  progress("opening " + options.to);
  auto to = open_place(options.to, false, options.take_over);
  if (!to.has_value()) return with_context(std::move(to).error(), "--to");
  tlog::CopyOptions how;
  how.published_only = options.published_only;
  how.progress = [&](std::string_view what, std::uint64_t entries) {
    progress(std::string(what) + ": " + std::to_string(entries) + " entries");
  };
  AVOUCH_TRY(const tlog::CopyReport report,
             tlog::copy_log(**from, **to, log.keys, log.origin, how));
  print_copied(report, log.origin, common.format);
  return Exit::kGood;
}

}  // namespace avouch::cli
