#pragma once

// The verdict token: EAR (draft-ietf-rats-ear-04) as a CWT in COSE_Sign1, ES256. Claims and what is
// refused: docs/interfaces.md, "Verdict token".

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "attest/appraisal.h"
#include "attest/evidence.h"
#include "attest/trust.h"
#include "base/bytes.h"
#include "base/clock.h"
#include "base/result.h"
#include "codec/cbor.h"
#include "crypto/keys.h"

namespace avouch::attest {

inline constexpr std::string_view kEarProfile = "tag:ietf.org,2026:rats/ear#04";
// An entry of the log holds it, with the same policies once more, and must not pass 65,535 bytes.
inline constexpr std::size_t kMaxTokenBytes = 24 * 1024;
inline constexpr std::size_t kMaxTokenPolicies = 64;
inline constexpr std::chrono::hours kMaxTokenLife{24};

struct TokenPolicy {
  std::string name;
  crypto::Sha256 spec_digest{};
  crypto::Sha256 digest{};
  Status status = Status::kContraindicated;
  bool operator==(const TokenPolicy&) const = default;
};

struct TokenClaims {
  std::string issuer;                    // log origin
  SystemTime issued_at{}, expires_at{};  // whole seconds
  std::string verifier_developer = "avouch.dev", verifier_build;
  Status status = Status::kContraindicated;
  TrustVector vector;
  std::string node_uid, node_name;
  Bytes ak_name;
  std::uint32_t reset_count = 0, restart_count = 0;
  BeaconReference beacon;
  std::optional<crypto::Sha256> quote, boot_log, runtime_log;  // avouch_evidence
  std::vector<TokenPolicy> policies;
  bool operator==(const TokenClaims&) const = default;
};

// Seam: where the verifier's key lives (a Secret now; a PKCS#11 token or TPM later). Thread-safe.
class TokenSigner {
 public:
  virtual ~TokenSigner() = default;
  virtual crypto::PublicKey public_key() const = 0;  // P-256
  // COSE_Sign1 with alg ES256 added to `protected_header`.
  virtual Result<Bytes> sign1(codec::Cbor::Map protected_header, ByteView payload) = 0;
};

// A key in memory.
class KeySigner final : public TokenSigner {
 public:
  static Result<KeySigner> make(crypto::PrivateKey key);  // kRejected unless P-256
  crypto::PublicKey public_key() const override;
  Result<Bytes> sign1(codec::Cbor::Map protected_header, ByteView payload) override;

 private:
  explicit KeySigner(crypto::PrivateKey key) : key_(std::move(key)) {}
  crypto::PrivateKey key_;
};

// The claims of a verdict, but for verifier_build. expires_at = quote.not_older_than() + the
// shortest maxAge, cut to seconds. Of the evidence only what was appraised is named: the quote. A
// boot log or runtime log that nothing judged stays out of what we sign.
TokenClaims claims_of(const Verdict& verdict, const VerifiedQuote& quote, std::string_view issuer,
                      std::string_view node_name, SystemTime now);

// kRejected for claims that verify_token would refuse: nothing is signed that cannot be verified.
Result<Bytes> issue_token(const TokenClaims& claims, TokenSigner& signer);

enum class TokenTime { kValid, kExpired, kNotYet };

// Only verify_token makes one: authentic and well-formed. Whether it is still valid is asked at
// each use, by at().
class VerifiedToken {
 public:
  const TokenClaims& claims() const { return claims_; }
  const crypto::Sha256& digest() const { return digest_; }  // of the token's bytes
  // kExpired from expires_at on; kNotYet where issued_at is more than 60 s after `now`.
  TokenTime at(SystemTime now) const;
  // Newer by issued_at, then by expires_at.
  bool newer_than(const VerifiedToken& other) const;
  const TokenPolicy* policy(const crypto::Sha256& spec_digest, std::string_view name) const;

 private:
  friend Result<VerifiedToken> verify_token(ByteView, std::span<const crypto::PublicKey>,
                                            std::string_view);
  VerifiedToken() = default;
  TokenClaims claims_;
  crypto::Sha256 digest_{};
};

// kRejected, with the claim at fault: not a COSE_Sign1 of exactly our protected header, a kid of
// none of `keys`, a wrong signature, another profile or issuer, a claim missing, unknown or of the
// wrong type, a status better than its vector or policies, policy IDs that differ from the
// policies, a life longer than kMaxTokenLife or not positive. Thread-safe; throws nothing but
// std::bad_alloc.
Result<VerifiedToken> verify_token(ByteView token, std::span<const crypto::PublicKey> keys,
                                   std::string_view issuer);

}  // namespace avouch::attest
