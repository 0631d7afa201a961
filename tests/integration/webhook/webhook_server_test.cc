// The webhook over real TLS, from the client's first byte to the answer: hostile and slow clients,
// what is logged and what is not, deadlines, certificates.

#include <gtest/gtest.h>

#include <atomic>
#include <boost/asio.hpp>
#include <boost/asio/ssl.hpp>
#include <thread>

#include "adapters/spool_files.h"
#include "integration/webhook/serving.h"

namespace avouch::webhook {
namespace {

namespace asio = boost::asio;
using admission::binding;
using admission::Json;
using admission::json;
using admission::pod_on;
using asio::ip::tcp;
using std::chrono::milliseconds;
using std::chrono::steady_clock;
using testing::TempDir;

// A log in memory that recognises repeated ids; it can hang or fail.
class MemoryLog final : public admission::LogEndpoint {
 public:
  Result<std::vector<std::uint64_t>> append(
      std::span<const admission::LogRecord> records) override {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return !hangs_ || cancelled_; });
    if (down_ || cancelled_) return retryable("no route to the log");
    std::vector<std::uint64_t> indices;
    for (const auto& record : records) {
      auto at = std::find(ids_.begin(), ids_.end(), record.id);
      if (at == ids_.end()) at = ids_.insert(ids_.end(), record.id);
      indices.push_back(static_cast<std::uint64_t>(at - ids_.begin()));
    }
    changed_.notify_all();
    return indices;
  }
  void cancel() override {
    const std::lock_guard lock(mutex_);
    cancelled_ = true;
    changed_.notify_all();
  }
  void set(bool down, bool hangs) {
    const std::lock_guard lock(mutex_);
    down_ = down;
    hangs_ = hangs;
    changed_.notify_all();
  }
  std::vector<std::string> await_records(std::size_t count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return ids_.size() >= count; });
    return ids_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool down_ = false, hangs_ = false, cancelled_ = false;
  std::vector<std::string> ids_;
};

// One connection. Every call ends within the socket's time-out.
class Client {
 public:
  struct Identity {
    std::string certificate_file, key_file;
  };
  explicit Client(std::uint16_t port, const Identity& identity = {})
      : context_(asio::ssl::context::tls_client), stream_(io_, context_) {
    if (!identity.certificate_file.empty()) {
      context_.use_certificate_chain_file(identity.certificate_file);
      context_.use_private_key_file(identity.key_file, asio::ssl::context::pem);
      // The stream's SSL object was made before.
      SSL_use_certificate_file(stream_.native_handle(), identity.certificate_file.c_str(),
                               SSL_FILETYPE_PEM);
      SSL_use_PrivateKey_file(stream_.native_handle(), identity.key_file.c_str(), SSL_FILETYPE_PEM);
    }
    stream_.lowest_layer().connect({asio::ip::make_address("127.0.0.1"), port});
    const timeval limit{20, 0};
    ::setsockopt(stream_.lowest_layer().native_handle(), SOL_SOCKET, SO_RCVTIMEO, &limit,
                 sizeof limit);
    stream_.handshake(asio::ssl::stream_base::client, failed_);
  }

  bool write(const std::string& bytes) {
    asio::write(stream_, asio::buffer(bytes), failed_);
    return !failed_;
  }
  // Head and body; "" where the server closed instead.
  std::string read() {
    std::string text;
    const std::size_t head =
        asio::read_until(stream_, asio::dynamic_buffer(text), "\r\n\r\n", failed_);
    if (failed_) return text;
    const std::size_t at = text.find("Content-Length: ");
    const std::size_t whole = head + (at > head ? 0 : std::stoul(text.substr(at + 16)));
    while (text.size() < whole && !failed_) {
      asio::read(stream_, asio::dynamic_buffer(text), asio::transfer_exactly(whole - text.size()),
                 failed_);
    }
    return text;
  }
  std::string ask(const std::string& request) {
    write(request);
    return read();
  }
  bool failed() const { return static_cast<bool>(failed_); }
  std::string serial() {
    X509* peer = SSL_get1_peer_certificate(stream_.native_handle());
    BIGNUM* number = ASN1_INTEGER_to_BN(X509_get0_serialNumber(peer), nullptr);
    char* text = BN_bn2hex(number);
    std::string out = text;
    OPENSSL_free(text);
    BN_free(number);
    X509_free(peer);
    return out;
  }

 private:
  asio::io_context io_;
  asio::ssl::context context_;
  asio::ssl::stream<tcp::socket> stream_;
  boost::system::error_code failed_;
};

std::string post(const std::string& body, const std::string& target = "/admit/pods?timeout=3s") {
  return "POST " + target +
         " HTTP/1.1\r\nHost: webhook.test\r\nContent-Type: application/json\r\n"
         "Content-Length: " +
         std::to_string(body.size()) + "\r\n\r\n" + body;
}
std::string post(const Json& review, const std::string& target = "/admit/pods?timeout=3s") {
  return post(codec::to_json(review), target);
}

int status_of(const std::string& answer) {
  return answer.size() < 12 ? 0 : std::stoi(answer.substr(9, 3));
}
Json response_of(const std::string& answer) {
  EXPECT_EQ(status_of(answer), 200) << answer;
  return *json(answer.substr(answer.find("\r\n\r\n") + 4)).find("response");
}
bool allowed(const std::string& answer) { return *response_of(answer).find("allowed")->as_bool(); }

class WebhookServer : public ::testing::Test {
 protected:
  void start(adapters::HttpServerOptions options = {},
             milliseconds deadline = milliseconds(2'500)) {
    spool_ = adapters::open_spool_files({.directory = dir_ / "spool"}).value().spool;
    if (!options.tls) options.tls = files_.source();
    webhook_ = std::make_unique<ServingWebhook>(log_, *spool_, std::move(options), deadline);
    webhook_->facts.set(present_world());
  }
  std::uint16_t port() const { return webhook_->server->port(); }
  std::string ask(const std::string& request) const { return Client(port()).ask(request); }

  TempDir dir_;
  crypto::CertifiedKey authority_ = make_authority("webhook test");
  ServingFiles files_{authority_};
  MemoryLog log_;
  std::unique_ptr<admission::Spool> spool_;
  std::unique_ptr<ServingWebhook> webhook_;
};

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

  webhook_->facts.set(present_world(), "what it knows is too old");
  const Json undecided = response_of(ask(post(binding("bad"), open)));
  EXPECT_TRUE(*undecided.find("allowed")->as_bool());
  EXPECT_NE(codec::to_json(*undecided.find("warnings")).find("too old"), std::string::npos);
  EXPECT_FALSE(allowed(ask(post(binding("bad")))));

  admission::World strict = present_world();
  strict.add_policy("production", json(R"({"logging":"Strict"})"));
  strict.trust("good", {"production"}, attest::Status::kAffirming,
               std::chrono::floor<std::chrono::seconds>(adapters::SystemClock().now()));
  webhook_->facts.set(strict);
  log_.set(true, false);
  const Json unrecorded = response_of(ask(post(binding("good"), open)));
  EXPECT_TRUE(*unrecorded.find("allowed")->as_bool());
  EXPECT_EQ(unrecorded.text({"auditAnnotations", "log"}), "none");
  EXPECT_FALSE(allowed(ask(post(binding("good")))));

  webhook_->facts.throw_next();
  EXPECT_EQ(status_of(ask(post(binding("good"), open))), 500);
  const std::string metrics = webhook_->metrics.text();
  EXPECT_NE(metrics.find("reason=\"NotReady\",result=\"allow\",webhook=\"pods-unenforced\""),
            std::string::npos)
      << metrics;
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
                          "\r\nContent-Length: 3145729\r\n\r\n")),
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
  EXPECT_EQ(webhook_->server->stats().body_bytes, 0U);
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
  EXPECT_TRUE(allowed(Client(port(), good).ask(post(binding("good")))));
  EXPECT_EQ(Client(port()).ask(post(binding("good"))), "");
  EXPECT_EQ(Client(port(), foreign).ask(post(binding("good"))), "");
}

TEST_F(WebhookServer, FinishesWhatIsUnderWayWhenItStops) {
  start();
  log_.set(false, true);
  std::atomic<bool> answered{false};
  std::thread client([&] { answered = allowed(ask(post(binding("good")))); });
  while (webhook_->server->stats().requests < 1) std::this_thread::yield();
  std::thread stop([&] { webhook_->server->stop(std::chrono::seconds(5)); });
  log_.set(false, false);
  client.join();
  stop.join();
  EXPECT_TRUE(answered);
}

}  // namespace
}  // namespace avouch::webhook
