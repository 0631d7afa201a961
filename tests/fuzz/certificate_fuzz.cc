// Certificates and public keys: readers of hostile input end, a key has one encoding, and nothing
// leads to an authority that has signed nothing.

#include <cstdint>
#include <cstdlib>

#include "crypto/x509.h"
#include "fuzz/fuzz_target.h"

namespace avouch::fuzzing::certificate_target {
namespace {

namespace crypto = avouch::crypto;

constexpr avouch::SystemTime kNow{std::chrono::hours(500'000)};  // in 2027

const std::vector<crypto::Certificate>& strangers() {
  static const auto made =
      crypto::Certificate::list_from_pem(
          crypto::make_ca("root", kNow - std::chrono::hours(1), kNow + std::chrono::hours(1))
              .certificate_pem)
          .value();
  return made;
}

void require(bool holds) {
  if (!holds) std::abort();
}

void check_key(const avouch::Result<crypto::PublicKey>& key) {
  if (!key.has_value()) return require(key.error().kind == avouch::ErrorKind::kRejected);
  const auto again = crypto::PublicKey::from_spki_der(key->spki_der());
  require(again.has_value() && *again == *key);
  require(crypto::PublicKey::from_pem(key->pem()).value() == *key);
}

void check_certificate(const crypto::Certificate& certificate) {
  check_key(certificate.public_key());
  (void)certificate.subject();
  (void)certificate.issuer();
  (void)certificate.is_ca();
  (void)certificate.has_oaep_only_key();
  (void)certificate.has_extended_key_usage("2.23.133.8.1");
  (void)certificate.has_key_usage("keyCertSign");
  (void)certificate.unhandled_critical_extensions();
  (void)certificate.has_basic_constraints();
  (void)certificate.has_subject();
  (void)certificate.is_der();
  const auto name = certificate.subject_alternative_name();
  require(name.has_value() ? !*name || (*name)->attributes.size() <= 32
                           : name.error().kind == avouch::ErrorKind::kRejected);
  require(crypto::Certificate::list_from_pem(certificate.pem()).value().front().der() ==
          certificate.der());
  require(!crypto::verify_chain(certificate, {certificate}, strangers(), kNow).has_value());
  (void)crypto::verify_chain(certificate, {}, {certificate}, kNow);
}

}  // namespace

AVOUCH_FUZZ_TARGET("certificate_fuzz") {
  const avouch::ByteView input(data, size);
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto key = crypto::PublicKey::from_spki_der(input);
  check_key(key);
  if (key.has_value()) require(avouch::equal(key->spki_der(), input));
  check_key(crypto::PublicKey::from_pem(text));
  const auto certificate = crypto::Certificate::from_der(input);
  if (certificate.has_value()) {
    require(avouch::equal(certificate->der(), input));
    check_certificate(*certificate);
  }
  const auto list = crypto::Certificate::list_from_pem(text);
  if (list.has_value()) {
    for (const crypto::Certificate& one : *list) check_certificate(one);
  }
  return 0;
}

}  // namespace avouch::fuzzing::certificate_target
