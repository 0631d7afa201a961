// How far a log is old enough, and what is entered of that.

#include "control/retention_keeper.h"

#include <gmock/gmock.h>

#include <limits>

#include "control/age_boundary.h"
#include "control/log_payloads.h"
#include "control/sequenced_log.h"
#include "crypto/random.h"
#include "support/eventually.h"
#include "support/manual_clock.h"
#include "support/memory_log_store.h"
#include "tests/support/tpm_structures.h"
#include "tests/unit/control/silent_observer.h"
#include "tlog/entry.h"
#include "tlog/fsck.h"

namespace avouch::control {
namespace {

using std::chrono::hours;
using std::chrono::seconds;
using testing::must_value;
using tlog::Pruning;
using tlog::RetentionPolicy;

constexpr SystemTime kCutoff{seconds(1'800'000'000)};
constexpr std::uint64_t kAll = std::numeric_limits<std::uint64_t>::max();

struct Epoch {
  std::uint64_t index = 0;
  int second = 0;  // from the cutoff
};
std::uint64_t boundary_of(std::uint64_t from, std::initializer_list<Epoch> epochs,
                          std::uint64_t limit = kAll) {
  AgeBoundary age(from, kCutoff);
  for (const Epoch& each : epochs) {
    if (!age.add(each.index, kCutoff + seconds(each.second))) break;
  }
  return age.boundary(limit);
}

TEST(AgeBoundary, IsBelowTheEpochBeforeOneThatIsOld) {
  EXPECT_EQ(boundary_of(0, {}), 0U);
  EXPECT_EQ(boundary_of(0, {{1000, -10}}), 0U);  // what came before it may have come just before it
  EXPECT_EQ(boundary_of(0, {{1000, -10}, {1100, 0}}), 768U);
  EXPECT_EQ(boundary_of(0, {{1000, -10}, {1100, 1}}), 0U);
  EXPECT_EQ(boundary_of(0, {{1000, -10}, {1100, -5}, {1400, -1}, {1500, 1}}), 1024U);
  EXPECT_EQ(boundary_of(0, {{510, -10}, {600, -9}}), 256U);
  EXPECT_EQ(boundary_of(0, {{511, -10}, {600, -9}}), 512U);  // with the epoch itself
}

TEST(AgeBoundary, NeverGoesBackNorBeyondTheLimit) {
  EXPECT_EQ(boundary_of(512, {}), 512U);
  EXPECT_EQ(boundary_of(512, {{600, 1}}), 512U);
  EXPECT_EQ(boundary_of(512, {{600, -10}, {700, -9}}), 512U);
  EXPECT_EQ(boundary_of(0, {{1000, -10}, {1100, -9}}, 600), 512U);
  EXPECT_EQ(boundary_of(0, {{1000, -10}, {1100, -9}}, 255), 0U);
}

// A clock that was wrong for a while: what is behind the first that is not old stays.
TEST(AgeBoundary, StopsAtTheFirstEpochThatIsNotOld) {
  EXPECT_EQ(boundary_of(0, {{300, -10}, {600, -9}, {900, 5}, {2000, -8}, {3000, -7}}), 256U);
}

class RetentionKeeperTest : public ::testing::Test {
 protected:
  void add(std::string_view kind, codec::Cbor payload) {
    auto made = must_value(tlog::make_entry(
        key, {.issuer = "log", .subject = "log:0", .kind = std::string(kind), .payload = payload},
        crypto::system_random()));
    std::vector<EntryToLog> one;
    one.push_back({std::move(made.statement), std::move(made.preimage), ""});
    must_value(entries.append(std::move(one)));
  }
  // An hour of the log: verdicts, and an epoch at its end.
  void pass_hour(int verdicts = 99) {
    std::vector<EntryToLog> all;
    for (int i = 0; i < verdicts; ++i) {
      auto made = must_value(tlog::make_entry(
          key,
          {.issuer = "log",
           .subject = "node:0",
           .kind = std::string(tlog::kNodeVerdict),
           .payload = codec::Cbor::map({{codec::Cbor::text("n"), codec::Cbor::integer(i)}})},
          crypto::system_random()));
      all.push_back({std::move(made.statement), std::move(made.preimage), ""});
    }
    must_value(entries.append(std::move(all)));
    clock.advance(hours(1));
    add(tlog::kEpoch, epoch_payload(clock.now(), Bytes(32, 1), {}, 0));
    must_value(log->publish_now());
  }
  void pass_hours(int count) {
    for (int i = 0; i < count; ++i) pass_hour();
  }
  Result<void> step(const RetentionPolicy& policy) {
    RetentionKeeper keeper(
        {.policy = policy, .origin = "log", .pseudonym_key = Bytes(32, 1)}, *log, store, entries,
        [this] { return log->publish_now(); }, [this] { return followed; }, key,
        crypto::system_random(), clock, observer);
    return keeper.step();
  }
  // What one step enters.
  std::uint64_t entered(const RetentionPolicy& policy) {
    const std::uint64_t before = log->status().sequenced;
    const auto outcome = step(policy);
    EXPECT_TRUE(outcome.has_value()) << outcome.error().message;
    return log->status().sequenced - before;
  }
  Pruning pruning() const { return log->retention()->pruning; }

  testing::ManualClock clock;
  crypto::PrivateKey key = crypto::PrivateKey::generate(crypto::KeyType::kEcP256);
  testing::MemoryDisk disk;
  testing::MemoryLogStore store{disk};
  std::unique_ptr<tlog::Log> log = must_value(
      tlog::Log::open({.origin = "log"}, store, {},
                      must_value(tlog::NoteSigner::make(
                          "log", crypto::PrivateKey::generate(crypto::KeyType::kEd25519))),
                      clock));
  LogIndex index;
  SequencedLog entries{*log, index};
  SilentObserver observer;
  std::uint64_t followed = kAll;
};

TEST_F(RetentionKeeperTest, EntersNothingWhereThereIsNoPolicyAndNeverWasOne) {
  pass_hours(30);
  EXPECT_EQ(entered({}), 0U);
}

TEST_F(RetentionKeeperTest, EntersThePolicyThenHowFarItHasCome) {
  const RetentionPolicy policy{hours(24), hours(30)};
  pass_hours(8);
  EXPECT_EQ(entered(policy), 1U);  // nothing is old
  EXPECT_EQ(log->retention()->policy, policy);
  EXPECT_EQ(log->retention()->policy_index, 800U);
  EXPECT_EQ(entered(policy), 0U);
  pass_hours(20);
  // Epochs 99, 199, 299, 399 are 27 to 24 hours old: with that of 399, what is below 300 is.
  EXPECT_EQ(entered(policy), 1U);
  EXPECT_EQ(pruning(), (Pruning{800, 256, 0}));
  EXPECT_EQ(entered(policy), 0U);
  pass_hours(4);
  EXPECT_EQ(entered(policy), 1U);
  EXPECT_EQ(pruning(), (Pruning{800, 512, 0}));
  pass_hours(2);
  EXPECT_EQ(entered(policy), 1U);
  EXPECT_EQ(pruning(), (Pruning{800, 768, 256}));
  ASSERT_TRUE(testing::eventually([&] { return log->retention()->content_gone == 768; }));
  EXPECT_TRUE(must_value(log->get(0)).is_pruned);
  EXPECT_FALSE(must_value(log->get(99)).preimage.empty());  // an epoch
  tlog::FsckOptions options;
  options.preimages = true;
  const auto report = must_value(tlog::check_log(store, log->checkpoint(), options));
  EXPECT_TRUE(report.is_whole()) << report.damages.front().what;
}

TEST_F(RetentionKeeperTest, ALongerPolicyAndNoneAreEnteredTooAndPruneNothingMore) {
  pass_hours(40);
  EXPECT_EQ(entered({hours(24), hours(24)}), 2U);
  const Pruning before = pruning();
  EXPECT_GT(before.minimum_index, 0U);
  EXPECT_EQ(entered({hours(48), hours(48)}), 1U);
  pass_hours(5);
  EXPECT_EQ(entered({}), 1U);
  EXPECT_EQ(log->retention()->policy, RetentionPolicy());
  pass_hours(50);
  EXPECT_EQ(entered({}), 0U);
  EXPECT_EQ(pruning(), before);
  // Of one that is shorter again, entries are where they are.
  EXPECT_EQ(entered({hours(24), hours(0)}), 2U);
  EXPECT_EQ(pruning().minimum_index, before.minimum_index);
  EXPECT_GT(pruning().content_from, before.content_from);
}

TEST_F(RetentionKeeperTest, NoBoundaryGoesBeyondWhatWitnessesHaveSeen) {
  pass_hours(40);
  followed = 700;
  EXPECT_EQ(entered({hours(24), hours(24)}), 2U);
  EXPECT_EQ(pruning(), (Pruning{4000, 512, 512}));
  followed = 0;
  EXPECT_EQ(entered({hours(24), hours(24)}), 0U);
}

// What others say of time is not asked.
TEST_F(RetentionKeeperTest, OnlyEpochsOfTheLogSayHowOldItIs) {
  for (int i = 0; i < 6; ++i) {
    pass_hour(300);
    add(tlog::kNodeVerdict,
        codec::Cbor::map({{codec::Cbor::text("time"), codec::Cbor::integer(0)}}));
  }
  EXPECT_EQ(entered({hours(24), hours(24)}), 1U);
  EXPECT_EQ(pruning(), Pruning());
}

TEST_F(RetentionKeeperTest, AReadOnlyLogIsLeftAsItIs) {
  pass_hours(40);
  log->stop_signing("somebody saw another one");
  EXPECT_EQ(entered({hours(24), hours(24)}), 0U);
}

// Nothing above it would be pruned any more, though its policy stands in the log.
TEST_F(RetentionKeeperTest, ContentThatIsDamagedHoldsNothingUp) {
  pass_hours(40);
  disk.objects["preimages/000"][100] ^= 1;
  disk.objects.erase("preimages/001");
  EXPECT_EQ(entered({hours(24), hours(24)}), 2U);
  EXPECT_GT(pruning().content_from, 512U);
  ASSERT_TRUE(testing::eventually([&] {
    return log->status().failure || log->retention()->content_gone == pruning().content_from;
  }));
  EXPECT_FALSE(log->status().failure.has_value());
  EXPECT_TRUE(must_value(log->get(0)).is_pruned);
  pass_hours(5);
  disk.objects.erase("tile/entries/005");
  EXPECT_FALSE(step({hours(24), hours(24)}).has_value()) << "entries are another matter";
}

TEST_F(RetentionKeeperTest, GoesOnByItselfEachHour) {
  pass_hours(40);
  RetentionKeeper keeper(
      {.policy = {hours(24), hours(0)}, .origin = "log", .pseudonym_key = Bytes(32, 1)}, *log,
      store, entries, [this] { return log->publish_now(); }, [this] { return followed; }, key,
      crypto::system_random(), clock, observer);
  keeper.start();
  ASSERT_TRUE(testing::eventually([&] { return pruning().content_from > 0; }));
  const std::uint64_t first = pruning().content_from;
  pass_hours(6);
  ASSERT_TRUE(testing::eventually([&] { return pruning().content_from > first; }));
  keeper.stop();
}

}  // namespace
}  // namespace avouch::control
