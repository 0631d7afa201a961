#include "control/fenced_anchor.h"

#include <gtest/gtest.h>

#include "support/manual_clock.h"

namespace avouch::control {
namespace {

using std::chrono::seconds;

class Kept final : public tlog::Anchor {
 public:
  explicit Kept(std::optional<std::string>& value) : value_(value) {}
  std::string name() const override { return "kept"; }
  Result<std::optional<std::string>> read() override { return value_; }
  Result<void> replace(const std::optional<std::string>&, std::string_view next) override {
    value_ = std::string(next);
    return {};
  }

 private:
  std::optional<std::string>& value_;
};

class FencedAnchorTest : public ::testing::Test {
 protected:
  testing::ManualClock clock;
  std::optional<SteadyTime> until = clock.steady_now() + seconds(10);
  std::optional<std::string> value = "old";
  FencedAnchor anchor{std::make_unique<Kept>(value), clock, [this] { return until; }};
};

TEST_F(FencedAnchorTest, TakesANewHeadFromTheLeader) {
  EXPECT_TRUE(anchor.replace("old", "new").has_value());
  EXPECT_EQ(value, "new");
}

// A process that was stopped for longer than its lease wakes up and goes on where it was.
TEST_F(FencedAnchorTest, TakesNoneFromALeaderWhoseLeaseRanOutWhileItWasStopped) {
  clock.advance(seconds(10));
  const auto replaced = anchor.replace("old", "new");
  ASSERT_FALSE(replaced.has_value());
  EXPECT_EQ(replaced.error().kind, ErrorKind::kRetryable);
  EXPECT_EQ(value, "old");
}

TEST_F(FencedAnchorTest, TakesNoneFromAProcessThatNeverLed) {
  until.reset();
  EXPECT_FALSE(anchor.replace("old", "new").has_value());
  EXPECT_EQ(value, "old");
  EXPECT_EQ(anchor.read().value(), "old") << "reading is free";
}

}  // namespace
}  // namespace avouch::control
