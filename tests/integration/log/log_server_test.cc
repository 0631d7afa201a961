// `avouch-log serve` as a process, on both engines: a log that runs apart, from its first entry to
// one that its users can prove, followed by a monitor and cosigned by a witness, and what it does
// when it is ended, killed or restored from a backup.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "integration/log/log_programs.h"
#include "support/log_vectors.h"
#include "support/postgres_engine.h"
#include "support/rekords.h"
#include "support/test_authority.h"
#include "tlog/checkpoint.h"
#include "tlog/receipt.h"

namespace avouch {
namespace {

using ::testing::HasSubstr;
using testing::HttpClient;
using testing::LogServerProgram;
using testing::LogVectors;
using testing::run_command;
using testing::TempDir;
using testing::write_text;

constexpr const char* kWriterToken = "a-token-of-ci";
constexpr std::uint64_t kFirst = 3;  // after two genesis entries and the registration policy

std::string in_yaml(std::string pem) {
  for (std::size_t at = 0; (at = pem.find('\n', at)) != std::string::npos; at += 2) {
    pem.replace(at, 1, "\\n");
  }
  return "\"" + pem + "\"";
}

// A place for a log that can be put back to what it was.
struct Place {
  virtual ~Place() = default;
  virtual testing::LogEngine& engine() = 0;
  virtual std::string lines(const TempDir& dir) = 0;  // of the configuration
};
struct OnFiles final : Place {
  testing::LogEngine& engine() override { return files; }
  std::string lines(const TempDir&) override {
    return "directory: " + files.log_directory().string() +
           "\nheadFile: " + files.anchor_file("head").string() + "\n";
  }
  testing::FilesLogEngine files;
};
struct InPostgres final : Place {
  testing::LogEngine& engine() override { return postgres; }
  std::string lines(const TempDir& dir) override {
    write_text(dir / "connection", postgres.options.database.connection + "\n");
    return "engine: postgres\nconnectionFile: " + (dir / "connection") +
           "\nheadFile: " + (dir / "head") + "\n";
  }
  testing::PostgresLogEngine postgres;
};

class LogServerTest : public ::testing::TestWithParam<const char*> {
 protected:
  LogServerTest() {
    if (GetParam() == std::string("files")) {
      place_ = std::make_unique<OnFiles>();
    } else {
      place_ = std::make_unique<InPostgres>();
    }
  }
  ~LogServerTest() override {
    if (HasFailure()) std::fputs(server_.log().c_str(), stderr);
  }
  void TearDown() override {
    server_.process().stop();
    EXPECT_THAT(server_.log(), ::testing::Not(HasSubstr("Sanitizer")));
  }

  std::string policy_lines() const {
    const auto vendor = crypto::PublicKey::from_spki_der(vectors_.bytes("p256-spki")).value();
    return "registration: {issuers: [{issuer: \"https://vendor.example\", keys: " +
           in_yaml(vendor.pem()) +
           ", kinds: [application/spdx+json]}], rekorKeys: " + in_yaml(signer_.public_key().pem()) +
           "}\nwriters: [{name: ci, tokenSHA256: " +
           to_hex(crypto::sha256(as_bytes(std::string_view(kWriterToken)))) + "}]\n";
  }
  void configure(const std::string& more = "") {
    server_.configure(place_->lines(dir_), policy_lines() + more);
  }
  // A new log.
  void begin() {
    configure();
    server_.keygen();
    server_.start();
  }
  void restart() {
    server_.process().stop();
    server_.start();
  }

  HttpResponse get(const std::string& path) const {
    return HttpClient(server_.address()).send("GET", path).value();
  }
  HttpResponse post(ByteView body, const std::string& token = kWriterToken) const {
    HttpHeaders headers{{"Content-Type", "application/cose"}};
    if (!token.empty()) headers.add("Authorization", "Bearer " + token);
    return HttpClient(server_.address())
        .send("POST", "/entries", std::string(as_text(body)), headers)
        .value();
  }
  HttpResponse post_rekord(const std::string& message) const {
    return HttpClient(server_.address())
        .send("POST", "/api/v2/log/entries",
              testing::rekord_request(testing::make_rekord(signer_, message)),
              {{"Content-Type", "application/json"}})
        .value();
  }
  std::uint64_t size() const {
    const tlog::NoteVerifier key = server_.key();
    const auto checkpoint = tlog::verify_checkpoint(get("/log/checkpoint").body, std::span(&key, 1),
                                                    LogServerProgram::kOrigin);
    EXPECT_TRUE(checkpoint.has_value()) << checkpoint.error().message;
    return checkpoint.has_value() ? checkpoint->size() : 0;
  }
  crypto::PublicKey receipt_key() const {
    return crypto::PrivateKey::from_pem(testing::read_text(server_.file("receipt-key")))
        .value()
        .public_key();
  }
  // The entry that the receipt proves the statement to be; 0 where it proves nothing.
  std::uint64_t proven(const std::string& receipt) const {
    const crypto::PublicKey key = receipt_key();
    const auto verified = tlog::verify_receipt(to_bytes(receipt), tlog::leaf_hash(statement_),
                                               std::span(&key, 1), LogServerProgram::kOrigin);
    EXPECT_TRUE(verified.has_value()) << verified.error().message;
    return verified.has_value() ? verified->inclusion().index : 0;
  }

  const LogVectors vectors_{"statements.txt"};
  const Bytes statement_ = vectors_.bytes("es256");
  const crypto::PrivateKey signer_ = crypto::PrivateKey::generate(crypto::KeyType::kEcP256);
  TempDir dir_;
  std::unique_ptr<Place> place_;
  LogServerProgram server_{dir_ / "server"};
};

TEST_P(LogServerTest, TakesAStatementOfAWriterAndProvesIt) {
  begin();
  EXPECT_EQ(size(), kFirst);
  for (const std::string token : {"", "another-token", "ci"}) {
    EXPECT_EQ(post(statement_, token).status, 401) << token;
  }
  EXPECT_EQ(post(to_bytes("garbage")).status, 400);
  EXPECT_EQ(post(vectors_.bytes("es384-with-all")).status, 400) << "another key's";
  EXPECT_EQ(post(Bytes(70'000, 1)).status, 413);
  EXPECT_EQ(size(), kFirst) << "nothing of these is stored";

  const HttpResponse taken = post(statement_);
  ASSERT_EQ(taken.status, 201) << taken.body;
  EXPECT_EQ(proven(taken.body), kFirst);
  EXPECT_EQ(taken.headers.find("Location"), "/entries/3");
  EXPECT_EQ(taken.headers.find("Avouch-Registration-Policy"), "2");
  EXPECT_EQ(proven(get("/entries/3").body), kFirst);
  EXPECT_EQ(get("/.well-known/scitt-keys").status, 200);
  EXPECT_EQ(get("/v1/log/entries").status, 404) << "what a cluster's controller serves";
  EXPECT_EQ(post_rekord("one").status, 201);
  EXPECT_EQ(size(), kFirst + 2);
  EXPECT_THAT(server_.log(), HasSubstr("sent by \\\"ci\\\""));
  EXPECT_EQ(server_.log().find(kWriterToken), std::string::npos);

  // By the tool that its users have, offline.
  write_text(dir_ / "statement.cose", std::string(as_text(statement_)));
  write_text(dir_ / "receipt.cose", taken.body);
  write_text(dir_ / "log.vkey", server_.vkey() + "\n");
  write_text(dir_ / "receipt.pem", receipt_key().pem());
  const auto verify = [&](const std::string& statement, const std::string& receipt) {
    return run_command({AVOUCH_KUBECTL, "verify", "proof", dir_ / statement, "--receipt",
                        dir_ / receipt, "--vkey", dir_ / "log.vkey", "--verifier-keys",
                        dir_ / "receipt.pem"});
  };
  const auto verified = verify("statement.cose", "receipt.cose");
  EXPECT_TRUE(verified.has_value()) << verified.error().message;
  write_text(dir_ / "other.cose", std::string(as_text(vectors_.bytes("es384-with-all"))));
  EXPECT_FALSE(verify("other.cose", "receipt.cose").has_value());
}

TEST_P(LogServerTest, LosesNothingOverARestart) {
  begin();
  ASSERT_EQ(post(statement_).status, 201);
  server_.process().signal(SIGTERM);
  ASSERT_TRUE(testing::eventually([&] { return !server_.process().running(); }));
  EXPECT_EQ(server_.process().exit_status(), 0);
  EXPECT_THAT(server_.log(), HasSubstr("stopping"));
  server_.start();
  EXPECT_EQ(size(), kFirst + 1) << "nothing is entered twice";
  EXPECT_EQ(proven(post(statement_).body), kFirst) << "the same bytes are the same entry";
  ASSERT_EQ(post_rekord("one").status, 201);
  server_.process().kill();
  server_.start();
  EXPECT_EQ(size(), kFirst + 2);
  EXPECT_EQ(proven(get("/entries/3").body), kFirst);
  // Another policy is another entry, and in force.
  server_.configure(place_->lines(dir_), "");
  restart();
  EXPECT_EQ(size(), kFirst + 3);
  EXPECT_EQ(post(statement_).status, 405);
  EXPECT_EQ(post_rekord("two").status, 404);
}

TEST_P(LogServerTest, IsFollowedByAMonitor) {
  begin();
  testing::MonitorProgram monitor(dir_ / "monitor");
  monitor.configure(
      {"log " + server_.vkey() + " http://" + server_.address() + "/log\nquorum none\n"},
      testing::TestAuthority().pem());
  monitor.start();
  const auto has = [&](std::uint64_t entries) {
    return monitor.metrics_with("avouch_monitor_log_entries{log=\"log.example.org\"} " +
                                std::to_string(entries)) != "";
  };
  EXPECT_TRUE(has(kFirst)) << monitor.log();
  ASSERT_EQ(post(statement_).status, 201);
  EXPECT_TRUE(has(kFirst + 1)) << monitor.log();
  EXPECT_NE(monitor.ready_with(200, ""), "") << monitor.log();
}

TEST_P(LogServerTest, IsCosignedByAWitness) {
  configure();
  server_.keygen();
  testing::WitnessProgram witness(dir_ / "witness", "witness.example/1");
  witness.configure({server_.key()});
  witness.keygen();
  witness.start();
  write_text(dir_ / "witnesses.policy",
             "witness w " + witness.vkey() + " http://" + witness.address() + "\nquorum w\n");
  configure("witnesses: {policyFile: " + (dir_ / "witnesses.policy") + ", every: 100ms}\n");
  server_.start();
  ASSERT_EQ(post(statement_).status, 201);
  const auto cosigned = [&] {
    const HttpResponse answer = get("/log/witnessed/checkpoint");
    return answer.status == 200 &&
           answer.body.find("\n" + std::to_string(kFirst + 1) + "\n") != std::string::npos;
  };
  ASSERT_TRUE(testing::eventually(cosigned)) << server_.log();
  const std::vector keys{witness.key()};
  const auto note = tlog::parse_note_unverified(get("/log/witnessed/checkpoint").body).value();
  EXPECT_EQ(tlog::verify_cosignatures(note, keys)->size(), 1U);
  EXPECT_THAT(server_.metrics(), HasSubstr("avouch_log_witnessed_entries 4"));
}

// Log and head file may have been put back together, and only witnesses know: who does not answer
// may remember more.
TEST_P(LogServerTest, SignsNothingBeforeItsWitnessesHaveAnswered) {
  configure();
  server_.keygen();
  testing::WitnessProgram witness(dir_ / "witness", "witness.example/1");
  witness.configure({server_.key()});
  witness.keygen();
  witness.start();
  write_text(dir_ / "witnesses.policy",
             "witness w " + witness.vkey() + " http://" + witness.address() + "\nquorum w\n");
  configure("witnesses: {policyFile: " + (dir_ / "witnesses.policy") + ", every: 100ms}\n");
  server_.start();
  ASSERT_EQ(post(statement_).status, 201);
  server_.process().stop();
  witness.process().signal(SIGSTOP);
  {
    const testing::ChildProcess waiting =
        testing::ChildProcess::start({AVOUCH_LOG, "serve", "--config", server_.file("serve.yaml")},
                                     server_.file("waiting"))
            .value();
    const auto said = [&] { return testing::read_text(server_.file("waiting")); };
    EXPECT_TRUE(testing::eventually([&] {
      return said().find("no quorum of witnesses says what it remembers") != std::string::npos;
    })) << said();
    EXPECT_EQ(said().find("serving"), std::string::npos) << said();
  }
  witness.process().signal(SIGCONT);
  server_.start();
  EXPECT_EQ(post_rekord("one").status, 201);
  EXPECT_EQ(size(), kFirst + 2);
}

// It would sign a second history.
TEST_P(LogServerTest, SignsNothingAfterItWasRestoredFromABackup) {
  begin();
  server_.process().stop();
  place_->engine().back_up_store();
  server_.start();
  ASSERT_EQ(post(statement_).status, 201);
  server_.process().stop();
  place_->engine().restore_store();
  server_.start();
  const HttpResponse refused = post(statement_);
  EXPECT_EQ(refused.status, 503);
  EXPECT_THAT(refused.body, HasSubstr("LogReadOnly"));
  EXPECT_EQ(post_rekord("one").status, 503);
  EXPECT_EQ(get("/log/checkpoint").status, 200) << "it is read as before";
  EXPECT_THAT(server_.metrics(), HasSubstr("avouch_log_read_only 1"));
  EXPECT_THAT(server_.log(), HasSubstr("READ-ONLY"));
}

TEST_P(LogServerTest, MakesItsKeysOnceAndForNoLogOfOthers) {
  begin();
  const auto refused = [&](const std::string& why) {
    const auto [good, output] = server_.command("keygen");
    EXPECT_FALSE(good);
    EXPECT_THAT(output, HasSubstr(why));
  };
  EXPECT_EQ(server_.command("vkey").second, server_.vkey() + "\n");
  refused("never overwritten");
  server_.process().stop();
  for (const std::string key : {"key", "receipt-key"}) {
    EXPECT_EQ(std::filesystem::status(server_.file(key)).permissions(),
              std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
    std::filesystem::remove(server_.file(key));
  }
  refused("there is a log already");
  const auto [good, output] = server_.command();
  EXPECT_FALSE(good);
  EXPECT_THAT(output, HasSubstr("keygen"));
}

// As docs/log-server.md, "Another key", has it.
TEST_P(LogServerTest, ChangesItsKeyWhileBothSign) {
  begin();
  ASSERT_EQ(post(statement_).status, 201);
  const tlog::NoteVerifier old_key = server_.key();
  const auto next = crypto::PrivateKey::generate(crypto::KeyType::kEd25519);
  const tlog::NoteVerifier next_key =
      tlog::NoteSigner::make(LogServerProgram::kOrigin, next)->verifier();
  const auto is_signed_by = [&](const tlog::NoteVerifier& key) {
    return tlog::verify_checkpoint(get("/log/checkpoint").body, std::span(&key, 1),
                                   LogServerProgram::kOrigin)
        .has_value();
  };
  const auto does_not_start = [&](const std::string& why) {
    server_.process().stop();
    const auto [good, output] = server_.command();
    EXPECT_FALSE(good);
    EXPECT_THAT(output, HasSubstr(why));
  };

  configure("nextKey: " + server_.file("next-key") + "\n");
  does_not_start("next-key: there is no such file");
  write_text(server_.file("next-key"), testing::read_text(server_.file("key")));
  does_not_start("next-key: is the key of");
  write_text(server_.file("next-key"), next.pem());
  server_.start();
  EXPECT_EQ(server_.command("vkey").second,
            server_.vkey() + "\n" + tlog::format_vkey(next_key) + "\n");
  EXPECT_TRUE(is_signed_by(old_key) && is_signed_by(next_key)) << "though nothing is entered";

  configure();
  write_text(server_.file("key"), next.pem());
  restart();
  ASSERT_EQ(post_rekord("two").status, 201);
  EXPECT_TRUE(!is_signed_by(old_key) && is_signed_by(next_key));
  EXPECT_EQ(proven(get("/entries/3").body), kFirst);

  // A key that has signed none of it does not take it over.
  write_text(server_.file("key"), crypto::PrivateKey::generate(crypto::KeyType::kEd25519).pem());
  does_not_start("log: ");
}

INSTANTIATE_TEST_SUITE_P(Engines, LogServerTest, ::testing::Values("files", "postgres"),
                         [](const auto& tested) { return std::string(tested.param); });

// A log that fails for good ends its process, and publishes nothing more.
TEST(LogServer, EndsWhereAnotherHasTakenItsDatabaseOver) {
  TempDir dir;
  InPostgres place;
  const crypto::PrivateKey signer = crypto::PrivateKey::generate(crypto::KeyType::kEcP256);
  const std::string policy =
      "registration: {rekorKeys: " + in_yaml(signer.public_key().pem()) + "}\n";
  const auto post = [&](const LogServerProgram& to, const std::string& message) {
    const auto answer = HttpClient(to.address())
                            .send("POST", "/api/v2/log/entries",
                                  testing::rekord_request(testing::make_rekord(signer, message)),
                                  {{"Content-Type", "application/json"}});
    return answer.has_value() ? answer->status : 0;
  };
  LogServerProgram first(dir / "first"), second(dir / "second");
  first.configure(place.lines(dir), policy);
  first.keygen();
  first.start();
  ASSERT_EQ(post(first, "one"), 201);
  // Elsewhere, with a copy of keys and head file: twins.
  for (const char* key : {"key", "receipt-key"}) {
    write_text(second.file(key), testing::read_text(first.file(key)));
  }
  write_text(dir / "head-2", testing::read_text(dir / "head"));
  second.configure("engine: postgres\nconnectionFile: " + (dir / "connection") +
                       "\nheadFile: " + (dir / "head-2") + "\n",
                   policy);
  second.start();
  ASSERT_EQ(post(second, "two"), 201);
  EXPECT_NE(post(first, "three"), 201);
  ASSERT_TRUE(testing::eventually([&] { return !first.process().running(); })) << first.log();
  EXPECT_EQ(first.process().exit_status(), 1);
  EXPECT_THAT(first.log(), HasSubstr("fatal: the process ends"));
  EXPECT_EQ(post(second, "three"), 201);
}

}  // namespace
}  // namespace avouch
