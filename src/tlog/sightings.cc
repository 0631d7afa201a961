#include "tlog/sightings.h"

#include <algorithm>
#include <utility>

#include "tlog/retention.h"
#include "tlog/tile.h"

namespace avouch::tlog {
namespace {

// Clocks of witnesses, log and monitor may differ by so much.
constexpr std::chrono::minutes kClocksDiffer{5};

// How many entries have to be pruned before the tree of `size` cannot be told any more: to the end
// of the lowest tile that is not full in it.
std::uint64_t denied_end(std::uint64_t size) {
  for (unsigned level = 0; level + 1 < 64 / kTileHeight; ++level) {
    const std::uint64_t hashes = hashes_at(size, level);
    if (hashes % kTileWidth != 0) return (hashes / kTileWidth + 1) << kTileHeight * (level + 1);
  }
  return size;
}

bool reaches(const Follower& follower, std::uint64_t size) {
  return follower.position() && follower.position()->size() >= size;
}

Finding fork_between(const std::string& first, const VerifiedCheckpoint& one,
                     const std::string& second, const VerifiedCheckpoint& other) {
  return {FindingKind::kForked,
          first + " and " + second + " were shown different trees of " +
              std::to_string(one.size()) + " entries, and the log signed both",
          Misbehaviour{one.note(), other.note(), std::nullopt, {}}};
}

}  // namespace

void Sightings::compare(const std::string& by, const VerifiedCheckpoint& seen,
                        const Follower& follower, TileReader& reader, SystemTime now,
                        const std::optional<SystemTime>& known, Compared& out) {
  const auto last = compared_.find(by);
  if (last != compared_.end() && last->second.size == seen.size() &&
      last->second.root == seen.root()) {
    return;
  }
  auto finding = follower.compare(seen.note(), reader);
  const bool is_denied = !finding.has_value() && finding.error().kind == ErrorKind::kRejected;
  if (!finding.has_value() && !is_denied) {
    out.failed = finding.error();
    return;
  }
  if (!is_denied && *finding) {
    out.findings.push_back(**std::move(finding));
    return;
  }
  compared_.insert_or_assign(by, seen.checkpoint());
  if (!is_denied) return;
  const SystemTime then = now - RetentionPolicy::kLeast + kClocksDiffer;
  if ((known && *known <= then) || followed_.had(denied_end(seen.size()), then)) {
    out.too_old = finding.error().message;
    return;
  }
  out.untold = seen.note();
  out.findings.push_back(
      {FindingKind::kHeldBack,
       by + " was shown a checkpoint of " + std::to_string(seen.size()) +
           " entries that is less than 24 hours old for all that is known here: " +
           finding.error().message,
       std::nullopt});
}

void Sightings::still_reading(SystemTime now) {
  for (auto& [by, ahead] : ahead_) ahead.from = std::max(ahead.from, now);
}

Sightings::Compared Sightings::take(const std::string& by, const std::optional<std::string>& note,
                                    const Follower& follower, TileReader& reader, SystemTime now,
                                    const std::optional<SystemTime>& cosigned) {
  using std::chrono::duration_cast;
  using std::chrono::seconds;
  Compared out;
  if (const auto ahead = ahead_.find(by); ahead != ahead_.end()) {
    if (reaches(follower, ahead->second.seen.size())) {
      const Ahead met = ahead->second;
      compare(by, met.seen, follower, reader, now, met.since, out);
      if (!out.failed) ahead_.erase(by);
    } else if (shown_within_.count() > 0 && now - ahead->second.from > shown_within_) {
      const auto since = duration_cast<seconds>(now - ahead->second.since);
      out.findings.push_back({FindingKind::kHeldBack,
                              by + " was shown " + std::to_string(ahead->second.seen.size()) +
                                  " entries " + std::to_string(since.count()) +
                                  " s ago, and here they cannot be followed yet, "
                                  "expected within " +
                                  std::to_string(shown_within_.count()) + " s",
                              std::nullopt});
    }
  }
  if (!note) return out;
  const auto seen = follower.verify(*note);
  if (!seen.has_value()) {
    out.findings.push_back({FindingKind::kBadCheckpoint, seen.error().message, std::nullopt});
    return out;
  }
  for (const auto& [other, ahead] : ahead_) {
    if (ahead.seen.size() == seen->size() && ahead.seen.root() != seen->root()) {
      out.findings.push_back(fork_between(other, ahead.seen, by, *seen));
    }
  }
  if (!reaches(follower, seen->size())) {
    ahead_.try_emplace(by, Ahead{*seen, now, now});
  } else if (!out.failed && !out.untold) {
    compare(by, *seen, follower, reader, now, cosigned, out);
  }
  return out;
}

}  // namespace avouch::tlog
