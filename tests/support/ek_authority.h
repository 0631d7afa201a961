#pragma once

// A maker of TPMs, for tests: a certificate authority for endorsement keys that also makes
// certificates as they must not be.

#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

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
  bool has_basic_constraints = true;
  std::string critical_extension;  // OID of one that nobody knows; empty: none

  // Attributes of the subject alternative name's directory name: OID and value. Empty: no name.
  std::vector<std::pair<std::string, std::string>> tpm_attributes = made_by("id:53544D20");
  int attribute_type = MBSTRING_UTF8;  // or V_ASN1_PRINTABLESTRING and the like
  bool one_rdn = false;                // all attributes in one set
  bool name_is_critical = true;
  unsigned times_named = 1;  // how often the extension stands in the certificate
  bool oaep_only = false;    // an RSA key marked for RSAES-OAEP (RFC 4055)
  bool long_length = false;  // a length in a longer form than DER allows
  bool broken_name = false;  // the extension's content is no list of names

  static std::vector<std::pair<std::string, std::string>> made_by(
      const std::string& manufacturer, const std::string& model = "ST33") {
    return {{"2.23.133.2.1", manufacturer}, {"2.23.133.2.2", model}, {"2.23.133.2.3", "id:0001"}};
  }
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
    fields.tpm_attributes.clear();
    root_ = make(key_.public_key(), fields);
  }

  // An authority whose certificate is by this one.
  EkAuthority subordinate(const std::string& name, const std::string& usage = "") const {
    EkAuthority out(name);
    EkCertificateFields fields;
    fields.common_name = name;
    fields.extended_key_usage = usage;
    fields.key_usage = "critical,keyCertSign";
    fields.is_ca = true;
    fields.tpm_attributes.clear();
    out.root_ = make(out.key_.public_key(), fields);
    return out;
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

  static void add_alternative_name(X509* certificate, const EkCertificateFields& fields) {
    GENERAL_NAMES* names = GENERAL_NAMES_new();
    GENERAL_NAME* directory = GENERAL_NAME_new();
    X509_NAME* name = X509_NAME_new();
    for (const auto& [oid, value] : fields.tpm_attributes) {
      const bool joins = fields.one_rdn && X509_NAME_entry_count(name) > 0;
      must(X509_NAME_add_entry_by_txt(name, oid.c_str(), fields.attribute_type,
                                      reinterpret_cast<const unsigned char*>(value.data()),
                                      static_cast<int>(value.size()), -1, joins ? -1 : 0) == 1,
           oid);
    }
    directory->type = GEN_DIRNAME;
    directory->d.directoryName = name;
    sk_GENERAL_NAME_push(names, directory);
    for (unsigned i = 0; i < fields.times_named; ++i) {
      must(X509_add1_ext_i2d(certificate, NID_subject_alt_name, names,
                             fields.name_is_critical ? 1 : 0, X509V3_ADD_APPEND) == 1,
           "alternative name");
    }
    GENERAL_NAMES_free(names);
  }

  static void mark_for_oaep(X509_PUBKEY* key) {
    const unsigned char* bits = nullptr;
    int size = 0;
    must(X509_PUBKEY_get0_param(nullptr, &bits, &size, nullptr, key) == 1, "key bits");
    auto* copy = static_cast<unsigned char*>(OPENSSL_memdup(bits, static_cast<std::size_t>(size)));
    must(X509_PUBKEY_set0_param(key, OBJ_nid2obj(NID_rsaesOaep), V_ASN1_UNDEF, nullptr, copy,
                                size) == 1,
         "key algorithm");
  }

  static void add_broken_name(X509* certificate) {
    ASN1_OCTET_STRING* data = ASN1_OCTET_STRING_new();
    static constexpr unsigned char kInteger[] = {0x02, 0x01, 0x00};
    ASN1_OCTET_STRING_set(data, kInteger, sizeof kInteger);
    X509_EXTENSION* extension =
        X509_EXTENSION_create_by_NID(nullptr, NID_subject_alt_name, 0, data);
    must(extension != nullptr && X509_add_ext(certificate, extension, -1) == 1, "broken name");
    X509_EXTENSION_free(extension);
    ASN1_OCTET_STRING_free(data);
  }

  static void append_length(Bytes& out, std::size_t length) {
    append_u8(out, 0x82);
    append_be16(out, static_cast<std::uint16_t>(length));
  }

  // The same certificate, but that its signed part begins with a length of three bytes: BER.
  Bytes with_long_length(X509* certificate) const {
    unsigned char* raw = nullptr;
    const int size = i2d_re_X509_tbs(certificate, &raw);
    must(size > 260 && raw[0] == 0x30 && raw[1] == 0x82, "a length of two bytes");
    Bytes signed_part = {0x30, 0x83, 0x00};
    append(signed_part, ByteView(raw + 2, static_cast<std::size_t>(size) - 2));
    OPENSSL_free(raw);
    const Bytes signature = must_value(crypto::ecdsa_signature_to_der(
        crypto::KeyType::kEcP256,
        must_value(key_.sign(crypto::SignatureScheme::kEcdsa, crypto::HashAlgorithm::kSha256,
                             signed_part))));
    Bytes body = signed_part;
    append(body, Bytes{0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02});
    append(body, Bytes{0x03, static_cast<std::uint8_t>(signature.size() + 1), 0x00});
    append(body, signature);
    Bytes out = {0x30};
    append_length(out, body.size());
    append(out, body);
    return out;
  }

  Bytes make(const crypto::PublicKey& subject_key, const EkCertificateFields& fields) const {
    const X509Ptr certificate(X509_new(), &X509_free);
    X509_set_version(certificate.get(), X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), 1 + ++serial_);
    if (!fields.common_name.empty()) {
      set_name(X509_get_subject_name(certificate.get()), fields.common_name);
    }
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
    if (fields.oaep_only) mark_for_oaep(X509_get_X509_PUBKEY(certificate.get()));
    if (fields.has_basic_constraints) {
      add_extension(certificate.get(), NID_basic_constraints,
                    fields.is_ca ? "critical,CA:TRUE" : "critical,CA:FALSE");
    }
    if (!fields.tpm_attributes.empty()) add_alternative_name(certificate.get(), fields);
    if (fields.broken_name) add_broken_name(certificate.get());
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
    if (fields.long_length) return with_long_length(certificate.get());
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
