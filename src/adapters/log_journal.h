#pragma once

// The journal of the log's files engine on disk: segments named by the index of their first record.

#include <atomic>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <mutex>
#include <optional>
#include <span>
#include <vector>

#include "adapters/log_disk.h"
#include "tlog/journal.h"
#include "tlog/store.h"

namespace avouch::adapters {

// recover() first; then append() from one thread, retire() from one other.
class LogJournal {
 public:
  // `directory` and `scratch` exist.
  LogJournal(std::filesystem::path directory, std::filesystem::path scratch,
             std::size_t segment_bytes)
      : directory_(std::move(directory)),
        scratch_(std::move(scratch)),
        segment_bytes_(segment_bytes) {}

  // Records with index >= from. Cuts a torn end.
  Result<std::vector<tlog::Record>> recover(std::uint64_t from);

  // As Store::commit.
  Result<void> append(std::span<const tlog::Record> batch);

  // The next append() begins a segment, so that what is in this one can be removed. Thread-safe.
  void leave_segment() { leave_ = true; }

  // Before `size` is published: where that is more than the journal ever had, others have put what
  // is published (`log copy`), and its segments say nothing of what follows. They are removed.
  Result<void> make_way(std::uint64_t size);

  // Removes segments whose records are all below `size`, but for the newest.
  void retire(std::uint64_t size);

 private:
  std::filesystem::path path_of(std::uint64_t first) const;
  Result<void> list();
  Result<void> begin_segment(std::uint64_t first);
  Result<void> open_last(const tlog::Segment& segment, ByteView header);
  bool begins_segment() const;

  const std::filesystem::path directory_, scratch_;
  const std::size_t segment_bytes_;

  std::mutex mutex_;
  std::deque<std::uint64_t> firsts_;  // guarded by mutex_: first index of each segment
  std::atomic<bool> leave_ = false;
  std::atomic<bool> has_appended_ = false;
  std::optional<std::uint64_t> recovered_end_;  // next_ of recover()

  // The appending thread's own.
  FileHandle file_;
  Bytes header_;
  std::uint64_t segment_first_ = 0;
  std::uint64_t end_ = 0;              // where the next batch goes
  std::optional<std::uint64_t> next_;  // index of the next record, if there are segments
  bool broken_ = false;                // what is on disk is not known
};

}  // namespace avouch::adapters
