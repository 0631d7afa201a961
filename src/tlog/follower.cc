#include "tlog/follower.h"

#include <algorithm>
#include <utility>

#include "base/hex.h"
#include "tlog/bundle.h"
#include "tlog/client.h"
#include "tlog/retention.h"
#include "tlog/tile.h"

namespace avouch::tlog {
namespace {

// Nothing more is said of one step: what is damaged beyond that, fsck lists.
constexpr std::size_t kMaxFindings = 20;
// Clocks of witnesses may be wrong by so much.
constexpr std::chrono::seconds kMaxAhead{300};

std::string sizes(const VerifiedCheckpoint& older, const VerifiedCheckpoint& newer) {
  return "the checkpoints of " + std::to_string(older.size()) + " and " +
         std::to_string(newer.size()) + " entries";
}

void add(std::vector<Finding>& findings, FindingKind kind, std::string what) {
  if (findings.size() < kMaxFindings) findings.push_back({kind, std::move(what), std::nullopt});
}

std::string seconds_text(std::chrono::seconds age) { return std::to_string(age.count()) + " s"; }

// Tiles and bundles as they are served, and what is wrong with them.
class Served {
 public:
  Served(TileReader& reader, std::vector<Finding>& findings)
      : reader_(reader), findings_(findings) {}

  // Nothing, and a Finding, where it is missing or malformed.
  Result<std::optional<Bytes>> resource(Resource::Kind kind, const Tile& tile) {
    auto bytes = find_resource(reader_, {kind, tile});
    if (!bytes.has_value() && bytes.error().kind == ErrorKind::kRetryable) return bytes.error();
    const std::string path = kind == Resource::Kind::kTile ? tile_path(tile) : bundle_path(tile);
    if (!bytes.has_value()) {
      add(findings_, FindingKind::kDamaged, path + ": " + bytes.error().message);
      return std::optional<Bytes>();
    }
    if (!*bytes) add(findings_, FindingKind::kDamaged, path + " is not served");
    return bytes;
  }

  Result<void> expect_tile(const Tile& tile, std::span<const Hash> hashes) {
    AVOUCH_TRY(const auto bytes, resource(Resource::Kind::kTile, tile));
    if (bytes && *bytes != format_tile(hashes)) {
      add(findings_, FindingKind::kDamaged,
          tile_path(tile) + ": its hashes are not those of the entries");
    }
    return {};
  }

 private:
  TileReader& reader_;
  std::vector<Finding>& findings_;
};

// Notes whether a fetch failed: what is not there at all is no failure.
class NotingReader final : public TileReader {
 public:
  explicit NotingReader(TileReader& inner) : inner_(inner) {}
  Result<std::optional<Bytes>> fetch(std::string_view path) override {
    auto made = inner_.fetch(path);
    if (!made.has_value()) has_failed_ = true;
    return made;
  }
  bool has_failed() const { return has_failed_; }

 private:
  TileReader& inner_;
  bool has_failed_ = false;
};

}  // namespace

std::string_view finding_name(FindingKind kind) {
  switch (kind) {
    case FindingKind::kForked:
      return "forked";
    case FindingKind::kBadCheckpoint:
      return "bad-checkpoint";
    case FindingKind::kShrunk:
      return "shrunk";
    case FindingKind::kDamaged:
      return "damaged";
    case FindingKind::kSilent:
      return "silent";
    case FindingKind::kNotWitnessed:
      return "not-witnessed";
    case FindingKind::kBrokenChain:
      return "broken-chain";
    case FindingKind::kHeldBack:
      return "held-back";
  }
  return "unknown";
}

Result<Follower> Follower::start(FollowOptions options, const std::optional<std::string>& position,
                                 SystemTime now) {
  if (options.keys.empty()) return rejected("log " + options.origin + ": no key of it is given");
  Follower follower(std::move(options), now);
  if (!position) return follower;
  auto checkpoint = verify_checkpoint(*position, follower.options_.keys, follower.options_.origin);
  if (!checkpoint.has_value()) return with_context(checkpoint.error(), "stored position");
  follower.position_ = *std::move(checkpoint);
  follower.end_is_known_ = follower.position_->size() == 0;
  return follower;
}

// A log that no longer serves the tree of the position is read from its first entry on, and held
// against the position on the way.
Result<void> Follower::load_edge(const VerifiedCheckpoint& served, TileReader& reader) {
  if (!position_ || edge_.size() == position_->size()) return {};
  auto edge = RightEdge::load(position_->size(), reader, served.size());
  if (!edge.has_value() && edge.error().kind == ErrorKind::kRetryable) return edge.error();
  if (edge.has_value() && edge->root() == position_->root()) edge_ = *std::move(edge);
  return {};
}

void Follower::close() {
  closed_ = end_is_known_ = true;
  options_.growth_within = options_.quorum_within = std::chrono::seconds(0);
}

std::uint64_t Follower::read() const {
  return std::max(begun_.edge.size(), position_ ? position_->size() : 0);
}

Result<VerifiedCheckpoint> Follower::verify(std::string_view note) const {
  return verify_checkpoint(note, options_.keys, options_.origin);
}

Result<FollowStep> Follower::step(TileReader& reader, SystemTime now) {
  FollowStep out;
  unfollowed_.reset();
  is_ours_.reset();
  AVOUCH_TRY(const auto note, reader.fetch("checkpoint"));
  if (!note) return retryable("log " + options_.origin + ": serves no checkpoint");
  const auto served = verify(as_text(*note));
  if (!served.has_value()) {
    add(out.findings, FindingKind::kBadCheckpoint, served.error().message);
    look_at_time(nullptr, now, out);
    return out;
  }
  if (!position_ || served->size() > position_->size()) unfollowed_ = *served;
  AVOUCH_CHECK(look(*served, reader, now, out));
  if (out.advanced) unfollowed_.reset();
  look_at_time(&*served, now, out);
  return out;
}

Result<void> Follower::look(const VerifiedCheckpoint& served, TileReader& reader, SystemTime now,
                            FollowStep& out) {
  if (position_ && served.size() <= position_->size()) {
    if (served.size() == position_->size() && served.root() == position_->root()) {
      AVOUCH_CHECK(look_at_end(served, reader, out));
      return {};
    }
    auto finding = compare(served.note(), reader);
    if (finding.has_value() && *finding) {
      out.findings.push_back(**std::move(finding));
    } else {
      add(out.findings, FindingKind::kShrunk,
          "a checkpoint of " + std::to_string(served.size()) + " entries is served, after one of " +
              std::to_string(position_->size()) + ": an old copy, or a log that went back" +
              (finding.has_value()
                   ? ""
                   : "; whether it is of the same log cannot be told: " + finding.error().message));
    }
    return {};
  }
  AVOUCH_TRY(const End end, look_at_end(served, reader, out));
  if (end == End::kUntold) return {};
  if (closed_) {
    add(out.findings, FindingKind::kBrokenChain,
        "entry " + std::to_string(position_->size() - 1) + " closes the log, and a checkpoint of " +
            std::to_string(served.size()) + " entries is served");
    return {};
  }
  AVOUCH_CHECK(load_edge(served, reader));
  AVOUCH_TRY(Walked walked, walk(served, reader));
  Way& way = walked.way;
  out.entries = way.entries;
  out.pruned = way.pruned;
  if (!walked.findings.empty()) {
    std::move(walked.findings.begin(), walked.findings.end(), std::back_inserter(out.findings));
    return {};
  }
  if (way.skipped) out.findings.push_back(*std::move(way.skipped));
  edge_ = std::move(way.edge);
  begun_ = {};
  position_ = served;
  end_is_known_ = true;
  grown_at_ = now;
  out.advanced = true;
  out.closes = way.closes;
  if (way.closes) close();
  return {};
}

Result<Follower::Way> Follower::begin(const VerifiedCheckpoint& to, TileReader& reader) {
  Way anew;
  anew.edge = edge_;
  if (begun_.edge.size() <= edge_.size() || begun_.edge.size() > to.size()) return anew;
  if (begun_.pruned == 0 || !position_) return begun_;
  // Nothing on that way is held against the position: `to` has to continue it, as the checkpoint
  // did for which the way was begun.
  const auto grown = fetch_consistency(reader, position_->checkpoint(), to);
  if (grown.has_value()) return begun_;
  if (grown.error().kind == ErrorKind::kRetryable) return grown.error();
  return anew;
}

Result<Follower::Walked> Follower::walk(const VerifiedCheckpoint& to, TileReader& reader) {
  AVOUCH_TRY(begun_, begin(to, reader));
  AVOUCH_TRY(Walked walked, walk_on(begun_, to, reader));
  if (!walked.findings.empty()) {
    AVOUCH_TRY(walked, walk_above_pruned(std::move(walked), to, reader));
  }
  // Entries that were read for an earlier checkpoint need not be those of a later one.
  if (!walked.findings.empty()) begun_ = {};
  return walked;
}

Result<Follower::Walked> Follower::walk_above_pruned(Walked walked, const VerifiedCheckpoint& to,
                                                     TileReader& reader) {
  for (const Finding& finding : walked.findings) {
    if (finding.kind == FindingKind::kForked || finding.kind == FindingKind::kBrokenChain) {
      return walked;
    }
  }
  // Held against the root of `to`. Whatever else is wrong, what was found stands.
  NotingReader noting(reader);
  const auto retention = load_retention(noting, to);
  if (!retention.has_value() && noting.has_failed()) {
    return retention.error();  // whether it is a fault of the log's cannot be told for now
  }
  if (!retention.has_value()) return walked;
  const std::uint64_t minimum = retention->pruning.minimum_index;
  const std::uint64_t followed = position_ ? position_->size() : 0;
  if (minimum <= std::max(followed, begun_.edge.size())) return walked;  // it was there before
  const auto grown = followed > 0 ? fetch_consistency(reader, position_->checkpoint(), to)
                                  : Result<std::vector<Hash>>(std::vector<Hash>());
  if (!grown.has_value()) {
    if (grown.error().kind == ErrorKind::kRetryable) {
      const auto denial = find_denial(reader, to, followed);
      if (!denial.has_value() || !*denial) return grown.error();  // not there for now
    }
    walked.findings.clear();
    add(walked.findings, FindingKind::kDamaged,
        "entries below " + std::to_string(minimum) + " were pruned, as entry " +
            std::to_string(*retention->pruning_index) + " says, and only " +
            std::to_string(followed) +
            " had been followed: whether this is the same log cannot be told any more; follow it "
            "anew, without the stored position");
    return walked;
  }
  auto edge = RightEdge::load(minimum, noting, to.size());
  if (!edge.has_value() && noting.has_failed()) return edge.error();
  if (!edge.has_value()) return walked;
  begun_ = {};
  begun_.edge = *std::move(edge);
  begun_.pruned = minimum - followed;
  if (position_) {
    begun_.skipped =
        Finding{FindingKind::kDamaged,
                "entries " + std::to_string(followed) + " to " + std::to_string(minimum - 1) +
                    " were pruned, as entry " + std::to_string(*retention->pruning_index) +
                    " says, before they were read here: what they were nobody can tell here. It is "
                    "the same log, and it is followed on",
                std::nullopt};
  }
  return walk_on(begun_, to, reader);
}

Result<Follower::Walked> Follower::walk_on(Way way, const VerifiedCheckpoint& to,
                                           TileReader& reader) {
  Walked walked{.way = std::move(way), .findings = {}};
  Way& out = walked.way;
  Served served(reader, walked.findings);
  std::vector<RightEdge::FullTile> full;
  bool continues = true;  // the position, where it is met on the way
  while (out.edge.size() < to.size()) {
    if (options_.stop.stop_requested()) return retryable("log: following it was ended");
    const std::uint64_t n = out.edge.size() / kTileWidth;
    const Tile place{0, n, tile_width(to.size(), 0, n)};
    AVOUCH_TRY(const auto bytes, served.resource(Resource::Kind::kBundle, place));
    if (!bytes) break;
    const auto entries = parse_bundle(*bytes, place.width);
    if (!entries.has_value()) {
      add(walked.findings, FindingKind::kDamaged,
          bundle_path(place) + ": " + entries.error().message);
      break;
    }
    for (std::size_t i = out.edge.size() % kTileWidth; i < entries->size(); ++i) {
      if (options_.on_entry) options_.on_entry(out.edge.size(), (*entries)[i]);
      if (out.closes) {
        add(walked.findings, FindingKind::kBrokenChain,
            "entry " + std::to_string(out.edge.size() - 1) +
                " closes the log, and others stand behind it");
      }
      AVOUCH_TRY(const Ending ending, ending_of((*entries)[i], to, reader));
      out.closes = ending == Ending::kCloses;
      out.edge.push(leaf_hash((*entries)[i]), full);
      ++out.entries;
      if (!position_ || out.edge.size() != position_->size()) continue;
      continues = out.edge.root() == position_->root();
    }
    for (const auto& [tile, hashes] : full) AVOUCH_CHECK(served.expect_tile(tile, hashes));
    full.clear();
    if (!walked.findings.empty() || !continues) break;
    begun_ = out;
  }
  for (unsigned level = 0; walked.findings.empty() && level < out.edge.levels(); ++level) {
    const auto hashes = out.edge.partial(level);
    if (hashes.empty() || !continues) continue;
    AVOUCH_CHECK(served.expect_tile(
        {level, hashes_at(to.size(), level) / kTileWidth, static_cast<unsigned>(hashes.size())},
        hashes));
  }
  if (walked.findings.empty() && continues && out.edge.root() == to.root()) return walked;
  return doubt(std::move(walked), to, reader);
}

// What is served does not fit. Whether the log contradicts itself is another question.
Result<Follower::Walked> Follower::doubt(Walked walked, const VerifiedCheckpoint& to,
                                         TileReader& reader) const {
  if (position_) {
    AVOUCH_TRY(auto proof, contradiction(*position_, to, reader));
    if (proof) {
      walked.findings.clear();
      walked.findings.push_back({FindingKind::kForked,
                                 sizes(*position_, to) + " are not of one log, and it signed both",
                                 std::move(proof)});
      return walked;
    }
  }
  if (walked.findings.empty()) {
    add(walked.findings, FindingKind::kDamaged,
        "entries and tiles are not what the checkpoint of " + std::to_string(to.size()) +
            " entries commits to, or do not continue the one that was followed");
  }
  return walked;
}

Result<std::optional<Misbehaviour>> Follower::contradiction(const VerifiedCheckpoint& smaller,
                                                            const VerifiedCheckpoint& larger,
                                                            TileReader& reader) {
  if (smaller.size() == 0) return std::optional<Misbehaviour>();
  Misbehaviour out{smaller.note(), larger.note(), std::nullopt, {}};
  if (smaller.size() == larger.size()) {
    if (smaller.root() == larger.root()) return std::optional<Misbehaviour>();
    return std::optional(std::move(out));
  }
  const NodeSource nodes = tile_nodes(reader, larger.size());
  const auto prefix = make_root(smaller.size(), nodes);
  auto proof = make_consistency_proof(smaller.size(), larger.size(), nodes);
  // A tile that is not served keeps the proof from being made: that is damage of its own.
  if (!prefix.has_value() || !proof.has_value()) return std::optional<Misbehaviour>();
  const bool is_signed =
      verify_consistency(smaller.size(), *prefix, larger.size(), larger.root(), *proof).has_value();
  if (!is_signed || *prefix == smaller.root()) return std::optional<Misbehaviour>();
  out.prefix = *prefix;
  out.proof = *std::move(proof);
  return std::optional(std::move(out));
}

Result<std::optional<Finding>> Follower::compare(std::string_view note, TileReader& reader) const {
  const auto seen = verify(note);
  if (!seen.has_value()) {
    return std::optional(Finding{FindingKind::kBadCheckpoint, seen.error().message, std::nullopt});
  }
  if (!position_ || seen->size() > position_->size() || seen->size() == 0) {
    return std::optional<Finding>();
  }
  const auto follows =
      seen->size() == position_->size()
          ? (seen->root() == position_->root() ? Result<void>() : rejected("another root"))
          : [&]() -> Result<void> {
    AVOUCH_CHECK(fetch_consistency(reader, seen->checkpoint(), *position_));
    return {};
  }();
  if (follows.has_value()) return std::optional<Finding>();
  AVOUCH_TRY(auto proof, contradiction(*seen, *position_, reader));
  if (proof) {
    return std::optional(Finding{
        FindingKind::kForked, sizes(*seen, *position_) + " are not of one log, and it signed both",
        std::move(proof)});
  }
  if (follows.error().kind == ErrorKind::kRetryable) {
    const auto denial = find_denial(reader, *position_, seen->size());
    if (!denial.has_value() || !*denial) return follows.error();
    return rejected("whether " + sizes(*seen, *position_) +
                    " are of one log cannot be told any more: the log's minimum index is " +
                    std::to_string((*denial)->pruning.minimum_index) + ", as entry " +
                    std::to_string(*(*denial)->pruning_index) + " says");
  }
  return std::optional(Finding{FindingKind::kDamaged,
                               "tiles do not show that " + sizes(*seen, *position_) +
                                   " are of one log: " + follows.error().message,
                               std::nullopt});
}

void Follower::look_at_time(const VerifiedCheckpoint* served, SystemTime now,
                            FollowStep& out) const {
  using std::chrono::duration_cast;
  using std::chrono::seconds;
  const auto since = duration_cast<seconds>(now - grown_at_);
  if (options_.growth_within.count() > 0 && since > options_.growth_within) {
    add(out.findings, FindingKind::kSilent,
        "no new entry for " + seconds_text(since) + ", expected one in " +
            seconds_text(options_.growth_within));
  }
  if (served == nullptr || !options_.policy || !options_.policy->needs_witnesses()) return;
  const auto note = parse_note_unverified(served->note());
  const auto keys = options_.policy->cosigner_keys();
  auto cosigned = note.has_value() ? verify_cosignatures(*note, keys)
                                   : Result<std::vector<Cosignature>>(note.error());
  if (!cosigned.has_value()) {
    return add(out.findings, FindingKind::kNotWitnessed, cosigned.error().message);
  }
  out.cosigned = *std::move(cosigned);
  const auto quorum = options_.policy->quorum_time(out.cosigned);
  if (!quorum) {
    return add(out.findings, FindingKind::kNotWitnessed,
               "the checkpoint of " + std::to_string(served->size()) +
                   " entries is cosigned by no quorum");
  }
  const auto today = duration_cast<seconds>(now.time_since_epoch()).count();
  const auto age = seconds(today - static_cast<std::int64_t>(*quorum));
  if (age < -kMaxAhead) {
    return add(out.findings, FindingKind::kNotWitnessed,
               "the quorum's cosignatures are of a time " + seconds_text(-age) +
                   " ahead: a clock is wrong, and their age says nothing");
  }
  if (options_.quorum_within.count() > 0 && age > options_.quorum_within) {
    add(out.findings, FindingKind::kNotWitnessed,
        "the last quorum is " + seconds_text(age) + " old, expected at most " +
            seconds_text(options_.quorum_within));
  }
}

}  // namespace avouch::tlog
