// Debian packages: whatever a file holds, its reading ends within its bounds, gives files one after
// the other, and only paths below the root.

#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <string>

#include "adapters/deb_files.h"
#include "fuzz/fuzz_target.h"

namespace avouch::fuzzing::deb_target {
namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

class Checking final : public avouch::provision::FileSink {
 public:
  avouch::Result<void> begin(std::string_view path) override {
    require(!open_ && path.starts_with('/') && path.size() > 1);
    require((std::string(path) + "/").find("/../") == std::string::npos);
    open_ = true;
    return {};
  }
  avouch::Result<void> feed(avouch::ByteView piece) override {
    require(open_ && !piece.empty());
    bytes_ += piece.size();
    require(bytes_ <= kBytes);
    return {};
  }
  avouch::Result<void> end() override {
    require(open_);
    open_ = false;
    return {};
  }
  static constexpr std::uint64_t kBytes = 4 << 20;

 private:
  bool open_ = false;
  std::uint64_t bytes_ = 0;
};

// One file in memory, written anew for each input.
int memory_file() {
  static const int fd = ::memfd_create("deb", 0);
  return fd;
}

}  // namespace

AVOUCH_FUZZ_TARGET("deb_fuzz") {
  const int fd = memory_file();
  require(fd >= 0 && ::ftruncate(fd, 0) == 0);
  require(::pwrite(fd, data, size, 0) == static_cast<ssize_t>(size));
  Checking sink;
  const auto read = avouch::adapters::DebFiles("/proc/self/fd/" + std::to_string(fd),
                                               {.entries = 1000, .bytes = Checking::kBytes})
                        .read(sink);
  require(read.has_value() || !read.error().message.empty());
  return 0;
}

}  // namespace avouch::fuzzing::deb_target
