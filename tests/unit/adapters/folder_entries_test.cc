// Folders that cannot be read to their end: whoever opens a store on one is told, and nothing is
// thrown.

#include "adapters/folder_entries.h"

#include <dirent.h>
#include <dlfcn.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <fstream>

#include "adapters/blob_files.h"
#include "adapters/node_files.h"
#include "adapters/record_files.h"
#include "adapters/renewal_files.h"
#include "adapters/spool_files.h"
#include "support/manual_clock.h"
#include "tests/unit/adapters/scratch_folder.h"

namespace {
thread_local int good_reads = -1;  // of folders, until the next fails; -1: none fails
}  // namespace

// In place of libc's, also for the standard library.
extern "C" dirent* readdir(DIR* folder) {
  static const auto real = reinterpret_cast<dirent* (*)(DIR*)>(dlsym(RTLD_NEXT, "readdir"));
  if (good_reads == 0) {
    errno = EIO;
    return nullptr;
  }
  if (good_reads > 0) --good_reads;
  return real(folder);
}

namespace avouch::adapters {
namespace {

void put(const std::filesystem::path& file) {
  std::filesystem::create_directories(file.parent_path());
  std::ofstream(file) << "{}";
}

TEST(ForEachEntry, SeesAllOrSaysThatItDidNot) {
  const ScratchFolder scratch;
  for (const char* name : {"a", "b", "c"}) put(scratch.path() / name);
  int seen = 0;
  const auto count = [&seen](const std::filesystem::directory_entry&) -> Result<void> {
    ++seen;
    return {};
  };
  ASSERT_TRUE(for_each_entry(scratch.path(), count).has_value());
  EXPECT_EQ(seen, 3);
  const auto refuse = [](const std::filesystem::directory_entry&) -> Result<void> {
    return fatal("not ours");
  };
  EXPECT_EQ(for_each_entry(scratch.path(), refuse).error().message, "not ours");
  EXPECT_FALSE(for_each_entry(scratch.path() / "none", count).has_value());
  for (int reads = 0; reads < 6; ++reads) {  // with . and .., and the end
    good_reads = reads;
    const auto cut_short = for_each_entry(scratch.path(), count);
    good_reads = -1;
    ASSERT_FALSE(cut_short.has_value()) << reads;
    EXPECT_EQ(cut_short.error().kind, ErrorKind::kRetryable);
    EXPECT_NE(cut_short.error().message.find("Input/output error"), std::string::npos)
        << cut_short.error().message;
  }
}

// Fails at every read of a folder in turn, until all of them are good.
template <typename Open>
void expect_errors_at_every_read(const Open& open) {
  for (int reads = 0;; ++reads) {
    ASSERT_LT(reads, 100);
    good_reads = reads;
    const auto opened = open();
    const bool reached = good_reads == 0;
    good_reads = -1;
    if (opened.has_value()) {
      EXPECT_GT(reads, 2);
      return;
    }
    EXPECT_TRUE(reached);
    EXPECT_NE(opened.error().message.find("list "), std::string::npos) << opened.error().message;
  }
}

TEST(FolderThatCannotBeRead, IsSaidByEveryStore) {
  const ScratchFolder scratch;
  testing::ManualClock clock;
  const std::filesystem::path& root = scratch.path();
  put(root / "nodes" / "a.json");
  put(root / "nodes" / "b.new");
  put(root / "renewals" / "7");
  put(root / "records" / "days" / "3" / "renewals" / "x");
  put(root / "records" / "runtime" / "y");
  const std::string digest(64, 'a');
  put(root / "records" / "objects" / digest);
  put(root / "blobs" / "blobs" / digest);
  put(root / "blobs" / "runtime" / "uid.boot");
  put(root / "blobs" / "incoming" / "z");
  expect_errors_at_every_read([&] { return NodeFiles::open(root / "nodes"); });
  auto nodes = NodeFiles::open(root / "nodes").value();
  expect_errors_at_every_read([&] { return nodes->load(); });
  expect_errors_at_every_read([&] { return RenewalFiles::open({.directory = root / "renewals"}); });
  expect_errors_at_every_read([&] {
    return RecordFiles::open({.directory = root / "records",
                              .evidence = root / "blobs" / "blobs",
                              .lists = root / "blobs" / "blobs",
                              .has_room = {}});
  });
  expect_errors_at_every_read(
      [&] { return BlobFiles::open({.directory = root / "blobs", .has_room = {}}, clock); });
  expect_errors_at_every_read([&] { return open_spool_files({.directory = root / "spool"}); });
}

}  // namespace
}  // namespace avouch::adapters
