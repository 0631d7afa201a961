#include "tlog/recent_ids.h"

#include <gtest/gtest.h>

namespace avouch::tlog {
namespace {

Hash leaf(int n) { return leaf_hash(as_bytes(std::to_string(n))); }

TEST(RecentIds, ForgetTheOldestFirst) {
  RecentIds ids(3);
  for (int n = 0; n < 5; ++n) {
    ids.insert(id_key("id" + std::to_string(n), leaf(n)), {static_cast<std::uint64_t>(n), leaf(n)});
  }
  EXPECT_EQ(ids.size(), 3U);
  EXPECT_FALSE(ids.find(id_key("id1", leaf(1))).has_value());
  for (int n = 2; n < 5; ++n) {
    EXPECT_EQ(ids.find(id_key("id" + std::to_string(n), leaf(0)))->index,
              static_cast<std::uint64_t>(n));
  }
}

TEST(RecentIds, KeepTheFirstPlaceOfARepeatedId) {
  RecentIds ids(3);
  ids.insert(id_key("a", leaf(0)), {7, leaf(0)});
  ids.insert(id_key("a", leaf(1)), {8, leaf(1)});
  EXPECT_EQ(ids.find(id_key("a", leaf(2)))->index, 7U);
  EXPECT_EQ(ids.size(), 1U);
}

TEST(RecentIds, KnowEntriesWithoutIdByTheirLeaf) {
  EXPECT_EQ(id_key("a", leaf(0)), id_key("a", leaf(1)));
  EXPECT_NE(id_key("", leaf(0)), id_key("", leaf(1)));
  EXPECT_NE(id_key("a", leaf(0)), id_key("", leaf(0)));
}

TEST(RecentIds, OfNoSizeKnowNothing) {
  RecentIds ids(0);
  ids.insert(id_key("a", leaf(0)), {0, leaf(0)});
  EXPECT_FALSE(ids.find(id_key("a", leaf(0))).has_value());
}

}  // namespace
}  // namespace avouch::tlog
