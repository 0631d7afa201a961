// What a file system says of itself.

#include "adapters/volume.h"

#include <gtest/gtest.h>
#include <sys/statvfs.h>

#include "unit/adapters/scratch_folder.h"

namespace avouch::adapters {
namespace {

TEST(VolumeSpace, HasBytesAndFilesOfTheFileSystem) {
  const ScratchFolder folder;
  struct statvfs expected {};
  ASSERT_EQ(::statvfs(folder.path().c_str(), &expected), 0);
  const auto space = volume_space(folder.path());
  ASSERT_TRUE(space.has_value()) << space.error().message;
  EXPECT_EQ(space->size, std::uint64_t{expected.f_blocks} * expected.f_frsize);
  EXPECT_EQ(space->files, expected.f_files);
  EXPECT_LE(space->available, space->size);
  EXPECT_LE(space->files_available, space->files);
  EXPECT_EQ(space->files_available == 0, expected.f_favail == 0);
}

TEST(VolumeSpace, IsNotKnownOfAFolderThatIsNotThere) {
  const ScratchFolder folder;
  const auto space = volume_space(folder.path() / "none");
  ASSERT_FALSE(space.has_value());
  EXPECT_EQ(space.error().kind, ErrorKind::kRetryable);
}

}  // namespace
}  // namespace avouch::adapters
