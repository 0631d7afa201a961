#pragma once

// Small files, read and written as a whole.

#include <cstdint>
#include <filesystem>
#include <optional>

#include "base/bytes.h"
#include "base/result.h"

namespace avouch::adapters {

// Nothing where there is no such file. kRejected over `max_bytes`: a regular file by the size that
// it says, unread; all else while reading, as files of /proc say no size, and in no more memory
// than `max_bytes` and what the buffer grew from. kRetryable for any other fault.
Result<std::optional<Bytes>> read_file(const std::filesystem::path& path, std::size_t max_bytes);

// A file that stays open between readings. One thread at a time.
class OpenFile {
 public:
  // Nothing where there is no such file.
  static Result<std::optional<OpenFile>> open(const std::filesystem::path& path);
  OpenFile(OpenFile&& other) noexcept;
  OpenFile& operator=(OpenFile&& other) noexcept;
  ~OpenFile();

  // Whether `path` is still this very file.
  bool is_at(const std::filesystem::path& path) const;

  // Up to `max_bytes` from `offset` on; empty at the end.
  Result<Bytes> read(std::uint64_t offset, std::size_t max_bytes) const;

 private:
  OpenFile(int fd, std::filesystem::path path) : fd_(fd), path_(std::move(path)) {}

  int fd_ = -1;
  std::filesystem::path path_;
};

// Replaces the file's content in one step: a reader, also one after a power cut, sees the old
// content or the new one. Durable when it returns (file and folder fsynced). The file is readable
// by its owner alone. kFatal where fsync fails: what is on disk is then unknown.
Result<void> write_file_atomically(const std::filesystem::path& path, ByteView content);

// A new file, durable when it returns, readable by its owner alone. kRejected, and nothing changed,
// where there is one already; on any other error there is none afterwards.
Result<void> create_file(const std::filesystem::path& path, ByteView content);

}  // namespace avouch::adapters
