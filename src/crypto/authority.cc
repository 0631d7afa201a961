#include <openssl/x509v3.h>

#include <algorithm>
#include <array>

#include "crypto/certificate_impl.h"
#include "crypto/hash_impl.h"
#include "crypto/key_impl.h"
#include "crypto/random.h"

namespace avouch::crypto {
namespace {

using ExtensionPtr = std::unique_ptr<X509_EXTENSION, OpensslFree<X509_EXTENSION_free>>;
using GeneralNamesPtr = std::unique_ptr<GENERAL_NAMES, OpensslFree<GENERAL_NAMES_free>>;
using GeneralNamePtr = std::unique_ptr<GENERAL_NAME, OpensslFree<GENERAL_NAME_free>>;
using OctetStringPtr = std::unique_ptr<ASN1_OCTET_STRING, OpensslFree<ASN1_OCTET_STRING_free>>;
using Ia5StringPtr = std::unique_ptr<ASN1_IA5STRING, OpensslFree<ASN1_IA5STRING_free>>;

constexpr std::size_t kLongestCommonName = 64;  // RFC 5280, ub-common-name

void set_serial(X509* x509) {
  Bytes serial = random_bytes(system_random(), 16);
  serial[0] = static_cast<std::uint8_t>((serial[0] & 0x3f) | 0x40);  // positive, never short
  const BignumPtr number(BN_bin2bn(serial.data(), static_cast<int>(serial.size()), nullptr));
  ensure(number && BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(x509)) != nullptr,
         "BN_to_ASN1_INTEGER");
}

void set_validity(X509* x509, SystemTime not_before, SystemTime not_after) {
  const auto seconds = [](SystemTime time) {
    return std::chrono::system_clock::to_time_t(std::chrono::floor<std::chrono::seconds>(time));
  };
  ensure(ASN1_TIME_set(X509_getm_notBefore(x509), seconds(not_before)) != nullptr &&
             ASN1_TIME_set(X509_getm_notAfter(x509), seconds(not_after)) != nullptr,
         "ASN1_TIME_set");
}

void set_common_name(X509* x509, std::string name) {
  if (name.size() > kLongestCommonName) name.resize(kLongestCommonName);
  for (char& c : name) {
    if (c < 0x20 || c > 0x7e) c = '?';
  }
  ensure(X509_NAME_add_entry_by_txt(X509_get_subject_name(x509), "CN", MBSTRING_UTF8,
                                    reinterpret_cast<const unsigned char*>(name.data()),
                                    static_cast<int>(name.size()), -1, 0) == 1,
         "X509_NAME_add_entry_by_txt");
}

// `value` is one of our own constants, never input: this is OpenSSL's configuration language.
void add_extension(X509* x509, X509* issuer, int nid, const char* value) {
  X509V3_CTX context{};
  X509V3_set_ctx(&context, issuer, x509, nullptr, nullptr, 0);
  const ExtensionPtr extension(X509V3_EXT_conf_nid(nullptr, &context, nid, value));
  ensure(extension && X509_add_ext(x509, extension.get(), -1) == 1, "X509V3_EXT_conf_nid");
}

X509Ptr new_certificate(const PrivateKey& key, SystemTime not_before, SystemTime not_after) {
  X509Ptr x509(X509_new());
  ensure(x509 && X509_set_version(x509.get(), X509_VERSION_3) == 1 &&
             X509_set_pubkey(x509.get(), key.impl().key.get()) == 1,
         "X509_new");
  set_serial(x509.get());
  set_validity(x509.get(), not_before, not_after);
  return x509;
}

std::string sign_to_pem(X509* x509, const PrivateKey& key) {
  ensure(X509_sign(x509, key.impl().key.get(), digest_method(HashAlgorithm::kSha256)) > 0,
         "X509_sign");
  unsigned char* encoded = nullptr;
  const int size = i2d_X509(x509, &encoded);
  ensure(size > 0, "i2d_X509");
  auto made = Certificate::from_der({encoded, static_cast<std::size_t>(size)});
  OPENSSL_free(encoded);
  ensure(made.has_value(), "the reading of a certificate just made");
  return made->pem();
}

bool is_dns_name(std::string_view name) {
  if (name.empty() || name.size() > 253 || name.front() == '.' || name.back() == '.') return false;
  return name.find("..") == std::string_view::npos &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '-' || c == '.' || c == '_' || c == '*';
         });
}

void push_name(GENERAL_NAMES* names, int type, ASN1_STRING* value) {
  GeneralNamePtr name(GENERAL_NAME_new());
  ensure(name != nullptr, "GENERAL_NAME_new");
  GENERAL_NAME_set0_value(name.get(), type, value);
  ensure(sk_GENERAL_NAME_push(names, name.get()) > 0, "sk_GENERAL_NAME_push");
  static_cast<void>(name.release());  // the list owns it now
}

Result<GeneralNamesPtr> alternative_names(const ServingNames& names) {
  if (names.dns.empty()) return rejected("a serving certificate needs at least one DNS name");
  GeneralNamesPtr out(GENERAL_NAMES_new());
  ensure(out != nullptr, "GENERAL_NAMES_new");
  for (const std::string& dns : names.dns) {
    if (!is_dns_name(dns)) return rejected("\"" + dns.substr(0, 80) + "\" is not a DNS name");
    Ia5StringPtr text(ASN1_IA5STRING_new());
    ensure(text && ASN1_STRING_set(text.get(), dns.data(), static_cast<int>(dns.size())) == 1,
           "ASN1_STRING_set");
    push_name(out.get(), GEN_DNS, text.release());
  }
  for (const std::string& ip : names.ip) {
    OctetStringPtr address(a2i_IPADDRESS(ip.c_str()));
    ERR_clear_error();
    if (address == nullptr) {
      return rejected("\"" + ip.substr(0, 80) + "\" is not an IPv4 or IPv6 address");
    }
    push_name(out.get(), GEN_IPADD, address.release());
  }
  return out;
}

struct Authority {
  Certificate certificate;
  PrivateKey key;
};

Result<Authority> read_authority(const CertifiedKey& ca) {
  AVOUCH_TRY(std::vector<Certificate> certificates, Certificate::list_from_pem(ca.certificate_pem));
  AVOUCH_TRY(PrivateKey key, PrivateKey::from_pem(ca.key_pem));
  const Certificate& certificate = certificates.front();
  if (!certificate.is_ca() || !certificate.has_key_usage("keyCertSign")) {
    return rejected("certificate " + display_name(certificate) + " is not an authority");
  }
  AVOUCH_TRY(const PublicKey certified, certificate.public_key());
  if (!(certified == key.public_key())) {
    return rejected("certificate " + display_name(certificate) + " belongs to another key");
  }
  return Authority{certificate, std::move(key)};
}

}  // namespace

CertifiedKey make_ca(const std::string& common_name, SystemTime not_before, SystemTime not_after) {
  const PrivateKey key = PrivateKey::generate(KeyType::kEcP256);
  const X509Ptr x509 = new_certificate(key, not_before, not_after);
  set_common_name(x509.get(), common_name);
  ensure(X509_set_issuer_name(x509.get(), X509_get_subject_name(x509.get())) == 1,
         "X509_set_issuer_name");
  add_extension(x509.get(), x509.get(), NID_basic_constraints, "critical,CA:TRUE,pathlen:0");
  add_extension(x509.get(), x509.get(), NID_key_usage, "critical,keyCertSign,cRLSign");
  add_extension(x509.get(), x509.get(), NID_subject_key_identifier, "hash");
  return {sign_to_pem(x509.get(), key), key.pem()};
}

Result<CertifiedKey> issue_server_certificate(const CertifiedKey& ca, const ServingNames& names,
                                              SystemTime not_before, SystemTime not_after) {
  AVOUCH_TRY(const Authority authority, read_authority(ca));
  if (not_after > authority.certificate.not_after() || not_before >= not_after) {
    return rejected("the validity asked for is empty or ends after that of its authority");
  }
  AVOUCH_TRY(const GeneralNamesPtr alternatives, alternative_names(names));
  X509* issuer = authority.certificate.impl().x509.get();
  const PrivateKey key = PrivateKey::generate(KeyType::kEcP256);
  const X509Ptr x509 = new_certificate(key, not_before, not_after);
  const bool has_common_name = names.dns.front().size() <= kLongestCommonName;
  if (has_common_name) set_common_name(x509.get(), names.dns.front());
  ensure(X509_set_issuer_name(x509.get(), X509_get_subject_name(issuer)) == 1 &&
             X509_add1_ext_i2d(x509.get(), NID_subject_alt_name, alternatives.get(),
                               has_common_name ? 0 : 1, X509V3_ADD_DEFAULT) == 1,
         "X509_add1_ext_i2d");
  add_extension(x509.get(), issuer, NID_basic_constraints, "critical,CA:FALSE");
  add_extension(x509.get(), issuer, NID_key_usage, "critical,digitalSignature");
  add_extension(x509.get(), issuer, NID_ext_key_usage, "serverAuth");
  add_extension(x509.get(), issuer, NID_subject_key_identifier, "hash");
  add_extension(x509.get(), issuer, NID_authority_key_identifier, "keyid:always");
  return CertifiedKey{sign_to_pem(x509.get(), authority.key) + authority.certificate.pem(),
                      key.pem()};
}

}  // namespace avouch::crypto
