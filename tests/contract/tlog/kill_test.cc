// A writer is killed in the middle, again and again: whatever it had acknowledged or published is
// there afterwards.

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <map>
#include <thread>

#include "adapters/system_clock.h"
#include "contract/tlog/engine_cases.h"

namespace avouch::tlog {
namespace {

using testing::LogEngine;
using testing::LogProcess;
using testing::submission;

// What the child reports of one event; shorter than PIPE_BUF, so it arrives whole or not at all.
struct Event {
  std::uint64_t round = 0, writer = 0, number = 0;  // of an acknowledged entry
  std::uint64_t index = 0;                          // its index; size of a checkpoint
  Hash hash{};                                      // leaf; root of a checkpoint
  std::uint64_t is_checkpoint = 0;
};

std::string id_of(const Event& event) {
  return std::to_string(event.round) + "/" + std::to_string(event.writer) + "/" +
         std::to_string(event.number);
}

void report(int pipe, const Event& event) {
  if (::write(pipe, &event, sizeof event) != sizeof event) ::_exit(3);
}

// Appends from several threads until it is killed.
[[noreturn]] void write_until_killed(LogEngine& engine, std::uint64_t round, int pipe) {
  adapters::SystemClock clock;
  auto store = engine.open_store();
  auto anchor = engine.open_anchor("head");
  if (!store.has_value() || !anchor.has_value()) ::_exit(1);
  LogOptions options;
  options.origin = testing::kTestOrigin;
  options.publish_within = std::chrono::milliseconds(10);
  options.on_published = [pipe](const VerifiedCheckpoint& checkpoint) {
    Event event;
    event.index = checkpoint.size();
    event.hash = checkpoint.root();
    event.is_checkpoint = 1;
    report(pipe, event);
  };
  auto log = Log::open(options, **store, {anchor->get()}, testing::test_log_signer(), clock);
  if (!log.has_value()) {
    std::fprintf(stderr, "%s\n", log.error().message.c_str());
    ::_exit(2);
  }
  std::vector<std::thread> writers;
  for (std::uint64_t writer = 0; writer < 6; ++writer) {
    writers.emplace_back([&, writer] {
      Event event;
      event.round = round;
      event.writer = writer;
      for (;; ++event.number) {
        const auto placed = (*log)->append_and_wait(submission(id_of(event)));
        if (!placed.has_value()) continue;  // back-pressure
        event.index = placed->index;
        event.hash = placed->leaf;
        report(pipe, event);
      }
    });
  }
  for (std::thread& writer : writers) writer.join();
  ::_exit(4);
}

class KilledWriter : public LogContract {};

TEST_P(KilledWriter, LosesNothingThatItAcknowledgedOrPublished) {
  LogEngine& engine = *engine_;
  std::map<std::uint64_t, Event> acknowledged;  // by index
  std::map<std::uint64_t, Hash> roots;          // by size
  // The key of the log, made before the first fork so that all children have it.
  testing::test_log_signer();
  constexpr std::uint64_t kRounds = 12;
  for (std::uint64_t round = 0; round < kRounds; ++round) {
    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      ::close(ends[0]);
      write_until_killed(engine, round, ends[1]);
    }
    ::close(ends[1]);
    // Kill it after another number of events each time, in every other round not before it has
    // published (how much it sequences until then is the machine's business); what it reports while
    // dying counts too.
    const std::uint64_t patience = 3 + round * round * 11;
    std::uint64_t seen = 0, published = 0;
    bool is_killed = false;
    Event event;
    while (::read(ends[0], &event, sizeof event) == sizeof event) {
      if (event.is_checkpoint != 0) {
        const auto [known, is_new] = roots.emplace(event.index, event.hash);
        EXPECT_TRUE(is_new || known->second == event.hash) << event.index;
        ++published;
      } else {
        EXPECT_TRUE(acknowledged.emplace(event.index, event).second) << event.index;
      }
      ++seen;
      if (is_killed || seen < patience || (round % 2 == 1 && published == 0)) continue;
      is_killed = true;
      ::kill(child, SIGKILL);
    }
    ::close(ends[0]);
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status)) << WEXITSTATUS(status);
    ASSERT_GE(seen, patience);
  }

  LogProcess process(engine);
  const auto opened = process.open();
  ASSERT_TRUE(opened.has_value()) << opened.error().message;
  const auto checkpoint = process.publish().value();
  const auto tree = testing::check_whole_log(process.store(), checkpoint.checkpoint());
  for (const auto& [size, root] : roots) {
    ASSERT_LE(size, tree.size());
    EXPECT_EQ(tree.root(size), root) << size;
  }
  for (const auto& [index, event] : acknowledged) {
    ASSERT_LT(index, tree.size());
    EXPECT_EQ(tree.leaf(index), event.hash) << index;
    EXPECT_EQ(tree.leaf(index), leaf_hash(submission(id_of(event)).entry)) << index;
    const auto again = process.append({submission(id_of(event))});
    EXPECT_EQ(again->front().index, index);
  }
  EXPECT_GT(acknowledged.size(), 1000U);
  EXPECT_GE(roots.size(), kRounds / 2);
}

// On every engine whose store outlives its process.
INSTANTIATE_TEST_SUITE_P(Engines, KilledWriter, ::testing::ValuesIn([] {
                           auto cases = engine_cases();
                           std::erase_if(cases,
                                         [](const auto& one) { return one.name == "Memory"; });
                           return cases;
                         }()),
                         [](const auto& one) { return one.param.name; });

}  // namespace
}  // namespace avouch::tlog
