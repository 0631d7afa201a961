#pragma once

// Entries out of pieces of the log that may end anywhere, even within an entry.

#include <algorithm>
#include <utility>

#include "runtimelog/entry.h"

namespace avouch::runtimelog {

// One owner. Holds at most one entry's beginning (kMaxEntry).
class EntryReader {
 public:
  // The next entry is number `entries` + 1, and begins at `offset` of the boot's log.
  EntryReader(std::uint64_t entries, std::uint64_t offset) : entries_(entries), offset_(offset) {}

  // Calls `on_entry(const Entry&)`, which returns Result<void>, for each entry that is whole now.
  // The first error, its or the frame's, ends it; nothing may be fed after that.
  template <typename OnEntry>
  Result<void> feed(ByteView piece, OnEntry&& on_entry) {
    while (!carry_.empty() && !piece.empty()) {
      const std::size_t more = std::min(needed_ - carry_.size(), piece.size());
      append(carry_, piece.first(more));
      piece = piece.subspan(more);
      if (carry_.size() < needed_) return {};
      AVOUCH_TRY(const Frame frame, frame_entry(carry_, entries_ + 1, offset_));
      needed_ = frame.needed;
      if (!frame.entry) continue;
      AVOUCH_CHECK(take(*frame.entry, on_entry));
      carry_.clear();
    }
    while (!piece.empty()) {
      AVOUCH_TRY(const Frame frame, frame_entry(piece, entries_ + 1, offset_));
      if (!frame.entry) {
        needed_ = frame.needed;
        carry_.assign(piece.begin(), piece.end());
        return {};
      }
      AVOUCH_CHECK(take(*frame.entry, on_entry));
      piece = piece.subspan(frame.needed);
    }
    return {};
  }

  // kRejected where the log ends within an entry.
  Result<void> finish() const {
    if (carry_.empty()) return {};
    return rejected("runtime log, " + entry_place(entries_ + 1, offset_) + ": the log ends after " +
                    std::to_string(carry_.size()) + " bytes of it, at least " +
                    std::to_string(needed_) + " were expected: send whole entries");
  }

  std::uint64_t entries() const { return entries_; }  // whole ones so far
  std::uint64_t offset() const { return offset_; }    // where they end

 private:
  template <typename OnEntry>
  Result<void> take(const Entry& entry, OnEntry&& on_entry) {
    AVOUCH_CHECK(on_entry(entry));
    ++entries_;
    offset_ += entry.bytes.size();
    return {};
  }

  std::uint64_t entries_;
  std::uint64_t offset_;
  std::size_t needed_ = 0;
  Bytes carry_;
};

}  // namespace avouch::runtimelog
