// `avouch-log witness` as a process, asked over HTTP by a real log's writer.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cstdio>
#include <filesystem>
#include <thread>

#include "integration/log/log_programs.h"
#include "support/growing_log.h"
#include "support/log_process.h"
#include "tlog/client.h"
#include "tlog/cosignature.h"

namespace avouch {
namespace {

using testing::GrowingLog;
using ::testing::HasSubstr;
using testing::HttpClient;
using testing::read_text;
using testing::TempDir;
using testing::WitnessProgram;
using testing::write_text;

class WitnessProcessTest : public ::testing::Test {
 protected:
  ~WitnessProcessTest() override {
    if (HasFailure()) std::fputs(witness_.log().c_str(), stderr);
  }

  HttpResponse add(const std::string& body) const {
    return HttpClient(witness_.address()).send("POST", "/add-checkpoint", body).value();
  }
  HttpResponse shown(const std::string& origin) const {
    return HttpClient(witness_.address()).send("GET", WitnessProgram::path_of(origin)).value();
  }
  std::vector<tlog::Cosignature> cosignatures(const std::string& note) const {
    const std::vector keys{witness_.key()};
    return tlog::verify_cosignatures(tlog::parse_note_unverified(note).value(), keys).value();
  }

  TempDir dir_;
  WitnessProgram witness_{dir_.path(), "witness.example/1"};
};

TEST_F(WitnessProcessTest, CosignsARealLogAsItGrows) {
  testing::MemoryLogEngine engine;
  testing::LogProcess log(engine);
  ASSERT_TRUE(log.open().has_value());
  witness_.configure({testing::test_log_signer().verifier()});
  witness_.keygen();
  witness_.start();
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
  witness_.configure({log.signer().verifier()});
  witness_.keygen();
  witness_.start();
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
  HttpClient client(witness_.address());
  EXPECT_EQ(client.send("GET", "/add-checkpoint")->status, 405);
  EXPECT_EQ(client.send("GET", "/")->status, 404);
  const auto head = client.send("HEAD", WitnessProgram::path_of(log.origin()));
  EXPECT_EQ(head->status, 200);
  EXPECT_TRUE(head->body.empty());
  EXPECT_EQ(add(log.body(7, 9)).status, 200);
}

TEST_F(WitnessProcessTest, ForgetsNothingOverARestart) {
  const GrowingLog log("log.example/one");
  witness_.configure({log.signer().verifier()});
  witness_.keygen();
  witness_.start();
  ASSERT_EQ(add(log.body(0, 7)).status, 200);
  const std::string kept = shown(log.origin()).body;
  witness_.process().stop();
  witness_.start();
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
  witness_.configure(keys);
  witness_.keygen();
  std::vector<std::uint64_t> cosigned(logs.size(), 0);
  for (int round = 0; round < 4; ++round) {
    witness_.start();
    std::atomic<int> answers{0};
    std::vector<std::thread> clients;
    for (std::size_t i = 0; i < logs.size(); ++i) {
      clients.emplace_back([&, i] {
        HttpClient client(witness_.address());
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
    witness_.process().kill();
    for (std::thread& client : clients) client.join();
  }
  witness_.start();
  for (std::size_t i = 0; i < logs.size(); ++i) {
    const auto note = tlog::parse_note_unverified(shown(logs[i]->origin()).body).value();
    const std::uint64_t size = tlog::parse_checkpoint_unverified(note.text)->size;
    EXPECT_TRUE(size == cosigned[i] || size == cosigned[i] + 1) << size << " " << cosigned[i];
    EXPECT_EQ(add(logs[i]->body(0, kSizes)).body, std::to_string(size) + "\n");
  }
}

TEST_F(WitnessProcessTest, DoesNotStartWithoutItsState) {
  const GrowingLog log("log.example/one");
  witness_.configure({log.signer().verifier()});
  const auto fails = [&](const std::string& why) {
    const auto [good, output] = witness_.command();
    EXPECT_FALSE(good);
    EXPECT_THAT(output, HasSubstr(why));
  };
  fails("keygen");
  witness_.keygen();
  const std::string key = read_text(dir_ / "key");
  EXPECT_EQ(std::filesystem::status(dir_ / "key").permissions(),
            std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  witness_.start();
  ASSERT_EQ(add(log.body(0, 7)).status, 200);
  fails("another process");
  witness_.process().stop();
  const std::string journal = read_text(dir_ / "state/journal");
  std::string damaged = journal;
  damaged[damaged.size() / 2] ^= 1;
  write_text(dir_ / "state/journal", damaged);
  fails("may cosign a fork");
  std::filesystem::remove_all(dir_ / "state");
  fails("there is none");
  // A new key has nothing to do with the old one's state, and neither is overwritten.
  EXPECT_FALSE(witness_.command("keygen").first);
  EXPECT_EQ(read_text(dir_ / "key"), key);
  std::filesystem::remove(dir_ / "key");
  witness_.keygen();
  write_text(dir_ / "state/journal", journal);
  fails("another witness' key");
}

TEST_F(WitnessProcessTest, PrintsTheSameKeyAgain) {
  witness_.configure({GrowingLog("log.example/one").signer().verifier()});
  witness_.keygen();
  const auto [good, output] = witness_.command("vkey");
  EXPECT_TRUE(good);
  EXPECT_EQ(output, witness_.vkey() + "\n");
  EXPECT_TRUE(witness_.vkey().starts_with("witness.example/1+"));
  EXPECT_TRUE(tlog::parse_cosigner_vkey(witness_.vkey()).has_value());
}

TEST_F(WitnessProcessTest, LimitsRatesAndCountsWhatItDid) {
  const GrowingLog log("log.example/one");
  witness_.configure(
      {log.signer().verifier()},
      "limits: {log: {burst: 2, perSecond: 1}, network: {burst: 1000, perSecond: 1}}\n");
  witness_.keygen();
  witness_.start();
  std::uint64_t size = 0;
  HttpResponse answer;
  while ((answer = add(log.body(size, size + 1))).status == 200) ++size;
  EXPECT_GE(size, 2U);
  EXPECT_EQ(answer.status, 429);
  EXPECT_EQ(answer.headers.find("Retry-After"), "1");
  HttpClient health(witness_.health());
  EXPECT_EQ(health.send("GET", "/readyz")->status, 200);
  EXPECT_EQ(health.send("GET", "/healthz")->status, 200);
  const std::string metrics = health.send("GET", "/metrics")->body;
  EXPECT_THAT(metrics,
              HasSubstr("avouch_witness_requests_total{status=\"200\"} " + std::to_string(size)));
  EXPECT_THAT(metrics, HasSubstr("avouch_witness_requests_total{status=\"429\"} 1"));
  EXPECT_THAT(metrics,
              HasSubstr("avouch_witness_last_cosignature_age_seconds{log=\"log.example/one\"}"));
  witness_.process().stop();
  witness_.start();
  const std::string again = HttpClient(witness_.health()).send("GET", "/metrics")->body;
  EXPECT_THAT(again, HasSubstr("avouch_witness_last_cosignature_age_seconds{"));
}

}  // namespace
}  // namespace avouch
