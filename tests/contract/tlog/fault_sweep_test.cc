// Every step that changes something fails once, with and without its effect, and the log is started
// again: no acknowledged entry is lost, moved or changed, and no published checkpoint contradicted.

#include <gtest/gtest.h>

#include <map>
#include <mutex>
#include <tuple>

#include "contract/tlog/engine_cases.h"

namespace avouch::tlog {
namespace {

using testing::check_whole_log;
using testing::Faults;
using testing::LogProcess;
using testing::submission;
using testing::submissions;

// What the world outside has seen.
struct Seen {
  std::map<std::string, Sequenced> acknowledged;  // by id
  std::vector<VerifiedCheckpoint> published;
};

// One life of the log, the same one each time; shorter when the log fails for good.
void live(LogProcess& process, Seen& seen) {
  std::mutex mutex;
  process.options.on_published = [&](const VerifiedCheckpoint& checkpoint) {
    const std::lock_guard lock(mutex);
    seen.published.push_back(checkpoint);
  };
  bool alive = process.open().has_value();
  for (const auto& [prefix, count, publish] : {std::tuple("a", 2, true),
                                               {"b", 1, false},
                                               {"c", 254, true},
                                               {"d", 3, true},
                                               {"e", 1, false}}) {
    if (!alive) break;
    const auto all = submissions(prefix, count);
    const auto places = process.append(all);
    for (std::size_t i = 0; places.has_value() && i < all.size(); ++i) {
      seen.acknowledged[all[i].id] = (*places)[i];
    }
    alive = places.has_value() || places.error().kind == ErrorKind::kRetryable;
    if (alive && publish) alive = process.publish().has_value();
  }
  process.close();
}

void expect_nothing_lost(testing::LogEngine& engine, const Seen& seen) {
  LogProcess process(engine);
  const auto opened = process.open();
  ASSERT_TRUE(opened.has_value()) << opened.error().message;
  ASSERT_TRUE(process.append(submissions("after", 300)).has_value());
  const auto newest = process.publish();
  ASSERT_TRUE(newest.has_value()) << newest.error().message;
  const auto tree = check_whole_log(process.store(), newest->checkpoint());
  for (const VerifiedCheckpoint& checkpoint : seen.published) {
    ASSERT_LE(checkpoint.size(), newest->size());
    EXPECT_EQ(tree.root(checkpoint.size()), checkpoint.root()) << checkpoint.size();
  }
  for (const auto& [id, place] : seen.acknowledged) {
    ASSERT_LT(place.index, tree.size()) << id;
    EXPECT_EQ(tree.leaf(place.index), place.leaf) << id;
    const auto again = process.append({submission(id)});
    ASSERT_TRUE(again.has_value());
    EXPECT_EQ((*again)[0].index, place.index) << id;
    if (place.index % 64 != 0) continue;
    const auto entry = process.log().get(place.index);
    ASSERT_TRUE(entry.has_value()) << id << entry.error().message;
    EXPECT_EQ(entry->id, id);
    EXPECT_EQ(entry->preimage, submission(id).preimage);
  }
}

class FaultSweep : public LogContract {};

TEST_P(FaultSweep, LosesNothingWhicheverStepFails) {
  std::size_t steps = 0;
  {
    LogProcess process(*engine_);
    Seen seen;
    live(process, seen);
    steps = process.faults.steps();
    EXPECT_EQ(seen.acknowledged.size(), 261U);
    EXPECT_EQ(seen.published.back().size(), 261U);
    expect_nothing_lost(*engine_, seen);
  }
  EXPECT_GT(steps, 30U);
  std::size_t failures = 0;
  // What follows on kRetryable does not depend on the engine, and real fsyncs take their time.
  std::vector<ErrorKind> kinds{ErrorKind::kFatal};
  if (GetParam().name == "Memory") kinds.push_back(ErrorKind::kRetryable);
  for (const ErrorKind kind : kinds) {
    for (const auto outcome : {Faults::Outcome::kFailed, Faults::Outcome::kFailedButPersisted}) {
      for (std::size_t step = 0; step < steps; ++step) {
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
  EXPECT_EQ(failures, steps * kinds.size() * 2);
}

AVOUCH_ON_EVERY_ENGINE(FaultSweep);

}  // namespace
}  // namespace avouch::tlog
