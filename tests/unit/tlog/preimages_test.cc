#include "tlog/preimages.h"

#include <gtest/gtest.h>

#include "support/log_vectors.h"

namespace avouch::tlog {
namespace {

using testing::LogVectors;

std::vector<PreimageSlot> slots() {
  return {{false, to_bytes("first preimage"), "id-1"}, {false, {}, ""}, {true, {}, "erased-id"}};
}

TEST(Preimages, AreWrittenByteForByteAsTheirFormatSays) {
  EXPECT_EQ(format_preimages(3, slots()), LogVectors("files.txt").bytes("preimages"));
  EXPECT_EQ(preimages_path(1'234'067), "preimages/x001/x234/067");
}

TEST(Preimages, AreGivenBackAsWritten) {
  EXPECT_EQ(parse_preimages(3, format_preimages(3, slots())).value(), slots());
  EXPECT_EQ(parse_preimages(0, format_preimages(0, {})).value(), std::vector<PreimageSlot>());
  const std::vector<PreimageSlot> most(256, slots()[0]);
  EXPECT_EQ(parse_preimages(0, format_preimages(0, most)).value(), most);
}

TEST(Preimages, RefuseEveryFlippedBitAndEveryTruncation) {
  const Bytes good = format_preimages(3, slots());
  for (std::size_t bit = 0; bit < good.size() * 8; ++bit) {
    Bytes bytes = good;
    bytes[bit / 8] ^= static_cast<std::uint8_t>(1U << bit % 8);
    EXPECT_FALSE(parse_preimages(3, bytes).has_value()) << bit;
  }
  for (std::size_t length = 0; length < good.size(); ++length) {
    EXPECT_FALSE(parse_preimages(3, ByteView(good).first(length)).has_value()) << length;
  }
}

TEST(Preimages, OfAnotherGroupAreRefused) {
  EXPECT_FALSE(parse_preimages(4, format_preimages(3, slots())).has_value());
  const std::vector<PreimageSlot> too_many(257);
  EXPECT_FALSE(parse_preimages(0, format_preimages(0, too_many)).has_value());
}

}  // namespace
}  // namespace avouch::tlog
