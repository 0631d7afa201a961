#include "tlog/timed_reader.h"

#include <gmock/gmock.h>

#include "support/manual_clock.h"

namespace avouch::tlog {
namespace {

using ::testing::HasSubstr;
using namespace std::chrono_literals;

// Takes its time for each answer.
class SlowReader final : public TileReader {
 public:
  SlowReader(testing::ManualClock& clock, std::chrono::milliseconds each)
      : clock_(clock), each_(each) {}
  Result<std::optional<Bytes>> fetch(std::string_view path) override {
    clock_.advance(each_);
    return std::optional(to_bytes(path));
  }

 private:
  testing::ManualClock& clock_;
  const std::chrono::milliseconds each_;
};

TEST(TimedReader, AsksForNothingMoreOnceItsTimeIsOver) {
  testing::ManualClock clock;
  TimedReader reader(std::make_unique<SlowReader>(clock, 19s), clock);
  EXPECT_FALSE(reader.fetch("a").has_value()) << "before it began";
  for (int look = 0; look < 2; ++look) {
    reader.begin(30s);
    EXPECT_EQ(reader.fetch("a").value(), to_bytes("a"));
    EXPECT_TRUE(reader.fetch("b").has_value());
    EXPECT_FALSE(reader.has_ended());
    const auto late = reader.fetch("c");
    ASSERT_FALSE(late.has_value());
    EXPECT_EQ(late.error().kind, ErrorKind::kRetryable);
    EXPECT_THAT(late.error().message, HasSubstr("30 s"));
    EXPECT_TRUE(reader.has_ended());
  }
}

TEST(TimedReader, TheLastLookIsOverdueAfterItsTime) {
  const SteadyTime then{1h};
  EXPECT_FALSE(overdue(then, then + 620s, 620s).has_value());
  EXPECT_THAT(overdue(then, then + 621s, 620s).value_or(""),
              HasSubstr("ended 621 s ago, expected within 620 s"));
}

}  // namespace
}  // namespace avouch::tlog
