// `avouch-log monitor` as a process that says in a log of ours when another log contradicts itself:
// in the log of a controller's own handler, over HTTP, and where nobody takes it.

#include <atomic>

#include "control/remark_handler.h"
#include "integration/log/monitor_process.h"
#include "tlog/entry.h"
#include "tlog/log_policy.h"
#include "tlog/signed_statement.h"
#include "unit/control/entering_scene.h"

namespace avouch {
namespace {

using ::testing::HasSubstr;
using testing::HttpClient;
using testing::kFollowedOrigin;
using testing::must_value;
using ::testing::Not;
using testing::read_text;
using testing::write_text;

// A controller's log, named "log", of which "sender" may say what is wrong.
class LogOfOurs final : public control::EnteringTest, public HttpHandler {
 public:
  explicit LogOfOurs(const std::string& policy)
      : handler_({.log = *log,
                  .entries = entries,
                  .volume = volume,
                  .receipts = receipts,
                  .origin = "log",
                  .pseudonym_key = Bytes(32, 1),
                  .verifier_key = key,
                  .random = crypto::system_random(),
                  .clock = clock,
                  .trusted = must_value(tlog::LogPolicy::parse(policy))},
                 reception, access, lane, notes) {
    testing::must(control::ensure_genesis(*log, entries, "log", Bytes(32, 1), key, "vkey",
                                          crypto::system_random(), clock.now())
                      .has_value(),
                  "genesis");
    must_value(log->publish_now());
    allow("sender", "create", "disputes");
    adapters::HttpServerOptions options;
    options.listen = "127.0.0.1:0";
    http_ = adapters::HttpServer::start(std::move(options), *this).value();
  }
  ~LogOfOurs() override { http_->stop(std::chrono::milliseconds(0)); }

  std::string url() const { return "http://" + http_->address(); }
  void go_away(bool is_away) { is_away_ = is_away; }
  std::uint64_t entry_count() const { return size(); }
  tlog::RecordedRemark dispute_at(std::uint64_t at) const {
    const tlog::StoredEntry stored = must_value(log->get(at));
    const auto statement = must_value(tlog::parse_statement_unverified(stored.entry));
    EXPECT_EQ(statement.kind, "dispute");
    return must_value(tlog::parse_remark(
        tlog::RemarkKind::kDispute,
        must_value(tlog::open_preimage(statement.preimage_digest, stored.preimage)), "log", at));
  }

  Result<BodyPlan> plan(const HttpRequest& head) override { return handler_.plan(head); }
  void handle(HttpRequest request, std::shared_ptr<BodySink> sink, Reply reply) override {
    if (is_away_) return reply(problem(503, "Overloaded", "is away"));
    handler_.handle(std::move(request), std::move(sink), std::move(reply));
  }

 private:
  void TestBody() override {}

  control::RemarkHandler handler_;
  std::atomic<bool> is_away_{false};
  std::unique_ptr<adapters::HttpServer> http_;
};

class MonitorDisputeTest : public testing::MonitorProcessTest {
 protected:
  MonitorDisputeTest() { write_text(dir_ / "token", "senders-token\n"); }

  std::string disputes_to(const std::string& url) const {
    return "disputes: {url: \"" + url + "\", origin: log, tokenFile: " + (dir_ / "token") + "}\n";
  }
  // Has it follow the log to 300 entries, and shows it another one of 500 then.
  void follow_a_fork(const std::string& more) {
    log_.grow_to(300);
    site_.serve("log", &log_.store);
    start(policy() + "quorum none\n", more);
    ASSERT_NE(metrics_with(entries(300)), "");
    fork_.grow_to(500);
    site_.serve("log", &fork_.store);
  }
  // What is kept of where the dispute is; "" while there is nothing.
  std::string disputed() const {
    const auto files = monitor_.kept_of(kFollowedOrigin, ".disputed");
    return files.empty() ? "" : read_text(files.front());
  }
  static std::string pending(int value) {
    return "avouch_monitor_dispute_pending{log=\"" + std::string(kFollowedOrigin) + "\"} " +
           std::to_string(value) + "\n";
  }
  // Of which there are some.
  static std::string failures() {
    return "avouch_monitor_dispute_failures_total{log=\"" + std::string(kFollowedOrigin) + "\"} ";
  }

  LogOfOurs ours_{"log " + tlog::format_vkey(signer_.verifier()) + "\nquorum none\n"};
};

TEST_F(MonitorDisputeTest, SaysOnceInALogOfOursThatAnotherForked) {
  follow_a_fork(disputes_to(ours_.url() + "/"));
  ASSERT_NE(wait_for([&] { return disputed(); }), "");
  EXPECT_EQ(disputed(), "entry 2 of log log\n");
  const tlog::RecordedRemark said = ours_.dispute_at(2);
  EXPECT_EQ(said.by, "sender");
  ASSERT_EQ(said.remark.refs.size(), 1U);
  EXPECT_EQ(said.remark.refs[0].origin, kFollowedOrigin);
  EXPECT_EQ(said.remark.refs[0].index, 499U);
  EXPECT_THAT(said.remark.refs[0].proof, HasSubstr(fork_.grow_to(500).note()));
  ASSERT_EQ(proofs().size(), 1U);
  ASSERT_EQ(said.remark.material.size(), 1U);
  EXPECT_EQ(said.remark.material[0].digest, crypto::sha256(as_bytes(proofs()[0])));
  EXPECT_THAT(metrics(), HasSubstr(pending(0)));

  // Found at each look, also after a restart, and said no more.
  EXPECT_TRUE(found("forked", 3));
  restart();
  EXPECT_TRUE(found("forked", 2));
  EXPECT_EQ(ours_.entry_count(), 3U);
  EXPECT_THAT(metrics(), HasSubstr(pending(0)));
}

TEST_F(MonitorDisputeTest, GoesOnWhileNobodyTakesTheDispute) {
  ours_.go_away(true);
  follow_a_fork(disputes_to(ours_.url()));
  EXPECT_THAT(metrics_with(failures()), HasSubstr(pending(1)));
  EXPECT_THAT(monitor_.log(), HasSubstr("503: is away"));
  EXPECT_TRUE(found("forked", 4));
  EXPECT_NE(ready_with(503, "see the proof in"), "");
  EXPECT_EQ(HttpClient(monitor_.health()).send("GET", "/healthz")->status, 200);
  EXPECT_EQ(proofs().size(), 1U);
  EXPECT_EQ(disputed(), "");
  ours_.go_away(false);
  EXPECT_EQ(wait_for([&] { return disputed(); }), "entry 2 of log log\n");
  EXPECT_NE(metrics_with(pending(0)), "");
}

TEST_F(MonitorDisputeTest, NeedsItsTokenWhenThereIsSomethingToSay) {
  std::filesystem::remove(dir_ / "token");
  follow_a_fork(disputes_to(ours_.url()));
  EXPECT_THAT(monitor_.log(), HasSubstr("no dispute can be sent"));
  EXPECT_NE(metrics_with(failures()), "");
  write_text(dir_ / "token", "nobodys-token\n");
  EXPECT_NE(wait_for([&] {
              const std::string log = monitor_.log();
              return log.find("401: Unauthenticated") == std::string::npos ? "" : "refused";
            }),
            "");
  EXPECT_THAT(monitor_.log(), Not(HasSubstr("nobodys-token")));
  write_text(dir_ / "token", "senders-token\n");
  EXPECT_EQ(wait_for([&] { return disputed(); }), "entry 2 of log log\n");
}

TEST_F(MonitorDisputeTest, SaysNothingUnlessToldTo) {
  follow_a_fork("");
  ASSERT_TRUE(found("forked", 2));
  EXPECT_THAT(metrics(), Not(HasSubstr("avouch_monitor_dispute")));
  // What was found before is said once it is told where; the log has hidden it again by then.
  site_.serve("log", &log_.store);
  start(policy() + "quorum none\n", disputes_to(ours_.url()));
  EXPECT_EQ(wait_for([&] { return disputed(); }), "entry 2 of log log\n");
  const tlog::RecordedRemark said = ours_.dispute_at(2);
  EXPECT_EQ(said.remark.refs.at(0).index, 299U);
  EXPECT_EQ(said.remark.material.at(0).digest, crypto::sha256(as_bytes(proofs().at(0))));
}

TEST_F(MonitorDisputeTest, DisputesContradictionsAlone) {
  const std::string old = log_.grow_to(300).note();
  log_.grow_to(600);
  site_.serve("log", &log_.store);
  start(policy() + "quorum none\n", disputes_to(ours_.url()));
  ASSERT_NE(metrics_with(entries(600)), "");
  site_.show("log/checkpoint", old);
  EXPECT_TRUE(found("shrunk", 2));
  site_.show("log/checkpoint", log_.grow_to(700).note());
  site_.show("log/tile/entries/002.p/188", "garbage");
  EXPECT_TRUE(found("damaged", 2));
  EXPECT_THAT(metrics(), HasSubstr(pending(0)));
  EXPECT_EQ(ours_.entry_count(), 2U);
}

TEST_F(MonitorDisputeTest, EndsAtOnceWhileADisputeHangs) {
  const testing::TlsServer silent = misbehaving([](testing::TlsConnection& connection) {
    connection.read_request();
    connection.await_close();
  });
  follow_a_fork(disputes_to(silent.url()));
  ASSERT_NE(wait_for([&] { return silent.connections() == 0 ? "" : "asked"; }), "");
  EXPECT_NE(ready_with(503, "the log contradicted itself"), "");
  const auto begun = std::chrono::steady_clock::now();
  monitor_.process().stop();
  EXPECT_LT(std::chrono::steady_clock::now() - begun, std::chrono::seconds(15));
}

TEST_F(MonitorDisputeTest, SendsNoTokenOverAnOpenNetwork) {
  configure(policy() + "quorum none\n", disputes_to("http://192.0.2.1"));
  EXPECT_THAT(refusal(), HasSubstr("https://"));
}

}  // namespace
}  // namespace avouch
