#include <gmock/gmock.h>

#include "adapters/http_server.h"
#include "adapters/system_clock.h"
#include "crypto/x509.h"
#include "observe/health.h"
#include "observe/metrics.h"
#include "support/process.h"

namespace avouch::adapters {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

class TlsFiles : public ::testing::Test {
 protected:
  TlsFiles() {
    const SystemTime now = SystemClock().now();
    const auto authority =
        crypto::make_ca("ca", now - std::chrono::hours(1), now + std::chrono::hours(24));
    const auto issued = crypto::issue_server_certificate(authority, {.dns = {"a.test"}, .ip = {}},
                                                         now - std::chrono::minutes(1),
                                                         now + std::chrono::hours(1));
    testing::write_text(dir_ / "tls.crt", issued.value().certificate_pem);
    testing::write_text(dir_ / "tls.key", issued.value().key_pem);
    authority_ = authority.certificate_pem;
  }

  Result<std::unique_ptr<HttpServer>> start() {
    HttpServerOptions options;
    options.listen = "127.0.0.1:0";
    options.tls = tls_from_files(dir_ / "tls.crt", dir_ / "tls.key", dir_ / "ca.crt",
                                 "key ca.crt of Secret a/b (value c)");
    return HttpServer::start(options, handler_);
  }

  testing::TempDir dir_;
  std::string authority_;
  observe::Metrics metrics_;
  observe::HealthHandler handler_{metrics_};
};

TEST_F(TlsFiles, NameWhatTheClientsAuthorityComesFromWhereItIsMissing) {
  const auto missing = start();
  ASSERT_FALSE(missing.has_value());
  EXPECT_THAT(missing.error().message,
              AllOf(HasSubstr("ca.crt: cannot be read"),
                    HasSubstr("it comes from key ca.crt of Secret a/b (value c)")));
  testing::write_text(dir_ / "ca.crt", "");
  EXPECT_THAT(start().error().message, HasSubstr("Secret a/b"));
}

TEST_F(TlsFiles, AreRefusedWhereNoAuthorityIsInThem) {
  for (const std::string& text :
       {std::string("no certificate\n"),
        std::string("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")}) {
    testing::write_text(dir_ / "ca.crt", text);
    const auto server = start();
    ASSERT_FALSE(server.has_value()) << text;
    EXPECT_THAT(server.error().message,
                AllOf(HasSubstr("authorities of clients in "), HasSubstr("Secret a/b")));
  }
}

TEST_F(TlsFiles, ServeOnceTheAuthorityIsThere) {
  testing::write_text(dir_ / "ca.crt", authority_);
  const auto server = start();
  ASSERT_TRUE(server.has_value()) << server.error().message;
}

}  // namespace
}  // namespace avouch::adapters
