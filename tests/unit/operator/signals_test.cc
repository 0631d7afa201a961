#include "operator/signals.h"

#include <gmock/gmock.h>

namespace avouch::controller {
namespace {

using ::testing::HasSubstr;

TEST(Signals, CountVerdictsByPhaseAndFirstReason) {
  Signals signals([] {});
  signals.verdict("node-1", "Contraindicated", "InternalError", 7);
  signals.verdict("node-2", "Contraindicated", "InternalError", 8);
  signals.verdict("node-2", "Trusted", "", 9);
  const std::string text = signals.metrics().text();
  // Row Q9 of THREATS.md: the alert AvouchAppraisalFails looks for this series.
  EXPECT_THAT(text, HasSubstr("avouch_verdicts_total{phase=\"Contraindicated\","
                              "reason=\"InternalError\"} 2"));
  EXPECT_THAT(text, HasSubstr("avouch_verdicts_total{phase=\"Trusted\",reason=\"\"} 1"));
}

}  // namespace
}  // namespace avouch::controller
