#pragma once

// File system calls of the log's files engine, with its rules: a full disk or table is kRetryable,
// everything else that fails while writing is kFatal, fsync above all.

#include <cstdint>
#include <filesystem>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "adapters/file_handle.h"
#include "base/bytes.h"
#include "base/result.h"

namespace avouch::adapters {

// The error for the present errno: "ACTION PATH: why".
Error disk_error(std::string_view action, const std::filesystem::path& path);

Result<FileHandle> open_file(const std::filesystem::path& path, int flags, int mode = 0);
Result<void> write_at(int fd, std::uint64_t offset, ByteView bytes,
                      const std::filesystem::path& path);
Result<void> sync_file(int fd, const std::filesystem::path& path);
Result<void> sync_directory(const std::filesystem::path& path);

// Takes an exclusive flock on `path` (made if it is missing). kRetryable if another holds it.
Result<FileHandle> lock_file(const std::filesystem::path& path, std::string_view what);

// Writes files so that each appears whole or not at all, many at once. One owner.
class DurableWriter {
 public:
  // Files are prepared in `scratch`, a directory on the same file system.
  explicit DurableWriter(std::filesystem::path scratch) : scratch_(std::move(scratch)) {}

  struct File {
    std::filesystem::path path;
    ByteView bytes;
    bool is_public = false;  // readable by everybody
  };

  // Replaces or makes all of `files`; folders of them that are missing below `root` are made. On
  // return everything is on stable storage.
  Result<void> write(const std::filesystem::path& root, std::span<const File> files);

  // Moves a file to `to` below `root`, over what is there, durably. Harmless where it is missing.
  Result<void> move(const std::filesystem::path& root, const std::filesystem::path& from,
                    const std::filesystem::path& to);

  // Forgets that `directory` is durable: it has been removed.
  void forget(const std::filesystem::path& directory) { durable_.erase(directory); }

 private:
  Result<void> write_some(std::span<const File> files, std::set<std::filesystem::path>& changed);
  Result<void> make_directories(const std::filesystem::path& root,
                                const std::filesystem::path& directory, bool is_public,
                                std::set<std::filesystem::path>& changed);

  std::filesystem::path scratch_;
  std::set<std::filesystem::path> durable_;  // directories whose names are on stable storage
};

}  // namespace avouch::adapters
