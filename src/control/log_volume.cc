#include "control/log_volume.h"

#include <algorithm>

namespace avouch::control {

std::uint64_t LogVolume::reserve_of(const VolumeSpace& space) const {
  // The size is divided first: it may be near the type's limit.
  return std::min(reserve_.bytes, space.size / 100 * reserve_.percent);
}

bool LogVolume::takes_denials() const {
  const auto now = space_();
  return !now.has_value() || now->available >= reserve_of(*now);
}

bool LogVolume::takes_evidence(std::uint64_t more) const {
  const auto now = space_();
  if (!now.has_value()) return true;
  return now->available >= more && now->available - more >= reserve_of(*now) / 2;
}

std::string describe(const VolumeSpace& space) {
  return std::to_string(space.available) + " of " + std::to_string(space.size) + " bytes are left";
}

}  // namespace avouch::control
