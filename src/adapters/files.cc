#include "adapters/files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string>
#include <system_error>
#include <utility>

#include "adapters/file_handle.h"

namespace avouch::adapters {
namespace {

std::string describe(std::string_view action, const std::filesystem::path& path) {
  return std::string(action) + " " + path.string() + ": " +
         std::error_code(errno, std::generic_category()).message();
}

// Room for `more` bytes: the double of what there was, as vectors grow, but never beyond `max`.
void make_room(Bytes& out, std::size_t more, std::size_t max) {
  const std::size_t needed = out.size() + more;
  if (needed > out.capacity()) out.reserve(std::max(needed, std::min(max, 2 * out.capacity())));
}

// Reads up to `max` bytes at `offset` (-1: from where the descriptor stands).
Result<Bytes> read_some(int fd, std::int64_t offset, std::size_t max,
                        const std::filesystem::path& path) {
  Bytes out;
  std::array<std::uint8_t, 65536> buffer;
  while (out.size() < max) {
    const std::size_t want = std::min(buffer.size(), max - out.size());
    const ssize_t got = offset < 0 ? ::read(fd, buffer.data(), want)
                                   : ::pread(fd, buffer.data(), want,
                                             offset + static_cast<std::int64_t>(out.size()));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return retryable(describe("read", path));
    if (got == 0) break;
    make_room(out, static_cast<std::size_t>(got), max);
    append(out, ByteView(buffer.data(), static_cast<std::size_t>(got)));
  }
  return out;
}

Result<void> write_all(int fd, ByteView content, const std::filesystem::path& path) {
  while (!content.empty()) {
    const ssize_t put = ::write(fd, content.data(), content.size());
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return retryable(describe("write", path));
    content = content.subspan(static_cast<std::size_t>(put));
  }
  return {};
}

Result<void> sync_parent(const std::filesystem::path& path) {
  const std::filesystem::path parent = path.has_parent_path() ? path.parent_path() : ".";
  const FileHandle folder(::open(parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (folder.get() < 0) return fatal(describe("open", parent));
  if (::fsync(folder.get()) != 0) return fatal(describe("fsync", parent));
  return {};
}

}  // namespace

Result<std::optional<Bytes>> read_file(const std::filesystem::path& path, std::size_t max_bytes) {
  const FileHandle file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0 && errno == ENOENT) return std::optional<Bytes>();
  if (file.get() < 0) return retryable(describe("open", path));
  const std::string too_large =
      path.string() + ": more than " + std::to_string(max_bytes) + " bytes";
  struct stat there {};
  if (::fstat(file.get(), &there) == 0 && S_ISREG(there.st_mode) &&
      std::cmp_greater(there.st_size, max_bytes)) {
    return rejected(too_large + ": it has " + std::to_string(there.st_size));
  }
  AVOUCH_TRY(Bytes content, read_some(file.get(), -1, max_bytes + 1, path));
  if (content.size() > max_bytes) return rejected(too_large);
  return std::optional(std::move(content));
}

Result<std::optional<OpenFile>> OpenFile::open(const std::filesystem::path& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0 && errno == ENOENT) return std::optional<OpenFile>();
  if (fd < 0) return retryable(describe("open", path));
  return std::optional(OpenFile(fd, path));
}

OpenFile::OpenFile(OpenFile&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), path_(std::move(other.path_)) {}

OpenFile& OpenFile::operator=(OpenFile&& other) noexcept {
  std::swap(fd_, other.fd_);
  std::swap(path_, other.path_);
  return *this;
}

OpenFile::~OpenFile() {
  if (fd_ >= 0) ::close(fd_);
}

bool OpenFile::is_at(const std::filesystem::path& path) const {
  struct stat here {};
  struct stat there {};
  return ::fstat(fd_, &here) == 0 && ::stat(path.c_str(), &there) == 0 &&
         here.st_dev == there.st_dev && here.st_ino == there.st_ino;
}

Result<Bytes> OpenFile::read(std::uint64_t offset, std::size_t max_bytes) const {
  if (offset > static_cast<std::uint64_t>(INT64_MAX) - max_bytes) {
    return rejected(path_.string() + ": offset " + std::to_string(offset) + " is too large");
  }
  return read_some(fd_, static_cast<std::int64_t>(offset), max_bytes, path_);
}

Result<void> write_file_atomically(const std::filesystem::path& path, ByteView content) {
  const std::filesystem::path fresh = path.string() + ".new";
  {
    const FileHandle file(::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
    if (file.get() < 0) return retryable(describe("create", fresh));
    AVOUCH_CHECK(write_all(file.get(), content, fresh));
    if (::fsync(file.get()) != 0) return fatal(describe("fsync", fresh));
  }
  if (::rename(fresh.c_str(), path.c_str()) != 0) return retryable(describe("rename", fresh));
  return sync_parent(path);
}

Result<void> create_file(const std::filesystem::path& path, ByteView content) {
  const FileHandle file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (file.get() < 0 && errno == EEXIST) {
    return rejected(path.string() + ": there is a file already, which is not overwritten");
  }
  if (file.get() < 0) return retryable(describe("create", path));
  Result<void> made = write_all(file.get(), content, path);
  if (made.has_value() && ::fsync(file.get()) != 0) made = fatal(describe("fsync", path));
  if (made.has_value()) made = sync_parent(path);
  if (!made.has_value()) ::unlink(path.c_str());
  return made;
}

}  // namespace avouch::adapters
