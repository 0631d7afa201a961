// `avouch-log monitor` as a process, over HTTP, of logs that do well and logs that do not.

#include "integration/log/monitor_process.h"

#include "tlog/client.h"
#include "tlog/follower.h"
#include "tlog/misbehaviour.h"
#include "tlog/witness.h"

namespace avouch {
namespace {

using ::testing::HasSubstr;
using testing::HttpClient;
using testing::kFollowedOrigin;
using testing::MonitorProcessTest;
using ::testing::Not;
using testing::read_text;
using testing::TempDir;
using testing::write_text;

// `avouch-log witness` that knows one log.
class RealWitness {
 public:
  RealWitness(const TempDir& dir, const std::string& name, const tlog::NoteVerifier& log)
      : name_(name), program_(dir / name, name + ".example") {
    program_.configure({log});
    program_.keygen();
    program_.start();
  }

  // The cosignature of a checkpoint that is the first, or continues one of `old` entries.
  std::string cosign(std::uint64_t old, const std::vector<tlog::Hash>& proof,
                     const std::string& note) const {
    const auto answer =
        HttpClient(program_.address())
            .send("POST", "/add-checkpoint", tlog::format_add_checkpoint({old, proof, note}));
    EXPECT_TRUE(answer.has_value());
    EXPECT_EQ(answer->status, 200) << answer->body;
    return answer->body;
  }
  std::string policy_line() const {
    return "witness " + name_ + " " + program_.vkey() + " http://" + program_.address() + "\n";
  }

 private:
  const std::string name_;
  testing::WitnessProgram program_;
};

TEST_F(MonitorProcessTest, FollowsALogAndGoesOnWhereItWas) {
  log_.grow_to(300);
  site_.serve("log", &log_.store);
  start(policy() + "quorum none\n");
  EXPECT_NE(metrics_with(entries(300)), "");
  log_.grow_to(600);
  EXPECT_NE(metrics_with(entries(600)), "");
  EXPECT_EQ(HttpClient(monitor_.health()).send("GET", "/readyz")->status, 200);
  EXPECT_THAT(metrics(),
              HasSubstr("avouch_monitor_log_contradicted{log=\"log.example/followed\"} 0"));
  restart();
  log_.grow_to(700);
  const std::string after = metrics_with(entries(700));
  EXPECT_THAT(after, HasSubstr("avouch_monitor_entries_total{log=\"log.example/followed\"} 100\n"));
  EXPECT_TRUE(proofs().empty());
}

TEST_F(MonitorProcessTest, KeepsTheProofOfAFork) {
  log_.grow_to(300);
  site_.serve("log", &log_.store);
  start(policy() + "quorum none\n");
  ASSERT_NE(metrics_with(entries(300)), "");
  restart();  // what it knew is on disk
  fork_.grow_to(500);
  site_.serve("log", &fork_.store);
  EXPECT_NE(metrics_with("avouch_monitor_log_contradicted{log=\"log.example/followed\"} 1"), "");
  ASSERT_NE(wait_for([&] { return proofs().empty() ? "" : "one"; }), "");
  const auto proof = tlog::parse_misbehaviour(proofs().front());
  ASSERT_TRUE(proof.has_value());
  EXPECT_TRUE(tlog::verify_misbehaviour(*proof, std::span(&signer_.verifier(), 1), kFollowedOrigin)
                  .has_value());
  const auto ready = HttpClient(monitor_.health()).send("GET", "/readyz");
  EXPECT_EQ(ready->status, 503);
  EXPECT_THAT(ready->body, HasSubstr("contradicted itself"));
  // Said again at each look, kept once, and not forgotten.
  EXPECT_TRUE(found("forked", 3));
  EXPECT_EQ(proofs().size(), 1U);
  site_.serve("log", &log_.store);
  restart();
  EXPECT_NE(metrics_with("avouch_monitor_log_contradicted{log=\"log.example/followed\"} 1"), "");
  EXPECT_NE(ready_with(503, "see the proof in"), "");
}

TEST_F(MonitorProcessTest, HoldsWhatWitnessesWereShownAgainstTheLog) {
  site_.show(shown_at(), log_.grow_to(200).note());
  log_.grow_to(300);
  site_.serve("log", &log_.store);
  start(policy() + witness_at(site_.url("witness")) + "quorum none\n");
  ASSERT_NE(ready_with(200, ""), "");
  EXPECT_THAT(metrics(), Not(HasSubstr("avouch_monitor_findings_total")));
  site_.show(shown_at(), fork_.grow_to(200).note());
  EXPECT_NE(wait_for([&] { return proofs().empty() ? "" : "one"; }), "");
  EXPECT_THAT(monitor_.log(), HasSubstr("seen_at=\"witness w\""));
}

TEST_F(MonitorProcessTest, ProvesTheSplitViewThatTwoRealWitnessesWereShown) {
  const RealWitness one(dir_, "one", signer_.verifier()), two(dir_, "two", signer_.verifier());
  const auto older = log_.grow_to(200);
  std::string cosigned = older.note() + one.cosign(0, {}, older.note());
  log_.serve(cosigned);
  site_.serve("log", &log_.store);
  start(policy() + one.policy_line() + two.policy_line() + "group g any one two\nquorum g\n",
        "quorumWithin: 1h\n");
  ASSERT_NE(ready_with(200, ""), "");
  const auto newer = log_.grow_to(300);  // served before it is cosigned
  const auto proof = tlog::fetch_consistency(log_.store, older.checkpoint(), newer).value();
  cosigned = newer.note() + one.cosign(200, proof, newer.note());
  log_.serve(cosigned);
  ASSERT_NE(metrics_with(entries(300)), "");
  EXPECT_NE(ready_with(200, ""), "");
  EXPECT_TRUE(proofs().empty());
  const std::string shown_to_two = fork_.grow_to(250).note();
  two.cosign(0, {}, shown_to_two);
  EXPECT_NE(wait_for([&] { return proofs().empty() ? "" : "one"; }), "");
  const auto kept = tlog::parse_misbehaviour(proofs().at(0)).value();
  EXPECT_THAT(kept.older, HasSubstr(shown_to_two));
  EXPECT_THAT(kept.newer, HasSubstr(newer.note()));
  EXPECT_TRUE(tlog::verify_misbehaviour(kept, std::span(&signer_.verifier(), 1), kFollowedOrigin)
                  .has_value());
  EXPECT_THAT(monitor_.log(), HasSubstr("seen_at=\"witness two\""));
}

TEST_F(MonitorProcessTest, IsNotEscapedByShowingAWitnessMore) {
  log_.grow_to(300);
  site_.serve("log", &log_.store);
  site_.show(shown_at(), fork_.grow_to(310).note());
  start(policy() + witness_at(site_.url("witness")) + "quorum none\n", "shownWithin: 1s\n");
  EXPECT_NE(ready_with(503, "held-back: witness w was shown 310 entries"), "");
  EXPECT_TRUE(proofs().empty());
  log_.grow_to(311);
  EXPECT_NE(wait_for([&] { return proofs().empty() ? "" : "one"; }), "");
}

// The log prunes what it has just shown, shows a witness another history of it, and waits.
TEST_F(MonitorProcessTest, NoPruningOfTheLogsOwnExcusesAForkThatAWitnessWasShown) {
  using std::chrono::hours;
  using std::chrono::seconds;
  const auto now = std::chrono::floor<seconds>(std::chrono::system_clock::now());
  const auto cosigned = [&](const tlog::VerifiedCheckpoint& checkpoint, seconds ago) {
    const std::string text = tlog::format_checkpoint(checkpoint.checkpoint()).value();
    const auto at = static_cast<std::uint64_t>((now - ago).time_since_epoch().count());
    return checkpoint.note() + witness_.cosign(text, at).value();
  };
  const std::string old = cosigned(log_.grow_to(100), hours(48));
  log_.grow_to(700);
  log_.enter_pruning(512);
  log_.grow_to(800);
  log_.prune_to(512);
  site_.serve("log", &log_.store);
  site_.show("log/retention", std::string(as_text(log_.disk.objects.at("retention"))));
  site_.show(shown_at(), old);
  start(policy() + witness_at(site_.url("witness")) + "quorum none\n");
  ASSERT_NE(metrics_with(entries(800)), "");
  ASSERT_NE(ready_with(200, ""), "");  // a witness that is days behind
  EXPECT_THAT(monitor_.log(), HasSubstr("too old to be compared"));
  EXPECT_THAT(metrics(), Not(HasSubstr("held-back")));

  const std::string shown = cosigned(fork_.grow_to(400), seconds(0));
  site_.show(shown_at(), shown);
  EXPECT_NE(ready_with(503, "held-back: "), "");
  EXPECT_THAT(monitor_.log(), HasSubstr("witness w was shown a checkpoint of 400 entries"));
  EXPECT_TRUE(found("held-back", 3)) << "at each look";
  const auto kept = monitor_.kept_of(kFollowedOrigin, ".held-back");
  ASSERT_EQ(kept.size(), 1U);
  EXPECT_EQ(read_text(kept[0]), shown);
  // Nor is it forgotten with the process, nor once the witness shows it no more.
  site_.show(shown_at(), old);
  restart();
  EXPECT_NE(ready_with(503, "held-back: 1 checkpoints that others were shown"), "");
  std::filesystem::remove(kept[0]);
  restart();
  EXPECT_NE(ready_with(200, ""), "");
}

// Fast enough for each answer, and with entries for ever.
TEST_F(MonitorProcessTest, ALogThatIsServedSlowlyKeepsNoWitnessFromBeingAsked) {
  site_.show(shown_at(), log_.grow_to(300).note());
  site_.serve("log", &log_.store);
  start(policy() + witness_at(site_.url("witness")) + "quorum none\n", "shownWithin: 1s\n");
  ASSERT_NE(metrics_with(entries(300)), "");
  ASSERT_NE(ready_with(200, ""), "");
  site_.delay("log/tile/entries/", std::chrono::seconds(6));
  log_.grow_to(100'000);
  site_.show(shown_at(), fork_.grow_to(200).note());
  EXPECT_NE(wait_for([&] { return proofs().empty() ? "" : "one"; }), "");
  EXPECT_NE(ready_with(503, " of 100000 entries so far"), "");
  EXPECT_THAT(metrics(), HasSubstr(entries(300) + "\n"));
  // And goes on where it was, to the end.
  site_.delay("", std::chrono::seconds(0));
  EXPECT_NE(metrics_with(entries(100'000)), "");
  EXPECT_THAT(metrics(), Not(HasSubstr("held-back")));
}

TEST_F(MonitorProcessTest, SaysSinceWhenAWitnessShowsNothing) {
  log_.grow_to(300);
  site_.serve("log", &log_.store);
  start(policy() + witness_at(site_.url("witness")) + "quorum none\n");
  ASSERT_NE(ready_with(200, ""), "");  // the log is as it should be all the same
  const std::string age = "avouch_monitor_witness_age_seconds{log=\"" +
                          std::string(kFollowedOrigin) + "\",witness=\"w\"} ";
  EXPECT_NE(metrics_with(age + "3"), "");
  site_.show(shown_at(), log_.grow_to(300).note());
  EXPECT_NE(metrics_with(age + "0"), "");
}

TEST_F(MonitorProcessTest, SaysWhatIsWrongWithItsConfiguration) {
  const auto fails = [&](const std::string& policy, const std::string& why) {
    configure(policy);
    EXPECT_THAT(refusal(), HasSubstr(why));
  };
  const std::string log = "log " + tlog::format_vkey(signer_.verifier());
  fails("quorum none\n", "names no log");
  fails(log + "\nquorum none\n", "has no URL");
  fails("log nonsense\nquorum none\n", "line 1");
  fails(log + " http://192.0.2.1/log\nquorum none\n", "https://");
  configure(policy_at("https://192.0.2.1/log"));
  std::filesystem::remove(dir_ / "authorities");
  EXPECT_THAT(refusal(), HasSubstr("authorities"));
  std::filesystem::remove(dir_ / "policy");
  configure(policy_at("https://192.0.2.1/log"), "shownWithing: 1s\n");
  EXPECT_THAT(refusal(), HasSubstr("shownWithing"));
}

TEST_F(MonitorProcessTest, WaitsForALogThatIsDown) {
  log_.grow_to(10);
  start(policy() + "quorum none\n");
  EXPECT_NE(ready_with(503, "serves no checkpoint"), "");
  EXPECT_THAT(metrics(), HasSubstr("avouch_monitor_failures_total{log=\"log.example/followed\"} "));
  EXPECT_NE(metrics_with("avouch_monitor_good_age_seconds{log=\"log.example/followed\"} 2"), "");
  site_.serve("log", &log_.store);
  EXPECT_NE(metrics_with(entries(10)), "");
  EXPECT_NE(ready_with(200, ""), "");
}

TEST_F(MonitorProcessTest, IsNotReadyWhereNobodyAnswers) {
  start(policy_at("http://127.0.0.1:" + std::to_string(testing::free_port())));
  EXPECT_NE(ready_with(503, "log: "), "");
  EXPECT_NE(wait_for([&] {
              return metrics().find("avouch_monitor_failures_total") == std::string::npos ? ""
                                                                                          : "some";
            }),
            "");
}

TEST_F(MonitorProcessTest, GarbageIsAFindingAndLosesNothing) {
  log_.grow_to(300);
  site_.serve("log", &log_.store);
  start(policy() + "quorum none\n");
  ASSERT_NE(metrics_with(entries(300)), "");
  site_.show("log/checkpoint", std::string("\0\xff garbage \n\n\n", 13));
  EXPECT_NE(ready_with(503, "bad-checkpoint"), "");
  site_.show("log/checkpoint", log_.grow_to(600).note());
  site_.show("log/tile/entries/001", "garbage");
  EXPECT_NE(ready_with(503, "damaged: tile/entries/001"), "");
  EXPECT_THAT(metrics(), HasSubstr(entries(300)));
}

TEST_F(MonitorProcessTest, AnEndlessAnswerIsCutOff) {
  const testing::TlsServer log = misbehaving([](testing::TlsConnection& connection) {
    if (connection.read_request().empty()) return;
    connection.write(testing::chunked_head());
    while (connection.write(testing::chunk(std::string(16 * 1024, 'x')))) {
    }
  });
  start(policy_at(log.url()));
  EXPECT_NE(ready_with(503, "more than 65536 bytes"), "");
}

TEST_F(MonitorProcessTest, EndsAtOnceWhileALogHangs) {
  const testing::TlsServer log = misbehaving([](testing::TlsConnection& connection) {
    connection.read_request();
    connection.await_close();
  });
  start(policy_at(log.url()));
  ASSERT_NE(wait_for([&] { return log.connections() == 0 ? "" : "asked"; }), "");
  EXPECT_EQ(HttpClient(monitor_.health()).send("GET", "/readyz")->status, 503);
  const auto begun = std::chrono::steady_clock::now();
  monitor_.process().stop();
  EXPECT_LT(std::chrono::steady_clock::now() - begun, std::chrono::seconds(15));
}

TEST_F(MonitorProcessTest, ALogThatMovesBackIsNotFollowedBack) {
  const std::string old = log_.grow_to(300).note();
  log_.grow_to(600);
  site_.serve("log", &log_.store);
  start(policy() + "quorum none\n");
  ASSERT_NE(metrics_with(entries(600)), "");
  site_.show("log/checkpoint", old);
  EXPECT_NE(ready_with(503, "shrunk: a checkpoint of 300 entries is served, after one of 600"), "");
  restart();
  EXPECT_NE(ready_with(503, "shrunk: a checkpoint of 300 entries is served, after one of 600"), "");
  EXPECT_TRUE(proofs().empty());
}

TEST_F(MonitorProcessTest, ADamagedPositionIsNotTakenForNone) {
  log_.grow_to(300);
  site_.serve("log", &log_.store);
  start(policy() + "quorum none\n");
  ASSERT_NE(metrics_with(entries(300)), "");
  monitor_.process().stop();
  const std::string position = read_text(folder() + "/position");
  for (const std::string& damaged : {std::string(), position.substr(0, position.size() / 2),
                                     "x" + position, std::string(100'000, 'x')}) {
    write_text(folder() + "/position", damaged);
    EXPECT_THAT(refusal(), HasSubstr("position")) << damaged;
  }
  write_text(folder() + "/position", position);
  restart();
  EXPECT_NE(metrics_with(entries(300)), "");
}

TEST_F(MonitorProcessTest, AFullDiskIsSaidAndPasses) {
  log_.grow_to(300);
  site_.serve("log", &log_.store);
  configure(policy() + "quorum none\n");
  std::filesystem::create_directories(folder());
  std::filesystem::create_symlink("/dev/full", folder() + "/position.new");
  restart();
  EXPECT_NE(ready_with(503, "position: write"), "");
  EXPECT_TRUE(monitor_.process().running());
  std::filesystem::remove(folder() + "/position.new");
  EXPECT_NE(ready_with(200, ""), "");
  EXPECT_THAT(read_text(folder() + "/position"), HasSubstr("\n300\n"));

  // The proof that it will find.
  auto follower = tlog::Follower::start({.origin = kFollowedOrigin,
                                         .keys = {signer_.verifier()},
                                         .policy = {},
                                         .growth_within = {},
                                         .quorum_within = {},
                                         .on_entry = {},
                                         .stop = {}},
                                        std::nullopt, SystemTime{})
                      .value();
  ASSERT_TRUE(follower.step(log_.store, SystemTime{})->advanced);
  fork_.grow_to(500);
  const auto forked = follower.step(fork_.store, SystemTime{}).value();
  ASSERT_EQ(forked.findings.size(), 1U);
  const std::string text = tlog::format_misbehaviour(forked.findings[0].proof.value());
  const std::string name =
      to_hex(ByteView(crypto::sha256(as_bytes(text))).first(8)) + ".misbehaviour";
  std::filesystem::create_symlink("/dev/full", folder() + "/" + name + ".new");
  site_.serve("log", &fork_.store);
  EXPECT_NE(ready_with(503, "the log contradicted itself"), "");
  EXPECT_TRUE(proofs().empty());
  EXPECT_TRUE(monitor_.process().running());
  // A log that hides it again escapes nothing.
  site_.serve("log", &log_.store);
  std::filesystem::remove(folder() + "/" + name + ".new");
  EXPECT_NE(wait_for([&] { return proofs().empty() ? "" : "one"; }), "");
  EXPECT_EQ(read_text(folder() + "/" + name), text);
}

TEST_F(MonitorProcessTest, TwoDoNotShareAState) {
  log_.grow_to(300);
  site_.serve("log", &log_.store);
  start(policy() + "quorum none\n");
  EXPECT_THAT(refusal(), HasSubstr("in use by another process"));
  EXPECT_NE(metrics_with(entries(300)), "");
  monitor_.process().kill();  // the lock goes with the process
  restart();
  EXPECT_NE(metrics_with(entries(300)), "");
}

}  // namespace
}  // namespace avouch
