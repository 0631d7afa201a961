#include "control/recorder.h"

#include <algorithm>
#include <exception>
#include <utility>

#include "tlog/entry.h"

namespace avouch::control {

Recorder::Recorder(Options options, EntryLog& log, RecordStore& records, RenewalBatch& renewals,
                   VerdictArchive& archive, const crypto::PrivateKey& verifier_key,
                   crypto::Random& random, Clock& clock, ControlObserver& observer, Done done)
    : options_(std::move(options)),
      log_(log),
      records_(records),
      renewals_(renewals),
      archive_(archive),
      verifier_key_(verifier_key),
      random_(random),
      clock_(clock),
      observer_(observer),
      done_(std::move(done)) {}

Recorder::~Recorder() { stop(); }

void Recorder::start() {
  thread_ = std::thread([this] { run(); });
}

void Recorder::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    wake_.notify_all();
  }
  if (thread_.joinable()) thread_.join();
}

void Recorder::add(RecordJob job) {
  const std::lock_guard lock(mutex_);
  queue_.push_back(std::move(job));
  wake_.notify_all();
}

std::size_t Recorder::waiting() const {
  const std::lock_guard lock(mutex_);
  return queue_.size();
}

Result<void> Recorder::step() {
  if (taken_.empty()) {
    const std::lock_guard lock(mutex_);
    const std::size_t count = std::min(queue_.size(), options_.batch);
    std::move(queue_.begin(), queue_.begin() + static_cast<std::ptrdiff_t>(count),
              std::back_inserter(taken_));
    queue_.erase(queue_.begin(), queue_.begin() + static_cast<std::ptrdiff_t>(count));
    appended_ = false;
    keep(taken_);
  }
  if (taken_.empty()) return {};
  if (!appended_) {
    AVOUCH_TRY(taken_places_, append(taken_));
    appended_ = true;
  }
  AVOUCH_CHECK(save(taken_, taken_places_));

  const std::vector<RecordJob> jobs = std::exchange(taken_, {});
  auto place = taken_places_.begin();
  for (const RecordJob& job : jobs) {
    if (job.renewal) renewals_.add(make_renewal(job.renewal->subject, job.renewal->token));
    std::optional<LogPlace> own;
    if (job.entry) own = *place++;
    if (own && job.record) {
      const NodeVerdict& verdict = *job.record->verdict;
      observer_.verdict(job.node_name, phase_name(verdict.phase),
                        verdict.reasons.empty() ? "" : verdict.reasons.front().code, own->index);
    }
    done_(job, own);
  }
  return {};
}

void Recorder::keep(const std::vector<RecordJob>& jobs) {
  const auto tell = [this](const std::string& node, const std::string& why) {
    observer_.problem("records", "node \"" + node + "\": " + why);
  };
  std::vector<std::shared_ptr<const RecordToKeep>> records;
  std::vector<std::string> nodes;
  for (const RecordJob& job : jobs) {
    if (!job.unkept.empty()) tell(job.node_name, "a verdict cannot be recorded: " + job.unkept);
    if (!job.keep) continue;
    records.push_back(job.keep);
    nodes.push_back(job.node_name);
  }
  if (records.empty()) return;
  const auto outcomes = archive_.keep(records);
  for (std::size_t i = 0; i < outcomes.size(); ++i) {
    if (!outcomes[i].has_value()) tell(nodes.at(i), outcomes[i].error().message);
  }
}

// Places of the jobs that have an entry, in order.
Result<std::vector<LogPlace>> Recorder::append(const std::vector<RecordJob>& jobs) {
  std::vector<EntryToLog> entries;
  for (const RecordJob& job : jobs) {
    if (!job.entry) continue;
    AVOUCH_TRY(tlog::NewEntry entry, tlog::make_entry(verifier_key_,
                                                      {.issuer = options_.origin,
                                                       .subject = job.entry->subject,
                                                       .kind = job.entry->kind,
                                                       .payload = job.entry->payload},
                                                      random_));
    entries.push_back({std::move(entry.statement), std::move(entry.preimage), ""});
  }
  if (entries.empty()) return std::vector<LogPlace>();
  return log_.append(std::move(entries));
}

Result<void> Recorder::save(const std::vector<RecordJob>& jobs,
                            const std::vector<LogPlace>& places) {
  // The last word about a key counts; the order among keys does not matter.
  std::map<std::string, std::string> latest;
  auto place = places.begin();
  for (const RecordJob& job : jobs) {
    if (job.entry && job.record) places_[job.record->node_uid] = *place;
    if (job.entry) ++place;
    if (job.record) {
      NodeRecord record = *job.record;
      if (const auto known = places_.find(record.node_uid); known != places_.end()) {
        if (record.verdict->log == known->second) {
          places_.erase(known);  // whoever decides knows it
        } else {
          record.verdict = entered_at(*record.verdict, known->second);
        }
      }
      latest[record.node_uid] = encode_record(record, options_.origin);
    }
    for (const RecordChange& change : job.changes) {
      latest[change.key] = change.text;
      if (change.text.empty()) places_.erase(change.key);  // of a node that is gone
    }
  }
  std::vector<RecordChange> changes;
  changes.reserve(latest.size());
  for (auto& [key, text] : latest) changes.push_back({key, std::move(text)});
  return records_.apply(changes);
}

void Recorder::run() {
  for (;;) {
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [this] { return stopping_ || !queue_.empty() || !taken_.empty(); });
      if (stopping_ && queue_.empty() && taken_.empty()) return;
    }
    Result<void> outcome;
    try {
      outcome = step();
    } catch (const std::exception& error) {
      outcome = fatal(std::string("unexpected: ") + error.what());
    }
    if (outcome.has_value()) continue;
    if (outcome.error().kind != ErrorKind::kRetryable) {
      observer_.fatal("recorder", outcome.error());
      return;
    }
    observer_.problem("recorder", outcome.error().message);
    std::unique_lock lock(mutex_);
    if (stopping_) return;
    clock_.wait_until(lock, wake_, clock_.steady_now() + options_.retry,
                      [this] { return stopping_; });
  }
}

}  // namespace avouch::control
