#include "base/listing.h"

#include <gtest/gtest.h>

#include <vector>

namespace avouch {
namespace {

TEST(ListOfSome, CountsWhatItLeavesOut) {
  const std::vector<std::string> parts = {"a", "b", "c"};
  EXPECT_EQ(list_of_some({}, 2), "");
  EXPECT_EQ(list_of_some(parts, 3), "a; b; c");
  EXPECT_EQ(list_of_some(parts, 2), "a; b; and 1 more");
  EXPECT_EQ(list_of_some(parts, 1), "a; and 2 more");
}

}  // namespace
}  // namespace avouch
