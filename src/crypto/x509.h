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

// subjectAltName, as far as it gives directory names (RFC 5280, 4.2.1.6); other names are left out.
struct NameAttribute {
  std::string oid;  // "2.23.133.2.1"
  std::string
      value;  // UTF-8, as it was written; empty where it is no text or longer than 256 bytes
};
struct AlternativeName {
  bool critical = false;
  std::vector<NameAttribute> attributes;  // of every directory name, in order
};

// Immutable and thread-safe; copies share the certificate. Nothing here is verified but in
// verify_chain.
class Certificate {
 public:
  // DER with no trailing bytes; at most 16 KiB.
  static Result<Certificate> from_der(ByteView der);
  // Every certificate of a PEM text, in order; kRejected if there is none or one is unreadable
  // (its number is named). At most 1,000. Of DER, and of base64 that lost the lines around it, the
  // error says so, and how to convert it.
  static Result<std::vector<Certificate>> list_from_pem(std::string_view pem);

  Bytes der() const;
  std::string pem() const;
  std::string subject() const;  // RFC 2253 text, for people
  std::string issuer() const;
  SystemTime not_before() const;
  SystemTime not_after() const;  // 99991231235959Z means no end (RFC 5280, 4.1.2.5)
  // By the rules of PublicKey. An RSA key marked for OAEP only (id-RSAES-OAEP, RFC 4055), as some
  // TPM makers certify their endorsement keys, is given as a plain RSA key.
  Result<PublicKey> public_key() const;
  bool has_oaep_only_key() const;
  Sha256 fingerprint() const;  // SHA-256 of the DER
  // The subjectKeyIdentifier extension's value; empty without it.
  Bytes subject_key_identifier() const;
  bool is_ca() const;  // basicConstraints cA
  bool has_basic_constraints() const;
  bool has_subject() const;  // not an empty one
  // False: BER that DER does not allow (a length in a longer form, a default written out). The
  // signature is always checked over the bytes as they are.
  bool is_der() const;
  bool has_extended_key_usage(std::string_view oid) const;
  // "digitalSignature", "keyEncipherment", "keyAgreement", "keyCertSign", "cRLSign"; false without
  // the extension and for any other name.
  bool has_key_usage(std::string_view name) const;
  // OIDs of the critical extensions other than basicConstraints, keyUsage, extKeyUsage,
  // subjectAltName (content not judged here) and certificatePolicies (any policy is accepted).
  std::vector<std::string> unhandled_critical_extensions() const;
  // Read anew at every call. kRejected: the extension stands twice or is malformed, or has more
  // than 32 names or attributes.
  Result<std::optional<AlternativeName>> subject_alternative_name() const;

  struct Impl;
  explicit Certificate(std::shared_ptr<const Impl> impl);
  const Impl& impl() const { return *impl_; }

 private:
  std::shared_ptr<const Impl> impl_;
};

// A path from `leaf` over `intermediates` to one of `roots` (self-signed certificates of the trust
// bundle; an intermediate that stands in the bundle itself is a trust anchor too), every signature
// on the way checked, every certificate valid at `now` (both ends included), at most 8 long.
// Names alone never build a path: where several authorities have one name, each is tried (at most
// 200 signature checks). Issuers must be authorities with keyCertSign (an anchor may lack keyUsage
// altogether) whose path length allows it, with a key of RSA-2048 to RSA-8192 (exponent of at most
// 32 bits), P-256, P-384, P-521 or Ed25519, and signatures over SHA-2; unhandled critical
// extensions and name constraints are refused. With `usage` (an OID), an issuer that is no trust
// anchor and has extended key usages must have that one, or any; a trust anchor is believed
// whatever it was made for. Revocation is not checked, nor the leaf's own usages. kRejected says
// which certificate failed and why, by the try that came furthest. Returns the path, leaf first.
Result<std::vector<Certificate>> verify_chain(const Certificate& leaf,
                                              const std::vector<Certificate>& intermediates,
                                              const std::vector<Certificate>& roots, SystemTime now,
                                              std::string_view usage = {});

// The release's own TLS certificates (ECDSA P-256): an authority for leaves only, and a serving
// certificate with its authority's certificate behind it. Private keys are secrets.
struct CertifiedKey {
  std::string certificate_pem;  // leaf first
  std::string key_pem;
};
struct ServingNames {
  std::vector<std::string> dns;  // at least one; the first is the common name, if that short (64)
  std::vector<std::string> ip;
};
// A common name is cut to 64 characters of ASCII.
CertifiedKey make_ca(const std::string& common_name, SystemTime not_before, SystemTime not_after);
// kRejected: an unreadable authority, a name of the wrong form, a validity that is empty or ends
// after the authority's.
Result<CertifiedKey> issue_server_certificate(const CertifiedKey& ca, const ServingNames& names,
                                              SystemTime not_before, SystemTime not_after);

}  // namespace avouch::crypto
