#include "control/log_problem.h"

#include <cstdint>

namespace avouch::control {
namespace {

constexpr std::uint64_t kLeastSpace = 64UL * 1024;  // of the log's volume: less is none

}  // namespace

std::optional<std::string> log_problem(const LogVolume& volume, const tlog::LogStatus* status,
                                       bool in_database) {
  constexpr const char* kTakesNone = "the log takes no entries: ";
  const auto space = volume.space();
  const bool has_no_file = space.has_value() && lacks_files(*space);
  const bool is_full = space.has_value() && (space->available < kLeastSpace || has_no_file);
  std::optional<std::string> trouble;
  if (is_full) trouble = "its volume is full";
  if (has_no_file) trouble = "its volume has no inode left for another file";
  if (status != nullptr) {
    if (status->publish_trouble) trouble = *status->publish_trouble;
    if (status->commit_trouble) trouble = *status->commit_trouble;
  }
  if (!trouble) return std::nullopt;
  if (in_database && !is_full) {
    return kTakesNone + *trouble + ". It goes on by itself once the database takes them";
  }
  return kTakesNone + *trouble + "; on its volume " +
         (space.has_value() ? describe(*space) : space.error().message) +
         ". Make the volume larger";
}

}  // namespace avouch::control
