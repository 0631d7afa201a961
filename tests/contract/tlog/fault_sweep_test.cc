// Every step that changes something fails once, with and without its effect, and the log is started
// again: no acknowledged entry is lost, moved or changed, and no published checkpoint contradicted.

#include <gtest/gtest.h>

#include "contract/tlog/engine_cases.h"
#include "contract/tlog/one_life.h"
#include "support/sanitized.h"

namespace avouch::tlog {
namespace {

using testing::Faults;
using testing::LogProcess;

class FaultSweep : public LogContract {};

TEST_P(FaultSweep, LosesNothingWhicheverStepFails) {
  std::size_t steps = 0;
  {
    LogProcess process(*engine_);
    Seen seen;
    live(process, seen);
    steps = process.faults.steps();
    EXPECT_EQ(seen.acknowledged.size(), 261U);
    EXPECT_EQ(seen.published.back().size, 261U);
    expect_nothing_lost(*engine_, seen);
  }
  EXPECT_GT(steps, 30U);
  std::size_t failures = 0, tries = 0;
  // Every step; with real fsyncs a sanitizer makes minutes of that.
  const std::size_t stride = testing::kSanitized && GetParam().name != "Memory" ? 4 : 1;
  // What follows on kRetryable does not depend on the engine, and real fsyncs take their time.
  std::vector<ErrorKind> kinds{ErrorKind::kFatal};
  if (GetParam().name == "Memory") kinds.push_back(ErrorKind::kRetryable);
  for (const ErrorKind kind : kinds) {
    for (const auto outcome : {Faults::Outcome::kFailed, Faults::Outcome::kFailedButPersisted}) {
      for (std::size_t step = 0; step < steps; step += stride, ++tries) {
        SCOPED_TRACE("step " + std::to_string(step) + " kind " +
                     std::to_string(static_cast<int>(kind)) + " outcome " +
                     std::to_string(static_cast<int>(outcome)));
        engine_ = GetParam().make();
        LogProcess process(*engine_);
        process.faults.fail_step(step, outcome, kind);
        if (kind == ErrorKind::kRetryable) process.faults.keep_promise_of_commit();
        Seen seen;
        live(process, seen);
        failures += process.faults.failures();
        process.faults.heal();
        expect_nothing_lost(*engine_, seen);
        if (HasFailure()) return;
      }
    }
  }
  EXPECT_EQ(failures, tries);
  EXPECT_GE(tries, steps / stride * kinds.size() * 2);
}

AVOUCH_ON_EVERY_ENGINE(FaultSweep);

}  // namespace
}  // namespace avouch::tlog
