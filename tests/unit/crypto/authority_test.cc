#include <gtest/gtest.h>

#include "base/time_text.h"
#include "crypto/x509.h"
#include "tests/unit/crypto/vectors.h"

namespace avouch::crypto {
namespace {

const SystemTime kFrom = from_rfc3339("2026-01-01T00:00:00Z").value();
const SystemTime kNow = from_rfc3339("2026-06-01T00:00:00Z").value();
const SystemTime kUntil = from_rfc3339("2036-01-01T00:00:00Z").value();

std::vector<Certificate> certificates(const CertifiedKey& key) {
  return Certificate::list_from_pem(key.certificate_pem).value();
}

TEST(Authority, CertifiesServersWhoseChainHolds) {
  const CertifiedKey ca = make_ca("avouch webhook CA", kFrom, kUntil);
  const auto server = issue_server_certificate(
      ca, {{"avouch-webhook.avouch.svc", "localhost"}, {"127.0.0.1", "::1"}}, kFrom, kUntil);
  ASSERT_TRUE(server.has_value()) << server.error().message;
  const auto chain = certificates(*server);
  ASSERT_EQ(chain.size(), 2U);
  EXPECT_EQ(chain[1].der(), certificates(ca)[0].der());
  const auto path = verify_chain(chain[0], {}, certificates(ca), kNow);
  ASSERT_TRUE(path.has_value()) << path.error().message;
  EXPECT_EQ(chain[0].subject(), "CN=avouch-webhook.avouch.svc");
  EXPECT_EQ(chain[0].issuer(), "CN=avouch webhook CA");
  EXPECT_EQ(chain[0].not_before(), kFrom);
  EXPECT_EQ(chain[0].not_after(), kUntil);
  EXPECT_TRUE(chain[0].has_extended_key_usage("1.3.6.1.5.5.7.3.1"));
  EXPECT_TRUE(chain[0].has_key_usage("digitalSignature"));
  EXPECT_FALSE(chain[0].is_ca());
  EXPECT_TRUE(*chain[0].public_key() == PrivateKey::from_pem(server->key_pem)->public_key());
}

TEST(Authority, PutsEveryNameIntoTheCertificate) {
  const CertifiedKey ca = make_ca("ca", kFrom, kUntil);
  const auto server =
      issue_server_certificate(ca, {{"a.example", "*.b.example"}, {"10.1.2.3"}}, kFrom, kUntil);
  const Bytes der = certificates(*server)[0].der();
  // GeneralName: [2] dNSName, [7] iPAddress.
  const std::string expected = std::string("\x82\x09") + "a.example" + "\x82\x0b" + "*.b.example" +
                               "\x87\x04\x0a\x01\x02\x03";
  EXPECT_NE(as_text(der).find(expected), std::string_view::npos);
}

TEST(Authority, IsOneForLeavesOnly) {
  const CertifiedKey ca = make_ca("ca", kFrom, kUntil);
  const Certificate certificate = certificates(ca)[0];
  EXPECT_TRUE(certificate.is_ca());
  EXPECT_TRUE(certificate.has_key_usage("keyCertSign"));
  EXPECT_EQ(certificate.public_key()->type(), KeyType::kEcP256);
  EXPECT_TRUE(certificate.unhandled_critical_extensions().empty());
  // basicConstraints: cA TRUE, pathLenConstraint 0.
  EXPECT_NE(as_text(certificate.der()).find("\x30\x06\x01\x01\xff\x02\x01"),
            std::string_view::npos);
}

TEST(Authority, NeverGivesTwoCertificatesTheSameSerialOrKey) {
  const CertifiedKey ca = make_ca("ca", kFrom, kUntil);
  const ServingNames names = {{"a.example"}, {}};
  const auto one = issue_server_certificate(ca, names, kFrom, kUntil);
  const auto two = issue_server_certificate(ca, names, kFrom, kUntil);
  EXPECT_NE(one->key_pem, two->key_pem);
  // Version [0] 2 takes 5 bytes behind the two headers of 4; then 02 10 and the serial number.
  const auto serial = [](const CertifiedKey& key) {
    const Bytes der = certificates(key)[0].der();
    EXPECT_EQ(to_hex(ByteView(der).subspan(13, 2)), "0210");
    return to_hex(ByteView(der).subspan(15, 16));
  };
  EXPECT_NE(serial(*one), serial(*two));
}

TEST(Authority, LeavesOutACommonNameThatIsTooLong) {
  const CertifiedKey ca = make_ca(std::string(100, 'x') + "\n", kFrom, kUntil);
  EXPECT_EQ(certificates(ca)[0].subject(), "CN=" + std::string(64, 'x'));
  const std::string longest(64, 'a');
  const std::string longer = std::string(60, 'a') + ".example";
  const auto short_name = issue_server_certificate(ca, {{longest}, {}}, kFrom, kUntil);
  EXPECT_EQ(certificates(*short_name)[0].subject(), "CN=" + longest);
  const auto long_name = issue_server_certificate(ca, {{longer}, {}}, kFrom, kUntil);
  EXPECT_EQ(certificates(*long_name)[0].subject(), "");
  EXPECT_TRUE(verify_chain(certificates(*long_name)[0], {}, certificates(ca), kNow).has_value());
}

TEST(Authority, RefusesWhatItShouldNotCertify) {
  const CertifiedKey ca = make_ca("ca", kFrom, kUntil);
  const CertifiedKey other = make_ca("ca", kFrom, kUntil);
  const auto server = issue_server_certificate(ca, {{"a.example"}, {}}, kFrom, kUntil);
  const SystemTime later = kUntil + std::chrono::seconds(1);
  struct Case {
    const char* name;
    CertifiedKey ca;
    ServingNames names;
    SystemTime from, until;
    std::string expected;
  };
  const Case cases[] = {
      {"no name", ca, {{}, {"127.0.0.1"}}, kFrom, kUntil, "at least one DNS name"},
      {"empty name", ca, {{""}, {}}, kFrom, kUntil, "not a DNS name"},
      {"two names in one", ca, {{"a.example,DNS:b.example"}, {}}, kFrom, kUntil, "not a DNS name"},
      {"NUL in a name", ca, {{std::string("a\0b", 3)}, {}}, kFrom, kUntil, "not a DNS name"},
      {"empty label", ca, {{"a..b"}, {}}, kFrom, kUntil, "not a DNS name"},
      {"long name", ca, {{std::string(254, 'a')}, {}}, kFrom, kUntil, "not a DNS name"},
      {"bad address", ca, {{"a"}, {"127.0.0.256"}}, kFrom, kUntil, "not an IPv4 or IPv6"},
      {"longer than the authority", ca, {{"a"}, {}}, kFrom, later, "ends after"},
      {"no time at all", ca, {{"a"}, {}}, kFrom, kFrom, "empty"},
      {"not an authority", *server, {{"a"}, {}}, kFrom, kUntil, "is not an authority"},
      {"another's key",
       {ca.certificate_pem, other.key_pem},
       {{"a"}, {}},
       kFrom,
       kUntil,
       "another key"},
      {"no certificate", {"", ca.key_pem}, {{"a"}, {}}, kFrom, kUntil, "no PEM block"},
      {"no key", {ca.certificate_pem, ""}, {{"a"}, {}}, kFrom, kUntil, "private key"},
  };
  for (const Case& one : cases) {
    const auto made = issue_server_certificate(one.ca, one.names, one.from, one.until);
    ASSERT_FALSE(made.has_value()) << one.name;
    EXPECT_EQ(made.error().kind, ErrorKind::kRejected);
    EXPECT_NE(made.error().message.find(one.expected), std::string::npos)
        << one.name << ": " << made.error().message;
  }
}

}  // namespace
}  // namespace avouch::crypto
