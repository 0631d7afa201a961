#include "adapters/witness_files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <condition_variable>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <system_error>
#include <utility>

#include "adapters/files.h"
#include "adapters/log_disk.h"
#include "crypto/random.h"
#include "tlog/witness_journal.h"

namespace avouch::adapters {
namespace {

namespace fs = std::filesystem;
using tlog::WitnessChange;

constexpr std::size_t kMaxJournalBytes = std::size_t{1} << 30;
constexpr std::size_t kBatchBytes = 8 * 1024 * 1024;  // a batch takes no more changes beyond this
constexpr const char* kJournal = "journal";
constexpr const char* kFresh = "journal.new";

// A batch that is being filled, written, or has been.
struct Batch {
  std::vector<WitnessChange> changes;
  std::size_t bytes = 0;
  std::optional<Result<void>> outcome;
};

struct Journal {
  FileHandle file;
  Bytes header;
  std::uint64_t end = 0;
};

class WitnessFiles final : public tlog::WitnessMemory {
 public:
  explicit WitnessFiles(WitnessFilesOptions options) : options_(std::move(options)) {}

  Result<void> open(std::vector<std::string>& notes);

  Result<std::optional<std::string>> latest(std::string_view origin) override;
  Result<void> replace(std::string_view origin, const std::optional<std::string>& expected,
                       std::string_view next) override;

 private:
  Result<void> load(std::vector<std::string>& notes);
  void lead(std::unique_lock<std::mutex>& lock);
  void apply(const Batch& batch);
  Result<void> write(const Batch& batch);
  Result<void> compact();
  fs::path path(const char* name) const { return options_.directory / name; }

  const WitnessFilesOptions options_;
  FileHandle lock_;

  // Of the one thread at a time that leads.
  Journal journal_;
  std::uint64_t compact_at_ = 0;

  std::mutex mutex_;  // guards all below
  std::condition_variable changed_;
  std::map<std::string, std::string, std::less<>> latest_;  // changed by the leader alone
  std::set<std::string, std::less<>> under_way_;            // origins of batches
  std::shared_ptr<Batch> filling_;
  bool leading_ = false;
  std::optional<Error> broken_;
};

Error state_error(const fs::path& directory, const std::string& what) {
  return fatal("witness state in " + directory.string() + ": " + what +
               ". A witness that does not know what it cosigned may cosign a fork: it does not "
               "start. See \"When the state is lost\" in docs/witness.md");
}

// A journal in a file of that name, with what is remembered, durable but for its name.
Result<Journal> write_journal(const fs::path& path, std::span<const WitnessChange> changes) {
  const Bytes random = crypto::random_bytes(crypto::system_random(), tlog::WitnessSeed{}.size());
  tlog::WitnessSeed seed;
  std::copy(random.begin(), random.end(), seed.begin());
  Journal journal;
  journal.header = tlog::format_witness_header(seed);
  AVOUCH_TRY(journal.file, open_file(path, O_RDWR | O_CREAT | O_TRUNC, 0600));
  AVOUCH_CHECK(write_at(journal.file.get(), 0, journal.header, path));
  journal.end = journal.header.size();
  while (!changes.empty()) {
    std::size_t count = 0;
    for (std::size_t bytes = 0; count < changes.size() && bytes < kBatchBytes; ++count) {
      bytes += tlog::witness_change_bytes(changes[count]);
    }
    AVOUCH_TRY(const Bytes batch,
               tlog::format_witness_batch(journal.header, journal.end, changes.first(count)));
    AVOUCH_CHECK(write_at(journal.file.get(), journal.end, batch, path));
    journal.end += batch.size();
    changes = changes.subspan(count);
  }
  AVOUCH_CHECK(sync_file(journal.file.get(), path));
  return journal;
}

// kFatal from `rename` on: which of two files has the name after a power cut is not known.
Result<void> put_in_place(const fs::path& fresh, const fs::path& path) {
  if (::rename(fresh.c_str(), path.c_str()) != 0) {
    return fatal(disk_error("rename to", path).message);
  }
  if (auto synced = sync_directory(path.parent_path()); !synced.has_value()) {
    return fatal(synced.error().message);
  }
  return {};
}

Result<void> WitnessFiles::open(std::vector<std::string>& notes) {
  if (!has_witness_files(options_.directory)) {
    return state_error(options_.directory,
                       "there is none (for a new witness, `avouch-log witness keygen` makes it)");
  }
  AVOUCH_TRY(lock_, lock_file(path("lock"), "the witness' state"));
  return load(notes);
}

Result<void> WitnessFiles::load(std::vector<std::string>& notes) {
  const fs::path file = path(kJournal);
  AVOUCH_TRY(const std::optional<Bytes> bytes, read_file(file, kMaxJournalBytes));
  if (!bytes) return state_error(options_.directory, "the journal is gone");
  auto read = tlog::parse_witness_journal(*bytes);
  if (!read.has_value()) {
    return state_error(options_.directory,
                       std::string(kJournal) + " is damaged: " + read.error().message);
  }
  latest_ = std::move(read->latest);
  AVOUCH_TRY(journal_.file, open_file(file, O_RDWR));
  journal_.header.assign(bytes->begin(), bytes->begin() + tlog::kWitnessHeaderBytes);
  journal_.end = read->end;
  compact_at_ = options_.compact_bytes;
  if (read->torn == 0) return {};
  notes.push_back(file.string() + ": cut off " + std::to_string(read->torn) +
                  " bytes of a write that was interrupted before its answer");
  if (::ftruncate(journal_.file.get(), static_cast<off_t>(read->end)) != 0) {
    return disk_error("cut", file);
  }
  return sync_file(journal_.file.get(), file);
}

Result<std::optional<std::string>> WitnessFiles::latest(std::string_view origin) {
  const std::lock_guard lock(mutex_);
  const auto found = latest_.find(origin);
  if (found == latest_.end()) return std::optional<std::string>();
  return std::optional(found->second);
}

Result<void> WitnessFiles::replace(std::string_view origin,
                                   const std::optional<std::string>& expected,
                                   std::string_view next) {
  WitnessChange change{std::string(origin), std::string(next)};
  const std::size_t bytes = tlog::witness_change_bytes(change);
  if (origin.empty() || origin.size() > 0xffff || next.empty() ||
      next.size() > tlog::kMaxWitnessNoteBytes) {
    return rejected("an origin or note of this size is not remembered");
  }
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] {
    return broken_ ||
           (!under_way_.contains(origin) && (!filling_ || filling_->bytes + bytes <= kBatchBytes));
  });
  if (broken_) return *broken_;
  const auto found = latest_.find(origin);
  const bool is_expected = found == latest_.end()
                               ? !expected.has_value()
                               : expected.has_value() && found->second == *expected;
  if (!is_expected) return retryable("another checkpoint of this log came first");
  if (found == latest_.end() && latest_.size() + under_way_.size() >= tlog::kMaxWitnessedOrigins) {
    return retryable("no more than " + std::to_string(tlog::kMaxWitnessedOrigins) +
                     " logs are remembered");
  }
  under_way_.insert(change.origin);
  if (!filling_) filling_ = std::make_shared<Batch>();
  const std::shared_ptr<Batch> batch = filling_;
  batch->bytes += bytes;
  batch->changes.push_back(std::move(change));
  changed_.wait(lock, [&] { return batch->outcome || !leading_; });
  if (!batch->outcome) lead(lock);
  return *batch->outcome;
}

// Writes the batch that is being filled. `lock` is held at the begin and the end.
void WitnessFiles::lead(std::unique_lock<std::mutex>& lock) {
  const std::shared_ptr<Batch> batch = std::exchange(filling_, nullptr);
  leading_ = true;
  Result<void> outcome = broken_ ? Result<void>(*broken_) : Result<void>();
  bool is_news = false;
  if (outcome.has_value()) {
    lock.unlock();
    outcome = write(*batch);
    lock.lock();
    if (outcome.has_value()) apply(*batch);
  }
  Result<void> kept;
  if (outcome.has_value() && journal_.end >= compact_at_) {
    lock.unlock();
    kept = compact();
    lock.lock();
  }
  for (const Result<void>* each : {&outcome, &kept}) {
    if (each->has_value() || each->error().kind != ErrorKind::kFatal || broken_) continue;
    broken_ = each->error();
    is_news = true;
  }
  batch->outcome = outcome;
  for (const WitnessChange& change : batch->changes) under_way_.erase(change.origin);
  leading_ = false;
  const std::optional<Error> broken = broken_;
  changed_.notify_all();
  if (!is_news) return;
  lock.unlock();
  options_.on_fatal(*broken);
  lock.lock();
}

void WitnessFiles::apply(const Batch& batch) {
  for (const WitnessChange& change : batch.changes) {
    latest_.insert_or_assign(change.origin, change.note);
  }
}

Result<void> WitnessFiles::write(const Batch& batch) {
  const fs::path file = path(kJournal);
  AVOUCH_TRY(const Bytes bytes,
             tlog::format_witness_batch(journal_.header, journal_.end, batch.changes));
  const auto written = write_at(journal_.file.get(), journal_.end, bytes, file);
  if (!written.has_value()) {
    // A full disk: what has been written of it goes, so that the next batch follows the last one.
    if (::ftruncate(journal_.file.get(), static_cast<off_t>(journal_.end)) != 0) {
      return fatal(disk_error("cut", file).message);
    }
    return written.error();
  }
  AVOUCH_CHECK(sync_file(journal_.file.get(), file));
  journal_.end += bytes.size();
  return {};
}

// Replaces the journal by one of what is remembered. Where there is no room, later. latest_ is read
// without the lock: only the leader changes it.
Result<void> WitnessFiles::compact() {
  std::vector<WitnessChange> changes;
  changes.reserve(latest_.size());
  for (const auto& [origin, note] : latest_) changes.push_back({origin, note});
  auto fresh = write_journal(path(kFresh), changes);
  if (!fresh.has_value()) {
    if (fresh.error().kind == ErrorKind::kFatal) return fresh.error();
    ::unlink(path(kFresh).c_str());
    compact_at_ = journal_.end + options_.compact_bytes;
    return {};
  }
  AVOUCH_CHECK(put_in_place(path(kFresh), path(kJournal)));
  journal_ = *std::move(fresh);
  compact_at_ = journal_.end + options_.compact_bytes;
  return {};
}

}  // namespace

bool has_witness_files(const fs::path& directory) {
  std::error_code ignored;
  return fs::exists(directory / kJournal, ignored) || fs::exists(directory / "lock", ignored);
}

Result<void> make_witness_files(const fs::path& directory) {
  if (has_witness_files(directory)) {
    return rejected("witness state in " + directory.string() + ": there is one already");
  }
  if (::mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST) {
    return disk_error("make directory", directory);
  }
  AVOUCH_CHECK(write_journal(directory / kFresh, {}));
  AVOUCH_CHECK(put_in_place(directory / kFresh, directory / kJournal));
  const fs::path parent = directory.parent_path();
  return sync_directory(parent.empty() ? fs::path(".") : parent);
}

Result<OpenedWitnessFiles> open_witness_files(WitnessFilesOptions options) {
  auto files = std::make_unique<WitnessFiles>(std::move(options));
  OpenedWitnessFiles opened;
  AVOUCH_CHECK(files->open(opened.notes));
  opened.memory = std::move(files);
  return opened;
}

}  // namespace avouch::adapters
