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
