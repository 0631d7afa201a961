#include "adapters/log_shards.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "support/log_engines.h"

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

}  // namespace
}  // namespace avouch::adapters
