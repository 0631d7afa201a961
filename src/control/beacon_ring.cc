#include "control/beacon_ring.h"

#include <algorithm>
#include <utility>

namespace avouch::control {
namespace {

constexpr std::chrono::hours kLongest{24};

}  // namespace

void BeaconRing::add(Beacon beacon) {
  const std::lock_guard lock(mutex_);
  if (!beacons_.empty() && beacon.size <= beacons_.back().size) return;
  const SteadyTime oldest = beacon.published - kLongest;
  while (!beacons_.empty() && (beacons_.front().published < oldest ||
                               beacons_.size() >= attest::BeaconWindow::kMaxBeacons)) {
    beacons_.pop_front();
  }
  beacons_.push_back(std::move(beacon));
}

attest::BeaconWindow BeaconRing::window_for(const attest::BeaconReference& reference,
                                            SystemTime now, SteadyTime steady_now) const {
  attest::BeaconWindow window;
  const std::lock_guard lock(mutex_);
  if (const Beacon* beacon = find_locked(reference)) {
    window.add({.origin = beacon->origin,
                .size = beacon->size,
                .note_text = beacon->note_text,
                .published_at = now - (steady_now - beacon->published)});
  }
  return window;
}

std::string BeaconRing::note_text(const attest::BeaconReference& reference) const {
  const std::lock_guard lock(mutex_);
  const Beacon* beacon = find_locked(reference);
  return beacon == nullptr ? std::string() : beacon->note_text;
}

std::size_t BeaconRing::count() const {
  const std::lock_guard lock(mutex_);
  return beacons_.size();
}

const Beacon* BeaconRing::find_locked(const attest::BeaconReference& reference) const {
  const auto found = std::lower_bound(
      beacons_.begin(), beacons_.end(), reference.size,
      [](const Beacon& beacon, std::uint64_t wanted) { return beacon.size < wanted; });
  if (found == beacons_.end() || found->size != reference.size ||
      found->origin != reference.origin) {
    return nullptr;
  }
  return &*found;
}

}  // namespace avouch::control
