// `avouch-log witness` as a process, asked over HTTP by a real log's writer.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cstdio>
#include <filesystem>
#include <thread>

#include "base/hex.h"
#include "crypto/hash.h"
#include "support/growing_log.h"
#include "support/http_client.h"
#include "support/log_process.h"
#include "support/process.h"
#include "tlog/client.h"
#include "tlog/cosignature.h"

namespace avouch {
namespace {

using testing::ChildProcess;
using testing::GrowingLog;
using ::testing::HasSubstr;
using testing::HttpClient;
using testing::read_text;
using testing::TempDir;
using testing::write_text;

// The value of a field of the program's log line that says what it serves.
std::string logged(const std::string& log, const std::string& field) {
  const std::size_t line = log.rfind("msg=\"serving\"");
  const std::size_t begin = line == std::string::npos ? line : log.find(field + "=\"", line);
  if (begin == std::string::npos) return "";
  const std::size_t value = begin + field.size() + 2;
  return log.substr(value, log.find('"', value) - value);
}

class WitnessProcessTest : public ::testing::Test {
 protected:
  ~WitnessProcessTest() override {
    if (HasFailure()) std::fputs(read_text(log_file()).c_str(), stderr);
  }

  std::string log_file() const { return dir_ / "log"; }
  std::string config_file() const { return dir_ / "witness.yaml"; }

  void configure(const std::vector<tlog::NoteVerifier>& logs, const std::string& more = "") const {
    std::string policy;
    for (const auto& log : logs) policy += "log " + tlog::format_vkey(log) + "\n";
    write_text(dir_ / "policy", policy + "quorum none\n");
    write_text(config_file(),
               "name: witness.example/1\nlisten: \"127.0.0.1:0\"\n"
               "health: \"127.0.0.1:0\"\nkey: " +
                   (dir_ / "key") + "\nstateDir: " + (dir_ / "state") +
                   "\npolicy: " + (dir_ / "policy") + "\n" +
                   (more.empty() ? "limits: {log: {burst: 1000000}, network: "
                                   "{burst: 1000000}}\n"
                                 : more));
  }

  // Runs a command of the program to its end; its output, and whether it succeeded.
  std::pair<bool, std::string> command(std::vector<std::string> words) const {
    const std::string out = dir_ / "command";
    std::filesystem::remove(out);
    std::string line = std::string("timeout 60 ") + AVOUCH_LOG;
    for (const std::string& word : words) line += " '" + word + "'";
    const bool good = testing::run_command({"sh", "-c", line + " >'" + out + "' 2>&1"}).has_value();
    return {good, read_text(out)};
  }

  void keygen() {
    const auto [good, output] = command({"witness", "keygen", "--config", config_file()});
    ASSERT_TRUE(good) << output;
    vkey_ = output.substr(0, output.find('\n'));
  }

  void start() {
    const std::size_t before = read_text(log_file()).size();
    process_ =
        ChildProcess::start({AVOUCH_LOG, "witness", "--config", config_file()}, log_file()).value();
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    while (logged(read_text(log_file()).substr(before), "health").empty()) {
      ASSERT_TRUE(process_.running()) << read_text(log_file());
      ASSERT_LT(std::chrono::steady_clock::now(), deadline);
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    const std::string log = read_text(log_file()).substr(before);
    address_ = logged(log, "address");
    health_ = logged(log, "health");
  }

  HttpResponse add(const std::string& body) const {
    return HttpClient(address_).send("POST", "/add-checkpoint", body).value();
  }
  HttpResponse shown(const std::string& origin) const {
    const std::string digest = to_hex(crypto::sha256(as_bytes(origin)));
    return HttpClient(address_).send("GET", "/" + digest + "/checkpoint").value();
  }
  std::vector<tlog::Cosignature> cosignatures(const std::string& note) const {
    const std::vector keys{tlog::parse_cosigner_vkey(vkey_).value()};
    return tlog::verify_cosignatures(tlog::parse_note_unverified(note).value(), keys).value();
  }

  TempDir dir_;
  ChildProcess process_;
  std::string address_, health_, vkey_;
};

TEST_F(WitnessProcessTest, CosignsARealLogAsItGrows) {
  testing::MemoryLogEngine engine;
  testing::LogProcess log(engine);
  ASSERT_TRUE(log.open().has_value());
  configure({testing::test_log_signer().verifier()});
  keygen();
  start();
  tlog::Checkpoint last;
  last.origin = testing::kTestOrigin;
  for (const int count : {1, 1, 300, 7}) {
    ASSERT_TRUE(
        log.append(testing::submissions("batch" + std::to_string(last.size), count)).has_value());
    const tlog::VerifiedCheckpoint next = log.publish().value();
    const auto proof = tlog::fetch_consistency(log.store(), last, next).value();
    const HttpResponse answer = add(tlog::format_add_checkpoint({last.size, proof, next.note()}));
    ASSERT_EQ(answer.status, 200) << answer.body;
    ASSERT_EQ(cosignatures(next.note() + answer.body).size(), 1U);
    EXPECT_EQ(shown(testing::kTestOrigin).body, next.note() + answer.body);
    last = next.checkpoint();
  }
  EXPECT_EQ(last.size, 309U);
}

TEST_F(WitnessProcessTest, RefusesWhatDoesNotContinue) {
  const GrowingLog log("log.example/one"), stranger("log.example/two");
  configure({log.signer().verifier()});
  keygen();
  start();
  EXPECT_EQ(shown(log.origin()).status, 404);
  ASSERT_EQ(add(log.body(0, 7)).status, 200);
  const HttpResponse behind = add(log.body(0, 9));
  EXPECT_EQ(behind.status, 409);
  EXPECT_EQ(behind.body, "7\n");
  EXPECT_EQ(behind.content_type, "text/x.tlog.size");
  EXPECT_EQ(add(tlog::format_add_checkpoint({7, {}, log.forked(7)})).status, 422) << "other root";
  EXPECT_EQ(add(tlog::format_add_checkpoint({7, {}, log.note(9)})).status, 422) << "no proof";
  EXPECT_EQ(add(stranger.body(0, 1)).status, 404);
  std::string unsigned_note = log.body(7, 9);
  unsigned_note[unsigned_note.size() - 10] ^= 1;
  EXPECT_EQ(add(unsigned_note).status / 100, 4);
  EXPECT_EQ(add("old 05\n\n" + log.note(9)).status, 400);
  EXPECT_EQ(add(std::string(64 * 1024 + 1, 'x')).status, 413);
  EXPECT_EQ(add("").status, 400);
  HttpClient client(address_);
  EXPECT_EQ(client.send("GET", "/add-checkpoint")->status, 405);
  EXPECT_EQ(client.send("GET", "/")->status, 404);
  const std::string digest = to_hex(crypto::sha256(as_bytes(log.origin())));
  const auto head = client.send("HEAD", "/" + digest + "/checkpoint");
  EXPECT_EQ(head->status, 200);
  EXPECT_TRUE(head->body.empty());
  EXPECT_EQ(add(log.body(7, 9)).status, 200);
}

TEST_F(WitnessProcessTest, ForgetsNothingOverARestart) {
  const GrowingLog log("log.example/one");
  configure({log.signer().verifier()});
  keygen();
  start();
  ASSERT_EQ(add(log.body(0, 7)).status, 200);
  const std::string kept = shown(log.origin()).body;
  process_.stop();
  start();
  EXPECT_EQ(shown(log.origin()).body, kept);
  EXPECT_EQ(add(log.body(0, 9)).body, "7\n");
  EXPECT_EQ(add(log.body(7, 9)).status, 200);
}

// Killed while clients send: what had been cosigned is there, and what comes next continues it.
TEST_F(WitnessProcessTest, GoesBackForNoLogWhenKilled) {
  constexpr std::uint64_t kSizes = 400;
  std::vector<std::unique_ptr<GrowingLog>> logs;
  std::vector<tlog::NoteVerifier> keys;
  for (int i = 0; i < 4; ++i) {
    logs.push_back(std::make_unique<GrowingLog>("log.example/" + std::to_string(i), kSizes));
    keys.push_back(logs.back()->signer().verifier());
  }
  configure(keys);
  keygen();
  std::vector<std::uint64_t> cosigned(logs.size(), 0);
  for (int round = 0; round < 4; ++round) {
    start();
    std::atomic<int> answers{0};
    std::vector<std::thread> clients;
    for (std::size_t i = 0; i < logs.size(); ++i) {
      clients.emplace_back([&, i] {
        HttpClient client(address_);
        while (cosigned[i] < kSizes) {
          const auto answer =
              client.send("POST", "/add-checkpoint", logs[i]->body(cosigned[i], cosigned[i] + 1));
          if (!answer.has_value()) return;  // killed
          if (answer->status == 409) {      // it was cosigned, and the answer lost
            EXPECT_EQ(answer->body, std::to_string(cosigned[i] + 1) + "\n");
          } else {
            EXPECT_EQ(answer->status, 200) << answer->body;
          }
          if (::testing::Test::HasFailure()) return;
          ++cosigned[i];
          ++answers;
        }
      });
    }
    while (answers < 3 + round * 40 && !HasFailure()) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    process_.kill();
    for (std::thread& client : clients) client.join();
  }
  start();
  for (std::size_t i = 0; i < logs.size(); ++i) {
    const auto note = tlog::parse_note_unverified(shown(logs[i]->origin()).body).value();
    const std::uint64_t size = tlog::parse_checkpoint_unverified(note.text)->size;
    EXPECT_TRUE(size == cosigned[i] || size == cosigned[i] + 1) << size << " " << cosigned[i];
    EXPECT_EQ(add(logs[i]->body(0, kSizes)).body, std::to_string(size) + "\n");
  }
}

TEST_F(WitnessProcessTest, DoesNotStartWithoutItsState) {
  const GrowingLog log("log.example/one");
  configure({log.signer().verifier()});
  const auto fails = [&](const std::string& why) {
    const auto [good, output] = command({"witness", "--config", config_file()});
    EXPECT_FALSE(good);
    EXPECT_THAT(output, HasSubstr(why));
  };
  fails("keygen");
  keygen();
  const std::string key = read_text(dir_ / "key");
  EXPECT_EQ(std::filesystem::status(dir_ / "key").permissions(),
            std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  start();
  ASSERT_EQ(add(log.body(0, 7)).status, 200);
  fails("another process");
  process_.stop();
  const std::string journal = read_text(dir_ / "state/journal");
  std::string damaged = journal;
  damaged[damaged.size() / 2] ^= 1;
  write_text(dir_ / "state/journal", damaged);
  fails("may cosign a fork");
  std::filesystem::remove_all(dir_ / "state");
  fails("there is none");
  // A new key has nothing to do with the old one's state, and neither is overwritten.
  EXPECT_FALSE(command({"witness", "keygen", "--config", config_file()}).first);
  EXPECT_EQ(read_text(dir_ / "key"), key);
  std::filesystem::remove(dir_ / "key");
  keygen();
  write_text(dir_ / "state/journal", journal);
  fails("another witness' key");
}

TEST_F(WitnessProcessTest, PrintsTheSameKeyAgain) {
  configure({GrowingLog("log.example/one").signer().verifier()});
  keygen();
  const auto [good, output] = command({"witness", "vkey", "--config", config_file()});
  EXPECT_TRUE(good);
  EXPECT_EQ(output, vkey_ + "\n");
  EXPECT_TRUE(vkey_.starts_with("witness.example/1+"));
  EXPECT_TRUE(tlog::parse_cosigner_vkey(vkey_).has_value());
}

TEST_F(WitnessProcessTest, LimitsRatesAndCountsWhatItDid) {
  const GrowingLog log("log.example/one");
  configure({log.signer().verifier()},
            "limits: {log: {burst: 2, perSecond: 1}, network: {burst: 1000, perSecond: 1}}\n");
  keygen();
  start();
  std::uint64_t size = 0;
  HttpResponse answer;
  while ((answer = add(log.body(size, size + 1))).status == 200) ++size;
  EXPECT_GE(size, 2U);
  EXPECT_EQ(answer.status, 429);
  EXPECT_EQ(answer.headers.find("Retry-After"), "1");
  HttpClient health(health_);
  EXPECT_EQ(health.send("GET", "/readyz")->status, 200);
  EXPECT_EQ(health.send("GET", "/healthz")->status, 200);
  const std::string metrics = health.send("GET", "/metrics")->body;
  EXPECT_THAT(metrics,
              HasSubstr("avouch_witness_requests_total{status=\"200\"} " + std::to_string(size)));
  EXPECT_THAT(metrics, HasSubstr("avouch_witness_requests_total{status=\"429\"} 1"));
  EXPECT_THAT(metrics,
              HasSubstr("avouch_witness_last_cosignature_age_seconds{log=\"log.example/one\"}"));
  process_.stop();
  start();
  const std::string again = HttpClient(health_).send("GET", "/metrics")->body;
  EXPECT_THAT(again, HasSubstr("avouch_witness_last_cosignature_age_seconds{"));
}

}  // namespace
}  // namespace avouch
