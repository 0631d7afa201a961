#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "base/boxed.h"
#include "base/shared.h"

namespace avouch {
namespace {

TEST(Shared, HasAValueFromTheStartAndIsComparedByIt) {
  const Shared<std::string> nothing;
  EXPECT_EQ(*nothing, "");
  Shared<std::string> one(std::string("one"));
  const Shared<std::string> copy = one;
  EXPECT_EQ(&*copy, &*one);
  EXPECT_TRUE(copy == Shared<std::string>(std::string("one")));
  EXPECT_FALSE(copy == nothing);
  one = std::string("two");
  EXPECT_EQ(*copy, "one");
  EXPECT_EQ(one->size(), 3U);
}

TEST(Boxed, IsAnOptional) {
  Boxed<std::string> box;
  EXPECT_FALSE(box);
  EXPECT_EQ(box.value_or("none"), "none");
  box = std::string("some");
  ASSERT_TRUE(box.has_value());
  EXPECT_EQ(*box, "some");
  EXPECT_EQ(box->size(), 4U);
  Boxed<std::string> copy = box;
  *box += " more";
  EXPECT_EQ(*copy, "some");
  EXPECT_FALSE(copy == box);
  EXPECT_EQ(*std::move(box), "some more");
  copy = Boxed<std::string>();
  EXPECT_FALSE(copy);
  EXPECT_TRUE(copy == Boxed<std::string>());
}

}  // namespace
}  // namespace avouch
