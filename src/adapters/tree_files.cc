#include "adapters/tree_files.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <memory>
#include <system_error>
#include <utility>

#include "adapters/file_handle.h"

namespace avouch::adapters {
namespace {

constexpr std::size_t kMaxDepth = 256, kMaxEntries = 4'000'000, kMaxSkipped = 100;

struct CloseFolder {
  void operator()(DIR* folder) const { ::closedir(folder); }
};

Error failed(std::string_view what, const std::string& path) {
  const int error = errno;
  return rejected(std::string(what) + " " + path + ": " +
                  std::error_code(error, std::generic_category()).message() +
                  (error == EACCES || error == EPERM ? ": run as root" : ""));
}

class Walk {
 public:
  Walk(std::string root, dev_t device, provision::FileSink& sink, std::vector<std::string>& skipped)
      : root_(std::move(root)), device_(device), sink_(sink), skipped_(skipped) {}

  // `path` is "" for the root, else begins with a slash.
  // NOLINTNEXTLINE(misc-no-recursion): bounded by kMaxDepth
  Result<void> folder(int fd, const std::string& path, std::size_t depth) {
    const std::unique_ptr<DIR, CloseFolder> stream(::fdopendir(fd));
    if (stream == nullptr) {
      ::close(fd);
      return failed("read the folder", root_ + path);
    }
    if (depth > kMaxDepth) {
      return rejected(root_ + path + ": folders are nested deeper than " +
                      std::to_string(kMaxDepth));
    }
    while (true) {
      errno = 0;
      const dirent* entry = ::readdir(stream.get());  // NOLINT(concurrency-mt-unsafe): own stream
      if (entry == nullptr) {
        return errno == 0 ? Result<void>() : failed("read the folder", root_ + path);
      }
      const std::string name = entry->d_name;
      if (name == "." || name == "..") continue;
      if (++entries_ > kMaxEntries) {
        return rejected(root_ + ": more than " + std::to_string(kMaxEntries) + " entries");
      }
      std::string full = path;
      full += '/';
      full += name;
      AVOUCH_CHECK(one(::dirfd(stream.get()), name, full, depth));
    }
  }

 private:
  // NOLINTNEXTLINE(misc-no-recursion)
  Result<void> one(int parent, const std::string& name, const std::string& path,
                   std::size_t depth) {
    struct stat status {};
    if (::fstatat(parent, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) {
      return errno == ENOENT ? Result<void>() : failed("look at", root_ + path);
    }
    const bool is_folder = S_ISDIR(status.st_mode);
    if (!is_folder && !S_ISREG(status.st_mode)) return {};
    if (status.st_dev != device_) {
      if (skipped_.size() < kMaxSkipped) skipped_.push_back(path);
      return {};
    }
    FileHandle file(
        ::openat(parent, name.c_str(),
                 O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | (is_folder ? O_DIRECTORY : 0)));
    if (file.get() < 0) {
      return errno == ENOENT ? Result<void>() : failed("open", root_ + path);
    }
    if (is_folder) return folder(file.release(), path, depth + 1);
    if (::fstat(file.get(), &status) != 0) return failed("look at", root_ + path);
    if (!S_ISREG(status.st_mode)) return {};  // replaced in the meantime
    return content(file.get(), path);
  }

  Result<void> content(int fd, const std::string& path) {
    AVOUCH_CHECK(sink_.begin(path));
    while (true) {
      const ssize_t got = ::read(fd, buffer_.data(), buffer_.size());
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return failed("read", root_ + path);
      if (got == 0) return sink_.end();
      AVOUCH_CHECK(sink_.feed(ByteView(buffer_).first(static_cast<std::size_t>(got))));
    }
  }

  std::string root_;
  dev_t device_;
  provision::FileSink& sink_;
  std::vector<std::string>& skipped_;
  std::size_t entries_ = 0;
  std::vector<std::uint8_t> buffer_ = std::vector<std::uint8_t>(256 * 1024);
};

}  // namespace

Result<void> TreeFiles::read(provision::FileSink& sink) {
  skipped_.clear();
  std::string root = folder_.string();
  while (root.size() > 1 && root.ends_with('/')) root.pop_back();
  FileHandle folder(::open(root.c_str(), O_RDONLY | O_CLOEXEC | O_DIRECTORY));
  struct stat status {};
  if (folder.get() < 0 || ::fstat(folder.get(), &status) != 0) {
    return failed("open the folder", root);
  }
  if (root == "/") root.clear();
  return Walk(root, status.st_dev, sink, skipped_).folder(folder.release(), "", 0);
}

}  // namespace avouch::adapters
