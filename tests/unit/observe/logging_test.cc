#include "observe/logging.h"

#include <gtest/gtest.h>

#include <regex>
#include <vector>

namespace avouch::observe {
namespace {

class Logging : public ::testing::Test {
 protected:
  void take(LogLevel level) {
    init_logging(level, [this](std::string_view line) { lines.emplace_back(line); });
  }
  void TearDown() override { init_logging(LogLevel::kInfo); }
  std::vector<std::string> lines;
};

TEST_F(Logging, WritesOneEventALineWithItsFields) {
  take(LogLevel::kInfo);
  Logger("intake").warn("evidence refused", {{"node", "worker-2"},
                                             {"size", 17},
                                             {"late", true},
                                             {"took", std::chrono::milliseconds(12)}});
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_TRUE(std::regex_match(
      lines[0], std::regex(R"(time=\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z level=warning )"
                           R"(component=intake msg="evidence refused" node="worker-2" )"
                           R"(size=17 late=true took=12ms)")))
      << lines[0];
}

TEST_F(Logging, LetsNobodyForgeALine) {
  take(LogLevel::kInfo);
  Logger("x").info("m", {{"name", "a\" level=error msg=\"forged\n\x1b[2J\\"}});
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_EQ(lines[0].find('\n'), std::string::npos);
  EXPECT_NE(lines[0].find(R"(name="a\" level=error msg=\"forged\n\x1b[2J\\")"), std::string::npos)
      << lines[0];
}

TEST_F(Logging, CutsWhatIsLong) {
  take(LogLevel::kInfo);
  Logger("x").info("m", {{"value", std::string(5'000, 'v')}});
  EXPECT_LT(lines.at(0).size(), 1'200U);
  EXPECT_TRUE(lines.at(0).ends_with("v...\""));
}

TEST_F(Logging, KeepsBelowTheLevelQuiet) {
  const Logger logger("x");  // made before the level is set
  take(LogLevel::kWarn);
  logger.debug("one");
  logger.info("two");
  logger.warn("three");
  logger.error("four");
  EXPECT_EQ(lines.size(), 2U);
}

TEST_F(Logging, KnowsItsLevels) {
  for (const char* name : {"debug", "info", "warn", "error"}) {
    EXPECT_TRUE(parse_log_level(name).has_value()) << name;
  }
  EXPECT_EQ(parse_log_level("loud").error().message,
            "\"loud\" is not a log level: expected debug, info, warn or error");
}

}  // namespace
}  // namespace avouch::observe
