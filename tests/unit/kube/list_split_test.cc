#include "kube/list_split.h"

#include <gtest/gtest.h>

#include "codec/json.h"

namespace avouch::kube {
namespace {

TEST(SplitList, FindsEachItemAndLeavesTheEnvelope) {
  const std::string text =
      R"({"kind":"NodeList","metadata":{"resourceVersion":"7"},"items":[{"a":"]}"},)"
      R"( [1,{"b":2}] ,"x\"]", 5]})"
      "\n";
  const auto split = split_list(text);
  ASSERT_TRUE(split.has_value()) << split.error().message;
  EXPECT_EQ(split->envelope, R"({"kind":"NodeList","metadata":{"resourceVersion":"7"},"items":[]})"
                             "\n");
  ASSERT_EQ(split->items.size(), 4U);
  EXPECT_EQ(split->items[0], R"({"a":"]}"})");
  EXPECT_EQ(split->items[1], R"([1,{"b":2}] )");
  EXPECT_EQ(split->items[2], R"("x\"]")");
  EXPECT_EQ(split->items[3], "5");
}

TEST(SplitList, TakesOnlyTheListAtTheTop) {
  const std::string text = R"({"metadata":{"items":[1,2]},"items":[3]})";
  const auto split = split_list(text);
  ASSERT_TRUE(split.has_value());
  ASSERT_EQ(split->items.size(), 1U);
  EXPECT_EQ(split->envelope, R"({"metadata":{"items":[1,2]},"items":[]})");
}

TEST(SplitList, LeavesNullItemsAndNoItemsAsTheyAre) {
  for (const std::string text : {R"({"items":null})", R"({})", R"({"items":[]})", R"( { } )"}) {
    const auto split = split_list(text);
    ASSERT_TRUE(split.has_value()) << text;
    EXPECT_TRUE(split->items.empty());
    EXPECT_EQ(split->envelope, text);
  }
}

TEST(SplitList, KeepsASecondListForTheParserToRefuse) {
  const auto split = split_list(R"({"items":[1],"items":[2]})");
  ASSERT_TRUE(split.has_value());
  EXPECT_FALSE(codec::parse_json(split->envelope).has_value());
}

TEST(SplitList, AcceptsNoPrefixOfAList) {
  const std::string text = R"({"kind":"L","items":[{"a":[1,2],"b":"\\\""},"c"],"z":{"y":0}})";
  ASSERT_TRUE(split_list(text).has_value());
  for (std::size_t size = 0; size < text.size(); ++size) {
    EXPECT_FALSE(split_list(std::string_view(text).substr(0, size)).has_value()) << size;
  }
}

TEST(SplitList, FindsTheEndOfVeryDeepItems) {
  const std::string deep = std::string(100000, '[') + std::string(100000, ']');
  const std::string text = "{\"items\":[" + deep + ",1]}";
  const auto split = split_list(text);
  ASSERT_TRUE(split.has_value());
  ASSERT_EQ(split->items.size(), 2U);
  EXPECT_EQ(split->items[0].size(), deep.size());
}

}  // namespace
}  // namespace avouch::kube
