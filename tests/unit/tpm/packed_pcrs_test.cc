#include "tpm/packed_pcrs.h"

#include <gtest/gtest.h>

#include <stdexcept>

namespace avouch::tpm {
namespace {

using crypto::HashAlgorithm;

TEST(PackedPcrs, GiveBackWhatTheyWereMadeOf) {
  PcrValues values;
  for (const HashAlgorithm bank : {HashAlgorithm::kSha1, HashAlgorithm::kSha512}) {
    for (std::uint8_t index = 0; index < kPcrCount; ++index) {
      values[{bank, index}] = Bytes(crypto::digest_size(bank), index);
    }
  }
  values[{HashAlgorithm::kSha256, 0}] = {};  // of an odd size
  values[{HashAlgorithm::kSha256, 255}] = Bytes(255, 1);
  const PackedPcrs packed(values);
  const PackedPcrs copy = packed;  // NOLINT(performance-unnecessary-copy-initialization)
  EXPECT_EQ(packed.unpack(), values);
  EXPECT_EQ(copy.unpack(), values);
}

TEST(PackedPcrs, OfNothingAreNothing) {
  EXPECT_TRUE(PackedPcrs().unpack().empty());
  EXPECT_TRUE(PackedPcrs(PcrValues{}).unpack().empty());
}

TEST(PackedPcrs, RefuseAValueThatNoHashHas) {
  EXPECT_THROW(PackedPcrs({{{HashAlgorithm::kSha256, 0}, Bytes(256, 1)}}), std::length_error);
}

}  // namespace
}  // namespace avouch::tpm
