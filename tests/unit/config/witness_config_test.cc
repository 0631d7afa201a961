#include "config/witness_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace avouch::config {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

Result<WitnessConfig> witness_of(std::string_view text) {
  return parse_witness_config(text, "w.yaml");
}
std::string witness_error(std::string_view text) {
  const auto parsed = witness_of(text);
  return parsed.has_value() ? "(accepted)" : parsed.error().message;
}

TEST(WitnessConfig, NeedsANameAndHasDefaultsForTheRest) {
  EXPECT_THAT(witness_error(""), HasSubstr("w.yaml:1: name: expected the witness' name"));
  const auto config = witness_of("name: w.example/1");
  ASSERT_TRUE(config.has_value()) << config.error().message;
  EXPECT_EQ(config->name, "w.example/1");
  EXPECT_EQ(config->listen, "127.0.0.1:8880");
  EXPECT_EQ(config->limits.log.per_second, 10U);
  EXPECT_TRUE(config->tls.certificate.empty());
}

TEST(WitnessConfig, ReadsEveryKey) {
  const auto config = witness_of(
      "name: w\nkey: /k\nstateDir: /s\npolicy: /p\nlisten: \"0.0.0.0:443\"\n"
      "health: \"0.0.0.0:9\"\nprefix: /witness/v1\ntls: {certificate: /c, key: /tk}\n"
      "limits: {log: {burst: 7, perSecond: 8}, network: {burst: 9, perSecond: 10}}\n"
      "logLevel: debug\n");
  ASSERT_TRUE(config.has_value()) << config.error().message;
  EXPECT_EQ(config->key, "/k");
  EXPECT_EQ(config->state_dir, "/s");
  EXPECT_EQ(config->policy, "/p");
  EXPECT_EQ(config->listen, "0.0.0.0:443");
  EXPECT_EQ(config->health, "0.0.0.0:9");
  EXPECT_EQ(config->prefix, "/witness/v1");
  EXPECT_EQ(config->tls.certificate, "/c");
  EXPECT_EQ(config->tls.key, "/tk");
  EXPECT_EQ(config->limits.log.burst, 7U);
  EXPECT_EQ(config->limits.log.per_second, 8U);
  EXPECT_EQ(config->limits.network.burst, 9U);
  EXPECT_EQ(config->limits.network.per_second, 10U);
  EXPECT_EQ(config->log_level, "debug");
}

TEST(WitnessConfig, ServesPlainHttpToOthersOnlyWhereThatIsSaid) {
  for (const std::string listen : {"0.0.0.0:80", "[::]:80", "192.0.2.1:80"}) {
    const std::string text = "name: w\nlisten: \"" + listen + "\"\n";
    EXPECT_THAT(witness_error(text), AllOf(HasSubstr("w.yaml:2: listen"), HasSubstr("plainHTTP")));
    EXPECT_TRUE(witness_of(text + "plainHTTP: true\n").has_value());
    EXPECT_TRUE(witness_of(text + "tls: {certificate: /c, key: /k}\n").has_value());
  }
  for (const std::string listen : {"127.0.0.1:80", "127.8.8.8:80", "[::1]:80"}) {
    EXPECT_EQ(witness_error("name: w\nlisten: \"" + listen + "\"\n"), "(accepted)") << listen;
  }
}

TEST(WitnessConfig, RefusesHalfOfACertificate) {
  EXPECT_THAT(witness_error("name: w\ntls: {certificate: /c}\n"),
              HasSubstr("both certificate and key"));
  EXPECT_THAT(witness_error("name: w\ntls: {key: /c}\n"), HasSubstr("both certificate and key"));
}

TEST(WitnessConfig, RefusesAPrefixWithMoreThanOneSpelling) {
  for (const std::string prefix : {"w", "/", "/w/", "//w", "/a//b", "/w%20", "/w?x", "/w w"}) {
    EXPECT_THAT(witness_error("name: w\nprefix: \"" + prefix + "\"\n"),
                HasSubstr("prefix: expected"))
        << prefix;
  }
}

TEST(WitnessConfig, ListsAllErrorsAtOnce) {
  EXPECT_THAT(
      witness_error("nmae: w\nlimits: {log: {burst: 0}}\nkey: relative\n"),
      AllOf(HasSubstr("nmae: unknown key; did you mean name?"), HasSubstr("limits.log.burst"),
            HasSubstr("key: "), HasSubstr("name: expected")));
}

}  // namespace
}  // namespace avouch::config
