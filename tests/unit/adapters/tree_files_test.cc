#include "adapters/tree_files.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "tests/unit/adapters/recorded_files.h"
#include "tests/unit/adapters/scratch_folder.h"

namespace avouch::adapters {
namespace {

using Files = std::map<std::string, std::string>;

TEST(TreeFiles, GivesEveryRegularFileByItsPathInTheTree) {
  const ScratchFolder scratch;
  scratch.write("usr/bin/env", "env");
  scratch.write("etc/empty", "");
  scratch.write("a file\nwith a newline", "odd");
  RecordedFiles seen;
  TreeFiles tree(scratch.path().string() + "/");
  const auto read = tree.read(seen);
  ASSERT_TRUE(read.has_value()) << read.error().message;
  EXPECT_EQ(
      seen.files,
      (Files{{"/usr/bin/env", "env"}, {"/etc/empty", ""}, {"/a file\nwith a newline", "odd"}}));
  EXPECT_TRUE(tree.skipped().empty());
}

TEST(TreeFiles, GivesLargeFilesWhole) {
  const ScratchFolder scratch;
  const std::string large(1'000'001, 'x');
  scratch.write("large", large);
  RecordedFiles seen;
  ASSERT_TRUE(TreeFiles(scratch.path()).read(seen).has_value());
  EXPECT_EQ(seen.files["/large"], large);
}

TEST(TreeFiles, FollowsNoLinkAndWaitsForNoPipe) {
  const ScratchFolder scratch, outside;
  outside.write("secret", "secret");
  scratch.write("real", "real");
  std::filesystem::create_symlink(outside.path(), scratch.path() / "folder");
  std::filesystem::create_symlink(outside.path() / "secret", scratch.path() / "file");
  std::filesystem::create_symlink("..", scratch.path() / "loop");
  ASSERT_EQ(::mkfifo((scratch.path() / "pipe").c_str(), 0600), 0);
  RecordedFiles seen;
  ASSERT_TRUE(TreeFiles(scratch.path()).read(seen).has_value());
  EXPECT_EQ(seen.files, (Files{{"/real", "real"}}));
}

TEST(TreeFiles, RefusesWhatIsNoFolder) {
  const ScratchFolder scratch;
  const auto file = scratch.write("file", "x");
  RecordedFiles seen;
  EXPECT_FALSE(TreeFiles(file).read(seen).has_value());
  const auto missing = TreeFiles(scratch.path() / "nowhere").read(seen);
  ASSERT_FALSE(missing.has_value());
  EXPECT_NE(missing.error().message.find("nowhere"), std::string::npos);
}

TEST(TreeFiles, RefusesFoldersThatAreNestedTooDeep) {
  const ScratchFolder scratch;
  std::filesystem::path deep = scratch.path();
  for (int i = 0; i < 300; ++i) deep /= "d";
  std::filesystem::create_directories(deep);
  RecordedFiles seen;
  const auto read = TreeFiles(scratch.path()).read(seen);
  ASSERT_FALSE(read.has_value());
  EXPECT_NE(read.error().message.find("nested deeper"), std::string::npos);
}

TEST(TreeFiles, EndsWithTheSinksError) {
  class Full final : public provision::FileSink {
    Result<void> begin(std::string_view) override { return {}; }
    Result<void> feed(ByteView) override { return rejected("full"); }
    Result<void> end() override { return {}; }
  };
  const ScratchFolder scratch;
  scratch.write("file", "x");
  Full sink;
  const auto read = TreeFiles(scratch.path()).read(sink);
  ASSERT_FALSE(read.has_value());
  EXPECT_EQ(read.error().message, "full");
}

}  // namespace
}  // namespace avouch::adapters
