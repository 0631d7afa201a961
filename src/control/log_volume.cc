#include "control/log_volume.h"

#include <algorithm>

namespace avouch::control {
namespace {

constexpr std::uint64_t kMostReserveFiles = 65'536;

std::uint64_t share_of(std::uint64_t reserve, unsigned quarters) {
  return reserve - reserve / 4 * (4 - quarters);
}

}  // namespace

std::uint64_t LogVolume::reserve_of(const VolumeSpace& space) const {
  // The size is divided first: it may be near the type's limit.
  return std::min(reserve_.bytes, space.size / 100 * reserve_.percent);
}

std::uint64_t LogVolume::reserve_of_files(const VolumeSpace& space) const {
  if (reserve_.bytes == 0) return 0;
  return std::min(kMostReserveFiles, space.files / 100 * reserve_.percent);
}

bool LogVolume::leaves(unsigned quarters, std::uint64_t more) const {
  const auto now = space_();
  if (!now.has_value()) return true;
  if (lacks_files(*now)) return false;
  if (now->files > 0 && now->files_available < share_of(reserve_of_files(*now), quarters)) {
    return false;
  }
  return now->available >= more && now->available - more >= share_of(reserve_of(*now), quarters);
}

bool LogVolume::takes_denials() const { return leaves(4, 0); }
bool LogVolume::takes_allows() const { return leaves(3, 0); }
bool LogVolume::takes_records(std::uint64_t more) const { return leaves(3, more); }
bool LogVolume::takes_evidence(std::uint64_t more) const { return leaves(1, more); }

bool lacks_files(const VolumeSpace& space) { return space.files > 0 && space.files_available == 0; }

std::string describe(const VolumeSpace& space) {
  std::string out =
      std::to_string(space.available) + " of " + std::to_string(space.size) + " bytes";
  if (space.files > 0) {
    out += " and " + std::to_string(space.files_available) + " of " + std::to_string(space.files) +
           " files (inodes)";
  }
  return out + " are left";
}

}  // namespace avouch::control
