#include "log/monitor_log.h"

#include <algorithm>
#include <limits>
#include <span>
#include <system_error>
#include <utility>

#include "adapters/files.h"
#include "adapters/folder_entries.h"
#include "adapters/log_disk.h"
#include "base/hex.h"
#include "crypto/hash.h"

namespace avouch::logprogram {
namespace {

constexpr std::size_t kMaxPositionBytes = 64 * 1024;
constexpr std::string_view kProofEnding = ".misbehaviour";
constexpr std::string_view kDisputedEnding = ".disputed";
constexpr std::string_view kHeldBackEnding = ".held-back";
constexpr const char* kFollowedFile = "followed";
// The size at which the log is closed.
constexpr const char* kClosedFile = "closed";
// One is enough. A log that contradicts itself at every look does not fill the disk.
constexpr std::size_t kMaxProofs = 100;  // and as many checkpoints that are held back
// For what of a log is read at once: its entries, its links, what a checkpoint is compared by.
constexpr std::chrono::seconds kReadFor{30};

std::string digest_of(std::string_view origin) { return to_hex(crypto::sha256(as_bytes(origin))); }

std::string file_of(const std::string& text, std::string_view ending) {
  return to_hex(ByteView(crypto::sha256(as_bytes(text))).first(8)) + std::string(ending);
}

// When a witness cosigned what it shows, as a line by its own key says.
std::optional<SystemTime> cosigned_at(const std::string& note, const tlog::CosignerKey& key) {
  const auto parsed = tlog::parse_note_unverified(note);
  if (!parsed.has_value()) return std::nullopt;
  const auto lines = tlog::verify_cosignatures(*parsed, std::span(&key, 1));
  if (!lines.has_value() || lines->empty()) return std::nullopt;
  const std::uint64_t seconds = lines->front().seconds;
  if (seconds > std::numeric_limits<std::int64_t>::max() / 1000) return std::nullopt;
  return SystemTime(std::chrono::seconds(static_cast<std::int64_t>(seconds)));
}

}  // namespace

MonitorLog::MonitorLog(MonitorLogParts parts, Clock& clock, observe::Metrics& metrics)
    : origin_(parts.follow.origin),
      parts_(std::move(parts)),
      clock_(clock),
      metrics_(metrics),
      log_("monitor"),
      tiles_(std::move(parts_.tiles), clock),
      sightings_(parts_.shown_within),
      good_at_(clock.now()),
      looked_at_(clock.steady_now()) {
  if (parts_.predecessor) before_.emplace(parts_.predecessor->origin(), *parts_.predecessor);
  for (const WitnessView& view : parts_.views) compared_at_.emplace(view.name, good_at_);
  if (parts_.disputes == nullptr) return;
  tlog::ForkDisputeOptions options;
  options.origin = origin_;
  options.keys = parts_.follow.keys;
  if (parts_.follow.policy) options.witnesses = parts_.follow.policy->cosigner_keys();
  options.first_wait = parts_.dispute_again;
  dispute_.emplace(std::move(options), *parts_.disputes);
}

Result<std::unique_ptr<MonitorLog>> MonitorLog::open(MonitorLogParts parts, Clock& clock,
                                                     observe::Metrics& metrics) {
  std::unique_ptr<MonitorLog> made(new MonitorLog(std::move(parts), clock, metrics));
  AVOUCH_CHECK(made->read_folder());
  return made;
}

Result<void> MonitorLog::read_folder() {
  const std::filesystem::path& folder = parts_.folder;
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) return rejected(folder.string() + ": " + error.message());
  // Else the folder could be gone after a power cut, and with it what the log had shown.
  AVOUCH_CHECK(adapters::sync_directory(folder.parent_path()));
  AVOUCH_CHECK(read_proofs());

  const std::filesystem::path file = folder / "position";
  AVOUCH_TRY(const auto position, adapters::read_file(file, kMaxPositionBytes));
  auto follower = tlog::Follower::start(
      parts_.follow, position ? std::optional(std::string(as_text(*position))) : std::nullopt,
      clock_.now());
  if (!follower.has_value()) {
    return rejected(file.string() + ": " + follower.error().message +
                    ". It is damaged, or signed by a key that the policy no longer names: put the "
                    "file or the key back. Moved away, the log is read from its first entry, and "
                    "what it showed before is forgotten");
  }
  follower_ = *std::move(follower);
  if (follower_->position()) {
    kept_size_ = follower_->position()->size();
    AVOUCH_TRY(const auto closed, adapters::read_file(folder / kClosedFile, 32));
    kept_closed_ = closed && as_text(*closed) == std::to_string(kept_size_);
    if (kept_closed_) follower_->close();
    const auto followed = adapters::read_file(folder / kFollowedFile, 128);
    const auto sizes = followed.has_value() && *followed
                           ? tlog::FollowedSizes::parse(as_text(**followed))
                           : Result<tlog::FollowedSizes>(tlog::FollowedSizes());
    // Without it fewer checkpoints are too old to be compared.
    if (sizes.has_value()) sightings_.followed() = *sizes;
  } else {
    log_.warn("no position is stored: the log is read from its first entry",
              {{"log", origin_}, {"folder", folder.string()}});
  }
  return {};
}

Result<void> MonitorLog::read_proofs() {
  std::vector<std::filesystem::path> proofs;
  bool is_disputed = false;
  const auto see = [&](const std::filesystem::directory_entry& file) -> Result<void> {
    if (file.path().extension() == kProofEnding) proofs.push_back(file.path());
    if (file.path().extension() == kDisputedEnding) is_disputed = true;
    if (file.path().extension() == kHeldBackEnding) held_back_.insert(file.path().filename());
    return {};
  };
  std::error_code error;
  AVOUCH_CHECK(adapters::for_each_entry(parts_.folder, error, see));
  if (error) return rejected(parts_.folder.string() + ": " + error.message());
  proofs_ = proofs.size();
  forked_ = proofs_ > 0;
  if (is_disputed) dispute_.reset();  // one is enough
  if (dispute_ && forked_) {
    const std::filesystem::path& first = *std::min_element(proofs.begin(), proofs.end());
    // One that cannot be read keeps nothing from starting: it will be said that it proves nothing.
    const auto text = adapters::read_file(first, tlog::kMaxMisbehaviourBytes);
    begin_dispute(first.filename().string(),
                  text.has_value() && *text ? std::string(as_text(**text)) : "");
  }
  show_dispute();
  return {};
}

Result<void> MonitorLog::look() {
  wrong_.reset();
  {
    const std::lock_guard lock(mutex_);
    for (tlog::VerifiedCheckpoint& last : said_before_) {
      if (!after_) before_.insert_or_assign(last.origin(), std::move(last));
    }
    said_before_.clear();
  }
  follow();
  AVOUCH_CHECK(keep_position());
  say_untold();
  for (const WitnessView& view : parts_.views) ask(view);
  AVOUCH_CHECK(keep_followed());
  AVOUCH_CHECK(keep_proofs());
  AVOUCH_CHECK(dispute());
  const std::lock_guard lock(mutex_);
  problem_ = wrong_;
  looked_at_ = clock_.steady_now();
  if (!problem_ && !forked_) good_at_ = clock_.now();
  return {};
}

void MonitorLog::follow() {
  const std::uint64_t read_before = follower_->read();
  tiles_.begin(kReadFor);
  const auto step = follower_->step(tiles_, clock_.now());
  is_reading_ = !step.has_value() && tiles_.has_ended() && follower_->read() > read_before;
  if (step.has_value()) {
    for (const tlog::Finding& finding : step->findings) note("log", finding);
    if (step->advanced) end_is_due_ = step->closes;
    metrics_
        .counter("avouch_monitor_entries_total", "Entries that were read and compared",
                 {{"log", origin_}})
        .add(static_cast<double>(step->entries));
  } else if (is_reading_) {
    tell_of_reading();
  } else {
    failed("log", step.error());
  }
  if (follower_->position()) {
    const std::uint64_t size = follower_->position()->size();
    metrics_
        .gauge("avouch_monitor_log_entries", "Entries of the newest checkpoint that was followed",
               {{"log", origin_}})
        .set(static_cast<double>(size));
    if (size > 0 && sightings_.followed().note(size, clock_.now())) is_followed_kept_ = false;
  }
  tiles_.begin(kReadFor);
  follow_links();
  // One that could not be followed is not forgotten: another one of its size would contradict it.
  const auto& ahead = follower_->unfollowed();
  compare("the monitor", ahead ? std::optional(ahead->note()) : std::nullopt);
}

void MonitorLog::tell_of_reading() {
  sightings_.still_reading(clock_.now());
  const auto& to = follower_->unfollowed();
  const std::uint64_t read = follower_->read(), all = to ? to->size() : read;
  log_.info("the log is being read", {{"log", origin_}, {"entries", read}, {"of", all}});
  wrong("log: it is being read: " + std::to_string(read) + " of " + std::to_string(all) +
        " entries so far; nothing can be said of it before its end");
}

void MonitorLog::ask(const WitnessView& view) {
  const std::string by = "witness " + view.name;
  const auto seen = view.reader->fetch(digest_of(origin_) + "/checkpoint");
  if (!seen.has_value()) {
    // Not a fault of the log's: whoever asks for a quorum hears of that, and the age tells.
    count_failure(by, seen.error());
  }
  // Nothing where it never cosigned this log.
  const bool has_note = seen.has_value() && *seen;
  const auto shown = has_note ? std::optional(std::string(as_text(**seen))) : std::nullopt;
  tiles_.begin(kReadFor);
  compare(by, shown, shown ? cosigned_at(*shown, view.key) : std::nullopt);
  if (!has_note || !follower_->verify(*shown).has_value()) return;
  const std::lock_guard lock(mutex_);
  compared_at_.insert_or_assign(view.name, clock_.now());
}

void MonitorLog::compare(const std::string& by, const std::optional<std::string>& shown,
                         const std::optional<SystemTime>& cosigned) {
  const tlog::Sightings::Compared compared =
      sightings_.take(by, shown, *follower_, tiles_, clock_.now(), cosigned);
  for (const tlog::Finding& finding : compared.findings) note(by, finding);
  if (compared.failed) failed(by, *compared.failed);
  if (compared.too_old) {
    log_.warn("a checkpoint is too old to be compared",
              {{"log", origin_}, {"seen_at", by}, {"what", *compared.too_old}});
  }
  if (!compared.untold || held_back_.size() >= kMaxProofs) return;
  const std::string name = file_of(*compared.untold, kHeldBackEnding);
  if (!held_back_.insert(name).second) return;
  unkept_.emplace(name, *compared.untold);
  // Here too, in case that it cannot be written.
  log_.error("a checkpoint cannot be told from one of another history",
             {{"log", origin_},
              {"seen_at", by},
              {"file", (parts_.folder / name).string()},
              {"checkpoint", *compared.untold}});
}

void MonitorLog::say_untold() {
  if (held_back_.empty()) return;
  note("kept", {tlog::FindingKind::kHeldBack,
                std::to_string(held_back_.size()) +
                    " checkpoints that others were shown cannot be told from some of another "
                    "history, as the log has pruned what would tell: see " +
                    (parts_.folder / *held_back_.begin()).string(),
                std::nullopt});
}

void MonitorLog::note(const std::string& by, const tlog::Finding& finding) {
  const std::string kind(tlog::finding_name(finding.kind));
  log_.error("the log is not as it should be",
             {{"log", origin_}, {"seen_at", by}, {"finding", kind}, {"what", finding.what}});
  metrics_
      .counter("avouch_monitor_findings_total", "Findings, by log and kind",
               {{"log", origin_}, {"kind", kind}})
      .add();
  wrong(kind + ": " + finding.what);
  if (finding.proof) prove(*finding.proof);
}

void MonitorLog::prove(const tlog::Misbehaviour& proof) {
  {
    const std::lock_guard lock(mutex_);
    forked_ = true;
  }
  const std::string text = tlog::format_misbehaviour(proof);
  const std::string name = file_of(text, kProofEnding);
  begin_dispute(name, text);
  std::error_code unknown;
  if (proofs_ >= kMaxProofs || unkept_.contains(name) ||
      std::filesystem::exists(parts_.folder / name, unknown)) {
    return;
  }
  ++proofs_;
  unkept_.emplace(name, text);
  // Here too, in case that it cannot be written.
  log_.error("the log contradicted itself, by its own signatures",
             {{"log", origin_}, {"file", (parts_.folder / name).string()}, {"proof", text}});
}

Result<void> MonitorLog::keep_position() {
  // Before the position: it may not be followed beyond, whatever the log says of itself later.
  if (follower_->is_closed() && !kept_closed_) {
    const std::string size = std::to_string(follower_->position()->size());
    const auto kept = adapters::write_file_atomically(parts_.folder / kClosedFile, as_bytes(size));
    if (!kept.has_value() && kept.error().kind == ErrorKind::kFatal) return kept.error();
    if (!kept.has_value()) {
      failed("position", kept.error());
      return {};
    }
    kept_closed_ = true;
  }
  if (!follower_->position() || follower_->position()->size() == kept_size_) return {};
  const auto kept = adapters::write_file_atomically(parts_.folder / "position",
                                                    as_bytes(follower_->position()->note()));
  if (kept.has_value()) {
    kept_size_ = follower_->position()->size();
  } else if (kept.error().kind == ErrorKind::kFatal) {
    return kept.error();
  } else {
    failed("position", kept.error());
  }
  return {};
}

Result<void> MonitorLog::keep_followed() {
  if (is_followed_kept_) return {};
  const auto kept = adapters::write_file_atomically(parts_.folder / kFollowedFile,
                                                    as_bytes(sightings_.followed().text()));
  if (!kept.has_value() && kept.error().kind == ErrorKind::kFatal) return kept.error();
  if (!kept.has_value()) failed("followed", kept.error());
  is_followed_kept_ = kept.has_value();
  return {};
}

Result<void> MonitorLog::keep_proofs() {
  while (!unkept_.empty()) {
    const auto& [name, text] = *unkept_.begin();
    const auto kept = adapters::write_file_atomically(parts_.folder / name, as_bytes(text));
    if (!kept.has_value()) {
      if (kept.error().kind == ErrorKind::kFatal) return kept.error();
      failed("proof", kept.error());
      return {};
    }
    unkept_.erase(unkept_.begin());
  }
  return {};
}

void MonitorLog::begin_dispute(const std::string& proof_name, const std::string& text) {
  if (!dispute_) return;
  dispute_->begin({proof_name.substr(0, proof_name.size() - kProofEnding.size()), text});
  show_dispute();
}

// Whatever becomes of it, the log is looked at again.
Result<void> MonitorLog::dispute() {
  const SteadyTime now = clock_.steady_now();
  if (dispute_ && dispute_->is_due(now)) {
    tiles_.begin(kReadFor);
    const auto index = dispute_->attempt(tiles_, now);
    if (index.has_value()) {
      entered_ = "entry " + std::to_string(*index) + " of log " + parts_.disputes->origin() + "\n";
      log_.info("the contradiction is disputed",
                {{"log", origin_}, {"in", parts_.disputes->origin()}, {"entry", *index}});
    } else {
      log_.error("the contradiction could not be disputed",
                 {{"log", origin_},
                  {"error", index.error().message},
                  {"given_up_until_the_next_start", dispute_->is_given_up()}});
      metrics_
          .counter("avouch_monitor_dispute_failures_total",
                   "Attempts to say in a log that this one contradicted itself, in vain",
                   {{"log", origin_}})
          .add();
    }
    show_dispute();
  }
  if (!entered_) return {};
  const auto kept = adapters::write_file_atomically(
      parts_.folder / (dispute_->id() + std::string(kDisputedEnding)), as_bytes(*entered_));
  if (kept.has_value()) {
    entered_.reset();
  } else if (kept.error().kind == ErrorKind::kFatal) {
    return kept.error();
  } else {
    count_failure("disputed", kept.error());
  }
  return {};
}

void MonitorLog::show_dispute() {
  if (parts_.disputes == nullptr) return;
  metrics_
      .gauge("avouch_monitor_dispute_pending",
             "1 where the log contradicted itself, and no entry says so yet", {{"log", origin_}})
      .set(dispute_ && dispute_->is_pending() ? 1 : 0);
}

void MonitorLog::count_failure(const std::string& what, const Error& error) {
  log_.warn("cannot be looked at", {{"log", origin_}, {"what", what}, {"error", error.message}});
  metrics_
      .counter("avouch_monitor_failures_total",
               "Times that log, witness or state could not be read or written", {{"log", origin_}})
      .add();
}

void MonitorLog::failed(const std::string& what, const Error& error) {
  count_failure(what, error);
  wrong(what + ": " + error.message);
}

void MonitorLog::wrong(std::string what) {
  if (!wrong_) wrong_ = std::move(what);
}

std::optional<std::string> MonitorLog::problem() const {
  const std::lock_guard lock(mutex_);
  // What the last look said is not true for ever.
  auto problem = tlog::overdue(looked_at_, clock_.steady_now(), parts_.look_within);
  if (!problem) problem = problem_ ? problem_ : no_next_;
  if (!forked_) return problem;
  return "the log contradicted itself: see the proof in " + parts_.folder.string() +
         (problem ? "; " + *problem : std::string());
}

void MonitorLog::set_ages(SystemTime now) {
  const std::lock_guard lock(mutex_);
  const auto seconds_since = [now](SystemTime then) {
    return std::chrono::duration<double>(now - then).count();
  };
  metrics_
      .gauge("avouch_monitor_log_contradicted",
             "1 where there is a proof that the log contradicted itself", {{"log", origin_}})
      .set(forked_ ? 1 : 0);
  metrics_
      .gauge("avouch_monitor_good_age_seconds",
             "Since the log was last found to be all well, or since the start", {{"log", origin_}})
      .set(seconds_since(good_at_));
  for (const auto& [witness, then] : compared_at_) {
    metrics_
        .gauge("avouch_monitor_witness_age_seconds",
               "Since the witness last showed a checkpoint of the log, or since the start",
               {{"log", origin_}, {"witness", witness}})
        .set(seconds_since(then));
  }
}

}  // namespace avouch::logprogram
