#include "adapters/volume.h"

#include <sys/statvfs.h>

#include <cerrno>
#include <system_error>

namespace avouch::adapters {

Result<control::VolumeSpace> volume_space(const std::filesystem::path& path) {
  struct statvfs found {};
  while (::statvfs(path.c_str(), &found) != 0) {
    if (errno == EINTR) continue;
    return retryable("statvfs " + path.string() + ": " +
                     std::error_code(errno, std::generic_category()).message());
  }
  control::VolumeSpace space;
  space.available = static_cast<std::uint64_t>(found.f_bavail) * found.f_frsize;
  space.size = static_cast<std::uint64_t>(found.f_blocks) * found.f_frsize;
  space.files_available = static_cast<std::uint64_t>(found.f_favail);
  space.files = static_cast<std::uint64_t>(found.f_files);
  return space;
}

}  // namespace avouch::adapters
