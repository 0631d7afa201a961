#include "base/recent.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

namespace avouch {
namespace {

TEST(Recent, SharesWhatIsTheSameAndKeepsNothingAlive) {
  Recent<std::string> recent;
  auto one = recent.share("one");
  EXPECT_EQ(recent.share("one"), one);
  EXPECT_NE(recent.share("two"), one);
  const std::weak_ptr<const std::string> watched = one;
  one.reset();
  EXPECT_TRUE(watched.expired());
  EXPECT_EQ(*recent.share("one"), "one");
}

TEST(Recent, RemembersTheLastEightAlone) {
  Recent<std::string> recent;
  const auto first = recent.share("first");
  std::vector<std::shared_ptr<const std::string>> others;
  for (int i = 0; i < 7; ++i) others.push_back(recent.share(std::to_string(i)));
  EXPECT_EQ(recent.share("first"), first);
  others.push_back(recent.share("one more"));
  const auto again = recent.share("first");
  EXPECT_NE(again, first);
  EXPECT_EQ(*again, *first);
}

}  // namespace
}  // namespace avouch
