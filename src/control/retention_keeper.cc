#include "control/retention_keeper.h"

#include <algorithm>
#include <exception>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "control/age_boundary.h"
#include "tlog/bundle.h"
#include "tlog/client.h"
#include "tlog/entry.h"
#include "tlog/preimages.h"
#include "tlog/tile.h"

namespace avouch::control {
namespace {

// When an epoch entry of the log's own was made; nothing for any other entry.
std::optional<SystemTime> epoch_time(ByteView entry, ByteView preimage, std::string_view origin) {
  // Of all entries: what is none is not parsed.
  constexpr std::string_view kEpochType = "application/vnd.avouch.epoch+cbor";
  if (preimage.empty() || as_text(entry).find(kEpochType) == std::string_view::npos) return {};
  const auto statement = tlog::parse_statement_unverified(entry);
  if (!statement.has_value() || statement->kind != tlog::kEpoch || statement->issuer != origin) {
    return {};
  }
  const auto payload = tlog::open_preimage(statement->preimage_digest, preimage);
  if (!payload.has_value()) return {};
  const codec::Cbor* time = payload->find("time");
  const std::int64_t* millis = time == nullptr ? nullptr : time->as_integer();
  if (millis == nullptr) return {};
  return SystemTime(std::chrono::milliseconds(*millis));
}

}  // namespace

RetentionKeeper::RetentionKeeper(Options options, tlog::Log& log, tlog::TileReader& tiles,
                                 EntryLog& entries, Publish publish, Followed followed,
                                 const crypto::PrivateKey& verifier_key, crypto::Random& random,
                                 Clock& clock, ControlObserver& observer)
    : options_(std::move(options)),
      log_(log),
      tiles_(tiles),
      entries_(entries),
      publish_(std::move(publish)),
      followed_(std::move(followed)),
      verifier_key_(verifier_key),
      random_(random),
      clock_(clock),
      observer_(observer) {}

RetentionKeeper::~RetentionKeeper() { stop(); }

void RetentionKeeper::start() {
  thread_ = std::thread([this] { run(); });
}

void RetentionKeeper::stop() {
  ending_.request_stop();
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    wake_.notify_all();
  }
  if (thread_.joinable()) thread_.join();
}

Result<void> RetentionKeeper::step() {
  if (log_.status().read_only) return {};
  const auto known = log_.retention();
  if (!known->policy_index && options_.policy == tlog::RetentionPolicy()) return {};
  if (!known->policy_index || known->policy != options_.policy) AVOUCH_CHECK(enter_policy());
  return enter_pruning(*log_.retention());
}

Result<void> RetentionKeeper::enter_policy() {
  AVOUCH_CHECK(enter(tlog::kRetentionKind, tlog::retention_payload(options_.policy, clock_.now())));
  const auto known = log_.retention();
  if (known->policy_index && known->policy == options_.policy) return {};
  return retryable("the log has not taken the policy that was entered");
}

Result<void> RetentionKeeper::enter_pruning(const tlog::Retention& known) {
  // What the log says is in force, and no other.
  const tlog::RetentionPolicy& policy = known.policy;
  const SystemTime now = clock_.now();
  const std::uint64_t limit = std::min(log_.checkpoint().size(), followed_());
  tlog::Pruning next = known.pruning;
  next.policy = *known.policy_index;
  std::set<std::string> unread;
  AVOUCH_TRY(next.content_from, boundary(next.content_from, policy.content, now, limit, unread));
  AVOUCH_TRY(next.minimum_index, boundary(next.minimum_index, policy.entries, now, limit, unread));
  for (const std::string& each : unread) {
    observer_.problem("retention", "log: " + each + ": epochs in it count for nothing; see " +
                                       "`kubectl avouch log fsck`");
  }
  next.minimum_index = std::min(next.minimum_index, next.content_from);
  if (next.content_from == known.pruning.content_from &&
      next.minimum_index == known.pruning.minimum_index) {
    return {};
  }
  AVOUCH_CHECK(enter(tlog::kPruningKind, tlog::pruning_payload(next, now)));
  observer_.note("retention", "content of entries below " + std::to_string(next.content_from) +
                                  " is pruned, and entries below " +
                                  std::to_string(next.minimum_index) +
                                  " are not served, as the policy of entry " +
                                  std::to_string(next.policy) + " says");
  return {};
}

Result<std::uint64_t> RetentionKeeper::boundary(std::uint64_t from, std::chrono::milliseconds kept,
                                                SystemTime now, std::uint64_t limit,
                                                std::set<std::string>& unread) {
  using tlog::kTileWidth;
  if (kept == std::chrono::milliseconds(0)) return from;
  AgeBoundary age(from, now - kept);
  bool is_old = true;
  for (std::uint64_t group = from / kTileWidth; is_old && group * kTileWidth < limit; ++group) {
    if (ending_.stop_requested()) return retryable("stopped");
    const tlog::Tile tile{0, group, tlog::tile_width(limit, 0, group)};
    AVOUCH_TRY(const auto bundle,
               tlog::find_resource(tiles_, {tlog::Resource::Kind::kBundle, tile}));
    AVOUCH_TRY(const auto preimages, tiles_.fetch(tlog::preimages_path(group)));
    if (!bundle) return retryable("log: " + tlog::bundle_path(tile) + " is missing");
    AVOUCH_TRY(const auto entries, tlog::parse_bundle(*bundle, tile.width));
    const auto slots =
        preimages ? tlog::parse_preimages(group, *preimages) : rejected("is missing");
    if (!slots.has_value()) {  // or nothing above it would ever be pruned
      unread.insert(tlog::preimages_path(group) + ": " + slots.error().message);
      continue;
    }
    for (std::size_t i = 0; is_old && i < std::min(entries.size(), slots->size()); ++i) {
      const auto time = epoch_time(entries[i], (*slots)[i].preimage, options_.origin);
      if (time) is_old = age.add(group * kTileWidth + i, *time);
    }
  }
  return std::max(from, age.boundary(limit));
}

Result<void> RetentionKeeper::enter(std::string_view kind, codec::Cbor payload) {
  AVOUCH_TRY(tlog::NewEntry entry,
             tlog::make_entry(verifier_key_,
                              {.issuer = options_.origin,
                               .subject = tlog::log_pseudonym(options_.pseudonym_key),
                               .kind = std::string(kind),
                               .payload = std::move(payload)},
                              random_));
  std::vector<EntryToLog> one;
  one.push_back({std::move(entry.statement), std::move(entry.preimage), ""});
  AVOUCH_CHECK(entries_.append(std::move(one)));
  AVOUCH_CHECK(publish_());
  return {};
}

void RetentionKeeper::run() {
  for (;;) {
    Result<void> outcome;
    try {
      outcome = step();
    } catch (const std::exception& error) {
      outcome = retryable(std::string("unexpected: ") + error.what());
    }
    SteadyTime next = clock_.steady_now() + options_.every;
    std::unique_lock lock(mutex_);
    if (!outcome.has_value() && !stopping_) {
      // What is fatal to the log it says itself.
      observer_.problem("retention", outcome.error().message);
      next = clock_.steady_now() + options_.retry;
    }
    clock_.wait_until(lock, wake_, next, [this] { return stopping_; });
    if (stopping_) return;
  }
}

}  // namespace avouch::control
