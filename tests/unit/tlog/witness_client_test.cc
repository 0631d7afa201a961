#include "tlog/witness_client.h"

#include <gtest/gtest.h>

#include <array>

#include "base/hex.h"
#include "crypto/hash.h"
#include "support/plain_tree.h"
#include "support/witness_peer.h"
#include "tlog/witness.h"
#include "unit/tlog/names.h"

namespace avouch::tlog {
namespace {

using namespace std::chrono_literals;
using testing::PlainTree;
using testing::WitnessPeer;
using Kind = WitnessOutcome::Kind;

constexpr std::uint64_t kNewest = 40;

class WitnessClientTest : public ::testing::Test {
 protected:
  WitnessClientTest() {
    for (int i = 0; i < 40; ++i) tree_.push_entry(to_bytes("entry " + std::to_string(i)));
    for (int i = 0; i < 40; ++i) fork_.push_entry(to_bytes("other " + std::to_string(i)));
  }
  VerifiedCheckpoint signed_as(std::uint64_t size, const Hash& root) const {
    const std::string text = format_checkpoint({kOrigin, size, root, {}}).value();
    const std::string note = sign_note(text, std::span(&log_, 1)).value();
    return verify_checkpoint(note, std::span(&log_.verifier(), 1), kOrigin).value();
  }
  VerifiedCheckpoint checkpoint(std::uint64_t size) const {
    return signed_as(size, tree_.root(size));
  }
  VerifiedCheckpoint forked(std::uint64_t size) const { return signed_as(size, fork_.root(size)); }

  // One question to the witness, and what its answer means.
  WitnessOutcome ask(WitnessProgress& progress, const VerifiedCheckpoint& at,
                     const PlainTree& tree) {
    const auto body = progress.request(at, tree.source());
    EXPECT_TRUE(body.has_value()) << body.error().message;
    return progress.take(at, peer_.add_checkpoint(body.value()), kNewest);
  }
  WitnessOutcome ask(WitnessProgress& progress, std::uint64_t size) {
    return ask(progress, checkpoint(size), tree_);
  }
  WitnessOutcome told(WitnessProgress& progress, const WitnessReply& reply) {
    return progress.take(checkpoint(20), reply, kNewest);
  }
  // One that has cosigned size 7.
  WitnessProgress at_seven() {
    WitnessProgress progress(peer_.key());
    EXPECT_EQ(ask(progress, 7).kind, Kind::kCosigned);
    return progress;
  }

  NoteSigner log_ =
      NoteSigner::make(kOrigin, crypto::PrivateKey::generate(crypto::KeyType::kEd25519)).value();
  WitnessPeer peer_{"witness.example", kOrigin, log_.verifier(), kNow};
  PlainTree tree_, fork_;
};

TEST_F(WitnessClientTest, GetsACosignatureOfEveryCheckpointInTurn) {
  WitnessProgress progress(peer_.key());
  for (const std::uint64_t size : {1U, 2U, 7U, 7U, 8U, 33U, 40U}) {
    const WitnessOutcome outcome = ask(progress, size);
    ASSERT_EQ(outcome.kind, Kind::kCosigned) << size << ": " << outcome.why;
    EXPECT_EQ(outcome.seconds, 1'800'000'000U);
    const auto note = parse_note_unverified(checkpoint(size).note() + outcome.line).value();
    const auto lines = verify_cosignatures(note, std::vector{peer_.key()}).value();
    ASSERT_EQ(lines.size(), 1U);
    EXPECT_EQ(lines[0].seconds, outcome.seconds);
    EXPECT_EQ(progress.size(), size);
  }
}

TEST_F(WitnessClientTest, LearnsFromWhereToProve) {
  at_seven();
  WitnessProgress knows_nothing(peer_.key());
  EXPECT_EQ(ask(knows_nothing, 9).kind, Kind::kAskAgain);
  EXPECT_EQ(knows_nothing.size(), 7U);
  EXPECT_EQ(ask(knows_nothing, 9).kind, Kind::kCosigned);
}

TEST_F(WitnessClientTest, LearnsThatANewerOneIsCosignedAlready) {
  at_seven();
  WitnessProgress progress(peer_.key());
  EXPECT_EQ(ask(progress, 5).kind, Kind::kLater);
  EXPECT_EQ(progress.size(), 7U);
}

TEST_F(WitnessClientTest, NoticesAWitnessThatIsAheadOfTheLog) {
  at_seven();
  WitnessProgress progress(peer_.key());
  const auto body = progress.request(checkpoint(5), tree_.source()).value();
  const WitnessOutcome outcome =
      progress.take(checkpoint(5), peer_.add_checkpoint(body), /*newest_size=*/6);
  EXPECT_EQ(outcome.kind, Kind::kAhead);
  EXPECT_NE(outcome.why.find("at size 7"), std::string::npos) << outcome.why;
  EXPECT_EQ(progress.size(), 0U) << "such a size is not proven from";
}

TEST_F(WitnessClientTest, NoticesAForkAtTheSameAndAtALargerSize) {
  const WitnessProgress seen = at_seven();
  for (const std::uint64_t size : {7U, 9U, 40U}) {
    WitnessProgress progress = seen;
    // The proof is good for the tree that this log claims, not for what the witness has seen.
    const WitnessOutcome outcome = ask(progress, forked(size), fork_);
    EXPECT_EQ(outcome.kind, Kind::kContradicts) << size << outcome.why;
  }
}

TEST_F(WitnessClientTest, TakesAConflictWithoutASizeForAContradiction) {
  WitnessProgress progress = at_seven();
  EXPECT_EQ(told(progress, {409, "text/plain", "root mismatch\n"}).kind, Kind::kContradicts);
  EXPECT_EQ(told(progress, {422, "", ""}).kind, Kind::kContradicts);
}

TEST_F(WitnessClientTest, IsContradictedByNobodyToWhomItProvedNothing) {
  WitnessProgress progress(peer_.key());
  EXPECT_EQ(told(progress, {409, "text/plain", ""}).kind, Kind::kRefused);
  EXPECT_EQ(told(progress, {422, "text/plain", ""}).kind, Kind::kRefused);
}

TEST_F(WitnessClientTest, ReadsASizeInOneSpelling) {
  for (const char* body : {"", "7", "\n", "07\n", "+7\n", "-7\n", " 7\n", "7 \n", "7\n\n", "7\nx\n",
                           "0x7\n", "18446744073709551616\n"}) {
    WitnessProgress progress(peer_.key());
    EXPECT_EQ(told(progress, {409, "text/x.tlog.size", body}).kind, Kind::kRefused) << body;
    EXPECT_EQ(progress.size(), 0U);
  }
  WitnessProgress progress(peer_.key());
  EXPECT_EQ(told(progress, {409, "text/x.tlog.size", "7\n"}).kind, Kind::kAskAgain);
  EXPECT_EQ(told(progress, {409, "text/x.tlog.size", "0\n"}).kind, Kind::kAskAgain);
  EXPECT_EQ(told(progress, {409, "text/x.tlog.size", "18446744073709551615\n"}).kind, Kind::kAhead);
}

TEST_F(WitnessClientTest, DoesNotAskAgainFromTheSizeThatWasRefused) {
  WitnessProgress progress = at_seven();
  EXPECT_EQ(told(progress, {409, "text/x.tlog.size", "7\n"}).kind, Kind::kRefused);
}

TEST_F(WitnessClientTest, TakesNoLineThatTheWitnessKeyDidNotSignForThisCheckpoint) {
  const auto line_of = [&](std::uint64_t size) {
    WitnessPeer fresh("witness.example", kOrigin, log_.verifier(), kNow);
    WitnessProgress progress(fresh.key());
    const auto body = progress.request(checkpoint(size), tree_.source()).value();
    return fresh.add_checkpoint(body).body;
  };
  WitnessProgress progress(peer_.key());
  const std::string own =
      peer_.add_checkpoint(progress.request(checkpoint(20), tree_.source()).value()).body;
  std::string broken = own;
  broken[broken.size() - 10] = broken[broken.size() - 10] == 'A' ? 'B' : 'A';
  for (const std::string& body :
       {std::string(), std::string("\n"), std::string("ok\n"), line_of(20), line_of(19), broken,
        own.substr(0, own.size() - 1), "more text\n\n" + own, "\n" + own}) {
    EXPECT_EQ(told(progress, {200, "text/plain", body}).kind, Kind::kRefused) << body;
    EXPECT_EQ(progress.size(), 0U);
  }
  // Lines of others beside its own are left out.
  const WitnessOutcome outcome = told(progress, {200, "text/plain", line_of(20) + own});
  EXPECT_EQ(outcome.kind, Kind::kCosigned);
  EXPECT_EQ(outcome.line, own);
}

TEST_F(WitnessClientTest, SaysWhatToDoAboutARefusal) {
  WitnessProgress progress(peer_.key());
  EXPECT_NE(
      told(progress, {404, "", "no\x1b such log\nx"}).why.find("answered 404: no? such log; "),
      std::string::npos);
  EXPECT_NE(told(progress, {403, "", ""}).why.find("another key"), std::string::npos);
  EXPECT_NE(told(progress, {429, "", ""}).why.find("too often"), std::string::npos);
  for (const int status : {100, 204, 301, 400, 500, 503, 0, -1}) {
    EXPECT_EQ(told(progress, {status, "", std::string(5000, 'x')}).kind, Kind::kRefused);
    EXPECT_LT(told(progress, {status, "", std::string(5000, 'x')}).why.size(), 400U);
  }
}

TEST_F(WitnessClientTest, SendsNoProofThatOwnDamageMadeWrong) {
  WitnessProgress progress = at_seven();
  const auto body = progress.request(checkpoint(20), fork_.source());
  ASSERT_FALSE(body.has_value());
  EXPECT_EQ(body.error().kind, ErrorKind::kFatal);
  EXPECT_NE(body.error().message.find("damaged"), std::string::npos);
  const NodeSource unreadable = [](const Node&) -> Result<Hash> { return retryable("away"); };
  EXPECT_EQ(progress.request(checkpoint(20), unreadable).error().kind, ErrorKind::kRetryable);
}

TEST_F(WitnessClientTest, WaitsLongerAfterEachFailureAndAMinuteAtMost) {
  EXPECT_EQ(witness_pause(0), 1s);
  EXPECT_EQ(witness_pause(1), 1s);
  EXPECT_EQ(witness_pause(2), 2s);
  EXPECT_EQ(witness_pause(6), 32s);
  EXPECT_EQ(witness_pause(7), 60s);
  EXPECT_EQ(witness_pause(~std::uint64_t{0}), 60s);
}

TEST_F(WitnessClientTest, ProvesByTheWitnessNoteThatTheLogIsTwo) {
  const std::array keys{log_.verifier()};
  const auto foreign = [&](const VerifiedCheckpoint& shown) {
    return foreign_checkpoint({200, "text/plain", shown.note()}, keys, checkpoint(20),
                              tree_.source())
        .has_value();
  };
  EXPECT_TRUE(foreign(forked(20)));
  EXPECT_TRUE(foreign(forked(7)));
  EXPECT_TRUE(foreign(checkpoint(21)));
  EXPECT_FALSE(foreign(checkpoint(20)));
  EXPECT_FALSE(foreign(checkpoint(19)));
  EXPECT_FALSE(foreign_checkpoint({404, "text/plain", forked(20).note()}, keys, checkpoint(20),
                                  tree_.source())
                   .has_value());
  const auto other =
      NoteSigner::make(kOrigin, crypto::PrivateKey::generate(crypto::KeyType::kEd25519)).value();
  const std::array others{other.verifier()};
  EXPECT_FALSE(foreign_checkpoint({200, "text/plain", forked(20).note()}, others, checkpoint(20),
                                  tree_.source())
                   .has_value());
}

}  // namespace
}  // namespace avouch::tlog
