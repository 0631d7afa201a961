#include "adapters/rest_disputes.h"

#include <gmock/gmock.h>

#include "adapters/system_clock.h"
#include "codec/cbor.h"
#include "crypto/x509.h"
#include "support/process.h"
#include "support/tls_server.h"

namespace avouch::adapters {
namespace {

using codec::Cbor;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;
using testing::TlsConnection;
using testing::TlsServer;

class RestDisputesTest : public ::testing::Test {
 protected:
  RestDisputesTest() { testing::write_text(dir_ / "token", "the-token\n"); }

  // What becomes of a dispute that is answered so.
  Result<std::uint64_t> take(int status, const std::string& body) {
    const SystemTime now = SystemClock().now();
    const crypto::CertifiedKey ca =
        crypto::make_ca("ca", now - std::chrono::hours(1), now + std::chrono::hours(24));
    const auto issued = crypto::issue_server_certificate(
        ca, {.dns = {"server.test"}, .ip = {"127.0.0.1"}}, now - std::chrono::minutes(1),
        now + std::chrono::hours(1));
    const TlsServer server({.certificate_pem = issued.value().certificate_pem,
                            .key_pem = issued.value().key_pem,
                            .client_ca_pem = {}},
                           [&](TlsConnection& connection) {
                             asked_ = connection.read_request();
                             connection.write(testing::http_answer(status, body));
                             connection.await_close();
                           });
    const auto opened = open_rest_disputes({.url = server.url() + "/prefix/",
                                            .origin = "log.example/ours",
                                            .ca_pem = ca.certificate_pem,
                                            .token_file = dir_ / "token"});
    EXPECT_EQ((*opened)->origin(), "log.example/ours");
    return (*opened)->take(dispute_);
  }
  void expect_failure(int status, const std::string& body, ErrorKind kind) {
    const auto index = take(status, body);
    ASSERT_FALSE(index.has_value());
    EXPECT_EQ(index.error().kind, kind) << index.error().message;
    EXPECT_THAT(index.error().message, HasSubstr(": " + std::to_string(status) + ": "));
  }

  const testing::TempDir dir_;
  std::string asked_;
  const tlog::RemarkRequest dispute_{
      "an-id", {.kind = tlog::RemarkKind::kDispute, .refs = {{"log", 1, {}, ""}}, .text = "wrong"}};
};

TEST_F(RestDisputesTest, SendsTheDisputeAndReadsItsIndex) {
  const Bytes answer = codec::to_cbor(Cbor::map({{Cbor::text("index"), Cbor::integer(12)},
                                                 {Cbor::text("statement"), Cbor::bytes(Bytes(1))},
                                                 {Cbor::text("receipt"), Cbor::bytes(Bytes(1))}}));
  const auto index = take(201, std::string(as_text(answer)));
  ASSERT_TRUE(index.has_value()) << index.error().message;
  EXPECT_EQ(*index, 12U);
  EXPECT_THAT(
      asked_,
      AllOf(StartsWith("POST /prefix/v1/log/disputes HTTP/1.1\r\n"),
            HasSubstr("\r\nAvouch-Token:the-token\r\n"),
            HasSubstr("\r\nContent-Type:application/cbor\r\n"),
            HasSubstr("\r\n\r\n" + std::string(as_text(tlog::format_remark_request(dispute_))))));
}

TEST_F(RestDisputesTest, TellsWhatMayPassFromWhatIsRefused) {
  for (const int status : {400, 401, 403, 404, 413}) {
    expect_failure(status, R"({"detail":"no"})", ErrorKind::kRejected);
  }
  for (const int status : {429, 500, 503}) expect_failure(status, "", ErrorKind::kRetryable);
  // It may have been entered: the same is sent again.
  expect_failure(201, "garbage", ErrorKind::kRetryable);
}

TEST_F(RestDisputesTest, RefusesWhatItCannotReachSafely) {
  for (const char* url : {"", "http://log.example", "https://a:b@log.example", "log.example"}) {
    EXPECT_FALSE(open_rest_disputes({.url = url, .origin = "o", .ca_pem = "", .token_file = "/t"})
                     .has_value())
        << url;
  }
}

}  // namespace
}  // namespace avouch::adapters
