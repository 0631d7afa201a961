#include "adapters/log_shards.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "support/log_engines.h"
#include "support/paths.h"
#include "support/process.h"

namespace avouch::adapters {
namespace {

using Labels = std::vector<std::string>;

class LogShardsTest : public ::testing::Test {
 protected:
  void touch(const std::string& name) { std::ofstream(folder_.path() / name) << "x"; }

  testing::TemporaryDirectory folder_;
  config::LogEngine engine_;
  LogShards shards_{engine_, folder_.path()};
};

TEST_F(LogShardsTest, FindsLogsByTheirHeadFilesInTheOrderInWhichTheyBegin) {
  EXPECT_EQ(shards_.labels().value(), Labels());
  ASSERT_TRUE(shards_.open("2027-q2").has_value());
  touch("log-head-2027-q2");
  touch("log-head-2027-01");  // of a log that is gone
  EXPECT_EQ(shards_.labels().value(), (Labels{"2027-01", "2027-q2"}));
  ASSERT_TRUE(shards_.open("").has_value());
  ASSERT_TRUE(shards_.open("2028").has_value());  // somebody's copy
  for (const char* other : {"log-head.lock", "log-head-2028.lock", "log-head-2027-13", "log-head-x",
                            "log-witnessed-2029", "records", "log-x", "logs", "renewals-2030"}) {
    touch(other);
  }
  EXPECT_EQ(shards_.labels().value(), (Labels{"", "2027-01", "2027-q2"}));
}

TEST_F(LogShardsTest, HasALogWithoutALabelWhereItWasBefore) {
  EXPECT_EQ(shards_.log_directory(""), folder_.path() / "log");
  EXPECT_EQ(shards_.head_file(""), folder_.path() / "log-head");
  EXPECT_EQ(shards_.witnessed_file(""), folder_.path() / "log-witnessed");
  EXPECT_EQ(shards_.renewals(""), folder_.path() / "renewals");
  EXPECT_EQ(shards_.log_directory("2027"), folder_.path() / "log-2027");
  EXPECT_EQ(shards_.renewals("2027-q1"), folder_.path() / "renewals-2027-q1");
}

TEST_F(LogShardsTest, ReadsWhatWasWrittenAndNothingElse) {
  EXPECT_EQ(shards_.read("2027").error().kind, ErrorKind::kRejected);
  {
    const auto store = shards_.open("2027");
    ASSERT_TRUE(store.has_value());
    ASSERT_TRUE((*store)->publish("a note", 0).has_value());
    const auto reader = shards_.read("2027");  // while it is open to be written
    ASSERT_TRUE(reader.has_value());
    EXPECT_EQ((*reader)->fetch("checkpoint").value(), to_bytes("a note"));
  }
  EXPECT_FALSE(std::filesystem::exists(folder_.path() / "log"));
}

TEST_F(LogShardsTest, KnowsOfNoPlaceWhereNothingWasBegun) {
  EXPECT_EQ(shards_.place_of_any().value(), std::nullopt);
  touch("log-head-2028");
  EXPECT_TRUE(shards_.place_of_any().value().has_value());
  const LogShards nowhere(engine_, folder_.path() / "missing");
  EXPECT_EQ(nowhere.labels().value(), Labels());
  EXPECT_EQ(nowhere.place_of_any().value(), std::nullopt);
}

// docs/operations.md, "Lost keys" and "A log that is read-only": nothing of the old logs, nor of
// what remembers them, keeps a new one from being begun.
TEST_F(LogShardsTest, HaveNoPlaceAnyMoreOnceTheyWerePutOutOfTheWayAsDocumented) {
  std::ifstream in(testing::vectors_dir() / "../../docs/operations.md");
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  const std::string begin = "sh -c 'cd /var/lib/avouch &&";
  std::vector<std::string> commands;
  for (std::size_t at = text.find(begin); at != std::string::npos; at = text.find(begin, at)) {
    at += begin.size();
    commands.push_back(text.substr(at, text.find('\'', at) - at));
  }
  ASSERT_EQ(commands.size(), 2U);
  for (const std::string& command : commands) {
    for (const char* label : {"", "2026-q4", "2027"}) {
      ASSERT_TRUE(shards_.open(label).has_value());
      const std::string end = *label == '\0' ? std::string() : "-" + std::string(label);
      for (const char* name : {"log-head", "log-witnessed", "renewals"}) touch(name + end);
    }
    touch("records");
    ASSERT_EQ(shards_.labels().value().size(), 3U);
    const auto ran =
        testing::run_command({"sh", "-c", "cd '" + folder_.path().string() + "' && " + command});
    ASSERT_TRUE(ran.has_value()) << ran.error().message;
    EXPECT_EQ(shards_.labels().value(), Labels());
    EXPECT_EQ(shards_.place_of_any().value(), std::nullopt);
    std::vector<std::filesystem::path> left;
    for (const auto& each : std::filesystem::directory_iterator(folder_.path())) {
      if (each.path().filename() != "records") left.push_back(each.path());
    }
    ASSERT_EQ(left.size(), 1U) << "one folder has all of it";
    EXPECT_TRUE(std::filesystem::exists(left.front() / "log-2027"));
    EXPECT_TRUE(std::filesystem::exists(left.front() / "renewals-2026-q4"));
    std::filesystem::remove_all(left.front());
  }
}

}  // namespace
}  // namespace avouch::adapters
