#include "adapters/log_disk.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <vector>

namespace avouch::adapters {
namespace {

constexpr std::size_t kFilesAtOnce = 64;  // descriptors in use while writing

bool is_passing_errno(int error) {
  switch (error) {
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
    case EMFILE:
    case ENFILE:
    case ENOMEM:
      return true;
    default:
      return false;
  }
}

}  // namespace

Error disk_error(std::string_view action, const std::filesystem::path& path) {
  const int error = errno;
  const std::string message = std::string(action) + " " + path.string() + ": " +
                              std::error_code(error, std::generic_category()).message();
  return is_passing_errno(error) ? retryable(message) : fatal(message);
}

Result<FileHandle> open_file(const std::filesystem::path& path, int flags, int mode) {
  while (true) {
    FileHandle file(::open(path.c_str(), flags | O_CLOEXEC, mode));
    if (file.is_open()) return file;
    if (errno != EINTR) return disk_error("open", path);
  }
}

Result<void> write_at(int fd, std::uint64_t offset, ByteView bytes,
                      const std::filesystem::path& path) {
  while (!bytes.empty()) {
    const ssize_t put = ::pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return disk_error("write", path);
    offset += static_cast<std::uint64_t>(put);
    bytes = bytes.subspan(static_cast<std::size_t>(put));
  }
  return {};
}

Result<void> sync_file(int fd, const std::filesystem::path& path) {
  if (::fdatasync(fd) == 0) return {};
  // Whatever the reason, the kernel may have dropped what it could not write.
  return fatal(disk_error("fsync", path).message);
}

Result<void> sync_directory(const std::filesystem::path& path) {
  AVOUCH_TRY(const FileHandle directory, open_file(path, O_RDONLY | O_DIRECTORY));
  if (::fsync(directory.get()) == 0) return {};
  return fatal(disk_error("fsync", path).message);
}

Result<FileHandle> lock_file(const std::filesystem::path& path, std::string_view what) {
  AVOUCH_TRY(FileHandle lock, open_file(path, O_RDWR | O_CREAT, 0600));
  if (::flock(lock.get(), LOCK_EX | LOCK_NB) == 0) return lock;
  if (errno != EWOULDBLOCK) return disk_error("lock", path);
  return retryable(std::string(what) + " is in use by another process (" + path.string() +
                   " is locked): there can be one writer only");
}

Result<void> DurableWriter::write(const std::filesystem::path& root, std::span<const File> files) {
  std::set<std::filesystem::path> changed;
  for (const File& file : files) {
    AVOUCH_CHECK(make_directories(root, file.path.parent_path(), file.is_public, changed));
  }
  while (!files.empty()) {
    const auto some = files.first(std::min(files.size(), kFilesAtOnce));
    AVOUCH_CHECK(write_some(some, changed));
    files = files.subspan(some.size());
  }
  // Deepest first, so that no name becomes durable before what it names.
  for (auto directory = changed.rbegin(); directory != changed.rend(); ++directory) {
    AVOUCH_CHECK(sync_directory(*directory));
  }
  durable_.insert(changed.begin(), changed.end());
  return {};
}

Result<void> DurableWriter::move(const std::filesystem::path& root,
                                 const std::filesystem::path& from,
                                 const std::filesystem::path& to) {
  std::set<std::filesystem::path> changed;
  AVOUCH_CHECK(make_directories(root, to.parent_path(), false, changed));
  changed.insert({from.parent_path(), to.parent_path()});
  if (::rename(from.c_str(), to.c_str()) != 0 && errno != ENOENT) {
    return disk_error("rename to", to);
  }
  for (auto directory = changed.rbegin(); directory != changed.rend(); ++directory) {
    AVOUCH_CHECK(sync_directory(*directory));
  }
  return {};
}

Result<void> DurableWriter::write_some(std::span<const File> files,
                                       std::set<std::filesystem::path>& changed) {
  std::vector<FileHandle> handles;
  for (std::size_t i = 0; i < files.size(); ++i) {
    const std::filesystem::path fresh = scratch_ / std::to_string(i);
    AVOUCH_TRY(FileHandle file,
               open_file(fresh, O_WRONLY | O_CREAT | O_TRUNC, files[i].is_public ? 0644 : 0600));
    // A file left over from an interrupted write may have the other mode.
    if (::fchmod(file.get(), files[i].is_public ? 0644 : 0600) != 0) {
      return disk_error("chmod", fresh);
    }
    AVOUCH_CHECK(write_at(file.get(), 0, files[i].bytes, fresh));
    ::sync_file_range(file.get(), 0, 0, SYNC_FILE_RANGE_WRITE);  // a head start; fsync decides
    handles.push_back(std::move(file));
  }
  for (std::size_t i = 0; i < files.size(); ++i) {
    AVOUCH_CHECK(sync_file(handles[i].get(), files[i].path));
  }
  for (std::size_t i = 0; i < files.size(); ++i) {
    const std::filesystem::path fresh = scratch_ / std::to_string(i);
    if (::rename(fresh.c_str(), files[i].path.c_str()) != 0) {
      return disk_error("rename to", files[i].path);
    }
    changed.insert(files[i].path.parent_path());
  }
  return {};
}

Result<void> DurableWriter::make_directories(const std::filesystem::path& root,
                                             const std::filesystem::path& directory, bool is_public,
                                             std::set<std::filesystem::path>& changed) {
  if (directory == root || durable_.contains(directory) || changed.contains(directory)) return {};
  AVOUCH_CHECK(make_directories(root, directory.parent_path(), is_public, changed));
  if (::mkdir(directory.c_str(), is_public ? 0755 : 0700) != 0 && errno != EEXIST) {
    return disk_error("make directory", directory);
  }
  changed.insert(directory);
  changed.insert(directory.parent_path());
  return {};
}

}  // namespace avouch::adapters
