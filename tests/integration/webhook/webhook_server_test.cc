// The webhook over real TLS, from the client's first byte to the answer: hostile and slow clients,
// what is logged and what is not, deadlines, certificates.

#include <atomic>
#include <thread>

#include "integration/webhook/client.h"
#include "support/eventually.h"

namespace avouch::webhook {
namespace {

TEST_F(WebhookServer, AnswersAnAllowWithItsPlaceInTheLog) {
  start();
  const Json response = response_of(ask(post(binding("good"))));
  EXPECT_TRUE(*response.find("allowed")->as_bool());
  EXPECT_EQ(response.text({"uid"}), "705ab4f5-6393-11e8-b7cc-42010a800002");
  EXPECT_EQ(response.text({"auditAnnotations", "log-index"}), "0");
  EXPECT_EQ(response.text({"auditAnnotations", "log-origin"}), admission::kOrigin);
  // The same review again has the same place.
  EXPECT_EQ(response_of(ask(post(binding("good")))).text({"auditAnnotations", "log-index"}), "0");
  EXPECT_EQ(log_.await_records(1).size(), 1U);
}

TEST_F(WebhookServer, AnswersADenialAtOnceAndLogsItLater) {
  start();
  log_.set(false, true);  // hangs
  const Json response = response_of(ask(post(binding("bad"))));
  EXPECT_FALSE(*response.find("allowed")->as_bool());
  EXPECT_EQ(response.text({"auditAnnotations", "reason"}), "NoVerdict");
  EXPECT_EQ(*response.find_path({"status", "code"})->as_int(), 403);
  log_.set(false, false);
  EXPECT_EQ(log_.await_records(1).size(), 1U);
}

// Whoever may create pods in one namespace fills no log with denials, and keeps no allow out of it.
TEST_F(WebhookServer, RecordsAFloodOfDenialsByItsBudgetAndTellsOfTheRest) {
  start();
  const admission::DenialLimits limits;
  Client client(port());
  const auto denied = [&](const std::string& uid) {
    Json review = binding("bad");
    review["request"]["uid"] = uid;
    return !allowed(client.ask(post(review)));
  };
  const int flood = static_cast<int>(limits.burst) + 300;
  for (int i = 0; i < flood; ++i) ASSERT_TRUE(denied("flood-" + std::to_string(i)));
  Json good = binding("good");
  good["request"]["uid"] = "allow";
  EXPECT_TRUE(allowed(client.ask(post(good))));
  const std::uint64_t left_out = webhook_->denials.left_out();
  EXPECT_GT(left_out, 100U);
  ASSERT_TRUE(webhook_->recorder.flush(webhook_->clock.steady_now() + std::chrono::seconds(10)));
  const std::uint64_t entries = log_.await_records(1).size();
  EXPECT_EQ(entries, static_cast<std::uint64_t>(flood) - left_out + 1);
}

TEST_F(WebhookServer, DoesNotLogDryRunsNorWhatIsNotGated) {
  start();
  Json dry = binding("good");
  dry["request"]["dryRun"] = true;
  const Json response = response_of(ask(post(dry)));
  EXPECT_TRUE(*response.find("allowed")->as_bool());
  EXPECT_EQ(response.find("auditAnnotations"), nullptr);
  dry = binding("bad");
  dry["request"]["dryRun"] = true;
  EXPECT_FALSE(allowed(ask(post(dry))));
  EXPECT_TRUE(allowed(ask(post(binding("bad", "free")))));
  Json real = binding("good");
  real["request"]["uid"] = "the-only-one";
  EXPECT_TRUE(allowed(ask(post(real))));
  EXPECT_EQ(log_.await_records(1), std::vector<std::string>{"the-only-one"});
}

TEST_F(WebhookServer, SpoolsOrDeniesAsThePolicySaysWhileTheLogIsAway) {
  start({}, milliseconds(500));
  log_.set(true, false);
  EXPECT_EQ(response_of(ask(post(binding("good")))).text({"auditAnnotations", "log"}), "spooled");
  EXPECT_EQ(spool_->records(), 1U);
  admission::World strict = present_world();
  strict.add_policy("production", json(R"({"logging":"Strict"})"));
  strict.trust("good", {"production"}, attest::Status::kAffirming,
               std::chrono::floor<std::chrono::seconds>(adapters::SystemClock().now()));
  webhook_->facts.set(strict);
  const Json response = response_of(ask(post(binding("good"))));
  EXPECT_FALSE(*response.find("allowed")->as_bool());
  EXPECT_EQ(response.text({"auditAnnotations", "reason"}), "LogUnavailable");
  EXPECT_EQ(*response.find_path({"status", "code"})->as_int(), 503);
}

TEST_F(WebhookServer, DeniesByItselfBeforeTheApiServerGivesUp) {
  start();
  admission::World strict = present_world();
  strict.add_policy("production", json(R"({"logging":"Strict"})"));
  strict.trust("good", {"production"}, attest::Status::kAffirming,
               std::chrono::floor<std::chrono::seconds>(adapters::SystemClock().now()));
  webhook_->facts.set(strict);
  log_.set(false, true);
  const auto began = steady_clock::now();
  EXPECT_FALSE(allowed(ask(post(binding("good"), "/admit/pods?timeout=1s"))));
  const auto took = steady_clock::now() - began;
  EXPECT_GE(took, milliseconds(700));
  EXPECT_LT(took, milliseconds(1'000));
}

TEST_F(WebhookServer, DeniesWhatHasWaitedTooLongWithoutDeciding) {
  start({}, milliseconds(300));
  Client slow(port());
  const std::string request = post(binding("good"));
  slow.write(request.substr(0, request.size() - 1));
  std::this_thread::sleep_for(milliseconds(400));  // the point: a client this slow
  slow.write(request.substr(request.size() - 1));
  const Json response = response_of(slow.read());
  EXPECT_FALSE(*response.find("allowed")->as_bool());
  EXPECT_EQ(response.text({"auditAnnotations", "reason"}), "Overloaded");
}

TEST_F(WebhookServer, LetsInWhatHasWaitedTooLongOnlyWhereNothingIsEnforced) {
  start({}, milliseconds(300));
  for (const bool enforced : {true, false}) {
    Client slow(port());
    const std::string request =
        post(binding("good", enforced ? "shop" : "free"), "/admit/pods-unenforced");
    slow.write(request.substr(0, request.size() - 1));
    std::this_thread::sleep_for(milliseconds(400));  // the point: a client this slow
    slow.write(request.substr(request.size() - 1));
    const Json response = response_of(slow.read());
    EXPECT_EQ(*response.find("allowed")->as_bool(), !enforced);
    EXPECT_EQ(response.text({"auditAnnotations", "reason"}), "Overloaded");
  }
}

TEST_F(WebhookServer, DeniesWhileItsDataIsOldAndWhenItsOwnCodeThrows) {
  start();
  webhook_->facts.set(present_world(), "what it knows is too old");
  EXPECT_FALSE(allowed(ask(post(binding("good")))));
  EXPECT_FALSE(allowed(ask(post(pod_on("")))));
  EXPECT_TRUE(allowed(ask(post(pod_on("good", "kube-system")))));
  webhook_->facts.set(present_world());
  webhook_->facts.throw_next();
  const Json response = response_of(ask(post(binding("good"))));
  EXPECT_FALSE(*response.find("allowed")->as_bool());
  EXPECT_EQ(*response.find_path({"status", "code"})->as_int(), 500);
  EXPECT_TRUE(allowed(ask(post(binding("good")))));
}

// What failurePolicy Ignore is for: no answer must not stop pods that nobody wants to stop.
TEST_F(WebhookServer, LetsInWhereNothingIsEnforcedWhatItCannotDecideOrRecord) {
  const std::string open = "/admit/pods-unenforced?timeout=3s";
  start({}, milliseconds(500));
  EXPECT_FALSE(allowed(ask(post(binding("bad"), open))));  // it can decide

  admission::World audit = present_world();
  audit.add_policy("production", json(R"({"mode":"Audit"})"));
  webhook_->facts.set(audit, "what it knows is too old");
  const Json undecided = response_of(ask(post(binding("bad"), open)));
  EXPECT_TRUE(*undecided.find("allowed")->as_bool());
  EXPECT_NE(codec::to_json(*undecided.find("warnings")).find("too old"), std::string::npos);
  EXPECT_FALSE(allowed(ask(post(binding("bad")))));

  audit.add_policy("production", json(R"({"mode":"Audit","logging":"Strict"})"));
  webhook_->facts.set(audit);
  log_.set(true, false);
  const Json unrecorded = response_of(ask(post(binding("good"), open)));
  EXPECT_TRUE(*unrecorded.find("allowed")->as_bool());
  EXPECT_EQ(unrecorded.text({"auditAnnotations", "log"}), "none");
  EXPECT_FALSE(allowed(ask(post(binding("good")))));
  const std::string metrics = webhook_->metrics.text();
  EXPECT_NE(metrics.find("reason=\"NotReady\",result=\"allow\",webhook=\"pods-unenforced\""),
            std::string::npos)
      << metrics;
}

// A policy in Enforce may be newer than the webhook configuration, which then still sends its pods
// to where no answer lets them in.
TEST_F(WebhookServer, WaivesNothingWhereAPolicyIsEnforcedWhateverTheConfigurationSays) {
  const std::string open = "/admit/pods-unenforced?timeout=3s";
  start({}, milliseconds(500));
  webhook_->facts.set(present_world(), "what it knows is too old");
  EXPECT_FALSE(allowed(ask(post(binding("good"), open))));
  EXPECT_FALSE(allowed(ask(post(binding("good", "of-no-known-labels"), open))));
  EXPECT_TRUE(allowed(ask(post(binding("good", "free"), open))));
  webhook_->facts.know_policies(false);
  EXPECT_FALSE(allowed(ask(post(binding("good", "free"), open))));
  webhook_->facts.know_policies(true);

  admission::World strict = present_world();
  strict.add_policy("production", json(R"({"logging":"Strict"})"));
  strict.trust("good", {"production"}, attest::Status::kAffirming,
               std::chrono::floor<std::chrono::seconds>(adapters::SystemClock().now()));
  webhook_->facts.set(strict);
  log_.set(true, false);
  const Json unrecorded = response_of(ask(post(binding("good"), open)));
  EXPECT_FALSE(*unrecorded.find("allowed")->as_bool());
  EXPECT_EQ(unrecorded.text({"auditAnnotations", "reason"}), "LogUnavailable");

  webhook_->facts.throw_next();
  EXPECT_FALSE(allowed(ask(post(binding("good"), open))));
}

TEST_F(WebhookServer, RefusesWhatIsNoReviewWithoutAllowingAnything) {
  start();
  const std::string body = codec::to_json(binding("good"));
  EXPECT_EQ(status_of(ask(post(body + "x"))), 400);
  EXPECT_EQ(status_of(ask(post(std::string("{}")))), 400);
  EXPECT_EQ(status_of(ask(post(body, "/admit/everything"))), 413);  // takes no body at all
  EXPECT_EQ(status_of(ask(post(std::string(), "/admit/everything"))), 404);
  EXPECT_EQ(status_of(ask("GET /admit/pods HTTP/1.1\r\nHost: x\r\n\r\n")), 405);
  std::string text = post(body);
  text.replace(text.find("application/json"), 16, "application/yaml");
  EXPECT_EQ(status_of(ask(text)), 415);
  EXPECT_TRUE(allowed(ask(post(binding("good")))));
}

TEST_F(WebhookServer, RefusesTooLargeBodiesFromTheirHeadAndWhileTheyCome) {
  start();
  EXPECT_EQ(status_of(ask("POST /admit/pods HTTP/1.1\r\nHost: x\r\nContent-Type: application/json"
                          "\r\nContent-Length: 20971521\r\n\r\n")),
            413);
  std::string body = codec::to_json(binding("good"));
  body += std::string(admission::kMaxReviewBytes - body.size(), ' ');
  EXPECT_TRUE(allowed(ask(post(body))));
  Client chunked(port());
  chunked.write(
      "POST /admit/pods HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
      "Transfer-Encoding: chunked\r\n\r\n");
  const std::string piece = "100000\r\n" + std::string(0x100000, ' ') + "\r\n";
  for (int i = 0; i < 4 && chunked.write(piece); ++i) {
  }
  EXPECT_EQ(status_of(chunked.read()), 413);
  Client claim(port());
  claim.write(
      "POST /admit/pods HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
      "Transfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n");
  EXPECT_EQ(status_of(claim.read()), 413);
  EXPECT_EQ(webhook_->server->stats().body_bytes, 0U);
}

// A pod that can be stored may be larger as JSON than what is read of it: silence would let it in
// where failurePolicy is Ignore.
TEST_F(WebhookServer, DeniesWhatIsTooLargeToBeReadAndSaysSo) {
  start();
  const std::string begin =
      R"({"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":{"uid":"large-1",)"
      R"("object":{"spec":")";
  const auto of_size = [&](std::size_t bytes) {
    return begin + std::string(bytes - begin.size(), 'x');
  };
  for (const char* path : {"/admit/pods", "/admit/pods-unenforced"}) {
    for (const std::size_t bytes : {admission::kMaxReviewBytes + 1, std::size_t{20'971'520}}) {
      const Json response = response_of(ask(post(of_size(bytes), path)));
      EXPECT_FALSE(*response.find("allowed")->as_bool()) << path;
      EXPECT_EQ(response.text({"uid"}), "large-1");
      EXPECT_EQ(*response.find_path({"status", "code"})->as_int(), 413);
      const std::string message(response.text({"status", "message"}));
      EXPECT_NE(message.find(std::to_string(bytes) + " bytes"), std::string::npos) << message;
      EXPECT_NE(message.find("at most 3145728"), std::string::npos) << message;
    }
    // Without a UID there is nothing to answer.
    EXPECT_EQ(status_of(ask(post(std::string(admission::kMaxReviewBytes + 1, ' '), path))), 413);
  }
  EXPECT_EQ(webhook_->server->stats().body_bytes, 0U);
  EXPECT_TRUE(allowed(ask(post(binding("good")))));
}

TEST_F(WebhookServer, CutsOffSlowHeadersAndHalfSentBodies) {
  adapters::HttpServerOptions options;
  options.header_read = milliseconds(200);
  options.request_read = milliseconds(400);
  start(options);
  Client header(port());
  Client body(port());
  header.write("POST /admit/pods HTTP/1.1\r\nHos");
  body.write(
      "POST /admit/pods HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
      "Content-Length: 100\r\n\r\n{");
  EXPECT_EQ(header.read(), "");
  EXPECT_EQ(body.read(), "");
  EXPECT_TRUE(allowed(ask(post(binding("good")))));
}

TEST_F(WebhookServer, ServesManyConnectionsAndShedsTheIdleOnesBeyondItsLimit) {
  adapters::HttpServerOptions options;
  options.connections = 50;
  start(options);
  std::vector<std::unique_ptr<Client>> idle;
  idle.reserve(50);
  for (int i = 0; i < 50; ++i) idle.push_back(std::make_unique<Client>(port()));
  for (auto& client : idle) EXPECT_TRUE(allowed(client->ask(post(binding("good")))));
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(allowed(ask(post(binding("good")))));
  EXPECT_GE(webhook_->server->stats().shed, 1U);
  EXPECT_LE(webhook_->server->stats().connections, 60U);
}

TEST_F(WebhookServer, TakesANewCertificateWithoutDroppingConnections) {
  start();
  Client before(port());
  EXPECT_TRUE(allowed(before.ask(post(binding("good")))));
  files_.write(authority_);
  ASSERT_TRUE(webhook_->server->reload_tls().has_value());
  Client after(port());
  EXPECT_NE(after.serial(), before.serial());
  EXPECT_TRUE(allowed(after.ask(post(binding("good")))));
  EXPECT_TRUE(allowed(before.ask(post(binding("good")))));
  // Half a rotation keeps what is in use.
  testing::write_text(files_.dir / "tls.key", "not a key");
  EXPECT_FALSE(webhook_->server->reload_tls().has_value());
  Client still(port());
  EXPECT_EQ(still.serial(), after.serial());
  EXPECT_TRUE(allowed(still.ask(post(binding("good")))));
}

TEST_F(WebhookServer, AsksForAClientCertificateOfItsAuthorityWhereThatIsConfigured) {
  const crypto::CertifiedKey clients = make_authority("api server");
  const crypto::CertifiedKey others = make_authority("somebody else");
  const TempDir dir;
  const auto issue = [&dir](const crypto::CertifiedKey& ca, const std::string& name) {
    testing::write_text(dir / (name + ".ca"), ca.certificate_pem);
    testing::write_text(dir / (name + ".cakey"), ca.key_pem);
    testing::write_text(dir / "ext", "extendedKeyUsage=clientAuth\n");
    EXPECT_TRUE(testing::run_command({"openssl", "req", "-newkey", "ec", "-pkeyopt",
                                      "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=" + name,
                                      "-keyout", dir / (name + ".key"), "-out", dir / "csr"})
                    .has_value());
    EXPECT_TRUE(testing::run_command({"openssl", "x509", "-req", "-in", dir / "csr", "-CA",
                                      dir / (name + ".ca"), "-CAkey", dir / (name + ".cakey"),
                                      "-CAcreateserial", "-days", "1", "-extfile", dir / "ext",
                                      "-out", dir / (name + ".crt")})
                    .has_value());
    return Client::Identity{dir / (name + ".crt"), dir / (name + ".key")};
  };
  const auto good = issue(clients, "good");
  const auto foreign = issue(others, "foreign");
  adapters::HttpServerOptions options;
  options.tls = files_.source(dir / "good.ca");
  start(std::move(options));
  Json review = binding("good");
  review["request"]["uid"] = "shown";
  EXPECT_TRUE(allowed(Client(port(), good).ask(post(review))));
  EXPECT_EQ(*log_.payload("shown").find("caller")->as_text(), "authenticated");
  EXPECT_EQ(Client(port()).ask(post(binding("good"))), "");
  EXPECT_EQ(Client(port(), foreign).ask(post(binding("good"))), "");
}

TEST_F(WebhookServer, FinishesWhatIsUnderWayWhenItStops) {
  start();
  log_.set(false, true);
  std::atomic<bool> answered{false};
  std::thread client([&] { answered = allowed(ask(post(binding("good")))); });
  EXPECT_TRUE(testing::eventually([&] { return webhook_->server->stats().requests >= 1; }));
  std::thread stop([&] { webhook_->server->stop(std::chrono::seconds(5)); });
  log_.set(false, false);
  client.join();
  stop.join();
  EXPECT_TRUE(answered);
}

}  // namespace
}  // namespace avouch::webhook
