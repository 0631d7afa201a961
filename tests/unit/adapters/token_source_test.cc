#include "adapters/token_source.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "support/manual_clock.h"
#include "support/process.h"

namespace avouch::adapters {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::ManualClock;
using testing::TempDir;
using testing::write_text;

TEST(TokenSource, GivesTheTextWhereThereIsNoFile) {
  ManualClock clock;
  EXPECT_EQ(TokenSource("t", "", clock).token().value(), "t");
  EXPECT_EQ(TokenSource("", "", clock).token().value(), "");
}

TEST(TokenSource, ReadsItsFileAgainAfterASecond) {
  ManualClock clock;
  const TempDir dir;
  write_text(dir / "t", " first\n");
  TokenSource source("", dir / "t", clock);
  EXPECT_EQ(source.token().value(), "first");
  write_text(dir / "t", "second\n");
  clock.advance(milliseconds(999));
  EXPECT_EQ(source.token().value(), "first");
  clock.advance(milliseconds(1));
  EXPECT_EQ(source.token().value(), "second");
}

TEST(TokenSource, FollowsAFolderThatIsSwappedAsKubeletsDo) {
  ManualClock clock;
  const TempDir dir;
  namespace fs = std::filesystem;
  for (const char* version : {"v1", "v2"}) {
    fs::create_directory(dir / version);
    write_text(dir / version + "/token", version);
  }
  fs::create_directory_symlink("v1", dir / "..data");
  fs::create_symlink("..data/token", dir / "token");
  TokenSource source("", dir / "token", clock);
  EXPECT_EQ(source.token().value(), "v1");
  fs::create_directory_symlink("v2", dir / "..tmp");
  fs::rename(dir / "..tmp", dir / "..data");
  clock.advance(seconds(1));
  EXPECT_EQ(source.token().value(), "v2");
}

TEST(TokenSource, KeepsTheLastTokenWhileTheFileIsBad) {
  ManualClock clock;
  const TempDir dir;
  write_text(dir / "t", "good");
  TokenSource source("", dir / "t", clock);
  ASSERT_TRUE(source.token().has_value());
  for (const std::string& bad : {std::string(), std::string("a b"), std::string(20000, 'x')}) {
    write_text(dir / "t", bad);
    clock.advance(seconds(1));
    EXPECT_EQ(source.token().value(), "good");
  }
  std::filesystem::remove(dir / "t");
  clock.advance(seconds(1));
  EXPECT_EQ(source.token().value(), "good");
}

TEST(TokenSource, SaysWhatIsWrongWithAFileThatWasNeverGood) {
  ManualClock clock;
  const TempDir dir;
  TokenSource source("", dir / "t", clock);
  EXPECT_EQ(source.token().error().kind, ErrorKind::kRetryable);
  write_text(dir / "t", "a\x01");
  EXPECT_EQ(source.token().error().kind, ErrorKind::kRejected);
  write_text(dir / "t", "good");
  EXPECT_EQ(source.token().value(), "good");  // without waiting a second
}

}  // namespace
}  // namespace avouch::adapters
