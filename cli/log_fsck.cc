#include "cli/log_fsck.h"

#include <functional>
#include <iostream>
#include <span>
#include <utility>

#include "adapters/log_files.h"
#include "adapters/log_postgres.h"
#include "cli/log_copy.h"
#include "cli/session.h"
#include "inspect/proof.h"
#include "tlog/client.h"
#include "tlog/fsck.h"

namespace avouch::cli {
namespace {

using codec::Json;
using inspect::printable;

Json to_json(const std::string& origin, std::uint64_t size, const tlog::FsckReport& report) {
  const auto number = [](std::uint64_t value) { return static_cast<std::int64_t>(value); };
  Json::Array damages;
  for (const tlog::Damage& damage : report.damages) {
    damages.push_back(Json::Object{{"path", damage.path}, {"what", damage.what}});
  }
  Json out;
  out["origin"] = origin;
  out["size"] = number(size);
  out["whole"] = report.is_whole();
  out["entries"] = number(report.entries);
  out["tiles"] = number(report.tiles);
  out["bytes"] = number(report.bytes);
  out["preimages"] = number(report.preimages);
  out["erased"] = number(report.erased);
  out["pruned"] = number(report.pruned);
  out["lost"] = number(report.lost);
  out["minimumIndex"] = number(report.minimum_index);
  out["damageCount"] = number(report.damage_count);
  out["damages"] = std::move(damages);
  return out;
}

void print_checked(const std::string& origin, std::uint64_t size, const tlog::FsckReport& report) {
  std::cout << "log " << printable(origin) << ", checkpoint of " << size << " entries\nread "
            << report.entries << " entries, " << report.tiles << " tiles, " << report.preimages
            << " preimages (" << report.erased << " erased, " << report.pruned
            << " pruned): " << report.bytes << " bytes\n";
  if (report.minimum_index > 0) {
    std::cout << "entries below " << report.minimum_index
              << " are not served any more, as an entry of the log says\n";
  }
  for (const tlog::Damage& damage : report.damages) {
    std::cout << "DAMAGED " << printable(damage.path) << ": " << printable(damage.what) << '\n';
  }
  if (report.damage_count > report.damages.size()) {
    std::cout << "and " << report.damage_count - report.damages.size() << " more\n";
  }
  std::cout << (report.is_whole()
                    ? "whole: everything read is what the checkpoint's signer committed to\n"
                    : "NOT whole: compare with another copy (docs/operations.md)\n");
}

// The origin and key to check by, whoever serves the log. `was_refused` tells whether that was
// because the reader may not read it, which says nothing of the log.
Result<Exit> check(tlog::TileReader& reader, std::span<const tlog::NoteVerifier> keys,
                   const std::string& origin, bool preimages, Format format,
                   const Context::Progress& progress, const std::function<bool()>& was_refused) {
  const auto checkpoint = tlog::fetch_checkpoint(reader, keys, origin);
  if (!checkpoint.has_value()) {
    if (checkpoint.error().kind != ErrorKind::kRejected || was_refused()) {
      return checkpoint.error();
    }
    return show_proof(inspect::fails("checkpoint is signed by the log", checkpoint.error().message),
                      format);
  }
  tlog::FsckOptions options;
  options.preimages = preimages;
  options.served = !preimages;
  options.checked = [&](std::uint64_t entries) {
    progress("checked " + std::to_string(entries) + " of " + std::to_string(checkpoint->size()) +
             " entries");
  };
  AVOUCH_TRY(const tlog::FsckReport report, tlog::check_log(reader, *checkpoint, options));
  if (was_refused()) return rejected("the right to read the log was taken away meanwhile");
  if (format == Format::kJson) {
    std::cout << codec::to_json_pretty(to_json(origin, checkpoint->size(), report)) << '\n';
  } else {
    print_checked(origin, checkpoint->size(), report);
  }
  return report.is_whole() ? Exit::kGood : Exit::kDoesNotHold;
}

}  // namespace

Result<Exit> log_fsck(const Context& context) {
  AVOUCH_TRY(Session session, Session::open(context));
  return check(session.log, session.trust.log_keys, session.trust.origin, false,
               context.common.format, context.progress,
               [&session] { return session.log.was_refused(); });
}

Result<Exit> log_fsck_directory(const std::string& directory, const Common& common,
                                const Context::Progress& progress) {
  AVOUCH_TRY(const NamedLog log, named_log(common));
  AVOUCH_TRY(const auto reader, adapters::open_log_directory(directory));
  auto done =
      check(*reader, log.keys, log.origin, true, common.format, progress, [] { return false; });
  // Files of this machine: nobody who might answer later.
  if (!done.has_value()) return rejected(done.error().message);
  return done;
}

Result<Exit> log_fsck_database(const std::string& file, const Common& common,
                               const Context::Progress& progress) {
  AVOUCH_TRY(const NamedLog log, named_log(common));
  AVOUCH_TRY(const adapters::PostgresOptions database, read_connection(file));
  AVOUCH_TRY(const auto reader, adapters::open_log_postgres_reader(database));
  return check(*reader, log.keys, log.origin, true, common.format, progress, [] { return false; });
}

}  // namespace avouch::cli
