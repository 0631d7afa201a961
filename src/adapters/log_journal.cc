#include "adapters/log_journal.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <string>
#include <system_error>

#include "adapters/files.h"
#include "crypto/random.h"

namespace avouch::adapters {
namespace {

constexpr std::size_t kNameDigits = 20;
constexpr std::size_t kMaxSegmentBytes = std::size_t{4} * 1024 * 1024 * 1024;

std::string name_of(std::uint64_t first) {
  std::string digits = std::to_string(first);
  return std::string(kNameDigits - digits.size(), '0') + digits;
}

std::optional<std::uint64_t> first_of(const std::string& name) {
  std::uint64_t first = 0;
  const auto [end, failure] = std::from_chars(name.data(), name.data() + name.size(), first);
  if (failure != std::errc() || end != name.data() + name.size()) return {};
  if (name_of(first) != name) return {};
  return first;
}

}  // namespace

std::filesystem::path LogJournal::path_of(std::uint64_t first) const {
  return directory_ / name_of(first);
}

Result<void> LogJournal::list() {
  std::error_code failure;
  std::vector<std::uint64_t> firsts;
  for (auto entry = std::filesystem::directory_iterator(directory_, failure);
       !failure && entry != std::filesystem::directory_iterator(); entry.increment(failure)) {
    const auto first = first_of(entry->path().filename().string());
    if (!first) {
      return fatal("journal: " + entry->path().string() + " is not a segment: remove it by hand");
    }
    firsts.push_back(*first);
  }
  if (failure) return fatal("list " + directory_.string() + ": " + failure.message());
  std::sort(firsts.begin(), firsts.end());
  firsts_.assign(firsts.begin(), firsts.end());
  return {};
}

Result<std::vector<tlog::Record>> LogJournal::recover(std::uint64_t from) {
  next_.reset();  // another attempt, where what came after the last one failed
  AVOUCH_CHECK(list());
  std::vector<tlog::Record> records;
  for (std::size_t i = 0; i < firsts_.size(); ++i) {
    const bool last = i + 1 == firsts_.size();
    if (!last && firsts_[i + 1] <= from) continue;  // published: waits for its removal
    const std::filesystem::path path = path_of(firsts_[i]);
    AVOUCH_TRY(const std::optional<Bytes> bytes, read_file(path, kMaxSegmentBytes));
    if (!bytes) return fatal("journal: " + path.string() + " is missing");
    auto segment = tlog::parse_segment(*bytes, from, last);
    if (!segment.has_value()) return with_context(std::move(segment).error(), path.string());
    if (segment->first != firsts_[i] || (next_ && *next_ != segment->first)) {
      return fatal("journal: " + path.string() + " begins with index " +
                   std::to_string(segment->first) + ", expected " +
                   std::to_string(next_.value_or(firsts_[i])));
    }
    next_ = segment->next;
    if (last) {
      AVOUCH_CHECK(open_last(*segment, ByteView(*bytes).first(tlog::kSegmentHeaderBytes)));
      // What is published may have been erased since, which the last process had yet to see to.
      if (segment->first < from) leave_segment();
    }
    std::move(segment->records.begin(), segment->records.end(), std::back_inserter(records));
  }
  if (next_ && *next_ < from) {
    return fatal("journal: ends at index " + std::to_string(*next_) + ", but " +
                 std::to_string(from) + " entries are published: it is damaged");
  }
  recovered_end_ = next_;
  return records;
}

Result<void> LogJournal::open_last(const tlog::Segment& segment, ByteView header) {
  const std::filesystem::path path = path_of(segment.first);
  AVOUCH_TRY(file_, open_file(path, O_WRONLY));
  header_.assign(header.begin(), header.end());
  end_ = segment.end;
  segment_first_ = segment.first;
  if (segment.torn == 0) return {};
  if (::ftruncate(file_.get(), static_cast<off_t>(end_)) != 0) return disk_error("cut", path);
  return sync_file(file_.get(), path);
}

Result<void> LogJournal::begin_segment(std::uint64_t first) {
  tlog::SegmentSeed seed{};
  crypto::system_random().fill(seed);
  const Bytes header = tlog::format_segment_header(first, seed);
  DurableWriter writer(scratch_);
  const std::array<DurableWriter::File, 1> files{{{path_of(first), header, false}}};
  AVOUCH_CHECK(writer.write(directory_, files));
  AVOUCH_TRY(file_, open_file(path_of(first), O_WRONLY));
  header_ = header;
  end_ = header.size();
  segment_first_ = first;
  const std::lock_guard lock(mutex_);
  firsts_.push_back(first);
  return {};
}

bool LogJournal::begins_segment() const {
  if (!file_.is_open() || end_ >= segment_bytes_) return true;
  return leave_ && next_ && *next_ > segment_first_;
}

Result<void> LogJournal::append(std::span<const tlog::Record> batch) {
  if (broken_) return fatal("journal: an earlier write failed, nothing more is written");
  if (batch.empty()) return {};
  has_appended_ = true;
  const std::uint64_t first = batch.front().index;
  if (next_ && *next_ != first) {
    return fatal("journal: a batch begins with index " + std::to_string(first) + ", expected " +
                 std::to_string(*next_));
  }
  if (begins_segment()) {
    const auto begun = begin_segment(first);
    if (!begun.has_value()) {
      broken_ = begun.error().kind != ErrorKind::kRetryable;
      return begun;
    }
    leave_ = false;  // whatever is to be removed by now was published: it is in one before
  }
  const Bytes bytes = tlog::format_batch(header_, end_, batch);
  const std::filesystem::path path = path_of(segment_first_);
  if (const auto written = write_at(file_.get(), end_, bytes, path); !written.has_value()) {
    const bool undone = written.error().kind == ErrorKind::kRetryable &&
                        ::ftruncate(file_.get(), static_cast<off_t>(end_)) == 0;
    if (undone) return written;
    broken_ = true;
    return fatal(written.error().message);
  }
  if (const auto synced = sync_file(file_.get(), path); !synced.has_value()) {
    broken_ = true;
    return synced;
  }
  end_ += bytes.size();
  next_ = first + batch.size();
  return {};
}

Result<void> LogJournal::make_way(std::uint64_t size) {
  if (has_appended_ || !recovered_end_ || *recovered_end_ >= size) return {};
  const std::lock_guard lock(mutex_);
  for (const std::uint64_t first : firsts_) {
    if (::unlink(path_of(first).c_str()) != 0 && errno != ENOENT) {
      return disk_error("remove", path_of(first));
    }
  }
  firsts_.clear();
  recovered_end_.reset();
  return sync_directory(directory_);
}

void LogJournal::retire(std::uint64_t size) {
  const std::lock_guard lock(mutex_);
  // Left-over segments do no harm: the next start or publication removes them.
  while (firsts_.size() >= 2 && firsts_[1] <= size) {
    if (::unlink(path_of(firsts_.front()).c_str()) != 0) return;
    firsts_.pop_front();
  }
}

}  // namespace avouch::adapters
