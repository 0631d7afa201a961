#include "base/result.h"

#include <gtest/gtest.h>

#include <memory>

namespace avouch {
namespace {

Result<int> positive(int value) {
  if (value > 0) return value;
  return rejected("not positive");
}

Result<int> twice(int value) {
  AVOUCH_TRY(const int checked, positive(value));
  return 2 * checked;
}

Result<void> check_both(int a, int b) {
  AVOUCH_CHECK(positive(a));
  AVOUCH_CHECK(positive(b));
  return {};
}

static_assert(!std::is_convertible_v<Result<int>, bool>);
static_assert(!std::is_constructible_v<bool, Result<int>>);
static_assert(!std::is_constructible_v<bool, Result<void>>);

TEST(Result, HoldsAValueOrAnError) {
  EXPECT_EQ(positive(3).value(), 3);
  EXPECT_EQ(*positive(3), 3);
  const auto refused = positive(0);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().kind, ErrorKind::kRejected);
  EXPECT_EQ(refused.error().message, "not positive");
}

TEST(Result, ThrowsWhenTheWrongSideIsRead) {
  EXPECT_THROW((void)positive(0).value(), std::bad_variant_access);
  EXPECT_THROW((void)*positive(0), std::bad_variant_access);
  EXPECT_THROW((void)positive(1).error(), std::bad_variant_access);
  EXPECT_THROW((void)check_both(1, 1).error(), std::bad_optional_access);
}

TEST(Result, CarriesWhatCanOnlyBeMoved) {
  Result<std::unique_ptr<int>> result(std::make_unique<int>(7));
  const std::unique_ptr<int> out = std::move(result).value();
  EXPECT_EQ(*out, 7);
}

TEST(Try, GivesTheValueOrReturnsTheError) {
  EXPECT_EQ(twice(4).value(), 8);
  EXPECT_EQ(twice(-1).error().message, "not positive");
}

TEST(Check, ReturnsTheFirstError) {
  EXPECT_TRUE(check_both(1, 2).has_value());
  EXPECT_FALSE(check_both(1, 0).has_value());
  EXPECT_FALSE(check_both(0, 1).has_value());
}

TEST(Error, HasThreeKindsAndIsFatalByDefault) {
  EXPECT_EQ(Error().kind, ErrorKind::kFatal);
  EXPECT_EQ(rejected("x").kind, ErrorKind::kRejected);
  EXPECT_EQ(retryable("x").kind, ErrorKind::kRetryable);
  EXPECT_EQ(fatal("x").kind, ErrorKind::kFatal);
}

TEST(WithContext, PutsTheContextInFrontAndKeepsTheKind) {
  const Error error = with_context(retryable("no answer"), "GET /version");
  EXPECT_EQ(error.message, "GET /version: no answer");
  EXPECT_EQ(error.kind, ErrorKind::kRetryable);
}

}  // namespace
}  // namespace avouch
