#include "control/log_volume.h"

#include <algorithm>

namespace avouch::control {

std::uint64_t LogVolume::reserve_of(const VolumeSpace& space) const {
  // The size is divided first: it may be near the type's limit.
  return std::min(reserve_.bytes, space.size / 100 * reserve_.percent);
}

bool LogVolume::leaves(unsigned quarters, std::uint64_t more) const {
  const auto now = space_();
  if (!now.has_value()) return true;
  const std::uint64_t reserve = reserve_of(*now);
  return now->available >= more && now->available - more >= reserve - reserve / 4 * (4 - quarters);
}

bool LogVolume::takes_denials() const { return leaves(4, 0); }
bool LogVolume::takes_allows() const { return leaves(3, 0); }
bool LogVolume::takes_records(std::uint64_t more) const { return leaves(3, more); }
bool LogVolume::takes_evidence(std::uint64_t more) const { return leaves(1, more); }

std::string describe(const VolumeSpace& space) {
  return std::to_string(space.available) + " of " + std::to_string(space.size) + " bytes are left";
}

}  // namespace avouch::control
