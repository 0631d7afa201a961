#include "config/monitor_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace avouch::config {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using namespace std::chrono_literals;

Result<MonitorConfig> monitor_of(std::string_view text) {
  return parse_monitor_config(text, "m.yaml");
}
std::string monitor_error(std::string_view text) {
  const auto parsed = monitor_of(text);
  return parsed.has_value() ? "(accepted)" : parsed.error().message;
}

TEST(MonitorConfig, NeedsAPolicyAndHasDefaultsForTheRest) {
  EXPECT_THAT(monitor_error(""), HasSubstr("m.yaml:1: policies: expected the absolute paths"));
  const auto config = monitor_of("policies: [/p]\n");
  ASSERT_TRUE(config.has_value()) << config.error().message;
  EXPECT_THAT(config->policies, ElementsAre("/p"));
  EXPECT_EQ(config->state_dir, "/var/lib/avouch-log/monitor");
  EXPECT_EQ(config->health, "127.0.0.1:8891");
  EXPECT_EQ(config->interval, 10s);
  EXPECT_EQ(config->shown_within, 5min);
  EXPECT_EQ(config->growth_within, 0s);
  EXPECT_EQ(config->quorum_within, 0s);
  EXPECT_EQ(config->disputes.url, "");
}

TEST(MonitorConfig, ReadsEveryKey) {
  const auto config = monitor_of(
      "policies: [/p, /q]\nauthorities: /ca\nstateDir: /s\nhealth: \"0.0.0.0:9\"\ninterval: 2s\n"
      "shownWithin: 3s\ngrowthWithin: 4s\nquorumWithin: 5s\nlogLevel: debug\n");
  ASSERT_TRUE(config.has_value()) << config.error().message;
  EXPECT_THAT(config->policies, ElementsAre("/p", "/q"));
  EXPECT_EQ(config->authorities, "/ca");
  EXPECT_EQ(config->state_dir, "/s");
  EXPECT_EQ(config->health, "0.0.0.0:9");
  EXPECT_EQ(config->interval, 2s);
  EXPECT_EQ(config->shown_within, 3s);
  EXPECT_EQ(config->growth_within, 4s);
  EXPECT_EQ(config->quorum_within, 5s);
  EXPECT_EQ(config->log_level, "debug");
}

TEST(MonitorConfig, SendsDisputesWhereItKnowsAllThatItNeeds) {
  const auto whole = monitor_of(
      "policies: [/p]\ndisputes: {url: \"https://log/\", origin: o, tokenFile: /t, authorities: "
      "/ca}\n");
  ASSERT_TRUE(whole.has_value()) << whole.error().message;
  EXPECT_EQ(whole->disputes.url, "https://log/");
  EXPECT_EQ(whole->disputes.origin, "o");
  EXPECT_EQ(whole->disputes.token_file, "/t");
  EXPECT_EQ(whole->disputes.authorities, "/ca");
  for (const char* part : {"url: https://log", "origin: o", "tokenFile: /t", "authorities: /ca",
                           "url: https://log, origin: o", "url: https://log, tokenFile: /t"}) {
    EXPECT_THAT(monitor_error("policies: [/p]\ndisputes: {" + std::string(part) + "}\n"),
                HasSubstr("m.yaml:2: disputes: expected url"))
        << part;
  }
  EXPECT_THAT(monitor_error("policies: [/p]\ndisputes: {tokenFile: t, token: x}\n"),
              AllOf(HasSubstr("disputes.tokenFile"), HasSubstr("disputes.token: unknown key")));
}

TEST(MonitorConfig, SaysEveryErrorAtOnce) {
  EXPECT_THAT(monitor_error("policies: [p]\nstateDir: s\nhealth: nowhere\ninterval: 1ms\n"
                            "shownWithin: -1s\nlogLevel: loud\nunknown: 1\n"),
              AllOf(HasSubstr("m.yaml:1: policies"), HasSubstr("m.yaml:2: stateDir"),
                    HasSubstr("m.yaml:3: health"), HasSubstr("m.yaml:4: interval"),
                    HasSubstr("m.yaml:5: shownWithin"), HasSubstr("m.yaml:6: logLevel"),
                    HasSubstr("unknown")));
}

}  // namespace
}  // namespace avouch::config
