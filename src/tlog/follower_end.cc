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
    return OldEntry{is_pruned ? State::kPruned : State::kMissing, {}};
  }
  auto entry =
      bundle.has_value() ? fetch_entry(reader, at, index) : Result<IncludedEntry>(bundle.error());
  if (entry.has_value()) return OldEntry{State::kRead, std::move(entry->entry)};
  if (entry.error().kind == ErrorKind::kRetryable) return std::move(entry).error();
  return OldEntry{};
}

}  // namespace

Result<void> Follower::look_at_end(const VerifiedCheckpoint& served, TileReader& reader,
                                   FollowStep& out) {
  if (end_is_known_ || !position_ || served.size() < position_->size()) return {};
  const std::uint64_t last = position_->size() - 1;
  AVOUCH_TRY(const OldEntry entry, read_old(reader, served, last));
  if (entry.state == OldEntry::State::kMissing) {
    out.findings.push_back({FindingKind::kDamaged,
                            "entry " + std::to_string(last) +
                                ", the last that was followed, is not served: whether it closes "
                                "the log cannot be told",
                            std::nullopt});
  }
  // What is malformed or of another tree the walk finds.
  if (entry.state == OldEntry::State::kMissing || entry.state == OldEntry::State::kUnfit) return {};
  if (entry.state == OldEntry::State::kRead && served.size() > position_->size()) {
    const auto same = fetch_consistency(reader, position_->checkpoint(), served);
    if (!same.has_value() && same.error().kind == ErrorKind::kRetryable) return same.error();
    if (!same.has_value()) return {};
  }
  AVOUCH_TRY(const Ending ending, ending_of(entry.bytes, served, reader));
  end_is_known_ = true;
  if (ending == Ending::kCloses) close();
  return {};
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
