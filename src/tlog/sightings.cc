#include "tlog/sightings.h"

#include <utility>

namespace avouch::tlog {
namespace {

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
                        const Follower& follower, TileReader& reader, Compared& out) {
  const auto last = compared_.find(by);
  if (last != compared_.end() && last->second.size == seen.size() &&
      last->second.root == seen.root()) {
    return;
  }
  auto finding = follower.compare(seen.note(), reader);
  if (!finding.has_value() && finding.error().kind == ErrorKind::kRejected) {
    out.too_old = finding.error().message;
    compared_.insert_or_assign(by, seen.checkpoint());
  } else if (!finding.has_value()) {
    out.failed = finding.error();
  } else if (*finding) {
    out.findings.push_back(**std::move(finding));
  } else {
    compared_.insert_or_assign(by, seen.checkpoint());
  }
}

Sightings::Compared Sightings::take(const std::string& by, const std::optional<std::string>& note,
                                    const Follower& follower, TileReader& reader, SystemTime now) {
  Compared out;
  if (const auto ahead = ahead_.find(by); ahead != ahead_.end()) {
    const auto since = std::chrono::duration_cast<std::chrono::seconds>(now - ahead->second.since);
    if (reaches(follower, ahead->second.seen.size())) {
      compare(by, ahead->second.seen, follower, reader, out);
      if (out.too_old) {
        // It was ahead when it was first seen, and the log has denied since what would tell.
        compared_.erase(by);
        out.findings.push_back({FindingKind::kHeldBack,
                                by + " was shown a checkpoint before it could be followed here: " +
                                    *std::exchange(out.too_old, std::nullopt),
                                std::nullopt});
      } else if (!out.failed) {
        ahead_.erase(ahead);
      }
    } else if (shown_within_.count() > 0 && since > shown_within_) {
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
    ahead_.try_emplace(by, Ahead{*seen, now});
  } else if (!out.failed) {
    compare(by, *seen, follower, reader, out);
  }
  return out;
}

}  // namespace avouch::tlog
