#pragma once

// The beacon: freshness without state (docs/interfaces.md, "The beacon and the challenge").

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "attest/evidence.h"
#include "attest/reason.h"
#include "base/clock.h"
#include "crypto/hash.h"

namespace avouch::attest {

// `note_text` is the checkpoint's text, up to and with the newline before the blank line.
crypto::Sha256 challenge(std::string_view note_text, std::string_view node_uid);
crypto::Sha256 qualifying(const crypto::Sha256& challenge);  // extraData; batchRoot of zeros

struct PublishedBeacon {
  std::string origin;
  std::uint64_t size = 0;
  std::string note_text;
  SystemTime published_at{};
};

// The beacons that this controller published. One owner; copies are snapshots.
class BeaconWindow {
 public:
  // Beacons older than `retention` are forgotten; at most `kMaxBeacons` are kept.
  explicit BeaconWindow(std::chrono::milliseconds retention = std::chrono::hours{24});

  // Of two of one size the first stays.
  void add(PublishedBeacon beacon);

  // BeaconUnknown: of another log, or never published here. BeaconExpired: published more than
  // `max_age` before `now`, or after `now` (a clock that was set back proves nothing). An age of
  // exactly `max_age` is in time.
  Checked<PublishedBeacon> find(const BeaconReference& reference, std::chrono::milliseconds max_age,
                                SystemTime now) const;

  std::size_t size() const { return by_size_.size(); }

  static constexpr std::size_t kMaxBeacons = 90'000;  // a day of one a second

 private:
  std::chrono::milliseconds retention_;
  std::map<std::uint64_t, PublishedBeacon> by_size_;
};

}  // namespace avouch::attest
