#pragma once

// A maker of TPMs, for tests: a certificate authority for endorsement keys that also makes
// certificates as they must not be.

#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "base/bytes.h"
#include "base/clock.h"
#include "crypto/keys.h"
#include "crypto/x509.h"
#include "tests/support/tpm_structures.h"

namespace avouch::testing {

struct EkCertificateFields {
  std::string common_name = "tpm";
  SystemTime not_before = SystemTime(std::chrono::hours(24 * 365 * 50));
  std::optional<SystemTime> not_after;              // none: 99991231235959Z, as TPM makers write
  std::string extended_key_usage = "2.23.133.8.1";  // empty: none
  std::string key_usage;                            // empty: what fits the key; "-": none
  bool is_ca = false;
  std::string critical_extension;  // OID of one that nobody knows; empty: none
};

class EkAuthority {
 public:
  explicit EkAuthority(std::string name = "test TPM maker")
      : name_(std::move(name)), key_(crypto::PrivateKey::generate(crypto::KeyType::kEcP256)) {
    EkCertificateFields fields;
    fields.common_name = name_;
    fields.extended_key_usage = "";
    fields.key_usage = "critical,keyCertSign";
    fields.is_ca = true;
    root_ = make(key_.public_key(), fields);
  }

  const Bytes& root_der() const { return root_; }
  crypto::Certificate root() const { return must_value(crypto::Certificate::from_der(root_)); }

  // DER of a certificate for `subject_key`, signed by this authority.
  Bytes issue(const crypto::PublicKey& subject_key, const EkCertificateFields& fields = {}) const {
    return make(subject_key, fields);
  }

 private:
  using X509Ptr = std::unique_ptr<X509, decltype(&X509_free)>;

  static void set_name(X509_NAME* name, const std::string& text) {
    must(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
                                    reinterpret_cast<const unsigned char*>(text.data()),
                                    static_cast<int>(text.size()), -1, 0) == 1,
         "name");
  }

  static void set_time(ASN1_TIME* to, SystemTime time) {
    const auto seconds = std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count();
    must(ASN1_TIME_set(to, static_cast<time_t>(seconds)) != nullptr, "time");
  }

  static void add_extension(X509* certificate, int nid, const std::string& value) {
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
    X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str());
    must(extension != nullptr && X509_add_ext(certificate, extension, -1) == 1, value);
    X509_EXTENSION_free(extension);
  }

  static void add_unknown(X509* certificate, const std::string& oid) {
    ASN1_OBJECT* object = OBJ_txt2obj(oid.c_str(), 1);
    ASN1_OCTET_STRING* data = ASN1_OCTET_STRING_new();
    static constexpr unsigned char kNull[] = {0x05, 0x00};
    ASN1_OCTET_STRING_set(data, kNull, sizeof kNull);
    X509_EXTENSION* extension = X509_EXTENSION_create_by_OBJ(nullptr, object, 1, data);
    must(extension != nullptr && X509_add_ext(certificate, extension, -1) == 1, oid);
    X509_EXTENSION_free(extension);
    ASN1_OCTET_STRING_free(data);
    ASN1_OBJECT_free(object);
  }

  Bytes make(const crypto::PublicKey& subject_key, const EkCertificateFields& fields) const {
    const X509Ptr certificate(X509_new(), &X509_free);
    X509_set_version(certificate.get(), X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), 1 + ++serial_);
    set_name(X509_get_subject_name(certificate.get()), fields.common_name);
    set_name(X509_get_issuer_name(certificate.get()), name_);
    set_time(X509_getm_notBefore(certificate.get()), fields.not_before);
    if (fields.not_after) {
      set_time(X509_getm_notAfter(certificate.get()), *fields.not_after);
    } else {
      must(ASN1_TIME_set_string(X509_getm_notAfter(certificate.get()), "99991231235959Z") == 1,
           "end of time");
    }
    const Bytes spki = subject_key.spki_der();
    const unsigned char* cursor = spki.data();
    const EvpKey key(d2i_PUBKEY(nullptr, &cursor, static_cast<long>(spki.size())), &EVP_PKEY_free);
    must(X509_set_pubkey(certificate.get(), key.get()) == 1, "public key");
    add_extension(certificate.get(), NID_basic_constraints,
                  fields.is_ca ? "critical,CA:TRUE" : "critical,CA:FALSE");
    if (!fields.extended_key_usage.empty()) {
      add_extension(certificate.get(), NID_ext_key_usage, fields.extended_key_usage);
    }
    std::string usage = fields.key_usage;
    if (usage.empty()) {
      usage = is_rsa(subject_key.type()) ? "critical,keyEncipherment" : "critical,keyAgreement";
    }
    if (usage != "-") add_extension(certificate.get(), NID_key_usage, usage);
    if (!fields.critical_extension.empty()) {
      add_unknown(certificate.get(), fields.critical_extension);
    }
    const EvpKey signer = evp_of(key_);
    must(X509_sign(certificate.get(), signer.get(), EVP_sha256()) > 0, "signature");
    unsigned char* der = nullptr;
    const int size = i2d_X509(certificate.get(), &der);
    must(size > 0, "DER");
    Bytes out(der, der + size);
    OPENSSL_free(der);
    return out;
  }

  std::string name_;
  crypto::PrivateKey key_;
  Bytes root_;
  mutable long serial_ = 0;
};

}  // namespace avouch::testing
