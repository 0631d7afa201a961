#pragma once

// The beacons that this process has published, by which it tells a fresh quote from an old one.

#include <chrono>
#include <cstdint>
#include <deque>
#include <mutex>
#include <string>

#include "attest/beacon.h"
#include "base/clock.h"

namespace avouch::control {

struct Beacon {
  std::string origin;
  std::uint64_t size = 0;
  std::string note_text;  // the signed text of the checkpoint, all that a challenge is made of
  SteadyTime published{};
};

// Thread-safe. Remembers beacons for a day, and at most attest::BeaconWindow::kMaxBeacons.
class BeaconRing {
 public:
  // Sizes must grow; a beacon whose size does not is ignored.
  void add(Beacon beacon);

  // What verify_quote needs to know about one quote's beacon: a window that holds it if it is
  // known, else an empty one. Ages are counted by the steady clock, so that a step of the wall
  // clock makes no old beacon young; the published_at inside is `now` less that age.
  attest::BeaconWindow window_for(const attest::BeaconReference& reference, SystemTime now,
                                  SteadyTime steady_now) const;

  // The note text of a beacon that is still known; empty otherwise.
  std::string note_text(const attest::BeaconReference& reference) const;

  std::size_t count() const;

 private:
  const Beacon* find_locked(const attest::BeaconReference& reference) const;

  mutable std::mutex mutex_;
  std::deque<Beacon> beacons_;  // by size
};

}  // namespace avouch::control
