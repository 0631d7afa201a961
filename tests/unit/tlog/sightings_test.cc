#include "tlog/sightings.h"

#include <gmock/gmock.h>

#include <algorithm>

#include "support/served_log.h"
#include "unit/tlog/names.h"

namespace avouch::tlog {
namespace {

using testing::BusyReader;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using namespace std::chrono_literals;

constexpr SystemTime kFirstSeen{std::chrono::seconds(1'800'000'000)};

class SightingsTest : public ::testing::Test {
 protected:
  Sightings::Compared take(const std::string& by, const std::optional<std::string>& note,
                           SystemTime now = kFirstSeen,
                           const std::optional<SystemTime>& cosigned = std::nullopt) {
    auto out = sightings_.take(by, note, follower_, log_.store, now, cosigned);
    EXPECT_FALSE(out.failed.has_value());
    return out;
  }
  void follow_to(std::uint64_t size) {
    log_.grow_to(size);
    ASSERT_TRUE(follower_.step(log_.store, kFirstSeen).value().advanced);
  }
  // The log says that it prunes what is below `minimum`, and does so once that was followed.
  void follow_pruning(std::uint64_t minimum) {
    const std::uint64_t at = std::max<std::uint64_t>(700, minimum + 120);
    log_.grow_to(at);
    log_.enter_pruning(minimum);
    follow_to(at + 100);
    log_.prune_to(minimum);
  }
  // That one fork was found, and is proven.
  void expect_fork(const Sightings::Compared& compared) const {
    ASSERT_EQ(compared.findings.size(), 1U);
    EXPECT_EQ(compared.findings[0].kind, FindingKind::kForked);
    ASSERT_TRUE(compared.findings[0].proof.has_value());
    const auto proven = verify_misbehaviour(*compared.findings[0].proof,
                                            std::span(&signer_.verifier(), 1), kAvouchOrigin);
    EXPECT_TRUE(proven.has_value()) << proven.error().message;
  }

  const NoteSigner signer_ =
      NoteSigner::make(kAvouchOrigin, crypto::PrivateKey::generate(crypto::KeyType::kEd25519))
          .value();
  testing::ServedLog log_{signer_}, fork_{signer_, "other "};
  Follower follower_ = Follower::start({.origin = kAvouchOrigin,
                                        .keys = {signer_.verifier()},
                                        .policy = {},
                                        .growth_within = 0s,
                                        .quorum_within = 0s,
                                        .on_entry = {},
                                        .stop = {}},
                                       std::nullopt, kFirstSeen)
                           .value();
  Sightings sightings_{60s};
};

// A witness that cosigns no more, of a log that prunes.
TEST_F(SightingsTest, ACheckpointThatIsTooOldToBeComparedIsSaidOnce) {
  const std::string old = log_.grow_to(100).note();
  const std::string fits = log_.grow_to(512).note();
  follow_pruning(512);
  const auto first = take("a", old, kFirstSeen, kFirstSeen - 24h);
  EXPECT_THAT(first.findings, IsEmpty());
  EXPECT_THAT(first.too_old.value_or(""), HasSubstr("minimum index is 512, as entry 701 says"));
  EXPECT_FALSE(first.untold.has_value());
  EXPECT_FALSE(take("a", old, kFirstSeen, kFirstSeen - 24h).too_old.has_value());
  const auto held = take("b", fits);
  EXPECT_THAT(held.findings, IsEmpty());
  EXPECT_FALSE(held.too_old.has_value());
  // Gone without a word it is asked for again.
  log_.disk.objects.erase("retention");
  EXPECT_TRUE(sightings_.take("c", old, follower_, log_.store, kFirstSeen).failed.has_value());
}

// The log says itself what it pruned, and how old that was.
TEST_F(SightingsTest, NoPruningExcusesACheckpointThatIsYoungerThanAnyPolicyAllows) {
  const std::string fork = fork_.grow_to(400).note();
  follow_pruning(512);
  const auto a_day_less = kFirstSeen - 24h + 6min;  // clocks differ
  for (const auto& [by, cosigned] :
       {std::pair<std::string, std::optional<SystemTime>>("without a line", std::nullopt),
        {"just cosigned", kFirstSeen},
        {"of a clock ahead", kFirstSeen + 48h},
        {"almost a day old", a_day_less}}) {
    const auto compared = take(by, fork, kFirstSeen, cosigned);
    ASSERT_EQ(compared.findings.size(), 1U) << by;
    EXPECT_EQ(compared.findings[0].kind, FindingKind::kHeldBack);
    EXPECT_THAT(compared.findings[0].what, HasSubstr(by + " was shown a checkpoint of 400"));
    EXPECT_THAT(compared.findings[0].what, HasSubstr("minimum index is 512"));
    EXPECT_EQ(compared.untold.value_or(""), fork);
    EXPECT_FALSE(compared.too_old.has_value());
    // Whoever keeps it says it from there on, however old it becomes.
    const auto again = take(by, fork, kFirstSeen + 25h, cosigned);
    EXPECT_THAT(again.findings, IsEmpty());
    EXPECT_FALSE(again.too_old.has_value());
  }
}

// Whoever sends a witness its own checkpoint again has it cosigned anew: that accuses nobody.
TEST_F(SightingsTest, WhatHadBeenFollowedADayAgoIsOldEnough) {
  const std::string old = log_.grow_to(100).note();
  follow_pruning(512);
  (void)sightings_.followed().note(255, kFirstSeen - 30h);
  EXPECT_TRUE(take("a", old, kFirstSeen, kFirstSeen).untold.has_value())
      << "entry 255 had to be pruned for it";
  (void)sightings_.followed().note(256, kFirstSeen - 6h);
  EXPECT_TRUE(take("b", old, kFirstSeen, kFirstSeen).untold.has_value());
  EXPECT_TRUE(take("c", old, kFirstSeen + 18h, kFirstSeen).too_old.has_value());
}

// A log that has forked denies what would show it, as soon as the position has come by.
TEST_F(SightingsTest, NoPruningExcusesACheckpointThatWasAheadWhenItWasSeen) {
  follow_to(500);
  const std::string fork = fork_.grow_to(700).note();
  EXPECT_THAT(take("a", fork).findings, IsEmpty());
  follow_pruning(1280);
  const auto compared = take("a", std::nullopt);
  ASSERT_EQ(compared.findings.size(), 1U);
  EXPECT_EQ(compared.findings[0].kind, FindingKind::kHeldBack);
  EXPECT_THAT(compared.findings[0].what, HasSubstr("minimum index is 1280"));
  EXPECT_FALSE(compared.too_old.has_value());
  EXPECT_EQ(compared.untold.value_or(""), fork);
}

// Of a log that takes longer to read than it serves its entries.
TEST_F(SightingsTest, WhatHasBeenAheadForADayMayHaveBeenPruned) {
  follow_to(500);
  testing::ServedLog same(signer_);
  EXPECT_THAT(take("a", same.grow_to(700).note()).findings, IsEmpty());
  follow_pruning(1280);
  const auto compared = take("a", std::nullopt, kFirstSeen + 24h);
  EXPECT_THAT(compared.findings, IsEmpty());
  EXPECT_TRUE(compared.too_old.has_value());
}

TEST_F(SightingsTest, NothingIsLateWhileTheLogIsBeingRead) {
  follow_to(100);
  EXPECT_THAT(take("w", fork_.grow_to(105).note()).findings, IsEmpty());
  sightings_.still_reading(kFirstSeen + 50s);
  EXPECT_THAT(take("w", std::nullopt, kFirstSeen + 110s).findings, IsEmpty());
  EXPECT_EQ(take("w", std::nullopt, kFirstSeen + 111s).findings.size(), 1U);
}

TEST_F(SightingsTest, WhoIsShownTheSameHistoryGivesNoFinding) {
  testing::ServedLog same(signer_);
  for (const std::uint64_t size : {1U, 5U, 256U, 300U, 700U}) {
    follow_to(size);
    EXPECT_THAT(take("a", same.grow_to(size).note()).findings, IsEmpty()) << size;
    EXPECT_THAT(take("b", same.grow_to(size + 3).note()).findings, IsEmpty()) << size;
    EXPECT_THAT(take("c", std::nullopt).findings, IsEmpty()) << size;
  }
}

TEST_F(SightingsTest, AForkIsFoundAtEverySizeAndLater) {
  follow_to(700);
  for (const std::uint64_t size : {1U, 255U, 256U, 300U, 699U, 700U}) {
    expect_fork(take("w", fork_.grow_to(size).note()));
  }
}

TEST_F(SightingsTest, WhoIsAlwaysALittleAheadIsComparedAllTheSame) {
  follow_to(100);
  EXPECT_THAT(take("w", fork_.grow_to(105).note()).findings, IsEmpty());
  EXPECT_THAT(take("w", fork_.grow_to(108).note()).findings, IsEmpty());
  follow_to(110);
  expect_fork(take("w", fork_.grow_to(115).note()));
}

TEST_F(SightingsTest, WhatIsNotShownHereInTimeIsHeldBack) {
  follow_to(100);
  EXPECT_THAT(take("w", fork_.grow_to(105).note()).findings, IsEmpty());
  EXPECT_THAT(take("w", fork_.grow_to(999).note(), kFirstSeen + 60s).findings, IsEmpty());
  // Whether it goes on answering or not.
  const auto late = take("w", std::nullopt, kFirstSeen + 61s);
  ASSERT_EQ(late.findings.size(), 1U);
  EXPECT_EQ(late.findings[0].kind, FindingKind::kHeldBack);
  EXPECT_THAT(late.findings[0].what, HasSubstr("w was shown 105 entries 61 s ago"));
  Sightings patient(0s);
  (void)patient.take("w", fork_.grow_to(1000).note(), follower_, log_.store, kFirstSeen);
  EXPECT_THAT(patient.take("w", std::nullopt, follower_, log_.store, kFirstSeen + 1000h).findings,
              IsEmpty());
}

TEST_F(SightingsTest, TwoWhoAreShownDifferentTreesOfOneSizeProveItWithoutTheLog) {
  EXPECT_THAT(take("a", log_.grow_to(50).note()).findings, IsEmpty());
  BusyReader none(log_.store, 0);
  expect_fork(sightings_.take("b", fork_.grow_to(50).note(), follower_, none, kFirstSeen));
}

TEST_F(SightingsTest, WhatCannotBeReadForNowIsComparedLater) {
  follow_to(300);
  for (int good = 0;; ++good) {
    BusyReader busy(log_.store, good);
    auto made = sightings_.take("w", log_.grow_to(300).note(), follower_, busy, kFirstSeen);
    EXPECT_FALSE(made.failed.has_value());
    testing::ServedLog same(signer_);
    made = sightings_.take("w", same.grow_to(200).note(), follower_, busy, kFirstSeen);
    if (!made.failed.has_value()) {
      EXPECT_GT(good, 1);
      break;
    }
    EXPECT_THAT(made.findings, IsEmpty());
  }
  // One that was ahead too.
  EXPECT_THAT(take("w", fork_.grow_to(301).note()).findings, IsEmpty());
  follow_to(400);
  BusyReader busy(log_.store, 0);
  EXPECT_TRUE(sightings_.take("w", std::nullopt, follower_, busy, kFirstSeen).failed.has_value());
  expect_fork(take("w", std::nullopt));
}

TEST_F(SightingsTest, WhatCouldNotBeFollowedIsHeldAgainstWhatIsFollowedLater) {
  fork_.grow_to(3000);
  BusyReader busy(fork_.store, 4);
  ASSERT_FALSE(follower_.step(busy, kFirstSeen).has_value());
  EXPECT_THAT(take("the monitor", follower_.unfollowed()->note()).findings, IsEmpty());
  log_.grow_to(4000);
  // What was read of the one does not lead to the other.
  ASSERT_EQ(follower_.step(log_.store, kFirstSeen).value().findings.size(), 1U);
  follow_to(4000);
  expect_fork(take("the monitor", std::nullopt));
}

TEST_F(SightingsTest, WhatTheLogDidNotSignIsSaid) {
  const NoteSigner other =
      NoteSigner::make(kAvouchOrigin, crypto::PrivateKey::generate(crypto::KeyType::kEd25519))
          .value();
  testing::ServedLog false_log(other);
  for (const std::string& note :
       {std::string("nonsense"), std::string(), false_log.grow_to(10).note()}) {
    const auto made = take("w", note);
    ASSERT_EQ(made.findings.size(), 1U) << note;
    EXPECT_EQ(made.findings[0].kind, FindingKind::kBadCheckpoint);
  }
}

}  // namespace
}  // namespace avouch::tlog
