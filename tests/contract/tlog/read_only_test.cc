// A log that may not sign can still be read: what it holds was true before.

#include <gtest/gtest.h>

#include "contract/tlog/engine_cases.h"
#include "tlog/client.h"
#include "tlog/recovery.h"

namespace avouch::tlog {
namespace {

using testing::kTestOrigin;
using testing::LogProcess;
using testing::submission;
using testing::submissions;

class ReadOnlyContract : public LogContract {
 protected:
  VerifiedCheckpoint grow(const std::string& prefix, int count) {
    LogProcess process(*engine_);
    EXPECT_TRUE(process.open().has_value());
    EXPECT_TRUE(process.append(submissions(prefix, count)).has_value());
    return process.publish().value();
  }
  // Opens it to be read where it may not sign.
  Result<void> open(LogProcess& process, std::vector<Remembered> remembered = {}) {
    process.options.read_only_on_conflict = true;
    process.options.remembered = std::move(remembered);
    return process.open();
  }
  std::optional<std::string> anchored() {
    return engine_->open_anchor("head").value()->read().value();
  }
  static void expect_no_writes(LogProcess& process) {
    const std::string note = process.log().checkpoint().note();
    const auto refused = process.append({submission("late")});
    ASSERT_FALSE(refused.has_value());
    EXPECT_EQ(refused.error().kind, ErrorKind::kRetryable);
    EXPECT_NE(refused.error().message.find("read-only: "), std::string::npos)
        << refused.error().message;
    process.clock.advance(std::chrono::minutes(1));
    EXPECT_EQ(process.log().checkpoint().note(), note);
    EXPECT_EQ(process.log().status().failure, std::nullopt);
  }
};

TEST_P(ReadOnlyContract, ServesARestoredBackupAndSignsNothing) {
  const VerifiedCheckpoint old = grow("a", 300);
  engine_->back_up_store();
  grow("b", 5);
  engine_->restore_store();
  const auto head = anchored();
  LogProcess process(*engine_);
  ASSERT_TRUE(open(process).has_value());
  ASSERT_TRUE(process.log().status().read_only);
  EXPECT_NE(process.log().status().read_only->find("went back in time"), std::string::npos);
  EXPECT_EQ(process.log().checkpoint().note(), old.note());
  EXPECT_EQ(process.log().status().sequenced, 300U);
  EXPECT_EQ(process.log().get(299)->entry, submission("a299").entry);
  EXPECT_EQ(process.log().get(300).error().kind, ErrorKind::kRejected);
  EXPECT_TRUE(process.log().inclusion_proof(7, old).has_value());
  EXPECT_EQ(process.publish().value().note(), old.note());
  expect_no_writes(process);
  process.close();
  EXPECT_EQ(anchored(), head);
  EXPECT_EQ(LogProcess(*engine_).open().error().kind, ErrorKind::kFatal) << "still, after it";
}

TEST_P(ReadOnlyContract, KeepsTheNameOfALogThatIsGone) {
  engine_->back_up_store();  // of nothing
  const VerifiedCheckpoint last = grow("a", 5);
  engine_->restore_store();
  LogProcess process(*engine_);
  ASSERT_TRUE(open(process).has_value());
  EXPECT_NE(process.log().status().read_only->find("the store has no checkpoint"),
            std::string::npos);
  EXPECT_EQ(process.log().checkpoint().note(), last.note()) << "what the anchor remembers";
  EXPECT_EQ(process.log().get(2).error().kind, ErrorKind::kRetryable) << "not there";
  expect_no_writes(process);
  process.close();
  EXPECT_FALSE(LogProcess(*engine_).open().has_value());
}

TEST_P(ReadOnlyContract, HoldsWhatOthersRememberAgainstTheStore) {
  const VerifiedCheckpoint at_five = grow("a", 5);
  engine_->back_up_store();
  const VerifiedCheckpoint at_eight = grow("b", 3);
  {
    LogProcess process(*engine_);
    ASSERT_TRUE(open(process, {{"witness w", at_five}, {"witness v", at_eight}}).has_value());
    EXPECT_EQ(process.log().status().read_only, std::nullopt);
    EXPECT_TRUE(process.append({submission("c")}).has_value());
    ASSERT_TRUE(process.publish().has_value());
  }
  // The volume comes back as a whole, with the head file on it; the witness does not.
  engine_->restore_store();
  engine_->lose_anchor("head");
  ASSERT_TRUE(
      engine_->open_anchor("head").value()->replace(std::nullopt, at_five.note()).has_value());
  {
    LogProcess process(*engine_);
    ASSERT_TRUE(open(process, {{"witness w", at_eight}}).has_value());
    ASSERT_TRUE(process.log().status().read_only);
    EXPECT_NE(process.log().status().read_only->find("witness w: knows 8 entries"),
              std::string::npos)
        << *process.log().status().read_only;
    expect_no_writes(process);
  }
  EXPECT_EQ(anchored(), at_five.note());
  // Without it nobody would have noticed, and a second log would have begun.
  const VerifiedCheckpoint fork = grow("d", 4);
  LogProcess process(*engine_);
  ASSERT_TRUE(open(process, {{"witness w", at_eight}}).has_value());
  EXPECT_NE(process.log().status().read_only->find("contradicts the store"), std::string::npos);
  EXPECT_EQ(process.log().checkpoint().note(), fork.note());
}

// The store has lost what it had published, and has committed it: whoever shows it may have it by a
// former key, and with lines of others. Whatever fails, what is kept is the log's own by its key.
TEST_P(ReadOnlyContract, SignsAnewWhatOnlyOthersRemember) {
  grow("a", 5);
  const auto before = anchored();
  {
    LogProcess process(*engine_);
    ASSERT_TRUE(process.open().has_value());
    ASSERT_TRUE(process.append(submissions("b", 3)).has_value());
    process.die();
  }
  engine_->back_up_store();
  const VerifiedCheckpoint own = grow("c", 0);
  ASSERT_EQ(own.size(), 8U);
  const auto former =
      NoteSigner::make(kTestOrigin, crypto::PrivateKey::generate(crypto::KeyType::kEd25519));
  const VerifiedCheckpoint shown =
      sign_checkpoint(kTestOrigin, own.size(), own.root(), std::span(&*former, 1)).value();
  bool is_done = false;
  for (std::size_t step = 0; !is_done; ++step) {
    ASSERT_LT(step, 100U);
    SCOPED_TRACE("step " + std::to_string(step));
    engine_->restore_store();
    engine_->lose_anchor("head");
    ASSERT_TRUE(engine_->open_anchor("head").value()->replace(std::nullopt, *before).has_value());
    {
      LogProcess process(*engine_);
      process.options.remembered = {{"witness w", shown}};
      process.faults.fail_step(step, testing::Faults::Outcome::kFailedButPersisted,
                               ErrorKind::kFatal);
      is_done = process.open().has_value();
      EXPECT_EQ(process.faults.failures(), is_done ? 0U : 1U);
    }
    LogProcess process(*engine_);
    process.options.remembered = {{"witness w", shown}};
    const auto opened = process.open();
    ASSERT_TRUE(opened.has_value()) << opened.error().message;
    EXPECT_EQ(process.log().checkpoint().note(), own.note());
    process.close();
    EXPECT_EQ(anchored(), own.note());
  }
}

TEST_P(ReadOnlyContract, IsNotOpenedWhereNothingCanBeRead) {
  grow("a", 5);
  LogProcess process(*engine_);
  process.options.origin = "log.example.org/another";
  EXPECT_EQ(open(process).error().kind, ErrorKind::kFatal);
}

TEST_P(ReadOnlyContract, StopsSigningWhenItIsTold) {
  const VerifiedCheckpoint before = grow("a", 5);
  {
    LogProcess process(*engine_);
    ASSERT_TRUE(open(process).has_value());
    ASSERT_TRUE(process.append(submissions("b", 3)).has_value());
    process.log().stop_signing("somebody has seen another log");
    process.log().stop_signing("once more");
    EXPECT_EQ(process.log().status().read_only, "somebody has seen another log");
    EXPECT_EQ(process.publish().error().kind, ErrorKind::kRetryable);
    EXPECT_EQ(process.log().get(7)->entry, submission("b2").entry) << "it was acknowledged";
    expect_no_writes(process);
    EXPECT_EQ(process.log().checkpoint().note(), before.note());
    EXPECT_EQ(to_bytes(before.note()), testing::must_fetch(process.store(), "checkpoint"));
  }
  EXPECT_EQ(anchored(), before.note());
  // What was acknowledged is published when a person has looked and it is started again.
  LogProcess process(*engine_);
  ASSERT_TRUE(process.open().has_value());
  EXPECT_EQ(process.publish()->size(), 8U);
}

AVOUCH_ON_EVERY_ENGINE(ReadOnlyContract);

}  // namespace
}  // namespace avouch::tlog
