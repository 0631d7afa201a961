// The log asks real witnesses, on threads of its own.

#include "tlog/witnessing.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <future>

#include "support/manual_clock.h"
#include "support/memory_log_store.h"
#include "support/witness_peer.h"
#include "tlog/client.h"
#include "tlog/log.h"
#include "tlog/recovery.h"
#include "unit/tlog/names.h"

namespace avouch::tlog {
namespace {

using namespace std::chrono_literals;
using testing::ManualClock;
using testing::MemoryAnchor;
using testing::MemoryDisk;
using testing::MemoryLogStore;
using testing::PeerExchange;
using testing::WitnessPeer;

constexpr std::size_t kWitnesses = 3;

// A log in memory and three witnesses, of which two are a quorum.
class WitnessingTest : public ::testing::Test {
 protected:
  WitnessingTest() {
    for (const char* name : {"a.example", "b.example", "c.example"}) {
      peers_.push_back(
          std::make_unique<WitnessPeer>(name, kOrigin, log_key_.verifier(), clock_.now()));
    }
    open_log();
  }
  ~WitnessingTest() override {
    if (witnessing_) witnessing_->stop();
    log_.reset();
  }

  void open_log() {
    LogOptions options;
    options.origin = kOrigin;
    options.on_published = [this](const VerifiedCheckpoint& checkpoint) {
      if (witnessing_) witnessing_->published(checkpoint);
    };
    log_ = Log::open(options, store_, {}, log_key_, clock_).value();
  }
  // Appends an entry and publishes it.
  VerifiedCheckpoint grow() {
    ++entries_;
    const auto placed = log_->append_and_wait(
        {to_bytes("entry " + std::to_string(entries_)), {}, std::to_string(entries_)});
    EXPECT_TRUE(placed.has_value());
    return log_->publish_now().value();
  }
  LogPolicy policy() const {
    std::string text;
    for (std::size_t i = 0; i < kWitnesses; ++i) {
      text += "witness w" + std::to_string(i) + " " + peers_[i]->vkey() + "\n";
    }
    return LogPolicy::parse(text + "group g 2 w0 w1 w2\nquorum g\n").value();
  }
  void make(std::vector<PeerExchange::InTheWay> in_the_way = {}) {
    in_the_way.resize(kWitnesses);
    std::vector<AskedWitness> asked;
    for (std::size_t i = 0; i < kWitnesses; ++i) {
      asked.push_back({"w" + std::to_string(i), peers_[i]->key(),
                       std::make_unique<PeerExchange>(*peers_[i], in_the_way[i])});
    }
    WitnessingOptions options;
    options.log_keys = {log_key_.verifier()};
    options.former_keys = former_keys_;
    options.on_trouble = [this](const std::string& witness, const std::string& why) {
      const std::lock_guard lock(mutex_);
      troubles_.push_back(witness + ": " + why);
    };
    options.on_alarm = [this](const WitnessAlarm& alarm) {
      const std::lock_guard lock(mutex_);
      alarms_.push_back(alarm);
    };
    witnessing_ = std::make_unique<Witnessing>(std::move(options), policy(), std::move(asked),
                                               store_, &anchor_, clock_);
  }
  void start(std::vector<PeerExchange::InTheWay> in_the_way = {}) {
    make(std::move(in_the_way));
    ASSERT_TRUE(witnessing_->start(log_->checkpoint()).has_value());
  }
  // Moves the clock from one thing that is due to the next until `holds`, or `limit` has passed.
  // Each time all threads have done first what there is to do.
  template <typename Holds>
  bool in_time(Holds holds, std::chrono::milliseconds limit = 10min) {
    const SteadyTime end = clock_.steady_now() + limit;
    while (true) {
      clock_.settle(threads_);
      if (holds()) return true;
      const SteadyTime now = clock_.steady_now();
      if (now >= end) return false;
      const auto step = std::min(end, std::max(clock_.next_deadline(), now)) - now;
      for (const auto& peer : peers_) peer->set_time(clock_.now() + step);
      clock_.advance(step);
    }
  }
  Result<Recalled> recall() {
    return witnessing_->recall(sign_checkpoint(kOrigin, 0, empty_root(), log_key_).value(), {});
  }
  std::uint64_t witnessed_size() const {
    const auto witnessed = witnessing_->notes().witnessed();
    return witnessed ? witnessed->size : 0;
  }
  std::vector<WitnessAlarm> alarms() {
    const std::lock_guard lock(mutex_);
    return alarms_;
  }
  std::vector<std::string> troubles() {
    const std::lock_guard lock(mutex_);
    return troubles_;
  }

  ManualClock clock_;
  NoteSigner log_key_ =
      NoteSigner::make(kOrigin, crypto::PrivateKey::generate(crypto::KeyType::kEd25519)).value();
  std::vector<NoteVerifier> former_keys_;
  std::vector<std::unique_ptr<WitnessPeer>> peers_;
  MemoryDisk disk_;
  MemoryLogStore store_{disk_};
  std::optional<std::string> kept_;
  MemoryAnchor anchor_{kept_};
  int entries_ = 0;
  std::size_t threads_ = kWitnesses + 1;  // that wait on the clock: the witnesses', the sequencer
  std::mutex mutex_;
  std::vector<std::string> troubles_;
  std::vector<WitnessAlarm> alarms_;
  std::unique_ptr<Witnessing> witnessing_;
  std::unique_ptr<Log> log_;
};

TEST_F(WitnessingTest, CosignsWhatIsPublishedWithinTenSeconds) {
  start();
  for (int i = 0; i < 5; ++i) {
    const VerifiedCheckpoint published = grow();
    ASSERT_TRUE(in_time([&] { return witnessed_size() >= published.size(); }, 10s)) << i;
  }
  const auto witnessed = witnessing_->notes().witnessed();
  ASSERT_TRUE(witnessed);
  const auto checkpoint =
      verify_checkpoint(witnessed->note, std::vector{log_key_.verifier()}, kOrigin);
  ASSERT_TRUE(checkpoint.has_value());
  EXPECT_EQ(checkpoint->root(), log_->checkpoint().root());
  const auto lines =
      verify_cosignatures(parse_note_unverified(witnessed->note).value(), policy().cosigner_keys());
  EXPECT_TRUE(policy().is_met(lines.value()));
  EXPECT_TRUE(troubles().empty()) << troubles().front();
  EXPECT_TRUE(alarms().empty());
}

TEST_F(WitnessingTest, AsksNobodyAboutAnEmptyLog) {
  start();
  EXPECT_FALSE(in_time([&] { return peers_[0]->questions() > 0; }, 20s));
}

TEST_F(WitnessingTest, AsksAtMostOncePerRoundHoweverFastTheLogGrows) {
  grow();
  start();
  ASSERT_TRUE(in_time([&] { return peers_[0]->questions() == 1; }));
  const SteadyTime begun = clock_.steady_now();
  while (clock_.steady_now() < begun + 20s) {
    grow();
    in_time([] { return false; }, 500ms);
  }
  // A round each 5 s, and one question in each.
  EXPECT_GE(peers_[0]->questions(), 4);
  EXPECT_LE(peers_[0]->questions(), 6);
}

TEST_F(WitnessingTest, RefreshesAQuorumOfALogThatDoesNotGrow) {
  grow();
  start();
  ASSERT_TRUE(in_time([&] { return witnessed_size() == 1; }));
  const std::uint64_t first = witnessing_->notes().witnessed()->seconds;
  ASSERT_TRUE(
      in_time([&] { return witnessing_->notes().witnessed()->seconds >= first + 60; }, 90s));
  EXPECT_EQ(witnessed_size(), 1U);
}

TEST_F(WitnessingTest, OneThatHangsDelaysNeitherLogNorQuorum) {
  std::promise<void> hangs;
  std::atomic<bool> told = false;
  start({[&](const std::stop_token& stop) -> std::optional<Result<WitnessReply>> {
    if (!told.exchange(true)) hangs.set_value();
    while (!stop.stop_requested()) std::this_thread::yield();
    return Result<WitnessReply>(retryable("stopped"));
  }});
  grow();
  hangs.get_future().wait();
  --threads_;
  for (int i = 0; i < 3; ++i) {
    const VerifiedCheckpoint published = grow();
    ASSERT_TRUE(in_time([&] { return witnessed_size() >= published.size(); }, 10s)) << i;
  }
  EXPECT_EQ(witnessing_->status()[0].last_cosigned, std::nullopt);
}

TEST_F(WitnessingTest, IsNotWitnessedWithoutAQuorumAndGoesOnWhenOneIsBack) {
  std::atomic<bool> away = true;
  const PeerExchange::InTheWay gone =
      [&](const std::stop_token&) -> std::optional<Result<WitnessReply>> {
    if (!away) return std::nullopt;
    return Result<WitnessReply>(retryable("connection refused"));
  };
  grow();
  start({gone, gone});
  ASSERT_TRUE(in_time([&] { return peers_[2]->questions() > 0; }));
  EXPECT_FALSE(in_time([&] { return witnessed_size() > 0; }, 2min));
  const auto status = witnessing_->status();
  EXPECT_GE(status[0].failures, 4U);
  EXPECT_LE(status[0].failures, 9U) << "less and less often";
  EXPECT_EQ(status[0].trouble, "connection refused");
  EXPECT_EQ(status[2].trouble, "");
  EXPECT_EQ(troubles().size(), 2U) << "said once, not at each attempt";
  away = false;
  EXPECT_TRUE(in_time([&] { return witnessed_size() == 1; }, 70s));
  EXPECT_TRUE(in_time([&] { return witnessing_->status()[0].trouble.empty(); }, 70s));
}

TEST_F(WitnessingTest, KeepsTheWitnessedNoteOverARestart) {
  grow();
  start();
  ASSERT_TRUE(in_time([&] { return witnessed_size() == 1; }));
  witnessing_->stop();
  const std::string note = witnessing_->notes().witnessed()->note;
  EXPECT_EQ(*kept_, note);

  const PeerExchange::InTheWay gone =
      [](const std::stop_token&) -> std::optional<Result<WitnessReply>> {
    return Result<WitnessReply>(retryable("away"));
  };
  start({gone, gone, gone});
  EXPECT_EQ(witnessing_->notes().witnessed()->note, note);
}

TEST_F(WitnessingTest, StartsWithWitnessesThatKnowTheLogAlready) {
  grow();
  start();
  ASSERT_TRUE(in_time([&] { return witnessed_size() == 1; }));
  witnessing_->stop();
  start();
  const VerifiedCheckpoint published = grow();
  EXPECT_TRUE(in_time([&] { return witnessed_size() == published.size(); }, 10s));
  EXPECT_TRUE(troubles().empty()) << troubles().front();
}

// What a restored backup does: the log goes on from an older state, and the witnesses have seen
// more.
TEST_F(WitnessingTest, RaisesAnAlarmWhereTheLogWentBack) {
  grow();
  const MemoryDisk backup = disk_;
  grow();
  grow();
  start();
  ASSERT_TRUE(in_time([&] { return witnessed_size() == 3; }));
  witnessing_->stop();
  log_.reset();
  disk_ = backup;
  kept_.reset();
  open_log();
  start();
  ASSERT_TRUE(in_time([&] { return alarms().size() == kWitnesses; }, 1min));
  for (const WitnessAlarm& alarm : alarms()) {
    EXPECT_NE(alarm.what.find("at size 3"), std::string::npos) << alarm.what;
    ASSERT_TRUE(alarm.note);
    EXPECT_EQ(verify_checkpoint(*alarm.note, std::vector{log_key_.verifier()}, kOrigin)->size(),
              3U);
  }
  EXPECT_TRUE(witnessing_->status()[1].alarmed);
  EXPECT_EQ(witnessed_size(), 0U);
}

// ... and has grown past what they have seen before it asks: then it is a fork.
TEST_F(WitnessingTest, RaisesAnAlarmWhereTheLogForked) {
  grow();
  const MemoryDisk backup = disk_;
  grow();
  start();
  ASSERT_TRUE(in_time([&] { return witnessed_size() == 2; }));
  witnessing_->stop();
  log_.reset();
  disk_ = backup;
  kept_.reset();
  open_log();
  for (int i = 0; i < 4; ++i) {
    ++entries_;
    grow();
  }
  start();
  ASSERT_TRUE(in_time([&] { return alarms().size() == kWitnesses; }, 1min));
  EXPECT_NE(alarms()[0].what.find("is not the beginning"), std::string::npos) << alarms()[0].what;
  ASSERT_TRUE(alarms()[0].note) << "what it cosigned is the proof";
  EXPECT_EQ(witnessed_size(), 0U);
}

TEST_F(WitnessingTest, OneOddAnswerIsNoAlarm) {
  std::atomic<int> answers = 0;
  grow();
  start({[&](const std::stop_token&) -> std::optional<Result<WitnessReply>> {
    if (answers++ != 1) return std::nullopt;
    return Result<WitnessReply>(WitnessReply{422, "text/plain", "odd"});
  }});
  ASSERT_TRUE(in_time([&] { return witnessing_->status()[0].size == 1; }));
  grow();
  ASSERT_TRUE(in_time([&] { return answers >= 3 && witnessing_->status()[0].size == 2; }, 1min));
  EXPECT_EQ(witnessing_->status()[0].failures, 1U);
  EXPECT_TRUE(alarms().empty());
}

// What it holds itself tells a witness that has forgotten, and under which keys it signed.
TEST_F(WitnessingTest, RecallsWhatWitnessesRememberOfIt) {
  start();
  const VerifiedCheckpoint newest = grow();
  ASSERT_TRUE(in_time([&] { return witnessed_size() == newest.size(); }));
  make();
  const auto recalled = recall();
  ASSERT_TRUE(recalled.has_value()) << recalled.error().message;
  EXPECT_EQ(recalled->missing, std::nullopt);
  ASSERT_EQ(recalled->remembered.size(), kWitnesses + 1) << "and what was kept";
  EXPECT_EQ(recalled->remembered[2].whose, "witness w2");
  EXPECT_EQ(recalled->remembered[0].checkpoint.size(), newest.size());

  const NoteSigner next =
      NoteSigner::make(kOrigin, crypto::PrivateKey::generate(crypto::KeyType::kEd25519)).value();
  const NoteVerifier former = std::exchange(log_key_, next).verifier();
  make();
  EXPECT_TRUE(recall()->missing.has_value());
  former_keys_ = {former};
  make();
  EXPECT_EQ(recall()->remembered.size(), kWitnesses + 1);

  for (std::size_t i = 0; i < 2; ++i) {
    peers_[i] = std::make_unique<WitnessPeer>("new.example", kOrigin, former, clock_.now());
  }
  make();
  EXPECT_EQ(recall()->missing, std::nullopt) << "other witnesses";
}

// By the memory of its own, a witness that says that it knows nothing is not believed.
TEST_F(WitnessingTest, RecallsWhoHasCosignedIt) {
  start();
  const VerifiedCheckpoint newest = grow();
  ASSERT_TRUE(in_time([&] { return witnessed_size() == newest.size(); }));
  witnessing_->stop();
  for (const auto& peer : peers_) peer->forget();
  make();
  const auto recalled = recall();
  ASSERT_TRUE(recalled.has_value()) << recalled.error().message;
  ASSERT_TRUE(recalled->missing.has_value());
  EXPECT_NE(recalled->missing->find("has cosigned size"), std::string::npos) << *recalled->missing;
}

// Whoever waits for them asks as often as the log that runs: after 1 s, 2 s, 4 s and so on.
TEST_F(WitnessingTest, AsksThoseThatItWaitsForLessAndLessOften) {
  int asked = 0;
  const PeerExchange::InTheWay gone =
      [&](const std::stop_token&) -> std::optional<Result<WitnessReply>> {
    ++asked;
    return Result<WitnessReply>(retryable("away"));
  };
  const PeerExchange::InTheWay claims =
      [](const std::stop_token&) -> std::optional<Result<WitnessReply>> {
    return Result<WitnessReply>(WitnessReply{422, "text/plain", ""});
  };
  grow();
  make({gone, claims});
  const auto is_missing = [&] { return recall()->missing.has_value(); };
  for (int half_seconds = 0; half_seconds < 240; ++half_seconds) {
    ASSERT_TRUE(is_missing()) << half_seconds;
    clock_.advance(500ms);
  }
  EXPECT_EQ(asked, 7) << "after 0, 1, 3, 7, 15, 31 and 63 s";
  ASSERT_EQ(troubles().size(), 1U) << "said once";
  EXPECT_NE(troubles()[0].find("w1: says that it has cosigned another"), std::string::npos)
      << troubles()[0];
  make();
  EXPECT_FALSE(is_missing());
}

}  // namespace
}  // namespace avouch::tlog
