// A log changes its key without a checkpoint that some reader cannot check: both sign for a time.

#include <gtest/gtest.h>

#include <array>

#include "contract/tlog/engine_cases.h"

namespace avouch::tlog {
namespace {

using testing::kTestOrigin;
using testing::submission;

class KeyRotationContract : public LogContract {
 protected:
  // One life of the log with these keys, in which it grows by one entry.
  Result<VerifiedCheckpoint> live(const std::vector<NoteSigner>& signers) {
    testing::ManualClock clock;
    AVOUCH_TRY(const auto store, engine_->open_store());
    AVOUCH_TRY(const auto anchor, engine_->open_anchor("head"));
    LogOptions options;
    options.origin = kTestOrigin;
    options.also_signing.assign(signers.begin() + 1, signers.end());
    AVOUCH_TRY(const auto log, Log::open(options, *store, {anchor.get()}, signers.front(), clock));
    AVOUCH_TRY(const Sequenced placed,
               log->append_and_wait(submission(std::to_string(++entries_))));
    EXPECT_EQ(placed.index + 1, entries_);
    return log->publish_now();
  }
  static bool knows(const NoteSigner& signer, const VerifiedCheckpoint& checkpoint) {
    const std::array keys{signer.verifier()};
    return verify_checkpoint(checkpoint.note(), keys, kTestOrigin).has_value();
  }
  static NoteSigner any_signer() {
    return NoteSigner::make(kTestOrigin, crypto::PrivateKey::generate(crypto::KeyType::kEd25519))
        .value();
  }

  const NoteSigner old_ = any_signer(), new_ = any_signer();
  std::uint64_t entries_ = 0;
};

TEST_P(KeyRotationContract, ReadersOfEitherKeyFollowTheLogWhileBothSign) {
  const auto first = live({old_});
  EXPECT_TRUE(knows(old_, *first) && !knows(new_, *first));
  const auto second = live({old_, new_});
  ASSERT_TRUE(second.has_value()) << second.error().message;
  EXPECT_TRUE(knows(old_, *second) && knows(new_, *second));
  const auto third = live({new_, old_});
  ASSERT_TRUE(third.has_value()) << third.error().message;
  EXPECT_TRUE(knows(old_, *third) && knows(new_, *third));
  const auto fourth = live({new_});
  ASSERT_TRUE(fourth.has_value()) << fourth.error().message;
  EXPECT_TRUE(!knows(old_, *fourth) && knows(new_, *fourth));
  EXPECT_EQ(fourth->size(), 4U);
}

// Nothing is entered while both sign, as into the log of somebody who publishes twice a year.
TEST_P(KeyRotationContract, TheNextKeySignsALogThatRestsToo) {
  const auto first = live({old_});
  const auto rest = [&](const std::vector<NoteSigner>& signers) -> Result<VerifiedCheckpoint> {
    testing::ManualClock clock;
    AVOUCH_TRY(const auto store, engine_->open_store());
    AVOUCH_TRY(const auto anchor, engine_->open_anchor("head"));
    LogOptions options;
    options.origin = kTestOrigin;
    options.also_signing.assign(signers.begin() + 1, signers.end());
    AVOUCH_TRY(const auto log, Log::open(options, *store, {anchor.get()}, signers.front(), clock));
    return log->checkpoint();
  };
  const auto both = rest({old_, new_});
  ASSERT_TRUE(both.has_value()) << both.error().message;
  EXPECT_TRUE(knows(old_, *both) && knows(new_, *both));
  EXPECT_EQ(both->root(), first->root());
  EXPECT_EQ(rest({old_, new_})->note(), both->note()) << "once";
  const auto alone = rest({new_});
  ASSERT_TRUE(alone.has_value()) << alone.error().message;
  EXPECT_TRUE(knows(new_, *alone));
  EXPECT_EQ(live({new_})->size(), 2U);
}

TEST_P(KeyRotationContract, NoKeyTakesOverALogThatItHasNotSigned) {
  ASSERT_TRUE(live({old_}).has_value());
  const auto taken = live({new_});
  ASSERT_FALSE(taken.has_value());
  EXPECT_EQ(taken.error().kind, ErrorKind::kFatal);
}

AVOUCH_ON_EVERY_ENGINE(KeyRotationContract);

}  // namespace
}  // namespace avouch::tlog
