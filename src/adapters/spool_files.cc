#include "adapters/spool_files.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <deque>
#include <mutex>
#include <optional>
#include <system_error>

#include "adapters/file_handle.h"
#include "adapters/folder_entries.h"
#include "adapters/spool_record.h"

namespace avouch::adapters {
namespace {

namespace fs = std::filesystem;
using admission::LogRecord;

constexpr std::string_view kMagic = "avouch-spool/v1\n";
constexpr std::string_view kSpoolSuffix = ".spool";
constexpr std::size_t kMaxSegment = 1024UL * 1024 * 1024;

Error spool_failed(std::string_view action, const fs::path& path) {
  return retryable("spool: " + std::string(action) + " " + path.string() + ": " +
                   std::error_code(errno, std::generic_category()).message());
}

struct Segment {
  std::uint64_t number = 0;
  fs::path path;
  FileHandle file;
  std::size_t size = 0;     // bytes of whole records and the magic line
  std::size_t records = 0;  // not dropped yet
};

struct Place {
  std::uint64_t segment = 0;
  std::size_t offset = 0, length = 0;
  SystemTime spooled{};
};

Result<void> write_spool(int fd, ByteView bytes, const fs::path& path) {
  while (!bytes.empty()) {
    const ssize_t put = ::write(fd, bytes.data(), bytes.size());
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return spool_failed("write", path);
    bytes = bytes.subspan(static_cast<std::size_t>(put));
  }
  return {};
}

Result<Bytes> read_at(int fd, std::size_t offset, std::size_t length, const fs::path& path) {
  Bytes out(length);
  std::size_t done = 0;
  while (done < length) {
    const ssize_t got =
        ::pread(fd, out.data() + done, length - done, static_cast<off_t>(offset + done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return spool_failed("read", path);
    if (got == 0) break;
    done += static_cast<std::size_t>(got);
  }
  out.resize(done);
  return out;
}

std::optional<std::uint64_t> segment_number(const fs::path& path) {
  const std::string stem = path.stem().string();
  if (path.extension() != kSpoolSuffix || stem.empty() || stem.size() > 18 ||
      stem.find_first_not_of("0123456789") != std::string::npos) {
    return std::nullopt;
  }
  return std::stoull(stem);
}

class SpoolFiles final : public admission::Spool {
 public:
  explicit SpoolFiles(SpoolFilesOptions options) : options_(std::move(options)) {}

  Result<void> open(std::vector<std::string>& notes);

  Result<void> append(std::span<const LogRecord> records, SystemTime now) override;
  Result<std::vector<LogRecord>> front(std::size_t max_records, std::size_t max_bytes) override;
  Result<void> drop(std::size_t count) override;
  std::size_t records() const override { return records_; }
  std::size_t bytes() const override { return bytes_; }
  std::optional<SystemTime> oldest() const override;

 private:
  void recount();
  Result<void> load(std::uint64_t number, const fs::path& path, std::vector<std::string>& notes);
  Result<Segment*> writable();
  Result<void> sync_folder() const;
  void remove_front_segment();

  const SpoolFilesOptions options_;
  FileHandle lock_, folder_;
  // Read without the lock, which a slow disk may hold for long.
  std::atomic<std::size_t> records_{0}, bytes_{0};
  std::atomic<std::int64_t> oldest_{-1};  // Unix milliseconds; -1: there is no record

  std::mutex mutex_;  // guards all below
  std::deque<Segment> segments_;
  std::deque<Place> places_;
  std::uint64_t next_number_ = 1;
  bool fresh_ = true;  // the last segment must not be written to: a new one is due
};

Result<void> SpoolFiles::open(std::vector<std::string>& notes) {
  std::error_code error;
  fs::create_directories(options_.directory, error);
  if (error) {
    return retryable("spool: make " + options_.directory.string() + ": " + error.message());
  }
  const fs::path lock = options_.directory / "lock";
  lock_ = FileHandle(::open(lock.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (lock_.get() < 0) return spool_failed("open", lock);
  if (::flock(lock_.get(), LOCK_EX | LOCK_NB) != 0) {
    return retryable("spool: " + options_.directory.string() + " is in use by another process");
  }
  folder_ = FileHandle(::open(options_.directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (folder_.get() < 0) return spool_failed("open", options_.directory);
  std::vector<std::pair<std::uint64_t, fs::path>> found;
  const auto listed = for_each_entry(options_.directory, [&](const auto& entry) -> Result<void> {
    if (const auto number = segment_number(entry.path())) found.emplace_back(*number, entry.path());
    return {};
  });
  if (!listed.has_value()) return with_context(listed.error(), "spool");
  std::sort(found.begin(), found.end());
  for (const auto& [number, path] : found) AVOUCH_CHECK(load(number, path, notes));
  while (!segments_.empty() && segments_.front().records == 0) remove_front_segment();
  recount();
  return {};
}

void SpoolFiles::recount() {
  std::size_t sum = 0;
  for (const Segment& segment : segments_) sum += segment.size;
  bytes_ = sum;
  oldest_ = places_.empty() ? -1 : places_.front().spooled.time_since_epoch().count();
  records_ = places_.size();
}

Result<void> SpoolFiles::load(std::uint64_t number, const fs::path& path,
                              std::vector<std::string>& notes) {
  next_number_ = number + 1;
  Segment segment{number, path, FileHandle(::open(path.c_str(), O_RDWR | O_CLOEXEC)), 0, 0};
  if (segment.file.get() < 0) return spool_failed("open", path);
  struct stat status {};
  if (::fstat(segment.file.get(), &status) != 0) return spool_failed("stat", path);
  const auto size = static_cast<std::size_t>(status.st_size);
  if (size > kMaxSegment) return rejected("spool: " + path.string() + " is not a segment");
  AVOUCH_TRY(const Bytes content, read_at(segment.file.get(), 0, size, path));
  if (!as_text(content).starts_with(kMagic)) {
    if (kMagic.starts_with(as_text(content))) {  // a crash, or a full disk, while it was made
      std::error_code ignored;
      fs::remove(path, ignored);
    } else {
      notes.push_back(path.string() + ": not a segment; left alone");
    }
    return {};
  }
  std::size_t at = kMagic.size();
  while (at < content.size()) {
    const auto record = decode_record(ByteView(content).subspan(at));
    if (!record.has_value()) {
      notes.push_back(path.string() + ": offset " + std::to_string(at) + ": " +
                      record.error().message + "; the rest is ignored");
      break;
    }
    places_.push_back({number, at, record->length, record->spooled});
    ++segment.records;
    at += record->length;
  }
  segment.size = at;
  segments_.push_back(std::move(segment));
  return {};
}

Result<void> SpoolFiles::sync_folder() const {
  if (::fsync(folder_.get()) != 0) return spool_failed("fsync", options_.directory);
  return {};
}

// The segment to append to; a new one where the last is full, doubtful, or from before a restart.
Result<Segment*> SpoolFiles::writable() {
  if (!fresh_ && !segments_.empty() && segments_.back().size < options_.segment_bytes) {
    return &segments_.back();
  }
  std::string digits = std::to_string(next_number_);
  if (digits.size() < 10) digits.insert(0, 10 - digits.size(), '0');
  const fs::path path = options_.directory / (digits + std::string(kSpoolSuffix));
  Segment segment{
      next_number_, path,
      FileHandle(::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_APPEND, 0600)), 0,
      0};
  if (segment.file.get() < 0) return spool_failed("create", path);
  ++next_number_;
  Result<void> made = write_spool(segment.file.get(), as_bytes(kMagic), path);
  if (made.has_value()) made = sync_folder();
  if (!made.has_value()) {
    std::error_code ignored;
    fs::remove(path, ignored);
    return std::move(made).error();
  }
  segment.size = kMagic.size();
  segments_.push_back(std::move(segment));
  fresh_ = false;
  return &segments_.back();
}

Result<void> SpoolFiles::append(std::span<const LogRecord> records, SystemTime now) {
  Bytes bytes;
  std::vector<std::size_t> lengths;
  for (const LogRecord& record : records) {
    const std::size_t before = bytes.size();
    encode_record(bytes, record, now);
    lengths.push_back(bytes.size() - before);
  }
  const std::lock_guard lock(mutex_);
  AVOUCH_TRY(Segment* const segment, writable());
  const auto written = write_spool(segment->file.get(), bytes, segment->path);
  if (!written.has_value() || ::fdatasync(segment->file.get()) != 0) {
    Error error = written.has_value() ? spool_failed("fsync", segment->path) : written.error();
    // What is on disk is not known now: cut it off, and write to this file no more.
    if (::ftruncate(segment->file.get(), static_cast<off_t>(segment->size)) != 0) {
      error.message += "; it could not be cut back either";
    }
    fresh_ = true;
    return error;
  }
  for (const std::size_t length : lengths) {
    places_.push_back({segment->number, segment->size, length, now});
    segment->size += length;
    ++segment->records;
  }
  recount();
  return {};
}

Result<std::vector<LogRecord>> SpoolFiles::front(std::size_t max_records, std::size_t max_bytes) {
  const std::lock_guard lock(mutex_);
  std::vector<LogRecord> out;
  std::size_t bytes = 0;
  for (const Place& place : places_) {
    if (out.size() >= max_records || (!out.empty() && bytes + place.length > max_bytes)) break;
    const auto segment = std::find_if(segments_.begin(), segments_.end(), [&](const Segment& one) {
      return one.number == place.segment;
    });
    AVOUCH_TRY(const Bytes raw,
               read_at(segment->file.get(), place.offset, place.length, segment->path));
    auto record = decode_record(raw);
    if (!record.has_value()) {
      if (!out.empty()) break;
      return with_context(
          std::move(record).error(),
          "spool: " + segment->path.string() + ": offset " + std::to_string(place.offset));
    }
    out.push_back(std::move(record->record));
    bytes += place.length;
  }
  return out;
}

void SpoolFiles::remove_front_segment() {
  std::error_code ignored;  // it is read again after a restart, and its records are known then
  fs::remove(segments_.front().path, ignored);
  segments_.pop_front();
  if (segments_.empty()) fresh_ = true;
}

Result<void> SpoolFiles::drop(std::size_t count) {
  const std::lock_guard lock(mutex_);
  for (; count > 0 && !places_.empty(); --count) {
    const std::uint64_t number = places_.front().segment;
    places_.pop_front();
    for (Segment& segment : segments_) {
      if (segment.number == number) --segment.records;
    }
  }
  const std::size_t before = segments_.size();
  while (!segments_.empty() && segments_.front().records == 0) remove_front_segment();
  recount();
  if (segments_.size() == before) return {};
  return sync_folder();
}

std::optional<SystemTime> SpoolFiles::oldest() const {
  const std::int64_t time = oldest_;
  if (time < 0) return std::nullopt;
  return SystemTime(std::chrono::milliseconds(time));
}

}  // namespace

Result<OpenedSpool> open_spool_files(SpoolFilesOptions options) {
  auto spool = std::make_unique<SpoolFiles>(std::move(options));
  OpenedSpool opened;
  AVOUCH_CHECK(spool->open(opened.notes));
  opened.spool = std::move(spool);
  return opened;
}

}  // namespace avouch::adapters
