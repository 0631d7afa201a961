#include "tlog/preimages.h"

#include <gtest/gtest.h>

#include "support/log_vectors.h"
#include "support/memory_log_store.h"

namespace avouch::tlog {
namespace {

using testing::LogVectors;

std::vector<PreimageSlot> slots() {
  return {{false, to_bytes("first preimage"), "id-1"}, {false, {}, ""}, {true, {}, "erasure/1002"}};
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

TEST(Preimages, SayByWhichEntryTheyWereErased) {
  PreimageSlot slot = slots()[0];
  EXPECT_EQ(erased_by(slot), std::nullopt);
  erase_slot(slot, 1002);
  EXPECT_EQ(slot, slots()[2]);
  EXPECT_EQ(erased_by(slot), 1002U);
  erase_slot(slot, 1003);  // the first one did
  EXPECT_EQ(erased_by(slot), 1002U);
  for (const char* id : {"", "erasure/", "erasure/x", "erasure/1 ", "erasure/-1", "Erasure/1",
                         "erasure/18446744073709551616"}) {
    EXPECT_EQ(erased_by({true, {}, id}), std::nullopt) << id;
  }
  EXPECT_EQ(erased_by({false, {}, "erasure/1002"}), std::nullopt);
  EXPECT_FALSE(is_pruned(slot));
  PreimageSlot pruned = slots()[0];
  erase_slot(pruned, 1002, ErasedBy::kPruning);
  EXPECT_EQ(pruned, (PreimageSlot{true, {}, "pruning/1002"}));
  EXPECT_EQ(erased_by(pruned), 1002U);
  EXPECT_TRUE(is_pruned(pruned));
  EXPECT_FALSE(is_pruned({false, {}, "pruning/1002"}));
}

TEST(Preimages, AreErasedInTheStoreWhereTheyLie) {
  testing::MemoryDisk disk;
  testing::MemoryLogStore store(disk);
  const std::vector<PreimageSlot> all(256, slots()[0]);
  disk.objects["preimages/000"] = format_preimages(0, all);
  disk.objects["preimages/002"] = format_preimages(2, {slots()[0]});
  const std::vector<Erasure> erasures = {{7, 600}, {512, 601}, {255, 602}, {7, 603}};
  for (int again = 0; again < 2; ++again) {
    ASSERT_TRUE(erase_preimages(store, erasures).has_value());
    const auto first = parse_preimages(0, disk.objects["preimages/000"]).value();
    for (std::size_t i = 0; i < first.size(); ++i) {
      EXPECT_EQ(first[i].erased, i == 7 || i == 255) << i;
      EXPECT_TRUE(first[i].erased || first[i] == slots()[0]) << i;
    }
    EXPECT_EQ(erased_by(first[7]), 600U);
    EXPECT_EQ(erased_by(parse_preimages(2, disk.objects["preimages/002"])->front()), 601U);
  }
  for (const std::uint64_t nowhere : {256U, 513U}) {  // no such group, no such slot
    const Erasure one{nowhere, 700};
    EXPECT_EQ(erase_preimages(store, std::span(&one, 1)).error().kind, ErrorKind::kFatal);
  }
  disk.objects["preimages/000"][20] ^= 1;
  EXPECT_EQ(erase_preimages(store, erasures).error().kind, ErrorKind::kFatal);
}

}  // namespace
}  // namespace avouch::tlog
