#include "adapters/files.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <fstream>

#include "tests/unit/adapters/scratch_folder.h"

namespace avouch::adapters {
namespace {

// Bytes that this process has read from files and pipes so far, as the kernel counts.
std::uint64_t bytes_read_so_far() {
  std::ifstream io("/proc/self/io");
  std::string name;
  std::uint64_t count = 0;
  io >> name >> count;
  EXPECT_EQ(name, "rchar:");
  return count;
}

// A pipe with `size` bytes in it and no writer.
class FilledPipe {
 public:
  explicit FilledPipe(std::size_t size) {
    std::array<int, 2> ends{-1, -1};
    EXPECT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
    EXPECT_GE(::fcntl(ends[1], F_SETPIPE_SZ, static_cast<int>(size)), static_cast<int>(size));
    const std::string content(size, 'x');
    EXPECT_EQ(::write(ends[1], content.data(), size), static_cast<ssize_t>(size));
    ::close(ends[1]);
    end_ = ends[0];
  }
  ~FilledPipe() { ::close(end_); }
  FilledPipe(const FilledPipe&) = delete;
  FilledPipe& operator=(const FilledPipe&) = delete;
  std::string path() const { return "/proc/self/fd/" + std::to_string(end_); }

 private:
  int end_ = -1;
};

TEST(ReadFile, RefusesATooLargeRegularFileUnread) {
  const ScratchFolder folder;
  const auto file = folder.write("huge", "");
  std::filesystem::resize_file(file, std::uintmax_t{1} << 32);  // with nothing in it
  const std::uint64_t before = bytes_read_so_far();
  const auto read = read_file(file, std::size_t{1} << 24);
  EXPECT_LT(bytes_read_so_far() - before, std::uint64_t{1} << 20);
  ASSERT_FALSE(read.has_value());
  EXPECT_EQ(read.error().kind, ErrorKind::kRejected);
  EXPECT_EQ(read.error().message, file.string() + ": more than 16777216 bytes: it has 4294967296");
}

TEST(ReadFile, TakesAFileOfJustTheBoundAndNoByteMore) {
  const ScratchFolder folder;
  const auto file = folder.write("file", "12345");
  const auto whole = read_file(file, 5);
  ASSERT_TRUE(whole.has_value()) << whole.error().message;
  EXPECT_EQ(**whole, to_bytes("12345"));
  EXPECT_FALSE(read_file(file, 4).has_value());
}

TEST(ReadFile, TakesFilesThatSayNoSize) {
  const auto read = read_file("/proc/self/status", 65536);
  ASSERT_TRUE(read.has_value()) << read.error().message;
  EXPECT_GT((*read)->size(), 100U);
}

TEST(ReadFile, ReadsAPipeInNoMoreRoomThanItsBound) {
  constexpr std::size_t kSize = 100'000;  // more than is read at once
  const FilledPipe fits(kSize);
  const auto whole = read_file(fits.path(), kSize);
  ASSERT_TRUE(whole.has_value()) << whole.error().message;
  EXPECT_EQ((*whole)->size(), kSize);
  EXPECT_LE((*whole)->capacity(), kSize + 1);
  const FilledPipe larger(kSize);
  const auto refused = read_file(larger.path(), kSize - 1);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().kind, ErrorKind::kRejected);
}

}  // namespace
}  // namespace avouch::adapters
