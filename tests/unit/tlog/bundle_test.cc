#include "tlog/bundle.h"

#include <gtest/gtest.h>

namespace avouch::tlog {
namespace {

TEST(Bundle, IsLengthsAndEntries) {
  Bytes bundle;
  ASSERT_TRUE(append_to_bundle(bundle, as_bytes("ab")).has_value());
  ASSERT_TRUE(append_to_bundle(bundle, {}).has_value());
  ASSERT_TRUE(append_to_bundle(bundle, as_bytes("c")).has_value());
  EXPECT_EQ(bundle, (Bytes{0, 2, 'a', 'b', 0, 0, 0, 1, 'c'}));
  EXPECT_EQ(parse_bundle(bundle, 3).value(),
            (std::vector<Bytes>{to_bytes("ab"), {}, to_bytes("c")}));
}

TEST(Bundle, TakesTheLargestEntryAndRefusesALargerOne) {
  Bytes bundle;
  EXPECT_TRUE(append_to_bundle(bundle, Bytes(65'535, 7)).has_value());
  EXPECT_EQ(bundle.size(), 65'537U);
  EXPECT_FALSE(append_to_bundle(bundle, Bytes(65'536, 7)).has_value());
  EXPECT_EQ(bundle.size(), 65'537U);
  EXPECT_EQ(parse_bundle(bundle, 1).value().front().size(), 65'535U);
}

TEST(Bundle, RefusesEveryTruncationAndEveryOtherCount) {
  Bytes bundle;
  for (const char* entry : {"one", "two", "three"}) {
    ASSERT_TRUE(append_to_bundle(bundle, as_bytes(entry)).has_value());
  }
  for (std::size_t length = 0; length < bundle.size(); ++length) {
    EXPECT_FALSE(parse_bundle(ByteView(bundle).first(length), 3).has_value()) << length;
  }
  EXPECT_FALSE(parse_bundle(bundle, 2).has_value());
  EXPECT_FALSE(parse_bundle(bundle, 4).has_value());
}

TEST(Bundle, GivesThePrefixOfAnyWidth) {
  Bytes bundle;
  std::vector<std::size_t> ends{0};
  for (const char* entry : {"one", "", "three"}) {
    ASSERT_TRUE(append_to_bundle(bundle, as_bytes(entry)).has_value());
    ends.push_back(bundle.size());
  }
  for (unsigned width = 0; width <= 3; ++width) {
    EXPECT_EQ(bundle_prefix(bundle, width).value(),
              Bytes(bundle.begin(), bundle.begin() + static_cast<std::ptrdiff_t>(ends[width])));
  }
  EXPECT_FALSE(bundle_prefix(bundle, 4).has_value());
}

}  // namespace
}  // namespace avouch::tlog
