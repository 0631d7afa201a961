// What is said in a log of another that contradicted itself: which entry it refers to, that it is
// said again byte by byte, and that it ends.

#include "tlog/fork_dispute.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <vector>

#include "crypto/hash.h"
#include "support/served_log.h"
#include "tlog/checkpoint.h"
#include "tlog/follower.h"
#include "tlog/log_policy.h"
#include "tlog/log_proof.h"
#include "tlog/reference_proof.h"
#include "unit/tlog/names.h"

namespace avouch::tlog {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using namespace std::chrono_literals;

class NotingTaker final : public DisputeTaker {
 public:
  explicit NotingTaker(std::string name) : name_(std::move(name)) {}
  const std::string& origin() const override { return name_; }
  Result<std::uint64_t> take(const RemarkRequest& dispute) override {
    sent.push_back(dispute);
    return answer;
  }

  std::vector<RemarkRequest> sent;
  Result<std::uint64_t> answer = std::uint64_t{7};

 private:
  const std::string name_;
};

class ForkDisputeTest : public ::testing::Test {
 protected:
  ForkDisputeTest() {
    log_.grow_to(300);
    fork_.grow_to(500);
  }

  // That the log, which was followed to 300 entries, showed the fork.
  ForkDispute::Proof found() {
    FollowOptions options;
    options.origin = kAvouchOrigin;
    options.keys = {signer().verifier()};
    auto follower = Follower::start(options, std::nullopt, kNow).value();
    EXPECT_TRUE(follower.step(log_.store, kNow)->advanced);
    const auto step = follower.step(fork_.store, kNow).value();
    EXPECT_EQ(step.findings.size(), 1U);
    return {"an-id", format_misbehaviour(step.findings.at(0).proof.value())};
  }
  ForkDispute dispute_of(const ForkDispute::Proof& proof, NotingTaker& taker) const {
    ForkDispute out({.origin = kAvouchOrigin,
                     .keys = {signer().verifier()},
                     .witnesses = {witness_.key(), liar_.key()},
                     .first_wait = 10s},
                    taker);
    EXPECT_FALSE(out.is_pending());
    EXPECT_FALSE(out.is_due(kBegin));
    out.begin(proof);
    EXPECT_TRUE(out.is_due(kBegin));
    return out;
  }
  static const EntryReference& reference(const NotingTaker& taker) {
    return taker.sent.at(0).remark.refs.at(0);
  }
  static std::uint64_t size_in(const EntryReference& reference) {
    const LogProof proof = parse_log_proof(reference.proof).value();
    return parse_checkpoint_unverified(parse_note_unverified(proof.note).value().text)->size;
  }
  static Cosigner cosigner(const std::string& name) {
    return Cosigner::make(name, crypto::PrivateKey::generate(crypto::KeyType::kEd25519)).value();
  }

  static constexpr SteadyTime kBegin{};
  testing::ServedLog log_{signer()}, fork_{signer(), "other "};
  const Cosigner witness_ = cosigner("witness.example"), liar_ = cosigner("liar.example");
  NotingTaker ours_{"log.example/ours"};
};

TEST_F(ForkDisputeTest, RefersToTheLastEntryUnderTheNewerCheckpoint) {
  const ForkDispute::Proof proof = found();
  ForkDispute dispute = dispute_of(proof, ours_);
  const auto index = dispute.attempt(fork_.store, kBegin);
  ASSERT_TRUE(index.has_value()) << index.error().message;
  EXPECT_EQ(*index, 7U);
  EXPECT_FALSE(dispute.is_pending());
  EXPECT_FALSE(dispute.is_due(kBegin + 24h));

  ASSERT_EQ(ours_.sent.size(), 1U);
  EXPECT_EQ(ours_.sent[0].id, "an-id");
  const Remark& said = ours_.sent[0].remark;
  EXPECT_EQ(said.kind, RemarkKind::kDispute);
  EXPECT_TRUE(check_remark(said, ours_.origin()).has_value());
  EXPECT_THAT(said.text, HasSubstr("checkpoints of 300 and 500 entries"));
  ASSERT_EQ(said.material.size(), 1U);
  EXPECT_EQ(said.material[0].type, kMisbehaviourType);
  EXPECT_EQ(said.material[0].digest, crypto::sha256(as_bytes(proof.text)));
  EXPECT_EQ(reference(ours_).index, 499U);
  EXPECT_EQ(reference(ours_).leaf, leaf_hash(to_bytes("other 499")));
  EXPECT_EQ(size_in(reference(ours_)), 500U);
  const auto trusted =
      LogPolicy::parse("log " + format_vkey(signer().verifier()) + "\nquorum none\n");
  EXPECT_TRUE(verify_foreign_reference(reference(ours_), *trusted).has_value());
}

TEST_F(ForkDisputeTest, RefersToTheOlderWhereTheNewerIsHiddenAgain) {
  ForkDispute dispute = dispute_of(found(), ours_);
  ASSERT_TRUE(dispute.attempt(log_.store, kBegin).has_value());
  EXPECT_EQ(reference(ours_).index, 299U);
  EXPECT_EQ(size_in(reference(ours_)), 300U);
}

TEST_F(ForkDisputeTest, WaitsWhereNeitherIsServed) {
  ForkDispute dispute = dispute_of(found(), ours_);
  testing::ServedLog third(signer(), "third ");
  third.grow_to(600);
  const auto nothing = dispute.attempt(third.store, kBegin);
  ASSERT_FALSE(nothing.has_value());
  EXPECT_EQ(nothing.error().kind, ErrorKind::kRetryable);
  EXPECT_TRUE(ours_.sent.empty());
  EXPECT_FALSE(dispute.is_due(kBegin + 9s));
  ASSERT_TRUE(dispute.is_due(kBegin + 10s));
  EXPECT_TRUE(dispute.attempt(fork_.store, kBegin + 10s).has_value());
}

TEST_F(ForkDisputeTest, WithoutAProofWhereTheLogIsToTakeItItself) {
  NotingTaker itself(kAvouchOrigin);
  ForkDispute dispute = dispute_of(found(), itself);
  ASSERT_TRUE(dispute.attempt(fork_.store, kBegin).has_value());
  EXPECT_EQ(reference(itself).proof, "");
  EXPECT_TRUE(check_remark(itself.sent[0].remark, kAvouchOrigin).has_value());
}

TEST_F(ForkDisputeTest, SaysTheSameAgainWhateverTheLogShowsMeanwhile) {
  ForkDispute dispute = dispute_of(found(), ours_);
  ours_.answer = retryable("no answer");
  EXPECT_FALSE(dispute.attempt(fork_.store, kBegin).has_value());
  ours_.answer = std::uint64_t{9};
  EXPECT_TRUE(dispute.attempt(log_.store, kBegin + 10s).has_value());
  ASSERT_EQ(ours_.sent.size(), 2U);
  EXPECT_EQ(ours_.sent[0], ours_.sent[1]);
}

TEST_F(ForkDisputeTest, WhatWasRefusedIsMadeAnew) {
  ForkDispute dispute = dispute_of(found(), ours_);
  ours_.answer = rejected("no quorum");
  const auto refused = dispute.attempt(fork_.store, kBegin);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().kind, ErrorKind::kRejected);
  EXPECT_THAT(refused.error().message, HasSubstr("no quorum"));
  EXPECT_TRUE(dispute.is_pending());
  EXPECT_FALSE(dispute.attempt(log_.store, kBegin + 10s).has_value());
  testing::BusyReader nothing(log_.store, 0);
  ours_.answer = std::uint64_t{9};
  EXPECT_TRUE(dispute.attempt(nothing, kBegin + 30s).has_value());
  ASSERT_EQ(ours_.sent.size(), 3U);
  EXPECT_EQ(ours_.sent[1].remark.refs[0].index, 299U);
  EXPECT_EQ(ours_.sent[2], ours_.sent[1]);
}

TEST_F(ForkDisputeTest, LeavesOutLinesThatWouldHaveItRefused) {
  const std::string note = fork_.grow_to(500).note();
  const std::string text = parse_note_unverified(note)->text;
  fork_.serve(note + cosigner("stranger.example").cosign(text, 77).value() +
              liar_.cosign(text + "lie\n", 77).value() + witness_.cosign(text, 77).value());
  ForkDispute dispute = dispute_of(found(), ours_);
  ASSERT_TRUE(dispute.attempt(fork_.store, kBegin).has_value());
  EXPECT_THAT(reference(ours_).proof, HasSubstr(witness_.cosign(text, 77).value()));
  EXPECT_THAT(reference(ours_).proof, Not(HasSubstr("liar.example")));
  EXPECT_THAT(reference(ours_).proof, Not(HasSubstr("stranger.example")));
}

TEST_F(ForkDisputeTest, TheFirstProofIsWhatIsSaid) {
  ForkDispute dispute = dispute_of(found(), ours_);
  dispute.begin({"another", "another"});
  EXPECT_EQ(dispute.id(), "an-id");
  EXPECT_TRUE(dispute.attempt(fork_.store, kBegin).has_value());
  dispute.begin({"another", "another"});
  EXPECT_FALSE(dispute.is_pending());
}

TEST_F(ForkDisputeTest, WhatProvesNothingIsNotSent) {
  ForkDispute::Proof proof = found();
  proof.text.resize(proof.text.size() / 2);
  ForkDispute dispute = dispute_of(proof, ours_);
  EXPECT_FALSE(dispute.attempt(fork_.store, kBegin).has_value());
  EXPECT_TRUE(ours_.sent.empty());
}

TEST_F(ForkDisputeTest, AsksLessAndLessOftenAndEnds) {
  ForkDispute dispute = dispute_of(found(), ours_);
  ours_.answer = retryable("no answer");
  SteadyTime now = kBegin;
  std::chrono::milliseconds wait = 10s;
  for (int i = 0; i < ForkDispute::kMaxAttempts; ++i) {
    ASSERT_TRUE(dispute.is_due(now)) << i;
    EXPECT_FALSE(dispute.attempt(fork_.store, now).has_value());
    EXPECT_FALSE(dispute.is_due(now + wait - 1ms));
    now += wait;
    wait = std::min<std::chrono::milliseconds>(wait * 2, 1h);
  }
  EXPECT_FALSE(dispute.is_due(now));
  EXPECT_FALSE(dispute.is_due(now + 1000h));
  EXPECT_TRUE(dispute.is_given_up());
  EXPECT_TRUE(dispute.is_pending());
}

}  // namespace
}  // namespace avouch::tlog
