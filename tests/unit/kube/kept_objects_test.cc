#include "kube/kept_objects.h"

#include <gtest/gtest.h>

#include <stdexcept>

namespace avouch::kube {
namespace {

ObjectPtr object(const std::string& name, int value) {
  return std::make_shared<const Json>(
      Json::Object{{"metadata", Json::Object{{"name", name}}}, {"value", std::int64_t{value}}});
}

class KeptObjectsTest : public ::testing::TestWithParam<bool> {
 protected:
  KeptObjects objects{GetParam()};
};

TEST_P(KeptObjectsTest, AreFoundByTheirWholeKeyAsTheyWerePut) {
  const std::vector<std::string> keys = {"a", "aa", "a/b", "b", "", "ns/\xc3\xa9"};
  for (std::size_t i = 0; i < keys.size(); ++i) {
    objects.put(keys[i], object(keys[i], static_cast<int>(i)));
  }
  EXPECT_EQ(objects.size(), keys.size());
  for (std::size_t i = 0; i < keys.size(); ++i) {
    ASSERT_NE(objects.find(keys[i]), nullptr) << keys[i];
    EXPECT_EQ(*objects.find(keys[i]), *object(keys[i], static_cast<int>(i)));
    EXPECT_TRUE(objects.contains(keys[i]));
  }
  for (const char* key : {"a/", "aaa", "c", "n"}) {
    EXPECT_EQ(objects.find(key), nullptr) << key;
    EXPECT_FALSE(objects.contains(key)) << key;
  }
  EXPECT_EQ(objects.keys(), (std::set<std::string, std::less<>>(keys.begin(), keys.end())));
  const Snapshot all = objects.all();
  EXPECT_EQ(all.size(), keys.size());
  EXPECT_EQ(*all.at("a/b"), *object("a/b", 2));
}

TEST_P(KeptObjectsTest, TakeTheNewestAndForgetWhatIsErased) {
  objects.put("a", object("a", 1));
  objects.put("b", object("b", 1));
  const ObjectPtr before = objects.find("a");
  objects.put("a", object("a", 2));
  EXPECT_EQ(*before, *object("a", 1)) << "whoever has it keeps it";
  EXPECT_EQ(*objects.find("a"), *object("a", 2));
  EXPECT_EQ(objects.size(), 2U);
  objects.erase("a");
  objects.erase("never there");
  EXPECT_EQ(objects.find("a"), nullptr);
  EXPECT_EQ(objects.size(), 1U);
  EXPECT_EQ(*objects.find("b"), *object("b", 1));
}

TEST_P(KeptObjectsTest, TakeNoNameWithAZeroByte) {
  objects.put("a", object("a", 1));
  EXPECT_THROW(objects.put(std::string("a\0b", 3), object("a", 2)), std::invalid_argument);
  EXPECT_EQ(*objects.find("a"), *object("a", 1));
  EXPECT_EQ(objects.size(), 1U);
}

INSTANTIATE_TEST_SUITE_P(AsTreesAndTexts, KeptObjectsTest, ::testing::Bool());

}  // namespace
}  // namespace avouch::kube
