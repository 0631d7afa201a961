#include "tlog/follower.h"

#include <gmock/gmock.h>

#include "crypto/random.h"
#include "support/sanitized.h"
#include "support/served_log.h"
#include "tlog/client.h"
#include "tlog/entry.h"
#include "tlog/recovery.h"
#include "tlog/retention.h"
#include "tlog/shard.h"
#include "unit/tlog/names.h"

namespace avouch::tlog {
namespace {

using testing::BusyReader;
using ::testing::HasSubstr;
using namespace std::chrono_literals;

constexpr SystemTime kStart{std::chrono::seconds(1'800'000'000)};

struct ServedLog : testing::ServedLog {
  explicit ServedLog(std::string name = "entry ") : testing::ServedLog(signer(), std::move(name)) {}
};

FollowOptions options() {
  FollowOptions out;
  out.origin = kAvouchOrigin;
  out.keys = {signer().verifier()};
  return out;
}

Follower follow(FollowOptions how = options(),
                const std::optional<std::string>& position = std::nullopt) {
  auto made = Follower::start(std::move(how), position, kStart);
  EXPECT_TRUE(made.has_value()) << made.error().message;
  return *std::move(made);
}

FollowStep step(Follower& follower, ServedLog& log, SystemTime now = kStart) {
  auto made = follower.step(log.store, now);
  EXPECT_TRUE(made.has_value()) << made.error().message;
  return made.has_value() ? *std::move(made) : FollowStep{};
}

// That the step found `kind` alone, saying `words`; its proof, if it has one, is returned.
std::optional<Misbehaviour> found(const FollowStep& step, FindingKind kind,
                                  const std::string& words) {
  EXPECT_FALSE(step.advanced);
  EXPECT_EQ(step.findings.size(), 1U);
  if (step.findings.empty()) return std::nullopt;
  EXPECT_EQ(finding_name(step.findings[0].kind), finding_name(kind)) << step.findings[0].what;
  EXPECT_THAT(step.findings[0].what, HasSubstr(words));
  return step.findings[0].proof;
}

bool proves(const std::optional<Misbehaviour>& proof) {
  if (!proof) return false;
  // As somebody else reads it from a file.
  const auto read = parse_misbehaviour(format_misbehaviour(*proof));
  EXPECT_TRUE(read.has_value()) << read.error().message;
  const auto verified =
      verify_misbehaviour(*read, std::span(&signer().verifier(), 1), kAvouchOrigin);
  EXPECT_TRUE(verified.has_value()) << verified.error().message;
  return verified.has_value();
}

TEST(Follower, FollowsALogOverEverySizeAndFromEveryPosition) {
  ServedLog log;
  Follower first = follow();
  EXPECT_FALSE(first.step(log.store, kStart).has_value());  // nothing is served yet
  std::uint64_t last = 0;
  std::optional<std::string> position;
  for (const std::uint64_t size :
       {0U, 1U, 2U, 3U, 255U, 256U, 257U, 511U, 700U, 65'535U, 65'537U}) {
    log.grow_to(size);
    for (Follower* follower : {&first}) {
      const FollowStep made = step(*follower, log);
      EXPECT_TRUE(made.findings.empty()) << size << " " << made.findings.front().what;
      EXPECT_TRUE(made.advanced);
      EXPECT_EQ(made.entries, size - last);
    }
    Follower again = follow(options(), position);
    const FollowStep made = step(again, log);
    EXPECT_TRUE(made.findings.empty()) << size;
    EXPECT_EQ(made.entries, size - last);
    EXPECT_FALSE(step(again, log).advanced);
    position = again.position()->note();
    last = size;
  }
}

// A log of which everything below a boundary is gone by its own word, or only gone.
void prune(ServedLog& log, bool with_its_word = true, std::uint64_t minimum = 512) {
  log.grow_to(700);
  log.enter_pruning(minimum);
  log.grow_to(800);
  log.prune_to(minimum);
  if (!with_its_word) log.disk.objects.erase("retention");
}

NewEntry entry_of_ours(std::string_view kind, codec::Cbor payload) {
  static const auto key = crypto::PrivateKey::generate(crypto::KeyType::kEcP256);
  return make_entry(key, {kAvouchOrigin, "log:1", std::string(kind), std::move(payload)},
                    crypto::system_random())
      .value();
}
NewEntry closing_entry() {
  return entry_of_ours(kShardKind,
                       shard_end_payload({kStart, std::string(kAvouchOrigin) + "/2027"}));
}
// A log that begins as ours do.
struct OwnLog : ServedLog {
  OwnLog() { add(entry_of_ours(kGenesis, codec::Cbor::map({}))); }
};

TEST(Follower, SaysWhenALogIsClosedAndExpectsNothingMoreOfIt) {
  for (const std::uint64_t size : {2U, 256U, 257U, 300U}) {
    OwnLog log;
    FollowOptions how = options();
    how.growth_within = 60s;
    Follower follower = follow(how);
    log.grow_to(size - 1);
    EXPECT_FALSE(step(follower, log).closes);
    log.add(closing_entry());
    log.grow_to(size);
    const FollowStep last = step(follower, log);
    EXPECT_TRUE(last.advanced && last.closes && last.findings.empty()) << size;
    EXPECT_TRUE(follower.is_closed());
    EXPECT_TRUE(step(follower, log, kStart + 24h).findings.empty());
    // Whatever comes is a breach of its word, to who starts again there as well.
    const std::string position = follower.position()->note();
    log.grow_to(size + 1);
    found(step(follower, log), FindingKind::kBrokenChain, "closes the log");
    EXPECT_EQ(follower.position()->size(), size);
    for (const bool is_kept : {false, true}) {
      Follower again = follow(options(), position);
      if (is_kept) again.close();  // by whoever kept the position; the entry itself tells too
      found(step(again, log), FindingKind::kBrokenChain, "closes the log");
    }
  }
}

TEST(Follower, RemembersThatALogIsClosedOverAReaderThatFails) {
  OwnLog log;
  log.grow_to(255);
  log.add(closing_entry());
  log.grow_to(256);
  log.grow_to(600);
  for (int good = 0; good < 12; ++good) {
    Follower follower = follow();
    BusyReader busy(log.store, good);
    (void)follower.step(busy, kStart);
    found(step(follower, log), FindingKind::kBrokenChain, "entry 255 closes the log");
    EXPECT_FALSE(follower.position().has_value()) << good;
  }
}

TEST(Follower, FindsEntriesBehindTheOneThatClosesALog) {
  OwnLog log;
  log.grow_to(10);
  log.add(closing_entry());
  log.grow_to(12);
  Follower follower = follow();
  found(step(follower, log), FindingKind::kBrokenChain, "entry 10 closes the log");
}

// Of a log that takes entries of anybody, a stranger could end whoever follows it.
TEST(Follower, IsNotClosedByAStrangersEntry) {
  for (const std::uint64_t size : {2U, 256U, 300U}) {
    ServedLog log;
    FollowOptions how = options();
    how.growth_within = 60s;
    Follower follower = follow(how);
    log.grow_to(size - 1);
    log.add(closing_entry());
    log.grow_to(size);
    const FollowStep last = step(follower, log);
    EXPECT_TRUE(last.advanced && last.findings.empty()) << size;
    EXPECT_FALSE(last.closes);
    EXPECT_EQ(step(follower, log, kStart + 24h).findings.size(), 1U) << "growth is expected of it";
    const std::string position = follower.position()->note();
    log.add(closing_entry());
    log.grow_to(size + 2);
    Follower again = follow(options(), position);
    for (Follower* each : {&follower, &again}) {
      EXPECT_TRUE(step(*each, log).advanced);
      EXPECT_FALSE(each->is_closed());
    }
  }
}

// Where that it is closed was kept nowhere, or lost.
TEST(Follower, LearnsThatAStoredPositionClosesTheLog) {
  for (const std::uint64_t size : {2U, 256U, 300U}) {
    OwnLog log;
    log.grow_to(size - 1);
    log.add(closing_entry());
    log.grow_to(size);
    Follower first = follow();
    const std::string position = (step(first, log), first.position()->note());
    for (int good = 0; good < 8; ++good) {
      Follower again = follow(options(), position);
      BusyReader busy(log.store, good);
      (void)again.step(busy, kStart);
      EXPECT_TRUE(step(again, log).findings.empty());
      EXPECT_TRUE(again.is_closed()) << size << " " << good;
    }
    Follower later = follow(options(), position);
    log.grow_to(size + 300);
    // Not served, so that nobody sees what it was: else the log would be followed on.
    const auto whole = log.disk.objects;
    if (size == 256) {
      log.disk.objects.erase("tile/entries/000");
      found(step(later, log), FindingKind::kDamaged, "entry 255, the last that was followed");
    }
    log.disk.objects = whole;
    found(step(later, log), FindingKind::kBrokenChain, "closes the log");
  }
}

// The walk begins behind it, and would go on.
TEST(Follower, GoesOnBehindNoLastEntryThatIsServedDamaged) {
  for (const bool is_forked : {false, true}) {
    OwnLog log;
    log.grow_to(255);
    log.add(closing_entry());
    const std::string position = log.grow_to(256).note();
    ServedLog fork("other ");
    fork.grow_to(600);
    log.grow_to(600);
    ServedLog& served = is_forked ? fork : log;
    const Bytes whole = served.disk.objects["tile/entries/000"];
    served.disk.objects["tile/entries/000"] = to_bytes("garbage");
    Follower follower = follow(options(), position);
    const auto proof =
        found(step(follower, served), is_forked ? FindingKind::kForked : FindingKind::kDamaged,
              "entry 255, the last that was followed, is served damaged");
    EXPECT_EQ(proves(proof), is_forked);
    if (is_forked) continue;
    served.disk.objects["tile/entries/000"] = whole;
    found(step(follower, served), FindingKind::kBrokenChain, "closes the log");
  }
}

// No entry behind it was passed over, so that nothing else says it.
TEST(Follower, SaysThatTheLastEntryThatWasFollowedWasPruned) {
  ServedLog log;
  const std::string position = log.grow_to(512).note();
  prune(log);
  Follower follower = follow(options(), position);
  const FollowStep made = step(follower, log);
  EXPECT_TRUE(made.advanced);
  EXPECT_EQ(made.pruned, 0U);
  ASSERT_EQ(made.findings.size(), 1U);
  EXPECT_THAT(made.findings[0].what,
              HasSubstr("entry 511, the last that was followed, is pruned since then"));
  EXPECT_TRUE(step(follower, log).findings.empty());
}

TEST(Follower, TakesEntriesForPrunedWhereTheLogSaysSo) {
  ServedLog log;
  prune(log);
  std::vector<std::uint64_t> seen;
  FollowOptions how = options();
  how.on_entry = [&](std::uint64_t index, ByteView) { seen.push_back(index); };
  Follower follower = follow(how);
  const FollowStep first = step(follower, log);
  ASSERT_TRUE(first.findings.empty()) << first.findings.front().what;
  EXPECT_TRUE(first.advanced);
  EXPECT_EQ(first.entries, 800U - 512);
  EXPECT_EQ(first.pruned, 512U);
  EXPECT_EQ(seen.front(), 512U);
  EXPECT_EQ(seen.size(), 800U - 512);
  log.grow_to(1000);
  const FollowStep second = step(follower, log);
  EXPECT_TRUE(second.advanced);
  EXPECT_EQ(second.entries, 200U);
  EXPECT_EQ(second.pruned, 0U);
}

// No checkpoint had exactly that size: its partial tiles were never there.
TEST(Follower, BeginsAboveWhatWasPrunedWhereverPublicationsEnded) {
  ServedLog log;
  prune(log, true, 256);
  Follower follower = follow();
  const FollowStep first = step(follower, log);
  ASSERT_TRUE(first.findings.empty()) << first.findings.front().what;
  EXPECT_EQ(first.pruned, 256U);
}

// A log could hide what it has entered by pruning it at once.
TEST(Follower, SaysWhichEntriesWerePrunedUnreadAndGoesOn) {
  ServedLog log;
  Follower follower = follow();
  log.grow_to(256);
  EXPECT_TRUE(step(follower, log).advanced);
  prune(log);
  const FollowStep next = step(follower, log);
  ASSERT_EQ(next.findings.size(), 1U);
  EXPECT_EQ(finding_name(next.findings[0].kind), "damaged");
  EXPECT_THAT(next.findings[0].what, HasSubstr("entries 256 to 511 were pruned"));
  EXPECT_TRUE(next.advanced);
  EXPECT_EQ(next.pruned, 256U);
  EXPECT_EQ(follower.position()->size(), 800U);
  EXPECT_TRUE(step(follower, log).findings.empty());
}

// Nor where all that was followed of it was that there was nothing.
TEST(Follower, SaysWhichEntriesWerePrunedUnreadOfALogThatItKnewEmpty) {
  ServedLog log;
  Follower follower = follow();
  log.grow_to(0);
  EXPECT_TRUE(step(follower, log).advanced);
  prune(log);
  const FollowStep next = step(follower, log);
  ASSERT_EQ(next.findings.size(), 1U);
  EXPECT_THAT(next.findings[0].what, HasSubstr("entries 0 to 511 were pruned"));
}

// That the log cannot be told to be the same any more is said once it cannot.
TEST(Follower, SaysNothingOfTheSameLogBecauseAReaderFails) {
  ServedLog log;
  Follower first = follow();
  log.grow_to(300);
  EXPECT_TRUE(step(first, log).advanced);
  const std::string position = first.position()->note();
  prune(log);
  bool ended = false;
  for (int good = 1; good < 60 && !ended; ++good) {
    Follower follower = follow(options(), position);
    BusyReader busy(log.store, good);
    const auto made = follower.step(busy, kStart);
    if (!made.has_value()) continue;
    ended = !made->findings.empty();
    if (ended) {
      EXPECT_THAT(made->findings[0].what, HasSubstr("follow it anew"));
    } else {
      EXPECT_FALSE(made->advanced) << good;
    }
  }
  EXPECT_TRUE(ended);
}

TEST(Follower, SaysSoThoughAReaderFailsOnTheWay) {
  ServedLog log;
  Follower first = follow();
  log.grow_to(256);
  EXPECT_TRUE(step(first, log).advanced);
  const std::string position = first.position()->note();
  prune(log);
  for (int good = 1; good < 40; ++good) {
    Follower follower = follow(options(), position);
    BusyReader busy(log.store, good);
    auto made = follower.step(busy, kStart);
    const bool is_done = made.has_value() && made->advanced;
    const FollowStep told = is_done ? *std::move(made) : step(follower, log);
    ASSERT_TRUE(told.advanced) << good;
    ASSERT_EQ(told.findings.size(), 1U) << good;
    EXPECT_THAT(told.findings[0].what, HasSubstr("entries 256 to 511 were pruned")) << good;
  }
}

TEST(Follower, EntriesThatAreGoneWithoutAWordAreDamage) {
  ServedLog log;
  prune(log, false);
  Follower follower = follow();
  found(step(follower, log), FindingKind::kDamaged, "tile/entries/000");
  // Nor are those above the minimum index pruned.
  ServedLog more;
  prune(more);
  more.disk.objects.erase("tile/entries/003.p/32");
  Follower another = follow();
  found(step(another, more), FindingKind::kDamaged, "tile/entries/003");
}

TEST(Follower, WhoeverWasAwayTooLongIsToldSo) {
  ServedLog log;
  Follower follower = follow();
  log.grow_to(300);
  EXPECT_TRUE(step(follower, log).advanced);
  const std::string position = follower.position()->note();
  prune(log);
  found(step(follower, log), FindingKind::kDamaged, "follow it anew");
  Follower later = follow(options(), position);
  found(step(later, log), FindingKind::kDamaged, "only 300 had been followed");
  // A fork is one all the same.
  ServedLog fork("other ");
  prune(fork);
  Follower of_both = follow();
  ServedLog genuine;
  genuine.grow_to(600);
  EXPECT_TRUE(step(of_both, genuine).advanced);
  EXPECT_TRUE(proves(found(step(of_both, fork), FindingKind::kForked, "not of one log")));
}

TEST(Follower, HandsOverEveryEntryInOrder) {
  ServedLog log;
  std::vector<std::string> seen;
  FollowOptions how = options();
  how.on_entry = [&](std::uint64_t index, ByteView entry) {
    EXPECT_EQ(index, seen.size());
    seen.emplace_back(as_text(entry));
  };
  Follower follower = follow(how);
  log.grow_to(300);
  step(follower, log);
  log.grow_to(600);
  step(follower, log);
  ASSERT_EQ(seen.size(), 600U);
  EXPECT_EQ(seen[599], "entry 599");
}

TEST(Follower, AForkIsProvenByTheLogsOwnSignatures) {
  for (const std::uint64_t old_size : {1U, 2U, 100U, 256U, 300U}) {
    for (const std::uint64_t new_size : {old_size, old_size + 1, std::uint64_t{1000}}) {
      ServedLog log;
      Follower follower = follow();
      log.grow_to(old_size);
      ASSERT_TRUE(step(follower, log).advanced);
      ServedLog fork("other ");
      fork.grow_to(new_size);
      const FollowStep made = step(follower, fork);
      EXPECT_TRUE(proves(found(made, FindingKind::kForked, "not of one log")))
          << old_size << " " << new_size;
      EXPECT_EQ(follower.position()->size(), old_size);
      // The log as it was is still followed.
      log.grow_to(old_size + 5);
      EXPECT_TRUE(step(follower, log).advanced);
    }
  }
}

TEST(Follower, AForkBehindThePositionIsProvenToo) {
  ServedLog log;
  Follower follower = follow();
  log.grow_to(600);
  step(follower, log);
  ServedLog fork;
  fork.grow_to(100);
  fork.rename("other ");
  const auto forked = fork.grow_to(300);
  log.serve(forked.note());
  EXPECT_TRUE(proves(found(step(follower, log), FindingKind::kForked, "300 and 600")));
  // The same where a witness was shown it.
  const auto compared = follower.compare(forked.note(), log.store);
  ASSERT_TRUE(compared.has_value() && *compared);
  EXPECT_TRUE(proves((*compared)->proof));
}

TEST(Follower, AnOldCopyIsNoFork) {
  ServedLog log;
  Follower follower = follow();
  const auto old = log.grow_to(100);
  log.grow_to(600);
  step(follower, log);
  log.serve(old.note());
  EXPECT_FALSE(found(step(follower, log), FindingKind::kShrunk, "100 entries").has_value());
  EXPECT_FALSE(follower.compare(old.note(), log.store).value().has_value());
  EXPECT_FALSE(follower.compare(follower.position()->note(), log.store).value().has_value());
}

TEST(Follower, ACheckpointOfTheFutureIsNoFork) {
  ServedLog log;
  Follower follower = follow();
  log.grow_to(100);
  step(follower, log);
  const auto later = log.grow_to(200);
  EXPECT_FALSE(follower.compare(later.note(), log.store).value().has_value());
}

TEST(Follower, EveryChangedByteOfWhatIsServedIsFound) {
  ServedLog log;
  const auto small = log.grow_to(100);
  log.grow_to(600);
  for (const char* path : {"tile/0/000", "tile/0/001", "tile/0/002.p/88", "tile/1/000.p/2",
                           "tile/entries/000", "tile/entries/002.p/88"}) {
    Bytes& bytes = log.disk.objects[path];
    for (std::size_t byte = 0; byte < bytes.size(); byte += testing::kSanitized ? 35 : 5) {
      bytes[byte] ^= 0x01;
      Follower follower = follow();
      const FollowStep made = step(follower, log);
      EXPECT_FALSE(made.advanced) << path << " " << byte;
      ASSERT_FALSE(made.findings.empty()) << path << " " << byte;
      EXPECT_EQ(made.findings[0].kind, FindingKind::kDamaged);
      EXPECT_FALSE(made.findings[0].proof.has_value());
      bytes[byte] ^= 0x01;
    }
    const Bytes kept = bytes;
    log.disk.objects.erase(path);
    Follower follower = follow();
    found(step(follower, log), FindingKind::kDamaged, path);
    log.disk.objects[path] = kept;
  }
}

TEST(Follower, DamageBehindThePositionIsNoProofOfAFork) {
  ServedLog log;
  Follower follower = follow();
  log.grow_to(300);
  step(follower, log);
  log.grow_to(600);
  log.disk.objects["tile/entries/001"].back() ^= 1;
  EXPECT_FALSE(found(step(follower, log), FindingKind::kDamaged, "").has_value());
  log.disk.objects["tile/entries/001"].back() ^= 1;
  EXPECT_TRUE(step(follower, log).advanced);
}

TEST(Follower, WhatIsNotSignedByTheLogIsSaid) {
  ServedLog log;
  Follower follower = follow();
  log.grow_to(10);
  log.serve("nonsense");
  found(step(follower, log), FindingKind::kBadCheckpoint, "");
  const NoteSigner other =
      NoteSigner::make(kAvouchOrigin, crypto::PrivateKey::generate(crypto::KeyType::kEd25519))
          .value();
  log.serve(sign_checkpoint(kAvouchOrigin, 10, Hash{}, other).value().note());
  found(step(follower, log), FindingKind::kBadCheckpoint, "");
  EXPECT_EQ(follower.compare("nonsense", log.store).value()->kind, FindingKind::kBadCheckpoint);
}

TEST(Follower, AReaderThatFailsForNowChangesNothing) {
  ServedLog log;
  log.grow_to(600);
  for (int good = 0;; ++good) {
    Follower follower = follow();
    BusyReader busy(log.store, good);
    const auto made = follower.step(busy, kStart);
    if (made.has_value()) {
      EXPECT_TRUE(made->advanced);
      EXPECT_GT(good, 5);
      break;
    }
    EXPECT_EQ(made.error().kind, ErrorKind::kRetryable);
    EXPECT_FALSE(follower.position().has_value());
    EXPECT_EQ(follower.unfollowed().has_value(), good > 0);
    EXPECT_TRUE(step(follower, log).advanced);
    EXPECT_FALSE(follower.unfollowed().has_value());
  }
}

TEST(Follower, ReadsNothingAgainThatFits) {
  ServedLog log;
  Follower follower = follow();
  log.grow_to(300);
  EXPECT_TRUE(step(follower, log).advanced);
  log.grow_to(3000);
  bool advanced = false;
  for (int i = 0; i < 12 && !advanced; ++i) {  // far from enough for all of it at once
    const std::uint64_t before = follower.read();
    EXPECT_GE(before, 300U);
    BusyReader none(log.store, 1);
    EXPECT_FALSE(follower.step(none, kStart).has_value());
    EXPECT_EQ(follower.read(), before);
    BusyReader busy(log.store, 6);
    const auto made = follower.step(busy, kStart);
    advanced = made.has_value() && made->advanced;
    EXPECT_TRUE(advanced || follower.read() > before);
  }
  EXPECT_TRUE(advanced);
}

// Nor is damage read again and again that lies beyond what one step can read.
TEST(Follower, SaysWhatIsDamagedThoughAStepReadsAPartAlone) {
  ServedLog log;
  log.grow_to(3000);
  log.disk.objects["tile/entries/008"].back() ^= 1;
  Follower follower = follow();
  bool is_said = false;
  for (int i = 0; i < 12 && !is_said; ++i) {
    BusyReader busy(log.store, 6);
    const auto made = follower.step(busy, kStart);
    is_said = made.has_value() && !made->findings.empty();
    log.grow_to(3000 + static_cast<std::uint64_t>(i));
  }
  EXPECT_TRUE(is_said);
}

TEST(Follower, FollowsAPrunedLogToItsEndThoughAStepReadsAPartAlone) {
  ServedLog log;
  Follower follower = follow();
  log.grow_to(256);
  EXPECT_TRUE(step(follower, log).advanced);
  prune(log);
  log.grow_to(5000);
  FollowStep last;
  for (int i = 0; i < 30 && !last.advanced; ++i) {
    BusyReader busy(log.store, 22);  // what was pruned is asked for first
    auto made = follower.step(busy, kStart);
    if (made.has_value()) last = *std::move(made);
  }
  ASSERT_TRUE(last.advanced);
  EXPECT_EQ(last.entries, 5000U - 512);
  EXPECT_EQ(last.pruned, 256U);
  ASSERT_EQ(last.findings.size(), 1U);
  EXPECT_THAT(last.findings[0].what, HasSubstr("entries 256 to 511 were pruned"));
}

// One log for so many fetches, another for so many more, then none.
class SwitchedReader final : public TileReader {
 public:
  SwitchedReader(TileReader& first, int good, TileReader& second, int more)
      : first_(first), good_(good), then_(second, more) {}
  Result<std::optional<Bytes>> fetch(std::string_view path) override {
    return good_-- > 0 ? first_.fetch(path) : then_.fetch(path);
  }

 private:
  TileReader& first_;
  int good_;
  BusyReader then_;
};

// Of what was passed over nothing was held against the position.
TEST(Follower, AWayThatBeganAboveWhatWasPrunedLeadsToNoOtherLog) {
  ServedLog log, fork("other ");
  const std::string position = log.grow_to(256).note();
  prune(log);
  prune(fork);
  bool is_begun = false;
  for (int good = 1; good < 40; ++good) {
    for (int more = 1; more < 10; ++more) {
      Follower follower = follow(options(), position);
      SwitchedReader switched(log.store, good, fork.store, more);
      if (const auto made = follower.step(switched, kStart); made.has_value()) continue;
      is_begun = is_begun || follower.read() >= 512;
      EXPECT_FALSE(step(follower, fork).advanced) << good << " " << more;
    }
  }
  EXPECT_TRUE(is_begun);
}

// Fails for one path.
class FailingReader final : public TileReader {
 public:
  FailingReader(TileReader& inner, std::string path) : inner_(inner), path_(std::move(path)) {}
  Result<std::optional<Bytes>> fetch(std::string_view path) override {
    if (path == path_) return retryable("HTTP status 503");
    return inner_.fetch(path);
  }

 private:
  TileReader& inner_;
  const std::string path_;
};

TEST(Follower, NothingIsDamagedBecauseWhatTheLogPrunedCannotBeReadForNow) {
  for (const std::string_view path : {kRetentionPath, std::string_view("tile/1/000.p/2")}) {
    ServedLog log;
    prune(log);
    Follower follower = follow();
    FailingReader failing(log.store, std::string(path));
    const auto made = follower.step(failing, kStart);
    ASSERT_FALSE(made.has_value()) << path;
    EXPECT_THAT(made.error().message, HasSubstr("503"));
    EXPECT_TRUE(step(follower, log).findings.empty());
  }
}

TEST(Follower, EntriesThatWereReadForAnotherCheckpointAreNotTrusted) {
  ServedLog log;
  log.grow_to(3000);
  Follower follower = follow();
  BusyReader busy(log.store, 6);
  EXPECT_FALSE(follower.step(busy, kStart).has_value());
  ServedLog other("other ");
  other.grow_to(4000);
  found(step(follower, other), FindingKind::kDamaged, "not those of the entries");
  const FollowStep made = step(follower, other);
  EXPECT_TRUE(made.findings.empty());
  EXPECT_EQ(made.entries, 4000U);
  EXPECT_EQ(follower.position()->size(), 4000U);
}

TEST(Follower, AForkIsProvenAlsoAfterARestart) {
  ServedLog log;
  const auto position = log.grow_to(300);
  ServedLog fork("other ");
  for (const std::uint64_t size : {300U, 301U, 700U}) {
    fork.grow_to(size);
    Follower follower = follow(options(), position.note());
    EXPECT_TRUE(proves(found(step(follower, fork), FindingKind::kForked, "not of one log")));
  }
}

TEST(Follower, ALogThatWentBackAndGrewOtherwiseIsNotTakenForTheSame) {
  ServedLog log;
  const auto position = log.grow_to(300);
  ServedLog back("other ");
  back.grow_to(200);
  Follower follower = follow(options(), position.note());
  EXPECT_FALSE(found(step(follower, back), FindingKind::kShrunk, "cannot be told").has_value());
  back.grow_to(500);  // now its own signatures tell
  EXPECT_TRUE(proves(found(step(follower, back), FindingKind::kForked, "300 and 500")));
}

TEST(Follower, ALogWhoseTilesOfThePositionAreGoneIsReadFromItsStart) {
  ServedLog log;
  const auto position = log.grow_to(300);
  log.grow_to(600);
  // Partial tiles may be removed once the full ones are there; here the full one is damaged too.
  log.disk.objects.erase("tile/0/001.p/44");
  log.disk.objects.erase("tile/1/000.p/1");
  Follower follower = follow(options(), position.note());
  const FollowStep made = step(follower, log);
  EXPECT_TRUE(made.advanced);
  EXPECT_TRUE(made.entries == 300U || made.entries == 600U) << made.entries;
}

TEST(Follower, APositionOfAnotherLogIsRefused) {
  EXPECT_FALSE(Follower::start(options(), "nonsense", kStart).has_value());
  FollowOptions keyless = options();
  keyless.keys.clear();
  EXPECT_FALSE(Follower::start(keyless, std::nullopt, kStart).has_value());
}

TEST(Follower, SilenceIsSaidAfterItsTime) {
  ServedLog log;
  FollowOptions how = options();
  how.growth_within = 60s;
  Follower follower = follow(how);
  log.grow_to(10);
  EXPECT_TRUE(step(follower, log, kStart + 30s).findings.empty());
  EXPECT_TRUE(step(follower, log, kStart + 90s).findings.empty());
  found(step(follower, log, kStart + 91s), FindingKind::kSilent, "61 s");
  log.grow_to(11);
  EXPECT_TRUE(step(follower, log, kStart + 92s).advanced);
}

TEST(Follower, AQuorumThatIsMissingOrOldIsSaid) {
  const Cosigner witness =
      Cosigner::make("witness.example", crypto::PrivateKey::generate(crypto::KeyType::kEd25519))
          .value();
  FollowOptions how = options();
  how.policy =
      LogPolicy::parse("witness w " + format_cosigner_vkey(witness.key()) + "\nquorum w\n").value();
  how.quorum_within = 60s;
  ServedLog log;
  Follower follower = follow(how);
  const auto plain = log.grow_to(10);
  FollowStep made = step(follower, log);
  EXPECT_TRUE(made.advanced);  // what it says of the entries holds
  ASSERT_EQ(made.findings.size(), 1U);
  EXPECT_EQ(made.findings[0].kind, FindingKind::kNotWitnessed);

  const std::string text = format_checkpoint(plain.checkpoint()).value();
  log.serve(plain.note() + witness.cosign(text, 1'800'000'000).value());
  made = step(follower, log, kStart + 60s);
  EXPECT_TRUE(made.findings.empty());
  ASSERT_EQ(made.cosigned.size(), 1U);
  found(step(follower, log, kStart + 61s), FindingKind::kNotWitnessed, "61 s old");
  EXPECT_TRUE(step(follower, log, kStart - 300s).findings.empty());  // clocks differ
  found(step(follower, log, kStart - 301s), FindingKind::kNotWitnessed, "301 s ahead");
}

class MisbehaviourTest : public ::testing::Test {
 protected:
  MisbehaviourTest() {
    older = log.grow_to(100).note();
    fork.grow_to(300);
    newer = std::string(as_text(fork.disk.objects["checkpoint"]));
    Follower follower = follow();
    step(follower, log);
    proof = found(step(follower, fork), FindingKind::kForked, "").value();
  }
  static std::string problem(const Misbehaviour& of) {
    const auto verified =
        verify_misbehaviour(of, std::span(&signer().verifier(), 1), kAvouchOrigin);
    return verified.has_value() ? "none" : verified.error().message;
  }

  ServedLog log, fork{"other "};
  std::string older, newer;
  Misbehaviour proof;
};

TEST_F(MisbehaviourTest, ProvesNothingOfALogThatDidNoWrong) {
  EXPECT_EQ(problem(proof), "none");
  EXPECT_THAT(problem({older, older, std::nullopt, {}}), HasSubstr("same tree"));
  EXPECT_THAT(problem({newer, older, proof.prefix, proof.proof}), HasSubstr("larger"));
  EXPECT_THAT(problem({older, newer, std::nullopt, {}}), HasSubstr("need the larger"));
  Misbehaviour changed = proof;
  (*changed.prefix)[0] ^= 1;
  EXPECT_NE(problem(changed), "none");
  for (std::size_t i = 0; i < proof.proof.size(); ++i) {
    changed = proof;
    changed.proof[i][0] ^= 1;
    EXPECT_NE(problem(changed), "none") << i;
  }
  // A log that only grew, with its true proof.
  const auto grown = log.grow_to(300);
  const NodeSource nodes = tile_nodes(log.store, 300);
  const auto honest = make_consistency_proof(100, 300, nodes).value();
  EXPECT_THAT(problem({older, grown.note(), make_root(100, nodes).value(), honest}),
              HasSubstr("nothing is proven"));
}

TEST_F(MisbehaviourTest, IsOfTheLogsOwnKeyAndOrigin) {
  const NoteVerifier other =
      NoteSigner::make(kAvouchOrigin, crypto::PrivateKey::generate(crypto::KeyType::kEd25519))
          .value()
          .verifier();
  EXPECT_FALSE(verify_misbehaviour(proof, std::span(&other, 1), kAvouchOrigin).has_value());
  EXPECT_FALSE(
      verify_misbehaviour(proof, std::span(&signer().verifier(), 1), "another").has_value());
}

TEST_F(MisbehaviourTest, FilesHaveOneSpelling) {
  const std::string text = format_misbehaviour(proof);
  EXPECT_EQ(parse_misbehaviour(text).value(), proof);
  for (std::size_t size = 0; size < text.size(); ++size) {
    const auto read = parse_misbehaviour(text.substr(0, size));
    // Cut behind a line of the proof it is another file, which proves nothing.
    if (!read.has_value()) continue;
    EXPECT_NE(problem(*read), "none") << size;
  }
  EXPECT_FALSE(parse_misbehaviour(text + "\n").has_value());
  EXPECT_FALSE(parse_misbehaviour(text + text).has_value());
  EXPECT_FALSE(parse_misbehaviour("x" + text).has_value());
  EXPECT_FALSE(parse_misbehaviour(std::string(kMaxMisbehaviourBytes + 1, 'x')).has_value());
}

}  // namespace
}  // namespace avouch::tlog
