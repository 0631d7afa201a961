#include "config/log_server_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/hex.h"

namespace avouch::config {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr const char* kDigest = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";
constexpr const char* kServedOrigin = "origin: log.example.org\n";

std::string issuers_and_writers(const std::string& writers) {
  std::string pem = crypto::PrivateKey::generate(crypto::KeyType::kEcP256).public_key().pem();
  for (std::size_t at = 0; (at = pem.find('\n', at)) != std::string::npos; at += 2) {
    pem.replace(at, 1, "\\n");
  }
  return std::string(kServedOrigin) +
         "registration: {issuers: [{issuer: \"https://vendor.example\", keys: \"" + pem +
         "\", kinds: [application/spdx+json]}], rekorKeys: \"" + pem + "\", maxBytes: 4096}\n" +
         "writers: [" + writers + "]\n";
}
std::string writer(const std::string& name, const std::string& digest = kDigest) {
  return "{name: " + name + ", tokenSHA256: \"" + digest + "\"}";
}
Result<LogServerConfig> server_of(std::string_view text) {
  return parse_log_server_config(text, "s.yaml");
}
std::string server_error(std::string_view text) {
  const auto parsed = server_of(text);
  return parsed.has_value() ? "(accepted)" : parsed.error().message;
}

TEST(LogServerConfig, NeedsAnOriginAndHasDefaultsForTheRest) {
  EXPECT_THAT(server_error(""), HasSubstr("s.yaml:1: origin: expected the log's name"));
  const auto config = server_of(kServedOrigin);
  ASSERT_TRUE(config.has_value()) << config.error().message;
  EXPECT_EQ(config->origin, "log.example.org");
  EXPECT_EQ(config->listen, "127.0.0.1:8870");
  EXPECT_FALSE(config->engine.is_in_database());
  EXPECT_TRUE(config->tls.is_plain());
  EXPECT_EQ(config->next_key, "");
  EXPECT_TRUE(config->writers.empty());
  EXPECT_TRUE(config->registration.issuers.empty());
}

TEST(LogServerConfig, ReadsEveryKey) {
  const auto config = server_of(
      issuers_and_writers(writer("ci")) +
      "key: /k\nnextKey: /n\nreceiptKey: /r\nengine: postgres\nconnectionFile: /c\nheadFile: /h\n"
      "publishWithin: 200ms\nwitnesses: {policyFile: /w, caFile: /a, every: 2s}\n"
      "listen: \"0.0.0.0:443\"\nhealth: \"0.0.0.0:9\"\ntls: {certificate: /t, key: /tk}\n"
      "logLevel: debug\n");
  ASSERT_TRUE(config.has_value()) << config.error().message;
  EXPECT_EQ(config->key, "/k");
  EXPECT_EQ(config->next_key, "/n");
  EXPECT_EQ(config->receipt_key, "/r");
  EXPECT_TRUE(config->engine.is_in_database());
  EXPECT_EQ(config->engine.connection_file, "/c");
  EXPECT_EQ(config->head_file, "/h");
  EXPECT_EQ(config->publish_within, std::chrono::milliseconds(200));
  EXPECT_EQ(config->witnesses.policy_file, "/w");
  EXPECT_EQ(config->witnesses.ca_file, "/a");
  EXPECT_EQ(config->witnesses.every, std::chrono::seconds(2));
  EXPECT_EQ(config->listen, "0.0.0.0:443");
  EXPECT_EQ(config->health, "0.0.0.0:9");
  EXPECT_EQ(config->tls.certificate, "/t");
  EXPECT_EQ(config->tls.key, "/tk");
  EXPECT_EQ(config->log_level, "debug");
  EXPECT_EQ(config->registration.max_bytes, 4096U);
  EXPECT_EQ(config->registration.rekor_keys.size(), 1U);
  ASSERT_EQ(config->registration.issuers.size(), 1U);
  EXPECT_EQ(config->registration.issuers.front().name, "https://vendor.example");
  ASSERT_EQ(config->writers.size(), 1U);
  EXPECT_EQ(config->writers.front().name, "ci");
  EXPECT_EQ(to_hex(config->writers.front().token_sha256), kDigest);
}

// A token on the way would be anybody's.
TEST(LogServerConfig, ServesPlainHttpToThisMachineAlone) {
  for (const std::string listen : {"0.0.0.0:80", "[::]:80", "192.0.2.1:80"}) {
    const std::string text = std::string(kServedOrigin) + "listen: \"" + listen + "\"\n";
    EXPECT_THAT(server_error(text), AllOf(HasSubstr("s.yaml:2: listen"), HasSubstr("tokens")));
    EXPECT_EQ(server_error(text + "tls: {certificate: /c, key: /k}\n"), "(accepted)");
    EXPECT_THAT(server_error(text + "plainHTTP: true\n"), HasSubstr("plainHTTP: unknown key"));
  }
  EXPECT_EQ(server_error(std::string(kServedOrigin) + "listen: \"[::1]:80\"\n"), "(accepted)");
}

TEST(LogServerConfig, KeepsTheHeadFileOutOfTheDirectory) {
  const std::string text = std::string(kServedOrigin) + "directory: /d/log\nheadFile: ";
  for (const std::string file : {"/d/log/head", "/d/log", "/d/x/../log/a/head", "/d/log//head"}) {
    EXPECT_THAT(server_error(text + file + "\n"), HasSubstr("headFile: expected a file outside"))
        << file;
  }
  for (const std::string file : {"/d/head", "/d/log-head", "/d/log/../head"}) {
    EXPECT_EQ(server_error(text + file + "\n"), "(accepted)") << file;
  }
  EXPECT_THAT(server_error(std::string(kServedOrigin) + "directory: /d/log/\nheadFile: /d/log/h\n"),
              HasSubstr("headFile: expected a file outside"));
}

struct BadWriters {
  std::string name, writers, error;
};
class LogServerWriters : public ::testing::TestWithParam<BadWriters> {};

TEST_P(LogServerWriters, AreRefusedWithTheFieldAtFault) {
  EXPECT_THAT(server_error(issuers_and_writers(GetParam().writers)), HasSubstr(GetParam().error));
}
INSTANTIATE_TEST_SUITE_P(
    Cases, LogServerWriters,
    ::testing::Values(
        BadWriters{"no_digest", "{name: ci}", "writers[0].tokenSHA256: expected 64 hexadecimal"},
        BadWriters{"a_token", writer("ci", "secret"), "tokenSHA256: expected 64 hexadecimal"},
        BadWriters{"short_digest", writer("ci", std::string(kDigest).substr(2)),
                   "tokenSHA256: expected 64 hexadecimal"},
        BadWriters{"no_name", "{tokenSHA256: \"" + std::string(kDigest) + "\"}",
                   "writers[0].name: expected a name"},
        BadWriters{"one_name_twice", writer("ci") + ", " + writer("ci", std::string(64, 'a')),
                   "writers[1].name: is another writer's too"},
        BadWriters{"one_token_twice", writer("ci") + ", " + writer("cd"),
                   "writers[1].tokenSHA256: is another writer's too"},
        BadWriters{"none", "", "registration: expected both"}),
    [](const auto& tested) { return tested.param.name; });

TEST(LogServerConfig, TakesWritersOnlyWhereTheyHaveSomethingToSend) {
  EXPECT_THAT(server_error(std::string(kServedOrigin) + "writers: [" + writer("ci") + "]\n"),
              HasSubstr("writers: expected both"));
}

TEST(LogServerConfig, ListsAllErrorsAtOnce) {
  EXPECT_THAT(
      server_error("orign: x\nkey: relative\nengine: postgres\ndirectory: /d\n"
                   "tls: {certificate: /c}\n"),
      AllOf(HasSubstr("orign: unknown key; did you mean origin?"), HasSubstr("s.yaml:2: key: "),
            HasSubstr("connectionFile: expected the file"), HasSubstr("directory: expected none"),
            HasSubstr("both certificate and key"), HasSubstr("origin: expected")));
}

}  // namespace
}  // namespace avouch::config
