#include "control/epoch_publisher.h"

#include <exception>
#include <utility>

#include "control/log_payloads.h"
#include "tlog/checkpoint.h"
#include "tlog/entry.h"
#include "tlog/note.h"

namespace avouch::control {
namespace {

constexpr std::size_t kRandomBytes = 32;

}  // namespace

EpochPublisher::EpochPublisher(Options options, EntryLog& log, PublishNote publish, ShowNote show,
                               RenewalBatch& renewals, RenewalStore& store, BeaconRing& ring,
                               const crypto::PrivateKey& verifier_key, crypto::Random& random,
                               Clock& clock, ControlObserver& observer)
    : options_(std::move(options)),
      log_(log),
      publish_(std::move(publish)),
      show_(std::move(show)),
      renewals_(renewals),
      store_(store),
      ring_(ring),
      verifier_key_(verifier_key),
      random_(random),
      clock_(clock),
      observer_(observer) {}

EpochPublisher::~EpochPublisher() { stop(); }

void EpochPublisher::start() {
  thread_ = std::thread([this] { run(); });
}

void EpochPublisher::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    wake_.notify_all();
  }
  if (thread_.joinable()) thread_.join();
}

Result<void> EpochPublisher::step() {
  if (stage_ != Stage::kNone && clock_.steady_now() - begun_ >= options_.cadence) {
    stage_ = Stage::kNone;
  }
  if (stage_ == Stage::kNone) {
    begun_ = clock_.steady_now();
    AVOUCH_CHECK(log_epoch());
    stage_ = Stage::kLogged;
  }
  AVOUCH_CHECK(save_renewals());
  if (stage_ == Stage::kLogged) {
    AVOUCH_CHECK(publish());
    stage_ = Stage::kPublished;
  }
  AVOUCH_CHECK(show_(note_));
  stage_ = Stage::kNone;
  return {};
}

// A full disk costs proofs of renewals for a while, and no beacon.
Result<void> EpochPublisher::save_renewals() {
  if (unsaved_.empty()) return {};
  const Result<void> saved = store_.save(unsaved_index_, encode_renewals(unsaved_));
  if (saved.has_value()) {
    unsaved_.clear();
    return {};
  }
  if (saved.error().kind == ErrorKind::kFatal) return saved.error();
  observer_.problem("renewals", saved.error().message);
  return {};
}

Result<void> EpochPublisher::publish() {
  AVOUCH_TRY(note_, publish_());
  AVOUCH_TRY(tlog::UnverifiedNote parsed, tlog::parse_note_unverified(note_));
  AVOUCH_TRY(const tlog::Checkpoint checkpoint, tlog::parse_checkpoint_unverified(parsed.text));
  // Counted from before anybody can see it: its age is never understated.
  ring_.add({.origin = checkpoint.origin,
             .size = checkpoint.size,
             .note_text = std::move(parsed.text),
             .published = clock_.steady_now()});
  return {};
}

Result<void> EpochPublisher::log_epoch() {
  // Renewals of an epoch that could not be saved keep their place: theirs is the only proof.
  std::vector<Renewal> renewals;
  if (unsaved_.empty()) renewals = renewals_.take();
  const Bytes random = crypto::random_bytes(random_, kRandomBytes);
  const codec::Cbor payload =
      epoch_payload(clock_.now(), random, renewals_root(renewals), renewals.size());
  AVOUCH_TRY(tlog::NewEntry entry,
             tlog::make_entry(verifier_key_,
                              {.issuer = options_.origin,
                               .subject = tlog::log_pseudonym(options_.pseudonym_key),
                               .kind = std::string(tlog::kEpoch),
                               .payload = payload},
                              random_));
  std::vector<EntryToLog> entries;
  entries.push_back({std::move(entry.statement), std::move(entry.preimage), ""});
  const auto places = log_.append(std::move(entries));
  if (!places.has_value()) {
    renewals_.put_back(std::move(renewals));
    return places.error();
  }
  if (renewals.empty()) return {};
  unsaved_ = std::move(renewals);
  unsaved_index_ = places->front().index;
  return {};
}

void EpochPublisher::run() {
  for (;;) {
    const SteadyTime begun = clock_.steady_now();
    Result<void> outcome;
    try {
      outcome = step();
    } catch (const std::exception& error) {
      outcome = fatal(std::string("unexpected: ") + error.what());
    }
    SteadyTime next = begun + options_.cadence;
    if (!outcome.has_value()) {
      if (outcome.error().kind == ErrorKind::kFatal) {
        observer_.fatal("beacon", outcome.error());
        return;
      }
      observer_.problem("beacon", outcome.error().message);
      next = std::min(next, clock_.steady_now() + options_.retry);
    }
    std::unique_lock lock(mutex_);
    clock_.wait_until(lock, wake_, next, [this] { return stopping_; });
    if (stopping_) return;
  }
}

}  // namespace avouch::control
