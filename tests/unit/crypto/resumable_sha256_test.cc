#include "crypto/resumable_sha256.h"

#include <gtest/gtest.h>

namespace avouch::crypto {
namespace {

Bytes pattern(std::size_t size) {
  Bytes out(size);
  for (std::size_t i = 0; i < size; ++i) out[i] = static_cast<std::uint8_t>(i * 7 + i / 64);
  return out;
}

TEST(ResumableSha256, GivesTheDigestOfEveryLengthUpToFiveBlocks) {
  const Bytes data = pattern(320);
  for (std::size_t size = 0; size <= data.size(); ++size) {
    ResumableSha256 hasher;
    hasher.update(ByteView(data).first(size));
    EXPECT_EQ(hasher.digest_so_far(), sha256(ByteView(data).first(size))) << size;
  }
}

TEST(ResumableSha256, IsTheSameWhereverTheDataIsSplitAndTheStateStored) {
  const Bytes data = pattern(200);
  for (std::size_t first = 0; first <= data.size(); ++first) {
    for (const std::size_t second :
         {std::size_t{0}, std::size_t{1}, std::size_t{63}, std::size_t{64}, std::size_t{65}}) {
      const std::size_t middle = std::min(data.size(), first + second);
      ResumableSha256 hasher;
      hasher.update(ByteView(data).first(first));
      hasher = ResumableSha256::decode(hasher.encode()).value();
      hasher.update(ByteView(data).subspan(first, middle - first));
      hasher = ResumableSha256::decode(hasher.encode()).value();
      hasher.update(ByteView(data).subspan(middle));
      EXPECT_EQ(hasher.digest_so_far(), sha256(data)) << first << " " << middle;
      EXPECT_EQ(hasher.size(), data.size());
    }
  }
}

TEST(ResumableSha256, RefusesStatesThatItDoesNotWrite) {
  ResumableSha256 hasher;
  hasher.update(pattern(70));
  const Bytes good = hasher.encode();
  for (std::size_t size = 0; size < good.size(); ++size) {
    EXPECT_FALSE(ResumableSha256::decode(ByteView(good).first(size)).has_value());
  }
  Bytes longer = good;
  longer.push_back(0);
  EXPECT_FALSE(ResumableSha256::decode(longer).has_value());
  Bytes after = good;
  after.back() = 1;
  EXPECT_FALSE(ResumableSha256::decode(after).has_value());
  Bytes huge = good;
  huge[32] = 0x20;
  EXPECT_FALSE(ResumableSha256::decode(huge).has_value());
}

}  // namespace
}  // namespace avouch::crypto
