#pragma once

// X.509: parsing and path validation for TPM endorsement certificates, and a small certificate
// authority for the release's own TLS.

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/result.h"
#include "crypto/keys.h"

namespace avouch::crypto {

class Certificate {
 public:
  // DER with no trailing bytes; at most 16 KiB.
  static Result<Certificate> from_der(ByteView der);
  // Every certificate of a PEM text, in order; kRejected if there is none or one is unreadable
  // (its number is named). At most 1,000.
  static Result<std::vector<Certificate>> list_from_pem(std::string_view pem);

  Bytes der() const;
  std::string pem() const;
  std::string subject() const;  // RFC 2253 text, for people
  std::string issuer() const;
  SystemTime not_before() const;
  SystemTime not_after() const;  // 99991231235959Z means no end (RFC 5280, 4.1.2.5)
  Result<PublicKey> public_key() const;
  Sha256 fingerprint() const;  // SHA-256 of the DER
  bool is_ca() const;          // basicConstraints cA
  bool has_extended_key_usage(std::string_view oid) const;
  bool has_key_usage(std::string_view name)
      const;  // "keyEncipherment", "keyAgreement", "digitalSignature", "keyCertSign"
  std::vector<std::string> unhandled_critical_extensions()
      const;  // OIDs; subjectAltName counts as handled

  struct Impl;
  explicit Certificate(std::shared_ptr<const Impl> impl);
  const Impl& impl() const { return *impl_; }

 private:
  std::shared_ptr<const Impl> impl_;
};

// A path from `leaf` over `intermediates` to one of `roots` (self-signed certificates of the trust
// bundle; an intermediate that stands in the bundle itself is a trust anchor too), every signature
// checked, every certificate valid at `now`, at most 8 long. Names alone never build a path.
// kRejected says which certificate failed and why. Returns the path, leaf first.
Result<std::vector<Certificate>> verify_chain(const Certificate& leaf,
                                              const std::vector<Certificate>& intermediates,
                                              const std::vector<Certificate>& roots,
                                              SystemTime now);

// The release's own TLS certificates (ECDSA P-256).
struct CertifiedKey {
  std::string certificate_pem;  // leaf first
  std::string key_pem;
};
struct ServingNames {
  std::vector<std::string> dns;  // the first one is the subject's common name
  std::vector<std::string> ip;
};
CertifiedKey make_ca(const std::string& common_name, SystemTime not_before, SystemTime not_after);
Result<CertifiedKey> issue_server_certificate(const CertifiedKey& ca, const ServingNames& names,
                                              SystemTime not_before, SystemTime not_after);

}  // namespace avouch::crypto
