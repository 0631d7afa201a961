// Who may still write where the volume runs short.

#include "control/log_volume.h"

#include <gtest/gtest.h>

#include <limits>

namespace avouch::control {
namespace {

LogVolume volume(std::uint64_t available, std::uint64_t size, VolumeReserve reserve = {}) {
  return {reserve, [available, size] { return VolumeSpace{available, size}; }};
}

TEST(LogVolume, KeepsTheLesserOfBytesAndShare) {
  constexpr std::uint64_t kGi = 1024ULL * 1024 * 1024;
  EXPECT_EQ(volume(0, 100 * kGi).reserve_of({0, 100 * kGi}), kGi);
  EXPECT_EQ(volume(0, 1000).reserve_of({0, 1000}), 100U);
  EXPECT_EQ(volume(0, 0).reserve_of({0, 0}), 0U);
  const std::uint64_t most = std::numeric_limits<std::uint64_t>::max();
  EXPECT_EQ(volume(0, 0, {most, 50}).reserve_of({0, most}), most / 100 * 50);
}

TEST(LogVolume, DenialsEndFirstThenAllowsAndRecordsAndEvidenceLast) {
  EXPECT_TRUE(volume(100, 1000).takes_denials());
  EXPECT_FALSE(volume(99, 1000).takes_denials());
  EXPECT_TRUE(volume(75, 1000).takes_allows());
  EXPECT_FALSE(volume(74, 1000).takes_allows());
  EXPECT_TRUE(volume(99, 1000).takes_records(24));
  EXPECT_FALSE(volume(99, 1000).takes_records(25));
  EXPECT_TRUE(volume(99, 1000).takes_evidence(74));
  EXPECT_FALSE(volume(99, 1000).takes_evidence(75));
}

LogVolume with_files(std::uint64_t available, std::uint64_t files, VolumeReserve reserve = {}) {
  return {reserve, [available, files] { return VolumeSpace{900, 1000, available, files}; }};
}

// Small files use the inodes up long before the bytes.
TEST(LogVolume, KeepsFilesBackAsItKeepsBytes) {
  EXPECT_TRUE(with_files(100, 1000).takes_denials());
  EXPECT_FALSE(with_files(99, 1000).takes_denials());
  EXPECT_TRUE(with_files(75, 1000).takes_allows());
  EXPECT_FALSE(with_files(74, 1000).takes_allows());
  EXPECT_TRUE(with_files(75, 1000).takes_records(1));
  EXPECT_FALSE(with_files(74, 1000).takes_records(1));
  EXPECT_TRUE(with_files(25, 1000).takes_evidence(1));
  EXPECT_FALSE(with_files(24, 1000).takes_evidence(1));
  EXPECT_TRUE(with_files(65'536, 100'000'000).takes_denials()) << "the most that is kept back";
  EXPECT_FALSE(with_files(65'535, 100'000'000).takes_denials());
}

TEST(LogVolume, AFileSystemWithoutABoundOfFilesKeepsNoneBack) {
  EXPECT_TRUE(with_files(0, 0).takes_denials());
  EXPECT_EQ(describe(VolumeSpace{900, 1000, 0, 0}), "900 of 1000 bytes are left");
}

TEST(LogVolume, WithoutAnyFileNothingIsTakenThoughNothingIsKeptBack) {
  const LogVolume none = with_files(0, 1000, {.bytes = 0, .percent = 10});
  EXPECT_FALSE(none.takes_denials());
  EXPECT_FALSE(none.takes_allows());
  EXPECT_FALSE(none.takes_evidence(0));
  EXPECT_TRUE(with_files(1, 1000, {.bytes = 0, .percent = 10}).takes_denials());
  EXPECT_TRUE(lacks_files({900, 1000, 0, 1000}));
  EXPECT_FALSE(lacks_files({900, 1000, 1, 1000}));
  EXPECT_EQ(describe(VolumeSpace{900, 1000, 0, 655'360}),
            "900 of 1000 bytes and 0 of 655360 files (inodes) are left");
}

TEST(LogVolume, TakesNothingWhereNothingIsLeft) {
  const std::uint64_t most = std::numeric_limits<std::uint64_t>::max();
  EXPECT_FALSE(volume(99, 1000).takes_evidence(most));
  EXPECT_FALSE(volume(99, 1000).takes_records(most));
  EXPECT_FALSE(volume(0, 1000).takes_denials());
  EXPECT_FALSE(volume(0, 1000).takes_allows());
  EXPECT_FALSE(volume(0, 1000).takes_evidence(0));
}

TEST(LogVolume, TakesEverythingWhereTheSpaceIsNotKnown) {
  const LogVolume unknown({}, [] { return Result<VolumeSpace>(retryable("no answer")); });
  EXPECT_TRUE(unknown.takes_denials());
  EXPECT_TRUE(unknown.takes_allows());
  EXPECT_TRUE(unknown.takes_records(1));
  EXPECT_TRUE(unknown.takes_evidence(1));
}

}  // namespace
}  // namespace avouch::control
