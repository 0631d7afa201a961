#include "adapters/cold_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <exception>
#include <string>
#include <system_error>
#include <utility>

namespace avouch::adapters {
namespace {

constexpr std::uint64_t kLeastPlace = 256;

std::string reason_of(int error) { return std::generic_category().message(error); }

// The least size of a place that holds so many bytes.
std::uint64_t place_bytes(std::uint64_t bytes) {
  const std::uint64_t wanted = std::max(bytes, kLeastPlace);
  const std::uint64_t step = std::max<std::uint64_t>(std::bit_floor(wanted) / 4, 1);
  return (wanted + step - 1) / step * step;
}

}  // namespace

Result<std::unique_ptr<ColdFile>> ColdFile::open(ColdFileOptions options) {
  const std::filesystem::path path = options.directory / "cold";
  // What a crash between the two lines below may have left.
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) {
    return retryable(path.string() + ": cannot be removed: " + reason_of(errno));
  }
  const int fd =
      ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, S_IRUSR | S_IWUSR);
  if (fd < 0) return retryable(path.string() + ": cannot be made: " + reason_of(errno));
  auto out = std::unique_ptr<ColdFile>(new ColdFile(std::move(options), fd));
  if (::unlink(path.c_str()) != 0) {
    return retryable(path.string() + ": cannot be unlinked: " + reason_of(errno));
  }
  return out;
}

ColdFile::~ColdFile() { ::close(fd_); }

Result<std::uint64_t> ColdFile::take_place(std::uint64_t size) {
  const std::lock_guard lock(mutex_);
  if (const auto found = free_.find(size); found != free_.end() && !found->second.empty()) {
    const std::uint64_t at = found->second.back();
    found->second.pop_back();
    return at;
  }
  if (size > options_.most_bytes - std::min(options_.most_bytes, end_)) {
    return retryable("the file for what is out of memory has its " +
                     std::to_string(options_.most_bytes) + " bytes");
  }
  if (options_.has_room && !options_.has_room(size)) {
    return retryable("the volume has no room for what is out of memory");
  }
  return std::exchange(end_, end_ + size);
}

Result<control::ColdStore::Place> ColdFile::put(ByteView bytes) {
  if (bytes.size() > kMostItemBytes) {
    return rejected(std::to_string(bytes.size()) +
                    " bytes to be put out of memory, expected at most " +
                    std::to_string(kMostItemBytes));
  }
  const Place place{.at = 0, .size = static_cast<std::uint32_t>(bytes.size())};
  AVOUCH_TRY(const std::uint64_t at, take_place(place_bytes(bytes.size())));
  std::size_t done = 0;
  while (done < bytes.size()) {
    const ByteView rest = bytes.subspan(done);
    const ::ssize_t wrote =
        ::pwrite(fd_, rest.data(), rest.size(), static_cast<::off_t>(at + done));
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote <= 0) {
      const int error = wrote < 0 ? errno : ENOSPC;
      drop({at, place.size});
      return retryable("what is to be out of memory cannot be written: " + reason_of(error));
    }
    done += static_cast<std::size_t>(wrote);
  }
  return Place{at, place.size};
}

Result<Bytes> ColdFile::get(const Place& place) {
  Bytes out(place.size);
  std::size_t done = 0;
  while (done < out.size()) {
    const ::ssize_t got =
        ::pread(fd_, out.data() + done, out.size() - done, static_cast<::off_t>(place.at + done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) {
      return retryable("what is out of memory cannot be read: " + reason_of(errno));
    }
    if (got == 0) {
      return retryable("what is out of memory cannot be read: its file ends after " +
                       std::to_string(done) + " of " + std::to_string(out.size()) + " bytes");
    }
    done += static_cast<std::size_t>(got);
  }
  return out;
}

void ColdFile::drop(const Place& place) noexcept {
  try {
    const std::lock_guard lock(mutex_);
    free_[place_bytes(place.size)].push_back(place.at);
  } catch (const std::exception&) {
    return;  // no memory: the place is used no more
  }
}

std::uint64_t ColdFile::bytes() const {
  const std::lock_guard lock(mutex_);
  return end_;
}

}  // namespace avouch::adapters
