// The log that the leader writes, and how it gives way to the one that follows it.

#include <algorithm>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "adapters/files.h"
#include "adapters/log_files.h"
#include "control/shard_chain.h"
#include "crypto/random.h"
#include "operator/leader_parts.h"
#include "tlog/closed_log.h"

namespace avouch::controller {
namespace {

using namespace std::chrono_literals;

constexpr std::chrono::seconds kQuorumWait{10};  // for cosignatures of a log's last checkpoint
constexpr std::chrono::minutes kClosedRetry{1};  // of a closed log that cannot be served

// Why closed logs could not be opened, each for a while: anybody may ask for one again and again.
// Thread-safe.
class Refusals {
 public:
  std::optional<Error> known(const std::string& label, SteadyTime now) {
    const std::lock_guard lock(mutex_);
    const auto found = all_.find(label);
    if (found == all_.end() || now >= found->second.until) return std::nullopt;
    return found->second.error;
  }
  void add(const std::string& label, Error error, SteadyTime until) {
    const std::lock_guard lock(mutex_);
    all_.insert_or_assign(label, Refusal{std::move(error), until});
  }

 private:
  struct Refusal {
    Error error;
    SteadyTime until;
  };
  std::mutex mutex_;
  std::map<std::string, Refusal> all_;  // of labels that there are
};

}  // namespace

tlog::ShardPeriod period_of(const config::ControllerConfig& config) {
  using Shards = config::ControllerConfig::Log::Shards;
  switch (config.log.shards) {
    case Shards::kYear:
      return tlog::ShardPeriod::kYear;
    case Shards::kQuarter:
      return tlog::ShardPeriod::kQuarter;
    case Shards::kMonth:
      return tlog::ShardPeriod::kMonth;
    case Shards::kNone:
      break;
  }
  return tlog::ShardPeriod::kNone;
}

class Leader::Parts::Shards final : public control::ShardLogs {
 public:
  explicit Shards(Parts& parts) : p_(parts) {}

  // The cluster's own memory counts too: a volume that went back in time has forgotten a shard.
  Result<std::vector<std::string>> labels() override {
    AVOUCH_TRY(std::vector<std::string> known, p_.shards.labels());
    AVOUCH_TRY(const std::vector<tlog::NoteVerifier> own_keys, p_.log_keys(p_.keys->log_origin));
    AVOUCH_TRY(
        const std::optional<std::string> beacon,
        control::beacon_shard(p_.client, p_.config.release.name_space,
                              p_.config.release.object("beacon"), p_.keys->log_origin, own_keys));
    if (beacon && std::find(known.begin(), known.end(), *beacon) == known.end()) {
      const auto later = [&](const std::string& other) {
        return *tlog::begin_of(*beacon) < *tlog::begin_of(other);
      };
      known.insert(std::find_if(known.begin(), known.end(), later), *beacon);
    }
    return known;
  }

  Result<tlog::Log*> open(const std::string& label) override {
    if (p_.shard != label) {
      p_.close_log();
      p_.shard = label;
    }
    AVOUCH_CHECK(p_.open_shard());
    return p_.log.get();
  }

  Result<void> begin(const std::optional<tlog::Predecessor>& predecessor) override {
    AVOUCH_TRY(const std::vector<tlog::NoteSigner> signers, p_.signers());
    control::LogIndex found_later;  // from the store
    control::SequencedLog sequenced(*p_.log, found_later);
    return control::ensure_genesis(*p_.log, sequenced, p_.log_origin, p_.keys->pseudonym,
                                   p_.keys->verifier, tlog::format_vkey(signers.front().verifier()),
                                   crypto::system_random(), p_.clock.now(), predecessor);
  }

  Result<void> settle() override {
    AVOUCH_TRY(const tlog::VerifiedCheckpoint checkpoint, p_.publish_log());
    p_.signals.note("log", "log " + p_.log_origin + " is closed at " +
                               std::to_string(checkpoint.size()) + " entries");
    const SteadyTime until = p_.clock.steady_now() + kQuorumWait;
    const auto is_witnessed = [&] {
      const auto witnessed = p_.witnessing->notes().witnessed();
      return p_.ending || (witnessed && witnessed->size == checkpoint.size());
    };
    while (p_.witnessing && !is_witnessed() && p_.clock.steady_now() < until) {
      std::mutex mutex;
      std::condition_variable never;
      std::unique_lock lock(mutex);
      p_.clock.wait_until(lock, never, p_.clock.steady_now() + 50ms, [] { return false; });
    }
    if (p_.ending) return retryable("log: is being closed");
    if (p_.witnessing && !is_witnessed()) {
      p_.signals.problem("log witnesses", "no quorum has cosigned the last checkpoint of log " +
                                              p_.log_origin +
                                              " in time: the log that follows "
                                              "begins with it as it is");
    }
    return {};
  }

  Result<Ended> ended(const std::string& label) override {
    const std::string origin = tlog::shard_origin(p_.keys->log_origin, label);
    AVOUCH_TRY(const auto store, p_.shards.read(label));
    AVOUCH_TRY(const std::vector<tlog::NoteVerifier> of_log, p_.keys_of_closed(origin));
    AVOUCH_TRY(const tlog::ClosedLog opened, tlog::ClosedLog::open(*store, of_log, origin));
    return Ended{{origin, p_.last_note(label, opened.checkpoint())}, opened.end()};
  }

 private:
  Parts& p_;
};

Result<std::vector<tlog::NoteSigner>> Leader::Parts::signers() const {
  return control::log_signers(*keys, log_origin);
}

Result<std::vector<tlog::NoteVerifier>> Leader::Parts::log_keys(const std::string& origin) const {
  AVOUCH_TRY(const std::vector<tlog::NoteSigner> signing, control::log_signers(*keys, origin));
  std::vector<tlog::NoteVerifier> out;
  out.reserve(signing.size());
  for (const tlog::NoteSigner& each : signing) out.push_back(each.verifier());
  return out;
}

// Of a log that ended, which may have been under a former key.
Result<std::vector<tlog::NoteVerifier>> Leader::Parts::keys_of_closed(
    const std::string& origin) const {
  return control::log_verifiers(*keys, origin);
}

// What witnesses have signed is kept in a file of its own, and may be of an older checkpoint.
std::string Leader::Parts::last_note(const std::string& label,
                                     const tlog::VerifiedCheckpoint& last) const {
  const auto kept = adapters::read_file(shards.witnessed_file(label), tlog::kMaxNoteBytes);
  const auto of_log = keys_of_closed(last.origin());
  if (!kept.has_value() || !*kept || !of_log.has_value()) return last.note();
  const auto witnessed = tlog::verify_checkpoint(as_text(**kept), *of_log, last.origin());
  const bool is_same = witnessed.has_value() && witnessed->size() == last.size() &&
                       witnessed->root() == last.root() &&
                       witnessed->note().size() <= tlog::kMaxLastNote;
  return is_same ? witnessed->note() : last.note();
}

void Leader::Parts::close_log() {
  if (witnessing) witnessing->stop();
  log.reset();
  witnessing.reset();
  witnesses_asked = false;
  beacon_object.reset();
  witnessed_file.reset();
  head_file.reset();
  log_store.reset();
}

Result<void> Leader::Parts::open_shard() {
  log_origin = tlog::shard_origin(keys->log_origin, shard);
  if (!log_store) {
    // A process that has lost the leadership takes no database over.
    const auto until = leading_until();
    if (!until || *until <= clock.steady_now()) {
      return retryable("log: is not opened, this process is not the leader (any more)");
    }
    AVOUCH_TRY(log_store, shards.open(shard));
  }
  if (!head_file) {
    AVOUCH_TRY(std::unique_ptr<tlog::Anchor> on_disk,
               adapters::open_head_file(shards.head_file(shard)));
    head_file = std::make_unique<control::FencedAnchor>(std::move(on_disk), clock, leading_until);
  }
  if (!witnessing) AVOUCH_CHECK(open_witnesses());
  if (!log) AVOUCH_CHECK(open_log_of_shard());
  if (!witnessing || witnesses_asked) return {};
  AVOUCH_CHECK(witnessing->start(log->checkpoint()));
  witnesses_asked = true;
  return {};
}

Result<void> Leader::Parts::open_log_of_shard() {
  AVOUCH_TRY(std::vector<tlog::NoteSigner> signing, signers());
  tlog::LogOptions options;
  options.also_signing.assign(signing.begin() + 1, signing.end());
  options.origin = log_origin;
  options.publish_within = config.log.publish_within;
  options.on_fatal = [this](const Error& error) { signals.fatal("log", error); };
  options.on_lost_content = [this](const std::string& what) { signals.problem("log", what); };
  options.on_published = [this](const tlog::VerifiedCheckpoint& checkpoint) {
    written.published(checkpoint);
    if (witnessing) witnessing->published(checkpoint);
  };
  options.read_only_on_conflict = true;
  AVOUCH_TRY(options.remembered, what_others_remember());
  AVOUCH_TRY(log, tlog::Log::open(options, *log_store, {head_file.get()},
                                  std::move(signing.front()), clock));
  const tlog::LogStatus status = log->status();
  if (!status.read_only && !status.closed_by) written.begin(log->checkpoint());
  return {};
}

Result<void> Leader::Parts::open_newest_log() {
  Shards logs(*this);
  const control::ShardRules rules{
      .chain = keys->log_origin, .period = period_of(config), .pseudonym_key = keys->pseudonym};
  AVOUCH_CHECK(control::open_newest_shard(logs, rules, keys->verifier, crypto::system_random(),
                                          clock.now()));
  return {};
}

Result<std::shared_ptr<const control::ClosedShard>> Leader::Parts::open_closed(
    const std::string& label) {
  const std::string origin = tlog::shard_origin(keys->log_origin, label);
  AVOUCH_TRY(auto store, shards.read(label));
  AVOUCH_TRY(const std::vector<tlog::NoteVerifier> of_log, keys_of_closed(origin));
  AVOUCH_TRY(tlog::ClosedLog opened, tlog::ClosedLog::open(*store, of_log, origin));
  std::string note = last_note(label, opened.checkpoint());
  return std::make_shared<const control::ClosedShard>(
      control::ClosedShard{label, std::move(store), std::move(opened), std::move(note)});
}

Result<void> Leader::Parts::serve_shards() {
  AVOUCH_TRY(std::vector<std::string> labels, shards.labels());
  std::erase(labels, shard);
  AVOUCH_TRY(std::vector<tlog::NoteVerifier> keys_of_log, log_keys(log_origin));
  closed_shards = std::make_unique<control::ClosedShards>(
      keys->log_origin, std::move(labels),
      [this, refusals = std::make_shared<Refusals>()](
          const std::string& label) -> Result<std::shared_ptr<const control::ClosedShard>> {
        if (auto known = refusals->known(label, clock.steady_now())) return *std::move(known);
        auto opened = open_closed(label);
        if (opened.has_value() || opened.error().kind == ErrorKind::kRetryable) return opened;
        const Error& error = opened.error();
        signals.problem("log", "log " + tlog::shard_origin(keys->log_origin, label) +
                                   " is not served: " + error.message +
                                   (error.kind == ErrorKind::kRejected
                                        ? ". Was it signed by a former key? (log-former.vkey)"
                                        : ""));
        refusals->add(label, error, clock.steady_now() + kClosedRetry);
        return opened;
      });
  shards_side = std::make_unique<control::ShardsHandler>(
      control::ShardsHandler::Parts{*closed_shards, shard, std::move(keys_of_log)},
      read_pool ? &*read_pool : nullptr);
  return {};
}

bool Leader::Parts::log_is_over() const {
  return log_is_open && control::is_over(shard, period_of(config), clock.now()) &&
         !log->status().read_only && !control::is_being_pruned(*log);
}

}  // namespace avouch::controller
