#include "adapters/cold_file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <string>

#include "control/cold_item.h"
#include "tests/support/cold_store_contract.h"
#include "tests/support/tpm_structures.h"
#include "tests/unit/adapters/scratch_folder.h"

namespace avouch {
namespace {

using adapters::ColdFile;
using adapters::ScratchFolder;
using testing::must_value;

struct ColdFileMaker {
  std::unique_ptr<control::ColdStore> make() {
    return must_value(ColdFile::open({.directory = folder.path()}));
  }
  ScratchFolder folder;
};

}  // namespace
namespace testing {
INSTANTIATE_TYPED_TEST_SUITE_P(ColdFile, ColdStoreContract, ColdFileMaker);
}
namespace {

class ColdFileTest : public ::testing::Test {
 protected:
  std::unique_ptr<ColdFile> open(std::uint64_t most = 1U << 20U,
                                 std::function<bool(std::uint64_t)> has_room = {}) {
    return must_value(ColdFile::open(
        {.directory = folder.path(), .most_bytes = most, .has_room = std::move(has_room)}));
  }
  // From now on the store's file is that one.
  static void exchange(const ColdFile& store, const char* path, int flags) {
    const int other = ::open(path, flags);
    ASSERT_GE(other, 0) << path;
    ASSERT_GE(::dup2(other, store.descriptor()), 0);
    ::close(other);
  }
  ScratchFolder folder;
};

TEST_F(ColdFileTest, HasNoNameAndIsItsOwnersAlone) {
  const auto store = open();
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
  struct stat seen {};
  ASSERT_EQ(::fstat(store->descriptor(), &seen), 0);
  EXPECT_EQ(seen.st_mode & 0777U, 0600U);
  EXPECT_EQ(seen.st_nlink, 0U);
}

TEST_F(ColdFileTest, OpensWhereACrashHasLeftAFileAndFollowsNoLink) {
  const auto other = folder.write("other", "not ours");
  std::filesystem::create_symlink(other, folder.path() / "cold");
  const auto store = open();
  EXPECT_TRUE(store->put(Bytes(100, 1)).has_value());
  std::string content;
  std::getline(std::ifstream(other), content);
  EXPECT_EQ(content, "not ours");
  EXPECT_FALSE(ColdFile::open({.directory = folder.path() / "missing"}).has_value());
}

TEST_F(ColdFileTest, UsesPlacesAgainAndNeverGrowsOverItsLimit) {
  const auto store = open(64U * 1024U);
  std::vector<control::ColdStore::Place> places;
  for (;;) {
    const auto place = store->put(Bytes(4000, 7));
    if (!place.has_value()) {
      EXPECT_EQ(place.error().kind, ErrorKind::kRetryable);
      break;
    }
    places.push_back(*place);
    ASSERT_LE(store->bytes(), 64U * 1024U);
  }
  EXPECT_EQ(places.size(), 16U);
  for (const auto& place : places) store->drop(place);
  const std::uint64_t full = store->bytes();
  for (int i = 0; i < 16; ++i) EXPECT_TRUE(store->put(Bytes(4000, 8)).has_value()) << i;
  EXPECT_EQ(store->bytes(), full);
  EXPECT_EQ(store->put(Bytes(ColdFile::kMostItemBytes + 1)).error().kind, ErrorKind::kRejected);
}

TEST_F(ColdFileTest, TakesNothingWhereTheVolumeHasNoRoom) {
  bool room = false;
  const auto store = open(1U << 20U, [&](std::uint64_t) { return room; });
  EXPECT_EQ(store->put(Bytes(100, 1)).error().kind, ErrorKind::kRetryable);
  room = true;
  EXPECT_TRUE(store->put(Bytes(100, 1)).has_value());
}

TEST_F(ColdFileTest, AFullDeviceRefusesAndKeepsNothing) {
  const auto store = open();
  exchange(*store, "/dev/full", O_RDWR);
  for (int i = 0; i < 3; ++i) {
    const auto place = store->put(Bytes(3000, 1));
    ASSERT_FALSE(place.has_value());
    EXPECT_EQ(place.error().kind, ErrorKind::kRetryable);
    EXPECT_NE(place.error().message.find("No space left"), std::string::npos);
  }
  EXPECT_EQ(store->bytes(), 3072U) << "the same place each time";
}

TEST_F(ColdFileTest, AFileThatCannotBeReadOrWrittenIsAnErrorEachTime) {
  const auto store = open();
  const auto place = must_value(store->put(Bytes(3000, 1)));
  exchange(*store, folder.path().c_str(), O_RDONLY);
  EXPECT_EQ(store->get(place).error().kind, ErrorKind::kRetryable);
  EXPECT_EQ(store->put(Bytes(10, 1)).error().kind, ErrorKind::kRetryable);
}

TEST_F(ColdFileTest, AFileThatWasCutGivesNothing) {
  const auto store = open();
  const auto place = must_value(store->put(Bytes(3000, 1)));
  for (const int size : {2999, 1500, 1, 0}) {
    ASSERT_EQ(::ftruncate(store->descriptor(), size), 0);
    const auto got = store->get(place);
    ASSERT_FALSE(got.has_value());
    EXPECT_EQ(got.error().kind, ErrorKind::kRetryable);
  }
}

TEST_F(ColdFileTest, WhatIsChangedInTheFileDoesNotComeBackAsAnItem) {
  const auto store = open();
  Bytes bytes(700);
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::uint8_t>(i * 3);
  control::ColdItem item;
  item.put(*store, bytes, {});
  for (off_t at = 0; at < 700; ++at) {
    std::uint8_t byte = 0;
    ASSERT_EQ(::pread(store->descriptor(), &byte, 1, at), 1);
    const auto other = static_cast<std::uint8_t>(byte ^ (1U << (at % 8)));
    ASSERT_EQ(::pwrite(store->descriptor(), &other, 1, at), 1);
    EXPECT_EQ(item.get().error().kind, ErrorKind::kFatal) << at;
    ASSERT_EQ(::pwrite(store->descriptor(), &byte, 1, at), 1);
  }
  EXPECT_EQ(item.get().value(), bytes);
}

}  // namespace
}  // namespace avouch
