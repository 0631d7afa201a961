#include "attest/beacon.h"

#include "attest/counted.h"
#include "base/bytes.h"
#include "base/time_text.h"

namespace avouch::attest {
crypto::Sha256 challenge(std::string_view note_text, std::string_view node_uid) {
  Bytes input = to_bytes("avouch/challenge/v1\n");
  append_counted(input, note_text);
  append_counted(input, node_uid);
  return crypto::sha256(input);
}

crypto::Sha256 qualifying(const crypto::Sha256& challenge) {
  constexpr crypto::Sha256 kNoBatch{};
  Bytes input = to_bytes("avouch/qualifying/v1\n");
  append(input, challenge);
  append(input, kNoBatch);
  return crypto::sha256(input);
}

BeaconWindow::BeaconWindow(std::chrono::milliseconds retention) : retention_(retention) {}

void BeaconWindow::add(PublishedBeacon beacon) {
  const SystemTime newest = beacon.published_at;
  by_size_.emplace(beacon.size, std::move(beacon));
  while (by_size_.size() > kMaxBeacons ||
         (!by_size_.empty() && by_size_.begin()->second.published_at + retention_ < newest)) {
    by_size_.erase(by_size_.begin());
  }
}

Checked<PublishedBeacon> BeaconWindow::find(const BeaconReference& reference,
                                            std::chrono::milliseconds max_age,
                                            SystemTime now) const {
  const std::string which =
      "beacon of size " + std::to_string(reference.size) + " of log \"" + reference.origin + "\"";
  const auto found = by_size_.find(reference.size);
  if (found == by_size_.end() || found->second.origin != reference.origin) {
    return refuse(code::kBeaconUnknown,
                  which +
                      " was not published by this controller since it started: quote again for "
                      "the newest beacon");
  }
  const PublishedBeacon& beacon = found->second;
  if (beacon.published_at > now) {
    return refuse(code::kBeaconExpired, which + " was published at " +
                                            to_rfc3339(beacon.published_at) +
                                            ", after the present time: this controller's clock was "
                                            "set back; quote again for the newest beacon");
  }
  if (now - beacon.published_at > max_age) {
    return refuse(code::kBeaconExpired,
                  which + " was published at " + to_rfc3339(beacon.published_at) +
                      ", more than the shortest maxAge of " + to_duration(max_age) +
                      " ago: quote again for the newest beacon");
  }
  return beacon;
}

}  // namespace avouch::attest
