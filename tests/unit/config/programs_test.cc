// The configuration files of the three programs.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>

#include "config/agent_config.h"
#include "config/controller_config.h"
#include "config/webhook_config.h"
#include "support/process.h"

namespace avouch::config {
namespace {

using ::testing::HasSubstr;
using namespace std::chrono_literals;

template <typename T>
std::string error_of(const Result<T>& result) {
  return result.has_value() ? "(accepted)" : result.error().message;
}
Result<AgentConfig> agent(std::string_view text) {
  return parse_agent_config(text, "a.yaml", "n1");
}
Result<ControllerConfig> controller(std::string_view text) {
  return parse_controller_config(text, "c.yaml");
}
Result<WebhookConfig> webhook(std::string_view text) {
  return parse_webhook_config(text, "w.yaml");
}

TEST(Configuration, AnEmptyFileMeansTheDefaults) {
  const auto a = agent("");
  ASSERT_TRUE(a.has_value()) << a.error().message;
  EXPECT_EQ(a->node_name, "n1");
  EXPECT_EQ(a->heartbeat, 10s);
  EXPECT_EQ(a->controller.url, "https://avouch-controller.avouch-system.svc");
  const auto c = controller("");
  ASSERT_TRUE(c.has_value()) << c.error().message;
  EXPECT_EQ(c->log.cadence, 10s);
  EXPECT_EQ(c->tls.service_names.front(), "avouch-controller.avouch-system.svc");
  EXPECT_EQ(c->webhook.service_names.front(), "avouch-webhook.avouch-system.svc");
  const auto w = webhook("");
  ASSERT_TRUE(w.has_value()) << w.error().message;
  EXPECT_EQ(w->deadline, 2500ms);
  EXPECT_EQ(w->exempt_namespaces,
            (std::vector<std::string>{"avouch-system", "kube-system", "kube-node-lease"}));
}

TEST(Configuration, NamesFollowTheReleaseUnlessTheyAreGiven) {
  const std::string release = "release: {name: other, namespace: trust}\n";
  const auto c = controller(release);
  ASSERT_TRUE(c.has_value()) << c.error().message;
  EXPECT_EQ(c->agent_service_account, "other-agent");
  EXPECT_EQ(c->webhook.configuration, "other");
  EXPECT_EQ(c->tls.service_names.front(), "other-controller.trust.svc");
  const auto w = webhook(release);
  ASSERT_TRUE(w.has_value()) << w.error().message;
  EXPECT_EQ(w->agent_service_account, "other-agent");
  EXPECT_EQ(w->exempt_namespaces.front(), "trust");
  EXPECT_TRUE(controller(release)->webhook.own_certificate);
  EXPECT_FALSE(controller(release + "webhook: {certificate: External}\n")->webhook.own_certificate);
  EXPECT_THAT(error_of(controller("webhook: {certificate: own}")), HasSubstr("External"));
  EXPECT_EQ(controller(release + "webhook: {configuration: mine}\n")->webhook.configuration,
            "mine");
}

TEST(Configuration, WhatAWebhookMayLogHasRoomForItsLargestRequest) {
  const auto plain = controller("log: {cadence: 5s}\n");
  EXPECT_EQ(plain->log.appends.burst, 134'217'728U);
  EXPECT_EQ(plain->log.appends.per_second, 2'097'152U);
  const auto given = controller("log: {appends: {burst: 2097152, perSecond: 65536}}\n");
  ASSERT_TRUE(given.has_value()) << given.error().message;
  EXPECT_EQ(given->log.appends.burst, 2'097'152U);
  EXPECT_EQ(given->log.appends.per_second, 65'536U);
  const std::string errors =
      error_of(controller("log: {appends: {burst: 2097151, perSecond: 0, rate: 1}}\n"));
  for (const char* part : {"log.appends.burst: \"2097151\": expected a whole number from 2097152",
                           "log.appends.perSecond: \"0\": expected a whole number from 4096",
                           "log.appends.rate: unknown key"}) {
    EXPECT_THAT(errors, HasSubstr(part));
  }
}

TEST(Configuration, ALogIsInNoShardsUnlessItIsToldTo) {
  using Shards = ControllerConfig::Log::Shards;
  for (const auto& [text, expected] : {std::pair{"log: {cadence: 5s}\n", Shards::kNone},
                                       std::pair{"log: {shards: none}\n", Shards::kNone},
                                       std::pair{"log: {shards: year}\n", Shards::kYear},
                                       std::pair{"log: {shards: quarter}\n", Shards::kQuarter},
                                       std::pair{"log: {shards: month}\n", Shards::kMonth}}) {
    const auto given = controller(text);
    ASSERT_TRUE(given.has_value()) << given.error().message;
    EXPECT_EQ(given->log.shards, expected) << text;
  }
  EXPECT_THAT(error_of(controller("log: {shards: week}\n")),
              HasSubstr("log.shards: \"week\": expected one of none, year, quarter, month"));
  const std::string longest(247, 'a');
  EXPECT_TRUE(controller("log: {shards: year, origin: " + longest + "}\n").has_value());
  EXPECT_TRUE(controller("log: {origin: " + longest + "a}\n").has_value());
  EXPECT_THAT(error_of(controller("log: {shards: year, origin: " + longest + "a}\n")),
              HasSubstr("log.origin: expected at most 247 bytes"));
}

TEST(Configuration, ALogKeepsAllForEverUnlessItIsToldNotTo) {
  for (const char* text : {"log: {cadence: 5s}\n", "log: {retention: {}}\n",
                           "log: {retention: {content: 0, entries: \"0\"}}\n",
                           "log: {retention: {content: \"\", entries: \"\"}}\n"}) {
    const auto plain = controller(text);
    ASSERT_TRUE(plain.has_value()) << plain.error().message;
    EXPECT_EQ(plain->log.retention.content, 0ms) << text;
    EXPECT_EQ(plain->log.retention.entries, 0ms) << text;
  }
  const auto given = controller("log: {retention: {content: 24h, entries: 720h}}\n");
  ASSERT_TRUE(given.has_value()) << given.error().message;
  EXPECT_EQ(given->log.retention.content, 24h);
  EXPECT_EQ(given->log.retention.entries, 720h);
  EXPECT_TRUE(controller("log: {retention: {content: 24h}}\n").has_value());
  EXPECT_TRUE(controller("log: {retention: {content: 24h, entries: 24h}}\n").has_value());
  for (const auto& [retention, error] :
       {std::pair{"content: 23h", "log.retention.content: \"23h\": expected 24h to 876000h"},
        std::pair{"content: 24h, entries: 1h", "log.retention.entries: \"1h\": expected 24h"},
        std::pair{"entries: 720h", "log.retention.content: expected a time"},
        std::pair{"content: 721h, entries: 720h", "log.retention.content: expected a time"},
        std::pair{"content: 30d", "log.retention.content"},
        std::pair{"tiles: 24h", "log.retention.tiles: unknown key"}}) {
    EXPECT_THAT(error_of(controller("log: {retention: {" + std::string(retention) + "}}\n")),
                HasSubstr(error));
  }
}

TEST(Configuration, WitnessesAreAskedWhereAPolicyIsNamed) {
  const auto plain = controller("log: {cadence: 5s}\n");
  EXPECT_TRUE(plain->log.witnesses.policy_file.empty());
  EXPECT_EQ(plain->log.witnesses.every, 5s);
  EXPECT_FALSE(plain->log.witnesses.require_at_start);
  const auto asked = controller(
      "log: {witnesses: {policyFile: /p, caFile: /c, every: 200ms, requireAtStart: true}}\n");
  ASSERT_TRUE(asked.has_value()) << asked.error().message;
  EXPECT_EQ(asked->log.witnesses.policy_file, "/p");
  EXPECT_EQ(asked->log.witnesses.ca_file, "/c");
  EXPECT_EQ(asked->log.witnesses.every, 200ms);
  EXPECT_TRUE(asked->log.witnesses.require_at_start);
  EXPECT_THAT(error_of(controller("log: {witnesses: {policyFile: p}}\n")),
              HasSubstr("c.yaml:1: log.witnesses.policyFile: \"p\": expected an absolute path"));
  EXPECT_THAT(error_of(controller("log: {witnesses: {caFile: /c}}\n")),
              HasSubstr("log.witnesses.caFile: expected policyFile too"));
  EXPECT_THAT(error_of(controller("log: {witnesses: {requireAtStart: true}}\n")),
              HasSubstr("log.witnesses.requireAtStart: expected policyFile too"));
  EXPECT_THAT(error_of(controller("log: {witnesses: {policyFile: /p, every: 10ms}}\n")),
              HasSubstr("log.witnesses.every"));
}

TEST(Configuration, OtherLogsAreReferredToWhereAPolicyIsNamed) {
  EXPECT_TRUE(controller("log: {cadence: 5s}\n")->log.references_policy_file.empty());
  const auto named = controller("log: {references: {policyFile: /p}}\n");
  ASSERT_TRUE(named.has_value()) << named.error().message;
  EXPECT_EQ(named->log.references_policy_file, "/p");
  EXPECT_THAT(error_of(controller("log: {references: {policyFile: p}}\n")),
              HasSubstr("log.references.policyFile: \"p\": expected an absolute path"));
  EXPECT_THAT(error_of(controller("log: {references: {policy: /p}}\n")),
              HasSubstr("log.references.policy"));
}

TEST(Configuration, StatementsAreTakenOfIssuersThatAreNamedWhole) {
  EXPECT_TRUE(controller("log: {cadence: 5s}\n")->log.registration.issuers.empty());
  const std::string key = crypto::PrivateKey::generate(crypto::KeyType::kEcP256).public_key().pem();
  std::string quoted = key;
  for (std::size_t at = 0; (at = quoted.find('\n', at)) != std::string::npos; at += 2) {
    quoted.replace(at, 1, "\\n");
  }
  const auto named = controller(
      "log:\n  registration:\n    maxBytes: 300\n    issuers:\n    - issuer: vendor\n"
      "      kinds: [text/plain]\n      keys: \"" +
      quoted + "\"\n");
  ASSERT_TRUE(named.has_value()) << named.error().message;
  EXPECT_EQ(named->log.registration.max_bytes, 300U);
  ASSERT_EQ(named->log.registration.issuers.size(), 1U);
  EXPECT_EQ(named->log.registration.issuers[0].name, "vendor");
  EXPECT_EQ(named->log.registration.issuers[0].keys[0].pem(), key);
  EXPECT_EQ(named->log.registration.issuers[0].kinds, std::vector<std::string>{"text/plain"});
  const std::string errors = error_of(controller(
      "log:\n  registration:\n    maxBytes: 1\n    issuers:\n    - {issuer: a, keys: x, kind: b}\n"
      "    - no map\n"));
  for (const char* part :
       {"c.yaml:3: log.registration.maxBytes",
        "c.yaml:5: log.registration.issuers[0].keys: expected public keys in PEM",
        "c.yaml:5: log.registration.issuers[0].kinds: expected media types",
        "issuers[0].kind: unknown key; did you mean kinds?",
        "c.yaml:6: log.registration.issuers[1]: is a value; expected a map"}) {
    EXPECT_THAT(errors, HasSubstr(part));
  }
  EXPECT_THAT(error_of(controller("log: {registration: {issuers: {}}}\n")),
              HasSubstr("log.registration.issuers: is a map; expected a list of maps"));
}

TEST(Configuration, HashedRekordsAreTakenByKeysThatAreNamed) {
  EXPECT_TRUE(controller("log: {registration: {}}\n")->log.registration.rekor_keys.empty());
  EXPECT_TRUE(
      controller("log: {registration: {rekorKeys: \"\"}}\n")->log.registration.rekor_keys.empty());
  std::string pem;
  std::vector<crypto::PublicKey> keys;
  for (int i = 0; i < 2; ++i) {
    keys.push_back(crypto::PrivateKey::generate(crypto::KeyType::kEcP256).public_key());
    pem += keys.back().pem();
  }
  for (std::size_t at = 0; (at = pem.find('\n', at)) != std::string::npos; at += 2) {
    pem.replace(at, 1, "\\n");
  }
  const auto named = controller("log:\n  registration:\n    rekorKeys: \"" + pem + "\"\n");
  ASSERT_TRUE(named.has_value()) << named.error().message;
  EXPECT_EQ(named->log.registration.rekor_keys, keys);
  EXPECT_THAT(error_of(controller("log:\n  shards: year\n  registration:\n    rekorKeys: \"" + pem +
                                  "\"\n")),
              HasSubstr("log.shards: expected none with registration.rekorKeys"));
  EXPECT_THAT(error_of(controller("log:\n  registration:\n    rekorKeys: none\n")),
              HasSubstr("c.yaml:3: log.registration.rekorKeys: expected public keys in PEM"));
  EXPECT_THAT(error_of(controller("log: {registration: {rekorKey: x}}\n")),
              HasSubstr("did you mean rekorKeys?"));
}

TEST(Configuration, AllErrorsAreListedAtOnceInTheOrderOfTheFile) {
  const auto result = webhook(R"(listen: localhost:9443
deadline: 3x
exemptNamespace: [a]
spool:
  bytes: 12
  dir: relative
maxStaleness: 1s
logLevel: loud
)");
  const std::string errors = error_of(result);
  EXPECT_EQ(std::count(errors.begin(), errors.end(), '\n'), 6) << errors;
  std::size_t last = 0;
  for (const char* part :
       {"w.yaml:1: listen: \"localhost:9443\": expected address:port with an IP address",
        "w.yaml:2: deadline: ",
        "w.yaml:3: exemptNamespace: unknown key; did you mean exemptNamespaces?",
        "w.yaml:5: spool.bytes: \"12\": expected a whole number from 65536 to",
        "w.yaml:6: spool.dir: \"relative\": expected an absolute path",
        "w.yaml:7: maxStaleness: \"1s\": expected 5s to 1h",
        "w.yaml:8: logLevel: \"loud\": expected one of debug, info, warn, error"}) {
    const std::size_t at = errors.find(part);
    ASSERT_NE(at, std::string::npos) << part << " not in:\n" << errors;
    EXPECT_GE(at, last);
    last = at;
  }
}

TEST(Configuration, SaysWhereTheClientAuthoritysFileComesFrom) {
  const auto read = parse_webhook_config(
      "tls: {certificate: /a, key: /b, clientCA: /c, clientCASource: 'Secret d'}\n", "w.yaml");
  ASSERT_TRUE(read.has_value()) << read.error().message;
  EXPECT_EQ(read->tls.client_ca, "/c");
  EXPECT_EQ(read->tls.client_ca_source, "Secret d");
}

TEST(Configuration, TheLogLiesOnFilesOrInADatabase) {
  using Engine = ControllerConfig::Log::Engine;
  EXPECT_EQ(controller("{}")->log.engine, Engine::kFiles);
  const auto read = controller("log: {engine: postgres, connectionFile: /run/connection}");
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(read->log.engine, Engine::kPostgres);
  EXPECT_EQ(read->log.connection_file, "/run/connection");
}

TEST(Configuration, AnUnknownKeyIsAnErrorAtEveryLevel) {
  EXPECT_THAT(error_of(agent("hartbeat: 10s")),
              HasSubstr("a.yaml:1: hartbeat: unknown key; did you mean heartbeat?"));
  EXPECT_THAT(error_of(agent("metrics: {listn: '1.2.3.4:1'}")), HasSubstr("metrics.listn"));
  EXPECT_THAT(error_of(controller("\nlog: {cadens: 1s}")), HasSubstr("c.yaml:2: log.cadens"));
  EXPECT_THAT(error_of(controller("webhook: {zzzzzzzzzzzz: 1}")), HasSubstr("known here: "));
  EXPECT_THAT(error_of(webhook("tls: {clientCa: /x}")), HasSubstr("did you mean clientCA?"));
  EXPECT_THAT(error_of(webhook("exemptionAdmins: {group: [a]}")),
              HasSubstr("did you mean groups?"));
}

struct Bad {
  const char* name;
  std::string (*parse)(std::string_view);
  const char* text;
  const char* expected;
};
std::string agent_error(std::string_view text) { return error_of(agent(text)); }
std::string controller_error(std::string_view text) { return error_of(controller(text)); }
std::string webhook_error(std::string_view text) { return error_of(webhook(text)); }

class BadConfiguration : public ::testing::TestWithParam<Bad> {};

TEST_P(BadConfiguration, IsRefusedWithWhatWasExpected) {
  EXPECT_THAT(GetParam().parse(GetParam().text), HasSubstr(GetParam().expected));
}

INSTANTIATE_TEST_SUITE_P(
    Each, BadConfiguration,
    ::testing::Values(
        Bad{"list_for_map", agent_error, "[a]", "expected a map"},
        Bad{"text_for_map", agent_error, "release: x", "release: is a value; expected a map"},
        Bad{"map_for_text", agent_error, "tcti: {a: b}", "tcti: is a map; expected text"},
        Bad{"list_for_duration", agent_error, "heartbeat: [1s]", "expected a duration"},
        Bad{"text_for_list", webhook_error, "exemptNamespaces: a", "expected a list of texts"},
        Bad{"map_in_list", webhook_error, "exemptNamespaces: [{a: b}]", "exemptNamespaces[0]"},
        Bad{"text_for_number", controller_error, "limits: {connections: many}",
            "expected a whole number from 16 to 1000000"},
        Bad{"quoted_number", controller_error, "limits: {connections: '64'}", "a whole number"},
        Bad{"number_too_large_for_a_word", controller_error,
            "limits: {blobBytes: 99999999999999999999}", "a whole number"},
        Bad{"heartbeat_too_short", agent_error, "heartbeat: 999ms", "expected 1s to 1h"},
        Bad{"heartbeat_without_unit", agent_error, "heartbeat: 10", "heartbeat"},
        Bad{"url_without_tls", agent_error, "controller: {url: 'http://c'}",
            "expected https://host"},
        Bad{"url_with_a_user", agent_error, "controller: {url: 'https://a@b'}",
            "expected https://host"},
        Bad{"relative_token_file", agent_error, "controller: {tokenFile: token}",
            "expected an absolute path"},
        Bad{"listen_without_port", agent_error, "metrics: {listen: 1.2.3.4}", "address:port"},
        Bad{"listen_port_too_large", agent_error, "metrics: {listen: '1.2.3.4:65536'}",
            "address:port"},
        Bad{"origin_with_a_space", controller_error, "log: {origin: 'a b'}",
            "expected a name without spaces"},
        Bad{"unknown_engine", controller_error, "log: {engine: sqlite}", "files, postgres"},
        Bad{"database_without_connection", controller_error, "log: {engine: postgres}",
            "expected the file that holds the connection string"},
        Bad{"connection_without_database", controller_error, "log: {connectionFile: /x}",
            "expected none, or engine: postgres"},
        Bad{"relative_connection_file", controller_error,
            "log: {engine: postgres, connectionFile: x}", "expected an absolute path"},
        Bad{"renew_after_lease", controller_error,
            "leaderElection: {leaseDuration: 5s, renewDeadline: 5s}",
            "expected less than leaseDuration"},
        Bad{"lease_too_long", controller_error, "leaderElection: {leaseDuration: 121s}",
            "expected 1s to 2m"},
        Bad{"retry_after_renew", controller_error, "leaderElection: {retryPeriod: 20s}",
            "expected less than renewDeadline"},
        Bad{"ca_shorter_than_certificates", controller_error,
            "tls: {certificateLife: 48h, caLife: 24h}", "expected more than certificateLife"},
        Bad{"store_smaller_than_a_blob", controller_error,
            "limits: {blobBytes: 2097152, storeBytes: 1048576}", "expected at least blobBytes"},
        Bad{"records_for_an_hour", controller_error, "records: {retention: 1h}",
            "expected 24h to 876000h"},
        Bad{"records_without_room", controller_error, "records: {bytes: 1000}",
            "expected a whole number from 1048576"},
        Bad{"release_name_in_upper_case", controller_error, "release: {name: Avouch}",
            "expected a DNS label"},
        Bad{"nobody_may_exempt", webhook_error, "exemptionAdmins: {users: [], groups: []}",
            "names nobody"},
        Bad{"deadline_too_long", webhook_error, "deadline: 30s", "expected 100ms to 29s"},
        Bad{"duplicate_key", agent_error, "tcti: a\ntcti: b", "a.yaml:2"},
        Bad{"alias", agent_error, "tcti: &x a\nstateDir: *x", "anchors"},
        Bad{"tag", agent_error, "tcti: !!str a", "tag"},
        Bad{"two_documents", agent_error, "tcti: a\n---\ntcti: b", "a.yaml:"},
        Bad{"no_yaml", agent_error, "tcti: [", "not YAML"}),
    [](const auto& test) { return std::string(test.param.name); });

TEST(Configuration, ANodeNameMustComeFromSomewhere) {
  EXPECT_THAT(error_of(parse_agent_config("", "a.yaml", "")), HasSubstr("NODE_NAME"));
  EXPECT_EQ(parse_agent_config("nodeName: mine", "a.yaml", "n1")->node_name, "mine");
}

TEST(Configuration, SizeAndDepthAndErrorsAreBounded) {
  EXPECT_THAT(error_of(agent(std::string(1024 * 1024 + 1, '#'))), HasSubstr("larger than 1 MiB"));
  EXPECT_THAT(error_of(agent(std::string_view("tcti: a\0b", 9))), HasSubstr("zero byte"));
  std::string deep = "tcti: ";
  for (int i = 0; i < 64; ++i) deep += '[';
  EXPECT_NE(error_of(agent(deep + std::string(64, ']'))), "(accepted)");
  std::string many;
  for (int i = 0; i < 300; ++i) many += "unknown" + std::to_string(i) + ": 1\n";
  const std::string errors = error_of(agent(many));
  EXPECT_EQ(std::count(errors.begin(), errors.end(), '\n'), 99) << "a hundred lines at most";
}

TEST(ReadConfigFile, SaysWhichFileIsNotThere) {
  EXPECT_THAT(error_of(read_config_file("/nonexistent/config.yaml")),
              HasSubstr("/nonexistent/config.yaml: no such file; name another with --config"));
  EXPECT_THAT(error_of(read_config_file("/")), HasSubstr("/: is no regular file"));
}

// A pipe that nobody writes to would be opened for ever.
TEST(ReadConfigFile, OpensNothingButFiles) {
  const testing::TempDir dir;
  const std::string pipe = dir / "pipe";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  EXPECT_THAT(error_of(read_config_file(pipe)), HasSubstr("is no regular file"));
}

}  // namespace
}  // namespace avouch::config
