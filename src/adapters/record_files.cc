#include "adapters/record_files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <memory>
#include <optional>
#include <system_error>
#include <utility>

#include "adapters/blob_files.h"
#include "adapters/disk_blocks.h"
#include "adapters/files.h"
#include "adapters/folder_entries.h"
#include "base/hex.h"

namespace avouch::adapters {
namespace {

namespace fs = std::filesystem;
using control::RecordKind;

constexpr std::size_t kMaxNameBytes = 64;
constexpr std::int64_t kDayMillis = std::int64_t{24} * 3600 * 1000;
constexpr std::array kKinds = {RecordKind::kTransition, RecordKind::kRenewal};

std::size_t place(RecordKind kind) { return kind == RecordKind::kTransition ? 0 : 1; }
const char* folder_of(RecordKind kind) {
  return kind == RecordKind::kTransition ? "transitions" : "renewals";
}

std::int64_t millis(SystemTime time) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch()).count();
}
std::int64_t day_of(SystemTime time) { return millis(time) / kDayMillis; }

Error record_error(const std::string& what, const fs::path& path) {
  const std::string why = std::error_code(errno, std::generic_category()).message();
  return retryable(what + " " + path.string() + ": " + why);
}

Result<void> make_record_folder(const fs::path& folder) {
  std::error_code error;
  fs::create_directory(folder, error);
  if (error) return retryable("make " + folder.string() + ": " + error.message());
  return {};
}

std::optional<crypto::Sha256> digest_of_record(const std::string& name) {
  const auto bytes = from_hex(name);
  crypto::Sha256 digest{};
  if (!bytes.has_value() || bytes->size() != digest.size() || to_hex(*bytes) != name) {
    return std::nullopt;
  }
  std::copy(bytes->begin(), bytes->end(), digest.begin());
  return digest;
}

std::optional<std::int64_t> number_of_name(const std::string& name) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), value);
  if (name.empty() || error != std::errc() || end != name.data() + name.size() || value < 0) {
    return std::nullopt;
  }
  return value;
}

bool is_plain_record(std::string_view text) {
  return !text.empty() && text.size() <= kMaxNameBytes &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                  c == '-';
         });
}

std::int64_t modified_day(const fs::path& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return 0;
  return std::int64_t{status.st_mtime} / (kDayMillis / 1000);
}

Result<std::optional<Bytes>> read_piece(const fs::path& path, std::uint64_t offset,
                                        std::size_t max_bytes) {
  AVOUCH_TRY(const auto file, OpenFile::open(path));
  if (!file) return std::optional<Bytes>();
  AVOUCH_TRY(Bytes out, file->read(offset, max_bytes));
  return std::optional(std::move(out));
}

}  // namespace

Result<std::unique_ptr<RecordFiles>> RecordFiles::open(RecordFilesOptions options) {
  AVOUCH_CHECK(make_record_folder(options.directory));
  for (const char* part : {"days", "objects", "lists", "runtime", "incoming"}) {
    AVOUCH_CHECK(make_record_folder(options.directory / part));
  }
  std::unique_ptr<RecordFiles> out(new RecordFiles(std::move(options)));
  AVOUCH_CHECK(out->scan());
  return out;
}

Result<void> RecordFiles::scan() {
  std::error_code error;
  const fs::path& root = options_.directory;
  AVOUCH_CHECK(for_each_entry(root / "incoming", [&](const auto& entry) -> Result<void> {
    fs::remove(entry.path(), error);
    if (error) return retryable("remove " + entry.path().string() + ": " + error.message());
    return {};
  }));
  for (const bool lists : {false, true}) AVOUCH_CHECK(scan_objects(lists));
  AVOUCH_CHECK(for_each_entry(root / "runtime", [&](const auto& entry) -> Result<void> {
    const std::uint64_t size = entry.file_size(error);
    if (error) return unreadable(entry, error);
    const Kept kept{on_disk(size), modified_day(entry.path())};
    counts_.bytes += kept.bytes;
    runtime_logs_[entry.path().filename().string()] = kept;
    return {};
  }));
  return for_each_entry(root / "days", [&](const auto& entry) -> Result<void> {
    const auto day = number_of_name(entry.path().filename().string());
    if (!day) return {};
    for (const RecordKind kind : kKinds) AVOUCH_CHECK(scan_day(*day, kind));
    return {};
  });
}

Result<void> RecordFiles::scan_objects(bool lists) {
  std::error_code error;
  const fs::path folder = object_path({}, lists).parent_path();
  return for_each_entry(folder, [&](const auto& entry) -> Result<void> {
    const auto digest = digest_of_record(entry.path().filename().string());
    if (!digest) return {};  // of a write that was cut short, or not ours
    const std::uint64_t size = entry.file_size(error);
    if (error) return unreadable(entry, error);
    const Kept kept{on_disk(size), modified_day(entry.path()), lists};
    counts_.bytes += kept.bytes;
    if (lists) list_bytes_ += kept.bytes;
    objects_[*digest] = kept;
    return {};
  });
}

Result<void> RecordFiles::scan_day(std::int64_t day, RecordKind kind) {
  std::error_code error;
  const fs::path folder = day_path(day, kind);
  if (!fs::exists(folder, error)) return {};
  Day& counted = days_[day];
  return for_each_entry(folder, [&](const auto& entry) -> Result<void> {
    const std::uint64_t size = entry.file_size(error);
    if (error) return unreadable(entry, error);
    const std::uint64_t bytes = on_disk(size);
    counted.bytes.at(place(kind)) += bytes;
    ++counted.records.at(place(kind));
    counts_.bytes += bytes;
    return {};
  });
}

fs::path RecordFiles::day_path(std::int64_t day, RecordKind kind) const {
  return options_.directory / "days" / std::to_string(day) / folder_of(kind);
}

fs::path RecordFiles::object_path(const crypto::Sha256& digest, bool is_list) const {
  return options_.directory / (is_list ? "lists" : "objects") / to_hex(digest);
}

// Not synced: sync() does that for many files at once.
Result<void> RecordFiles::write(const fs::path& path, ByteView bytes) {
  const fs::path incoming =
      options_.directory / "incoming" / std::to_string(next_incoming_.fetch_add(1));
  const int fd = ::open(incoming.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0) return record_error("create", incoming);
  while (!bytes.empty()) {
    const ssize_t put = ::write(fd, bytes.data(), bytes.size());
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) {
      const Error error = record_error("write", incoming);
      ::close(fd);
      ::unlink(incoming.c_str());
      return error;
    }
    bytes = bytes.subspan(static_cast<std::size_t>(put));
  }
  ::close(fd);
  if (::rename(incoming.c_str(), path.c_str()) != 0) return record_error("rename", incoming);
  return {};
}

Result<void> RecordFiles::sync() const {
  const int fd = ::open(options_.directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return record_error("open", options_.directory);
  Result<void> out;
  if (::syncfs(fd) != 0) out = record_error("sync", options_.directory);
  ::close(fd);
  return out;
}

void RecordFiles::touch(Kept& kept, const fs::path& path, std::int64_t day) const {
  if (kept.day >= day) return;
  kept.day = day;
  struct timespec at {};
  at.tv_sec = static_cast<time_t>(day * (kDayMillis / 1000));
  const std::array<struct timespec, 2> times = {at, at};
  // Where it fails, the object is swept early after a restart, and missed by name.
  static_cast<void>(::utimensat(AT_FDCWD, path.c_str(), times.data(), 0));
}

Result<void> RecordFiles::put_object(const appraisal::RecordObject& object, const Cause& cause) {
  const fs::path path = object_path(object.digest);
  if (const auto known = objects_.find(object.digest); known != objects_.end()) {
    touch(known->second, object_path(object.digest, known->second.is_list), cause.day);
    return {};
  }
  const std::uint64_t bytes = on_disk(object.bytes.size());
  AVOUCH_CHECK(reserve(bytes, cause));
  AVOUCH_CHECK(write(path, object.bytes));
  counts_.bytes += bytes;
  touch(objects_[object.digest] = {bytes, 0, false}, path, cause.day);
  return {};
}

// The blob is immutable, so that a link to it is as good as a copy, and costs nothing.
Result<void> RecordFiles::put_blob(const fs::path& from, const crypto::Sha256& digest,
                                   const Cause& cause, bool is_list) {
  if (const auto known = objects_.find(digest); known != objects_.end()) {
    touch(known->second, object_path(digest, known->second.is_list), cause.day);
    return {};
  }
  const fs::path path = object_path(digest, is_list);
  const fs::path blob = blob_file(from, digest);
  std::error_code error;
  const std::uint64_t bytes = on_disk(fs::file_size(blob, error));
  if (error) {
    return retryable(is_list ? "the digest list is not in the controller's store any more"
                             : "the boot log is not in the evidence store any more");
  }
  if (is_list && list_bytes_ + bytes > options_.total_bytes / 2) {
    return retryable(
        "the digest list has " + std::to_string(bytes) + " bytes, and of records.bytes" +
        " half, " + std::to_string(options_.total_bytes / 2) +
        " bytes, is for such lists, of which others take " + std::to_string(list_bytes_) +
        ": raise records.bytes, or shorten " + "records.retention");
  }
  AVOUCH_CHECK(reserve(bytes, cause));
  if (::link(blob.c_str(), path.c_str()) != 0 && errno != EEXIST) return record_error("link", path);
  counts_.bytes += bytes;
  if (is_list) list_bytes_ += bytes;
  touch(objects_[digest] = {bytes, 0, is_list}, path, cause.day);
  return {};
}

// The file grows while its node is up; the evidence store never changes what it has of it, and
// writes another file where it has to (blob_files.h).
Result<void> RecordFiles::put_runtime_log(const std::string& boot, const Cause& cause) {
  const std::string& node_uid = cause.node_uid;
  if (!is_plain_record(node_uid) || !is_plain_record(boot)) {
    return rejected("node UID or boot cannot name a file");
  }
  const fs::path log = runtime_log_file(options_.evidence, node_uid, boot);
  struct stat status {};
  if (::stat(log.c_str(), &status) != 0) {
    return retryable("the runtime log is not in the evidence store any more");
  }
  const std::string name = node_uid + "." + boot + "-" + std::to_string(status.st_ino);
  const fs::path path = options_.directory / "runtime" / name;
  const std::uint64_t bytes = on_disk(static_cast<std::uint64_t>(status.st_size));
  const auto known = runtime_logs_.find(name);
  const std::uint64_t counted = known == runtime_logs_.end() ? 0 : known->second.bytes;
  if (bytes > counted) AVOUCH_CHECK(reserve(bytes - counted, cause));
  if (::link(log.c_str(), path.c_str()) != 0 && errno != EEXIST) return record_error("link", path);
  Kept& kept = runtime_logs_[name];
  counts_.bytes += bytes;
  counts_.bytes -= std::exchange(kept.bytes, bytes);
  touch(kept, path, cause.day);
  return {};
}

Result<void> RecordFiles::keep_all(const control::RecordToKeep& record, std::string& lost) {
  const std::int64_t day = day_of(record.time);
  const Cause cause{record.node_uid, day, record.kind};
  const auto note = [&lost](const Result<void>& outcome) {
    if (!outcome.has_value() && lost.empty()) lost = outcome.error().message;
  };
  for (const auto& object : record.packed.objects) note(put_object(object, cause));
  if (record.boot_log) note(put_blob(options_.evidence, *record.boot_log, cause, false));
  if (record.runtime_log) {
    note(put_runtime_log(record.runtime_log->boot, cause));
  }
  for (const crypto::Sha256& digest : record.named) {
    const auto known = objects_.find(digest);
    if (known != objects_.end()) {
      touch(known->second, object_path(digest, known->second.is_list), day);
    } else if (lost.empty()) {
      lost = "a policy's object " + attest::digest_text(digest) + " is not kept";
    }
  }

  const fs::path folder = day_path(day, record.kind);
  const fs::path path = folder / to_hex(record.packed.token);
  std::error_code error;
  if (fs::exists(path, error)) return {};  // kept before
  const std::uint64_t bytes = on_disk(record.packed.bytes.size());
  AVOUCH_CHECK(reserve(bytes, cause));
  fs::create_directories(folder, error);
  if (error) return retryable("make " + folder.string() + ": " + error.message());
  AVOUCH_CHECK(write(path, record.packed.bytes));
  Day& counted = days_[day];
  counted.bytes.at(place(record.kind)) += bytes;
  ++counted.records.at(place(record.kind));
  counts_.bytes += bytes;
  return {};
}

Result<void> RecordFiles::keep_one(const control::RecordToKeep& record) {
  std::string lost;
  const auto kept = keep_all(record, lost);
  if (!kept.has_value()) {
    ++counts_.not_kept;
    return retryable("no record is kept of a verdict: " + kept.error().message);
  }
  if (!lost.empty()) return retryable("a verdict's record is kept without all it names: " + lost);
  return {};
}

std::vector<Result<void>> RecordFiles::keep(
    std::span<const std::shared_ptr<const control::RecordToKeep>> records) {
  const std::lock_guard lock(mutex_);
  std::vector<Result<void>> out;
  bool transition = false;
  for (const auto& record : records) {
    transition = transition || record->kind == RecordKind::kTransition;
    out.push_back(keep_one(*record));
  }
  if (!transition) return out;
  if (const auto synced = sync(); !synced.has_value()) {
    for (auto& each : out) {
      if (each.has_value()) each = synced.error();
    }
  }
  return out;
}

Result<void> RecordFiles::add(const appraisal::RecordObject& object, SystemTime now) {
  const std::lock_guard lock(mutex_);
  if (objects_.contains(object.digest)) return {};
  AVOUCH_CHECK(put_object(object, {"", day_of(now), RecordKind::kTransition}));
  return sync();
}

Result<void> RecordFiles::add_list(const crypto::Sha256& list, SystemTime now) {
  const std::lock_guard lock(mutex_);
  if (objects_.contains(list)) return {};
  AVOUCH_CHECK(put_blob(options_.lists, list, {"", day_of(now), RecordKind::kTransition}, true));
  return sync();
}

void RecordFiles::hold(std::set<crypto::Sha256> objects) {
  const std::lock_guard lock(mutex_);
  held_ = std::move(objects);
}

Result<std::optional<Bytes>> RecordFiles::record(const crypto::Sha256& token) {
  std::vector<std::int64_t> days;
  {
    const std::lock_guard lock(mutex_);
    for (auto day = days_.rbegin(); day != days_.rend(); ++day) days.push_back(day->first);
  }
  for (const std::int64_t day : days) {
    for (const RecordKind kind : kKinds) {
      AVOUCH_TRY(auto found,
                 read_file(day_path(day, kind) / to_hex(token), appraisal::kMaxRecordBytes));
      if (found) return found;
    }
  }
  return std::optional<Bytes>();
}

Result<std::optional<Bytes>> RecordFiles::object(const crypto::Sha256& digest, std::uint64_t offset,
                                                 std::size_t max_bytes) {
  for (const bool list : {false, true}) {
    AVOUCH_TRY(auto piece, read_piece(object_path(digest, list), offset, max_bytes));
    if (piece) return piece;
  }
  return std::optional<Bytes>();
}

Result<std::optional<Bytes>> RecordFiles::runtime_log(const std::string& node_uid,
                                                      const appraisal::RuntimeLogUsed& log,
                                                      std::uint64_t offset, std::size_t max_bytes) {
  if (!is_plain_record(node_uid) || !is_plain_record(log.boot)) return std::optional<Bytes>();
  const std::string prefix = node_uid + "." + log.boot + "-";
  std::vector<std::string> names;
  {
    const std::lock_guard lock(mutex_);
    for (auto at = runtime_logs_.lower_bound(prefix);
         at != runtime_logs_.end() && at->first.starts_with(prefix); ++at) {
      names.push_back(at->first);
    }
  }
  for (const std::string& name : names) {
    const fs::path path = options_.directory / "runtime" / name;
    std::error_code error;
    const std::uint64_t size = fs::file_size(path, error);
    if (error || size < log.bytes) continue;
    if (names.size() > 1) {  // of the same boot, and one was cut and sent anew
      AVOUCH_TRY(const auto whole, read_piece(path, 0, static_cast<std::size_t>(log.bytes)));
      if (!whole || crypto::sha256(*whole) != log.digest) continue;
    }
    const std::uint64_t left = log.bytes - std::min(log.bytes, offset);
    return read_piece(path, offset,
                      static_cast<std::size_t>(std::min<std::uint64_t>(left, max_bytes)));
  }
  return std::optional<Bytes>();
}

Result<void> RecordFiles::reserve(std::uint64_t more, const Cause& cause) {
  if (options_.has_room && !options_.has_room(more)) {
    return retryable(
        "the volume is short of space, and what is left is for the log: make it larger");
  }
  if (share_day_ != cause.day) shares_.clear();
  share_day_ = cause.day;
  if (!cause.node_uid.empty() && shares_[cause.node_uid] + more > options_.node_day_bytes) {
    return retryable("node UID " + cause.node_uid + " has added its share of a day, " +
                     std::to_string(options_.node_day_bytes) +
                     " bytes, to the store of records: its verdicts or logs change all the time, "
                     "or records.bytes is small for such logs");
  }
  while (counts_.bytes + more > options_.total_bytes) {
    if (give_up_one(cause.day, cause.kind)) continue;
    return retryable("the store of records is full: " + std::to_string(counts_.bytes) + " of " +
                     std::to_string(options_.total_bytes) +
                     " bytes, all of today; raise records.bytes, or shorten records.retention");
  }
  if (!cause.node_uid.empty()) shares_[cause.node_uid] += more;
  return {};
}

// The oldest day's renewals first, then the oldest day's transitions. Of today nothing is given up
// but renewals, and these for transitions alone.
bool RecordFiles::give_up_one(std::int64_t today, RecordKind kind) {
  for (const RecordKind victim : {RecordKind::kRenewal, RecordKind::kTransition}) {
    for (const auto& [day, counted] : days_) {
      if (counted.records.at(place(victim)) == 0) continue;
      const bool spared =
          day >= today && (victim == RecordKind::kTransition || kind == RecordKind::kRenewal);
      if (spared) continue;
      auto& dropped = victim == RecordKind::kTransition ? counts_.dropped_transitions
                                                        : counts_.dropped_renewals;
      dropped += counted.records.at(place(victim));
      remove_day(day, victim);
      drop_unnamed(today);
      return true;
    }
  }
  return false;
}

void RecordFiles::remove_day(std::int64_t day, RecordKind kind) {
  std::error_code error;
  fs::remove_all(day_path(day, kind), error);
  fs::remove(options_.directory / "days" / std::to_string(day), error);  // if it is empty
  const auto found = days_.find(day);
  if (found == days_.end()) return;
  Day& counted = found->second;
  counts_.bytes -= std::exchange(counted.bytes.at(place(kind)), 0);
  counted.records.at(place(kind)) = 0;
  if (counted.records[0] == 0 && counted.records[1] == 0) days_.erase(found);
}

// What no record names that is still there: the last that did was of a day that is gone.
void RecordFiles::drop_unnamed(std::int64_t today) {
  const std::int64_t first = days_.empty() ? today : std::min(today, days_.begin()->first);
  std::erase_if(objects_, [&](const auto& each) {
    if (each.second.day >= first || held_.contains(each.first)) return false;
    ::unlink(object_path(each.first, each.second.is_list).c_str());
    counts_.bytes -= each.second.bytes;
    if (each.second.is_list) list_bytes_ -= each.second.bytes;
    return true;
  });
  std::erase_if(runtime_logs_, [&](const auto& each) {
    if (each.second.day >= first) return false;
    ::unlink((options_.directory / "runtime" / each.first).c_str());
    counts_.bytes -= each.second.bytes;
    return true;
  });
}

void RecordFiles::sweep(SystemTime now) {
  const std::lock_guard lock(mutex_);
  const std::int64_t over = millis(now) - options_.retention.count();
  while (!days_.empty() && (days_.begin()->first + 1) * kDayMillis <= over) {
    const std::int64_t day = days_.begin()->first;
    for (const RecordKind kind : kKinds) remove_day(day, kind);
  }
  drop_unnamed(day_of(now));
}

RecordFiles::Counts RecordFiles::counts() const {
  const std::lock_guard lock(mutex_);
  Counts out = counts_;
  out.oldest_day = days_.empty() ? 0 : days_.begin()->first;
  return out;
}

}  // namespace avouch::adapters
