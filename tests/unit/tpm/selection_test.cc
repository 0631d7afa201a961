#include "tpm/selection.h"

#include <gtest/gtest.h>

namespace avouch::tpm {
namespace {

using crypto::HashAlgorithm;

TEST(FirstMissing, IsNothingWhereEveryNeededPcrIsThere) {
  const PcrSelection have = {{HashAlgorithm::kSha384, 1}, {HashAlgorithm::kSha256, 0b1111}};
  EXPECT_EQ(first_missing(have, {{HashAlgorithm::kSha256, 0b0101}}), std::nullopt);
  EXPECT_EQ(first_missing(have, {}), std::nullopt);
  EXPECT_EQ(first_missing(have, {{HashAlgorithm::kSha512, 0}}), std::nullopt);
}

TEST(FirstMissing, NamesEveryPcrOfEveryBank) {
  for (const auto bank : {HashAlgorithm::kSha1, HashAlgorithm::kSha256, HashAlgorithm::kSha384,
                          HashAlgorithm::kSha512}) {
    for (std::uint8_t index = 0; index < kPcrCount; ++index) {
      const std::uint32_t all = (1U << kPcrCount) - 1;
      const auto missing = first_missing({{bank, all & ~(1U << index)}}, {{bank, all}});
      EXPECT_EQ(missing, (PcrId{bank, index}));
    }
  }
}

TEST(FirstMissing, TakesNoOtherBankInPlaceOfTheNeededOne) {
  EXPECT_EQ(first_missing({{HashAlgorithm::kSha1, 0xff}}, {{HashAlgorithm::kSha256, 0x02}}),
            (PcrId{HashAlgorithm::kSha256, 1}));
}

TEST(FirstSelected, IsNothingForAnEmptySelection) {
  EXPECT_EQ(first_selected({}), std::nullopt);
  EXPECT_EQ(first_selected({{HashAlgorithm::kSha512, 0}}), std::nullopt);
  EXPECT_EQ(first_selected({{HashAlgorithm::kSha512, 0}, {HashAlgorithm::kSha1, 4}}),
            (PcrId{HashAlgorithm::kSha1, 2}));
}

TEST(Text, OfASelectionIsShort) {
  EXPECT_EQ(to_text(PcrSelection{}), "nothing");
  EXPECT_EQ(to_text(PcrSelection{{HashAlgorithm::kSha256, 0b0100'0000'1111'1111},
                                 {HashAlgorithm::kSha384, 0}}),
            "sha256: 0-7, 14; sha384: none");
  EXPECT_EQ(to_text(PcrSelection{{HashAlgorithm::kSha1, 0xffffff}}), "sha1: 0-23");
  EXPECT_EQ(to_text(PcrId{HashAlgorithm::kSha384, 23}), "PCR 23 (sha384)");
}

}  // namespace
}  // namespace avouch::tpm
