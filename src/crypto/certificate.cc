#include <openssl/objects.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>

#include "base/hex.h"
#include "crypto/certificate_impl.h"
#include "crypto/pem.h"
#include "crypto/spki.h"

namespace avouch::crypto {
namespace {

constexpr std::size_t kMaxDer = 16 * 1024;
constexpr std::size_t kMaxInBundle = 1000;

using ExtendedKeyUsagePtr =
    std::unique_ptr<EXTENDED_KEY_USAGE, OpensslFree<EXTENDED_KEY_USAGE_free>>;

Result<SystemTime> to_time(const ASN1_TIME* time, const char* what) {
  std::tm parts{};
  if (time == nullptr || ASN1_TIME_to_tm(time, &parts) != 1) {
    ERR_clear_error();
    return rejected("certificate: " + std::string(what) + " is not a time");
  }
  const std::chrono::year_month_day date{
      std::chrono::year(parts.tm_year + 1900),
      std::chrono::month(static_cast<unsigned>(parts.tm_mon + 1)),
      std::chrono::day(static_cast<unsigned>(parts.tm_mday))};
  return SystemTime(std::chrono::sys_days(date) + std::chrono::hours(parts.tm_hour) +
                    std::chrono::minutes(parts.tm_min) + std::chrono::seconds(parts.tm_sec));
}

std::string name_text(const X509_NAME* name) {
  const BioPtr bio(BIO_new(BIO_s_mem()));
  ensure(bio != nullptr && X509_NAME_print_ex(bio.get(), name, 0, XN_FLAG_RFC2253) >= 0,
         "X509_NAME_print_ex");
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &data);
  return {data, static_cast<std::size_t>(size)};
}

}  // namespace

std::string oid_text(const ASN1_OBJECT* object) {
  std::array<char, 128> text{};
  const int size = OBJ_obj2txt(text.data(), static_cast<int>(text.size()), object, 1);
  if (size <= 0) return "an unreadable OID";
  return {text.data(), std::min(static_cast<std::size_t>(size), text.size() - 1)};
}

namespace {

struct RawKey {
  const X509_PUBKEY* whole;
  const ASN1_OBJECT* algorithm;
  ByteView bits;
};

RawKey raw_key(const X509* x509) {
  X509_PUBKEY* key = X509_get_X509_PUBKEY(x509);
  ASN1_OBJECT* algorithm = nullptr;
  const unsigned char* bits = nullptr;
  int size = 0;
  ensure(X509_PUBKEY_get0_param(&algorithm, &bits, &size, nullptr, key) == 1,
         "X509_PUBKEY_get0_param");
  return {key, algorithm, {bits, static_cast<std::size_t>(size)}};
}

constexpr std::string_view kBase64 =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/= \t\r\n";

// What a text is in which there is no PEM, and what makes PEM of it; "" where it is nothing known.
// A certificate's DER is a sequence whose length takes more than one byte: 30 8X, in base64 MI.
std::string instead_of_pem(std::string_view text) {
  if (text.find("-----BEGIN") != std::string_view::npos) return "";
  if (text.size() > 2 && text[0] == '\x30' && (static_cast<unsigned char>(text[1]) & 0x80U) != 0) {
    return "in DER, which is binary; expected PEM, which is text: convert it, openssl x509 "
           "-inform DER -in FILE -out FILE.pem";
  }
  const std::size_t start = text.find_first_not_of(" \t\r\n");
  if (start != std::string_view::npos && text.substr(start).starts_with("MI") &&
      text.find_first_not_of(kBase64) == std::string_view::npos) {
    return "base64 without the lines around it; expected PEM, from \"-----BEGIN CERTIFICATE-----\" "
           "to \"-----END CERTIFICATE-----\": add them, or convert it, base64 -d FILE | "
           "openssl x509 -inform DER -out FILE.pem";
  }
  return "";
}

}  // namespace

Certificate::Certificate(std::shared_ptr<const Impl> impl) : impl_(std::move(impl)) {}

Result<Certificate> Certificate::from_der(ByteView der) {
  if (der.size() > kMaxDer) {
    return rejected("certificate of " + std::to_string(der.size()) + " bytes, at most " +
                    std::to_string(kMaxDer) + " are accepted");
  }
  const unsigned char* at = der.data();
  ERR_clear_error();
  X509Ptr x509(d2i_X509(nullptr, &at, static_cast<long>(der.size())));
  if (x509 == nullptr) return rejected("certificate is not readable: " + take_openssl_reason());
  const auto used = static_cast<std::size_t>(at - der.data());
  if (used != der.size()) {
    return rejected("certificate has " + std::to_string(der.size() - used) +
                    " trailing bytes after its " + std::to_string(used));
  }
  X509_check_purpose(x509.get(), -1, 0);  // fills the caches; what it finds is asked for later
  ERR_clear_error();
  AVOUCH_TRY(const SystemTime not_before, to_time(X509_get0_notBefore(x509.get()), "notBefore"));
  AVOUCH_TRY(const SystemTime not_after, to_time(X509_get0_notAfter(x509.get()), "notAfter"));
  return Certificate(std::make_shared<const Impl>(
      Impl{std::move(x509), Bytes(der.begin(), der.end()), sha256(der), not_before, not_after}));
}

Result<std::vector<Certificate>> Certificate::list_from_pem(std::string_view pem) {
  if (const std::string found = instead_of_pem(pem); !found.empty()) {
    return rejected("certificates: " + found);
  }
  AVOUCH_TRY(const std::vector<PemBlock> blocks, read_pem(pem, kMaxInBundle, "certificates"));
  std::vector<Certificate> out;
  out.reserve(blocks.size());
  for (const PemBlock& block : blocks) {
    const std::string where = "PEM block " + std::to_string(out.size() + 1);
    if (block.label != "CERTIFICATE") {
      return rejected(where + ": found \"BEGIN " + block.label.substr(0, 40) +
                      "\", expected \"BEGIN CERTIFICATE\"");
    }
    auto certificate = from_der(block.der);
    if (!certificate.has_value()) return with_context(std::move(certificate).error(), where);
    out.push_back(std::move(certificate).value());
  }
  return out;
}

Bytes Certificate::der() const { return impl_->der; }
std::string Certificate::pem() const { return write_pem("CERTIFICATE", impl_->der); }
std::string Certificate::subject() const {
  return name_text(X509_get_subject_name(impl_->x509.get()));
}
std::string Certificate::issuer() const {
  return name_text(X509_get_issuer_name(impl_->x509.get()));
}
SystemTime Certificate::not_before() const { return impl_->not_before; }
SystemTime Certificate::not_after() const { return impl_->not_after; }
Sha256 Certificate::fingerprint() const { return impl_->fingerprint; }

Result<PublicKey> Certificate::public_key() const {
  const RawKey key = raw_key(impl_->x509.get());
  if (OBJ_obj2nid(key.algorithm) == NID_rsaesOaep) {
    return PublicKey::from_spki_der(rsa_spki_of_pkcs1(key.bits));
  }
  unsigned char* encoded = nullptr;
  const int length = i2d_X509_PUBKEY(key.whole, &encoded);
  ensure(length > 0, "i2d_X509_PUBKEY");
  auto parsed = PublicKey::from_spki_der({encoded, static_cast<std::size_t>(length)});
  OPENSSL_free(encoded);
  return parsed;
}

bool Certificate::has_oaep_only_key() const {
  return OBJ_obj2nid(raw_key(impl_->x509.get()).algorithm) == NID_rsaesOaep;
}

Bytes Certificate::subject_key_identifier() const {
  const ASN1_OCTET_STRING* value = X509_get0_subject_key_id(impl_->x509.get());
  if (value == nullptr) return {};
  const unsigned char* data = ASN1_STRING_get0_data(value);
  return {data, data + ASN1_STRING_length(value)};
}

bool Certificate::is_ca() const {
  return (X509_get_extension_flags(impl_->x509.get()) & EXFLAG_CA) != 0;
}

bool Certificate::has_basic_constraints() const {
  return (X509_get_extension_flags(impl_->x509.get()) & EXFLAG_BCONS) != 0;
}

bool Certificate::has_subject() const {
  return X509_NAME_entry_count(X509_get_subject_name(impl_->x509.get())) > 0;
}

// OpenSSL reads BER too, and writes DER once it is told to forget the bytes that it read.
bool Certificate::is_der() const {
  const X509Ptr copy(X509_dup(impl_->x509.get()));
  ensure(copy != nullptr, "X509_dup");
  unsigned char* encoded = nullptr;
  int size = i2d_re_X509_tbs(copy.get(), &encoded);
  OPENSSL_free(encoded);
  encoded = nullptr;
  if (size > 0) size = i2d_X509(copy.get(), &encoded);
  ERR_clear_error();
  const bool same =
      size > 0 && equal(ByteView(encoded, static_cast<std::size_t>(size)), impl_->der);
  OPENSSL_free(encoded);
  return same;
}

bool Certificate::has_extended_key_usage(std::string_view oid) const {
  const ExtendedKeyUsagePtr usages(static_cast<EXTENDED_KEY_USAGE*>(
      X509_get_ext_d2i(impl_->x509.get(), NID_ext_key_usage, nullptr, nullptr)));
  ERR_clear_error();
  if (usages == nullptr) return false;
  for (int i = 0; i < sk_ASN1_OBJECT_num(usages.get()); ++i) {
    if (oid_text(sk_ASN1_OBJECT_value(usages.get(), i)) == oid) return true;
  }
  return false;
}

bool Certificate::has_key_usage(std::string_view name) const {
  struct Usage {
    std::string_view name;
    std::uint32_t bit;
  };
  constexpr std::array kUsages = {
      Usage{"digitalSignature", KU_DIGITAL_SIGNATURE},
      Usage{"keyEncipherment", KU_KEY_ENCIPHERMENT}, Usage{"keyAgreement", KU_KEY_AGREEMENT},
      Usage{"keyCertSign", KU_KEY_CERT_SIGN}, Usage{"cRLSign", KU_CRL_SIGN}};
  if ((X509_get_extension_flags(impl_->x509.get()) & EXFLAG_KUSAGE) == 0) return false;
  const std::uint32_t present = X509_get_key_usage(impl_->x509.get());
  return std::any_of(kUsages.begin(), kUsages.end(), [&](const Usage& usage) {
    return usage.name == name && (present & usage.bit) != 0;
  });
}

std::vector<std::string> Certificate::unhandled_critical_extensions() const {
  // Policies restrict nothing where any policy is accepted (RFC 5280, 6.1.1).
  constexpr std::array kHandled = {NID_basic_constraints, NID_key_usage, NID_ext_key_usage,
                                   NID_subject_alt_name, NID_certificate_policies};
  std::vector<std::string> out;
  for (int i = 0; i < X509_get_ext_count(impl_->x509.get()); ++i) {
    X509_EXTENSION* extension = X509_get_ext(impl_->x509.get(), i);
    const ASN1_OBJECT* object = X509_EXTENSION_get_object(extension);
    if (X509_EXTENSION_get_critical(extension) != 1) continue;
    if (std::find(kHandled.begin(), kHandled.end(), OBJ_obj2nid(object)) == kHandled.end()) {
      out.push_back(oid_text(object));
    }
  }
  return out;
}

std::string display_name(const Certificate& certificate) {
  const std::string subject = certificate.subject();
  if (subject.empty()) {
    return "without subject (SHA-256 " + to_hex(ByteView(certificate.impl().fingerprint).first(8)) +
           "...)";
  }
  return "\"" + subject.substr(0, 200) + "\"";
}

}  // namespace avouch::crypto
