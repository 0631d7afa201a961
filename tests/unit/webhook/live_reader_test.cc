// What is asked of the API server while reviews wait, and that nothing waits for ever.

#include "webhook/live_reader.h"

#include <gtest/gtest.h>

#include <future>

#include "support/manual_clock.h"
#include "tests/unit/admission/world.h"

namespace avouch::webhook {
namespace {

using admission::LiveFacts;
using attest::Labels;
using std::chrono::milliseconds;

class Server final : public LiveReads {
 public:
  Result<std::optional<Labels>> namespace_labels(const std::string& name, milliseconds) override {
    std::unique_lock lock(mutex_);
    ++reads_[name];
    ++started_;
    changed_.notify_all();
    changed_.wait(lock, [this] { return open_; });
    if (name == "gone") return rejected("no such namespace");
    return std::optional(Labels{{"name", name}});
  }
  Result<void> policies_current(milliseconds) override {
    const std::lock_guard lock(mutex_);
    ++policy_reads_;
    if (behind_) return retryable("policies are behind");
    return {};
  }

  void open(bool open) {
    const std::lock_guard lock(mutex_);
    open_ = open;
    changed_.notify_all();
  }
  void await_reads(int count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return started_ >= count; });
  }
  void set_behind(bool behind) {
    const std::lock_guard lock(mutex_);
    behind_ = behind;
  }
  int started() {
    const std::lock_guard lock(mutex_);
    return started_;
  }
  int reads(const std::string& name) {
    const std::lock_guard lock(mutex_);
    return reads_[name];
  }
  int policy_reads() {
    const std::lock_guard lock(mutex_);
    return policy_reads_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::string, int> reads_;
  int started_ = 0, policy_reads_ = 0;
  bool open_ = true, behind_ = false;
};

using Answer = std::future<Result<LiveFacts>>;

class Reader : public ::testing::Test {
 protected:
  Answer ask(const std::string& ns, std::size_t bytes = 1,
             milliseconds patience = milliseconds(100)) {
    auto promise = std::make_shared<std::promise<Result<LiveFacts>>>();
    auto answer = promise->get_future();
    reader->ask({ns, bytes, clock.steady_now() + patience,
                 [promise](const Result<LiveFacts>& facts) { promise->set_value(facts); }});
    return answer;
  }
  // The reader is busy with a first question, and answers nothing.
  Answer hold() {
    server.open(false);
    const int before = server.started();
    Answer first = ask("first");
    server.await_reads(before + 1);
    return first;
  }

  testing::ManualClock clock{admission::kNow};
  Server server;
  std::unique_ptr<LiveReader> reader = std::make_unique<LiveReader>(server, clock);
};

TEST_F(Reader, AnswersByWhatTheServerSays) {
  const auto facts = ask("shop").get();
  ASSERT_TRUE(facts.has_value());
  EXPECT_EQ(facts->namespace_labels, (Labels{{"name", "shop"}}));
  EXPECT_EQ(ask("gone").get().error().message, "no such namespace");
  server.set_behind(true);
  EXPECT_EQ(ask("shop").get().error().message, "policies are behind");
}

TEST_F(Reader, AsksOnceForAllThatWaitsAndAnewForWhatCameLater) {
  Answer first = hold();
  std::vector<Answer> waiting;
  for (int i = 0; i < 20; ++i) waiting.push_back(ask(i % 2 == 0 ? "a" : "b"));
  Answer late = ask("first");  // after the read of its namespace began
  server.open(true);
  for (auto& answer : waiting) EXPECT_TRUE(answer.get().has_value());
  EXPECT_TRUE(first.get().has_value());
  EXPECT_TRUE(late.get().has_value());
  EXPECT_EQ(server.reads("a"), 1);
  EXPECT_EQ(server.reads("b"), 1);
  EXPECT_EQ(server.reads("first"), 2);
  EXPECT_EQ(server.policy_reads(), 2);
}

TEST_F(Reader, TakesNoMoreThanItHasRoomFor) {
  Answer first = hold();
  std::vector<Answer> waiting;
  for (std::size_t i = 0; i < LiveReader::kMaxWaiting; ++i) waiting.push_back(ask("a"));
  EXPECT_NE(ask("a").get().error().message.find("too many"), std::string::npos);
  server.open(true);
  for (auto& answer : waiting) EXPECT_TRUE(answer.get().has_value());
  Answer held = hold();
  Answer large = ask("a", LiveReader::kMaxBytes - 1);  // beside the byte of the first
  EXPECT_FALSE(ask("a").get().has_value());
  server.open(true);
  EXPECT_TRUE(large.get().has_value());
}

TEST_F(Reader, DoesNotAskForWhatNobodyWaitsForAnyMore) {
  const auto answer = ask("shop", 1, milliseconds(0)).get();
  EXPECT_FALSE(answer.has_value());
  EXPECT_EQ(server.reads("shop"), 0);
}

TEST_F(Reader, AnswersWhatWaitsWhenItEnds) {
  Answer first = hold();
  Answer second = ask("a");
  std::jthread end([this] { reader.reset(); });
  server.open(true);
  EXPECT_TRUE(first.get().has_value());
  second.wait();  // for what the server says, or an error
}

}  // namespace
}  // namespace avouch::webhook
