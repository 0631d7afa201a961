#include "control/log_check.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <thread>

#include "support/manual_clock.h"
#include "support/memory_log_store.h"
#include "tlog/log.h"

namespace avouch::control {
namespace {

constexpr const char* kCheckedOrigin = "log.example/one";

// A store whose reads fail for now as long as a test says so.
class FailingReader final : public tlog::TileReader {
 public:
  explicit FailingReader(tlog::TileReader& inner) : inner_(inner) {}
  Result<std::optional<Bytes>> fetch(std::string_view path) override {
    if (fails) return retryable("the disk is away");
    return inner_.fetch(path);
  }
  std::atomic<bool> fails = false;

 private:
  tlog::TileReader& inner_;
};

class LogCheckTest : public ::testing::Test {
 protected:
  LogCheckTest() {
    tlog::LogOptions options;
    options.origin = kCheckedOrigin;
    const auto log = tlog::Log::open(options, store_, {}, signer_, clock_).value();
    for (int i = 0; i < 700; ++i) {
      EXPECT_TRUE(
          log->append_and_wait({to_bytes("entry " + std::to_string(i)), {}, ""}).has_value());
    }
    checkpoint_ = log->publish_now().value();
  }
  LogCheck make() {
    return LogCheck(
        {}, reader_, clock_,
        [this](const tlog::FsckReport& report) { damaged_.set_value(describe(report)); },
        [this](const std::string& why) {
          if (!told_.exchange(true)) fault_.set_value(why);
        });
  }
  // Moves the clock until the check has ended.
  void finish(const LogCheck& check) {
    while (!check.progress().finished) {
      clock_.advance(std::chrono::milliseconds(1));
      std::this_thread::yield();
    }
  }

  testing::ManualClock clock_;
  testing::MemoryDisk disk_;
  testing::MemoryLogStore store_{disk_};
  FailingReader reader_{store_};
  tlog::NoteSigner signer_ =
      tlog::NoteSigner::make(kCheckedOrigin,
                             crypto::PrivateKey::generate(crypto::KeyType::kEd25519))
          .value();
  std::optional<tlog::VerifiedCheckpoint> checkpoint_;
  std::promise<std::string> damaged_, fault_;
  std::atomic<bool> told_ = false;
};

TEST_F(LogCheckTest, FindsAWholeLogWhole) {
  LogCheck check = make();
  check.start(*checkpoint_);
  EXPECT_EQ(check.progress().of, 700U);
  clock_.await_waiters(1);
  EXPECT_EQ(check.progress().entries, 256U) << "and rests before it goes on";
  EXPECT_FALSE(check.progress().finished);
  finish(check);
  EXPECT_EQ(check.progress().entries, 700U);
  EXPECT_EQ(check.progress().damages, 0U);
  EXPECT_EQ(damaged_.get_future().wait_for(std::chrono::seconds(0)), std::future_status::timeout);
}

TEST_F(LogCheckTest, TellsWhereItIsDamaged) {
  disk_.objects.at("tile/entries/001")[10] ^= 1;
  disk_.objects.erase("tile/0/000");
  LogCheck check = make();
  check.start(*checkpoint_);
  finish(check);
  const std::string why = damaged_.get_future().get();
  EXPECT_NE(why.find("tile/entries/001: "), std::string::npos) << why;
  EXPECT_NE(why.find("tile/0/000: is missing"), std::string::npos) << why;
  EXPECT_EQ(check.progress().damages, 2U) << why;
}

TEST_F(LogCheckTest, TellsContentFromWhatTheCheckpointCovers) {
  const auto report = [](std::vector<tlog::Damage> damages, std::uint64_t count) {
    tlog::FsckReport made;
    made.damages = std::move(damages);
    made.damage_count = count;
    return made;
  };
  EXPECT_FALSE(is_of_tree(report({}, 0)));
  EXPECT_FALSE(is_of_tree(report({{"preimages/000", "x"}, {"preimages/001", "x"}}, 2)));
  EXPECT_FALSE(is_of_tree(report({{"retention", "x"}}, 1)));
  EXPECT_TRUE(is_of_tree(report({{"preimages/000", "x"}, {"tile/0/000", "x"}}, 2)));
  EXPECT_TRUE(is_of_tree(report({{"checkpoint", "x"}}, 1)));
  EXPECT_TRUE(is_of_tree(report({{"preimages/000", "x"}}, 2))) << "the other one is not known";
}

TEST_F(LogCheckTest, BeginsAgainAfterAFaultThatPasses) {
  reader_.fails = true;
  LogCheck check = make();
  check.start(*checkpoint_);
  EXPECT_EQ(fault_.get_future().get(), "the disk is away");
  clock_.await_waiters(1);
  reader_.fails = false;
  clock_.advance(std::chrono::minutes(1));
  finish(check);
  EXPECT_EQ(check.progress().damages, 0U);
}

TEST_F(LogCheckTest, StopsWhereItIs) {
  LogCheck check = make();
  check.start(*checkpoint_);
  clock_.await_waiters(1);
  check.stop();
  EXPECT_FALSE(check.progress().finished);
  LogCheck never = make();
}

}  // namespace
}  // namespace avouch::control
