// Whether an entry closes the log that is followed.

#include <utility>

#include "tlog/client.h"
#include "tlog/entry.h"
#include "tlog/follower.h"
#include "tlog/retention.h"
#include "tlog/shard.h"
#include "tlog/tile.h"

namespace avouch::tlog {
namespace {

// An entry that was published before, as it is served under a checkpoint.
struct OldEntry {
  enum class State { kRead, kPruned, kMissing, kUnfit };
  State state = State::kUnfit;
  Bytes bytes;
  std::uint64_t minimum_index = 0;  // where it is pruned
};
Result<OldEntry> read_old(TileReader& reader, const VerifiedCheckpoint& at, std::uint64_t index) {
  using State = OldEntry::State;
  AVOUCH_TRY(const Tile tile, tile_of(Node{0, index}, at.size()));
  const auto bundle = find_resource(reader, {Resource::Kind::kBundle, tile});
  if (bundle.has_value() && !*bundle) {
    const auto retention = load_retention(reader, at);
    if (!retention.has_value() && retention.error().kind == ErrorKind::kRetryable) {
      return retention.error();
    }
    const bool is_pruned = retention.has_value() && index < retention->pruning.minimum_index;
    if (!is_pruned) return OldEntry{State::kMissing, {}};
    return OldEntry{State::kPruned, {}, retention->pruning.minimum_index};
  }
  auto entry =
      bundle.has_value() ? fetch_entry(reader, at, index) : Result<IncludedEntry>(bundle.error());
  if (entry.has_value()) return OldEntry{State::kRead, std::move(entry->entry)};
  if (entry.error().kind == ErrorKind::kRetryable) return std::move(entry).error();
  return OldEntry{};
}

}  // namespace

Result<Follower::End> Follower::look_at_end(const VerifiedCheckpoint& served, TileReader& reader,
                                            FollowStep& out) {
  using State = OldEntry::State;
  if (end_is_known_ || !position_ || served.size() < position_->size()) return End::kTold;
  const std::uint64_t followed = position_->size();
  AVOUCH_TRY(const OldEntry entry, read_old(reader, served, followed - 1));
  const auto untold = [&](const std::string& is, std::optional<Misbehaviour> proof) {
    const auto kind = proof ? FindingKind::kForked : FindingKind::kDamaged;
    out.findings.push_back({kind,
                            "entry " + std::to_string(followed - 1) +
                                ", the last that was followed, is " + is +
                                ": whether it closes the log cannot be told",
                            std::move(proof)});
  };
  // The walk reads the bundle again, unless that is full, and finds what is wrong with it.
  const bool is_read_again = followed % kTileWidth != 0;
  if (entry.state == State::kMissing || (entry.state == State::kUnfit && !is_read_again)) {
    AVOUCH_TRY(auto proof, contradiction(*position_, served, reader));
    untold(entry.state == State::kMissing ? "not served" : "served damaged", std::move(proof));
    return End::kUntold;
  }
  // Where more was pruned the walk says so.
  if (entry.state == State::kPruned && entry.minimum_index == followed) {
    untold("pruned since then, and the log is followed on", std::nullopt);
  }
  if (entry.state != State::kRead) return End::kTold;
  if (served.size() > followed) {
    const auto same = fetch_consistency(reader, position_->checkpoint(), served);
    if (!same.has_value() && same.error().kind == ErrorKind::kRetryable) return same.error();
    if (!same.has_value()) return End::kTold;
  }
  AVOUCH_TRY(const Ending ending, ending_of(entry.bytes, served, reader));
  end_is_known_ = true;
  if (ending == Ending::kCloses) close();
  return End::kTold;
}

Result<Follower::Ending> Follower::ending_of(ByteView entry, const VerifiedCheckpoint& to,
                                             TileReader& reader) {
  if (closes_log_of(entry) != options_.origin) return Ending::kNone;
  if (!is_ours_) {
    AVOUCH_TRY(const OldEntry first, read_old(reader, to, 0));
    if (first.state != OldEntry::State::kRead) return Ending::kCloses;
    const auto statement = parse_statement_unverified(first.bytes);
    is_ours_ = statement.has_value() && statement->kind == kGenesis &&
               statement->issuer == options_.origin;
  }
  return *is_ours_ ? Ending::kCloses : Ending::kNone;
}

}  // namespace avouch::tlog
