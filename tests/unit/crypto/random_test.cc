#include "crypto/random.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace avouch::crypto {
namespace {

TEST(SystemRandom, FillsEveryByteOfWhatItIsGiven) {
  for (const std::size_t size : {0UL, 1UL, 31UL, 32UL, 4096UL, (1UL << 20) + 7}) {
    // A byte that stays zero in 16 fills of a sound generator has a chance of 2^-128.
    Bytes seen(size, 0);
    for (int round = 0; round < 16; ++round) {
      const Bytes bytes = random_bytes(system_random(), size);
      ASSERT_EQ(bytes.size(), size);
      for (std::size_t i = 0; i < size; ++i) seen[i] |= bytes[i];
    }
    EXPECT_EQ(std::count(seen.begin(), seen.end(), 0), 0) << size;
  }
}

TEST(SystemRandom, NeverRepeats) {
  EXPECT_NE(random_bytes(system_random(), 32), random_bytes(system_random(), 32));
}

class Counting final : public Random {
 public:
  void fill(std::span<std::uint8_t> out) override {
    for (std::uint8_t& byte : out) byte = next_++;
  }

 private:
  std::uint8_t next_ = 0;
};

TEST(RandomBytes, AreThoseOfTheGivenGenerator) {
  Counting counting;
  EXPECT_EQ(random_bytes(counting, 3), (Bytes{0, 1, 2}));
  EXPECT_EQ(random_bytes(counting, 2), (Bytes{3, 4}));
}

}  // namespace
}  // namespace avouch::crypto
