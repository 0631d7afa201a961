#include "adapters/rest_witness.h"

#include <gtest/gtest.h>

#include <atomic>
#include <boost/asio.hpp>
#include <thread>

#include "adapters/system_clock.h"
#include "base/hex.h"
#include "crypto/hash.h"
#include "crypto/x509.h"
#include "support/plain_tree.h"
#include "support/process.h"
#include "support/tls_server.h"
#include "support/witness_peer.h"

namespace avouch::adapters {
namespace {

using namespace std::chrono_literals;
using testing::http_answer;
using testing::TlsConnection;
using testing::TlsServer;
using testing::WitnessPeer;

constexpr const char* kOrigin = "log.example/one";

crypto::CertifiedKey make_witness_ca() {
  const SystemTime now = SystemClock().now();
  return crypto::make_ca("ca", now - 1h, now + 24h);
}

class RestWitnessTest : public ::testing::Test {
 protected:
  RestWitnessTest() {
    for (int i = 0; i < 40; ++i) tree_.push_entry(to_bytes("entry " + std::to_string(i)));
  }
  tlog::VerifiedCheckpoint checkpoint(std::uint64_t size) const {
    const std::string text = tlog::format_checkpoint({kOrigin, size, tree_.root(size), {}}).value();
    const std::string note = tlog::sign_note(text, std::span(&log_, 1)).value();
    return tlog::verify_checkpoint(note, std::span(&log_.verifier(), 1), kOrigin).value();
  }
  void serve(TlsServer::Serve what) {
    const SystemTime now = SystemClock().now();
    const auto issued = crypto::issue_server_certificate(
        ca_, {.dns = {"server.test"}, .ip = {"127.0.0.1"}}, now - 1min, now + 1h);
    server_ = std::make_unique<TlsServer>(
        testing::TlsServerOptions{.certificate_pem = issued.value().certificate_pem,
                                  .key_pem = issued.value().key_pem,
                                  .client_ca_pem = {}},
        std::move(what));
  }
  // A witness server: what the peer says, below PREFIX.
  void serve_peer(const std::string& prefix) {
    serve([this, prefix](TlsConnection& connection) {
      for (std::string request = connection.read_request(); !request.empty();
           request = connection.read_request()) {
        if (!connection.write(answer(prefix, request))) return;
      }
    });
  }
  std::string answer(const std::string& prefix, const std::string& request) {
    const std::string body = request.substr(request.find("\r\n\r\n") + 4);
    const std::string monitored =
        "GET " + prefix + "/" + to_hex(crypto::sha256(as_bytes(kOrigin))) + "/checkpoint ";
    tlog::WitnessReply reply{404, "text/plain", "no such path\n"};
    if (request.starts_with("POST " + prefix + "/add-checkpoint ")) {
      reply = peer_.add_checkpoint(body);
    } else if (request.starts_with(monitored)) {
      reply = peer_.checkpoint(to_hex(crypto::sha256(as_bytes(kOrigin))));
    }
    return http_answer(reply.status, reply.body,
                       "Content-Type: " + reply.content_type + "; charset=utf-8\r\n");
  }
  std::unique_ptr<tlog::WitnessExchange> open(const std::string& prefix = "",
                                              std::chrono::milliseconds timeout = 20s) const {
    return open_rest_witness(
               {.url = server_->url() + prefix, .ca_pem = ca_.certificate_pem, .timeout = timeout})
        .value();
  }

  static inline const crypto::CertifiedKey ca_ = make_witness_ca();
  tlog::NoteSigner log_ =
      tlog::NoteSigner::make(kOrigin, crypto::PrivateKey::generate(crypto::KeyType::kEd25519))
          .value();
  testing::PlainTree tree_;
  WitnessPeer peer_{"witness.example", kOrigin, log_.verifier(), SystemClock().now()};
  std::unique_ptr<TlsServer> server_;
  std::stop_source stop_;
};

TEST_F(RestWitnessTest, GetsCosignaturesFromAWitnessServer) {
  for (const std::string prefix : {"", "/a/prefix"}) {
    serve_peer(prefix);
    for (const char* slash : {"", "/"}) {
      const auto exchange = open(prefix + slash);
      tlog::WitnessProgress progress(peer_.key());
      for (const std::uint64_t size : {20U, 33U}) {
        tlog::WitnessOutcome outcome;
        for (int i = 0; i < 2 && outcome.kind != tlog::WitnessOutcome::Kind::kCosigned; ++i) {
          const auto body = progress.request(checkpoint(size), tree_.source()).value();
          const auto reply = exchange->add_checkpoint(body, stop_.get_token());
          ASSERT_TRUE(reply.has_value()) << reply.error().message;
          outcome = progress.take(checkpoint(size), *reply, 40);
          if (outcome.kind == tlog::WitnessOutcome::Kind::kLater) break;
        }
        EXPECT_NE(outcome.kind, tlog::WitnessOutcome::Kind::kRefused) << outcome.why;
      }
      EXPECT_EQ(progress.size(), 33U);
    }
    const auto shown =
        open(prefix)->checkpoint(to_hex(crypto::sha256(as_bytes(kOrigin))), stop_.get_token());
    ASSERT_TRUE(shown.has_value());
    EXPECT_EQ(shown->status, 200);
    EXPECT_EQ(tlog::verify_checkpoint(shown->body, std::span(&log_.verifier(), 1), kOrigin)->size(),
              33U);
  }
}

TEST_F(RestWitnessTest, BelievesNoServerByAnotherAuthority) {
  serve_peer("");
  const auto exchange = open_rest_witness(
      {.url = server_->url(), .ca_pem = make_witness_ca().certificate_pem, .timeout = 20s});
  const auto reply = exchange.value()->add_checkpoint("old 0\n", stop_.get_token());
  ASSERT_FALSE(reply.has_value());
  EXPECT_EQ(reply.error().kind, ErrorKind::kRetryable);
  EXPECT_EQ(peer_.questions(), 0);
}

TEST_F(RestWitnessTest, EndsInTimeWhateverTheServerDoes) {
  serve([](TlsConnection& connection) {
    connection.read_request();
    connection.await_close();  // says nothing
  });
  const auto silent = open("", 200ms)->add_checkpoint("old 0\n", stop_.get_token());
  ASSERT_FALSE(silent.has_value());
  EXPECT_EQ(silent.error().kind, ErrorKind::kRetryable);

  serve([](TlsConnection& connection) {
    connection.read_request();
    connection.write(http_answer(200, std::string(100'000, 'x')));
    connection.await_close();
  });
  const auto large = open()->add_checkpoint("old 0\n", stop_.get_token());
  ASSERT_FALSE(large.has_value());
  EXPECT_EQ(large.error().kind, ErrorKind::kRetryable);
  EXPECT_NE(large.error().message.find("65536"), std::string::npos) << large.error().message;

  serve([](TlsConnection&) {});
  EXPECT_FALSE(open()->add_checkpoint("old 0\n", stop_.get_token()).has_value());
  EXPECT_FALSE(open()->checkpoint("00", stop_.get_token()).has_value());
}

TEST_F(RestWitnessTest, ReachesAPlainServerOnTheLoopbackAloneAndFollowsNobody) {
  namespace asio = boost::asio;
  asio::io_context context;
  asio::ip::tcp::acceptor acceptor(context, {asio::ip::make_address("127.0.0.1"), 0});
  std::thread server([&] {
    asio::ip::tcp::iostream stream;
    acceptor.accept(stream.socket());
    std::string line;
    while (std::getline(stream, line) && line != "\r") {
    }
    stream << http_answer(302, "elsewhere", "Location: https://elsewhere.example/\r\n")
           << std::flush;
  });
  const std::string url = "http://127.0.0.1:" + std::to_string(acceptor.local_endpoint().port());
  const auto exchange = open_rest_witness({.url = url, .ca_pem = ""}).value();
  const auto reply = exchange->checkpoint("00", stop_.get_token());
  server.join();
  ASSERT_TRUE(reply.has_value()) << reply.error().message;
  EXPECT_EQ(reply->status, 302);
}

TEST_F(RestWitnessTest, RefusesWhatItCannotReachSafely) {
  const auto refused = [](const std::string& url, const std::string& ca) {
    const auto opened = open_rest_witness({.url = url, .ca_pem = ca});
    return !opened.has_value() && opened.error().kind == ErrorKind::kRejected;
  };
  const std::string& ca = ca_.certificate_pem;
  for (const char* url : {"", "https://", "http://witness.example/", "http://192.0.2.1/",
                          "http://127.0.0.1.example/", "ftp://127.0.0.1/", "https://a:b@w.example/",
                          "https://w.example/?x", "https://w.example:x/"}) {
    EXPECT_TRUE(refused(url, ca)) << url;
  }
  EXPECT_TRUE(refused("https://w.example/", ""));
  EXPECT_TRUE(refused("https://w.example/", "no certificate"));
  EXPECT_FALSE(refused("https://w.example/p/", ca));
}

TEST_F(RestWitnessTest, NamesTheFileOfAuthoritiesThatIsNotThere) {
  const testing::TempDir dir;
  const auto missing = witness_authorities(dir / "none.crt");
  ASSERT_FALSE(missing.has_value());
  EXPECT_EQ(missing.error().kind, ErrorKind::kRejected);
  EXPECT_NE(missing.error().message.find("none.crt"), std::string::npos);
  testing::write_text(dir / "some.crt", ca_.certificate_pem);
  EXPECT_EQ(witness_authorities(dir / "some.crt").value(), ca_.certificate_pem);
}

}  // namespace
}  // namespace avouch::adapters
