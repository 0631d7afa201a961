#pragma once

// Signing and verification keys (OpenSSL). Immutable once made and thread-safe.
// A key that cannot be parsed, is of an unlisted kind, or is too weak is kRejected. Copies share
// the key; making one costs about as much as a signature check (P-256: 60 us), so keep it.

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "crypto/hash.h"

namespace avouch::crypto {

enum class KeyType { kEcP256, kEcP384, kRsa2048, kRsa3072, kRsa4096, kEd25519 };
std::string_view key_type_name(KeyType type);

enum class SignatureScheme {
  kEcdsa,    // signature: r || s, each padded to the curve's size (COSE and TPM form, not DER)
  kRsassa,   // PKCS#1 v1.5
  kRsapss,   // salt length = digest length, unless PssSalt says otherwise
  kEd25519,  // hash is ignored
};

// Salts that are accepted under kRsapss. TPMs may take the largest salt that fits (TPM 2.0 Part 1,
// B.7); one that claims FIPS 186-4 takes the digest's length.
enum class PssSalt { kDigestLength, kDigestLengthOrLargest };

class PublicKey {
 public:
  // SubjectPublicKeyInfo in its one DER encoding; no trailing bytes. EC points must be on the curve
  // and uncompressed, Ed25519 points on the curve and not of low order; RSA of 2048, 3072 or 4096
  // bits with an odd exponent of at least 65537 and below 2^32, modulus without a divisor below 500
  // and without the ROCA fingerprint (that it has two large primes is not checked).
  static Result<PublicKey> from_spki_der(ByteView der);
  static Result<PublicKey> from_pem(std::string_view pem);  // one block, "BEGIN PUBLIC KEY"
  // One or more of such blocks, at most 64; an error names the block's number from 1.
  static Result<std::vector<PublicKey>> list_from_pem(std::string_view pem);
  static Result<PublicKey> ec_from_point(KeyType curve, ByteView x,
                                         ByteView y);  // leading zeros may be missing
  static Result<PublicKey> rsa_from_modulus(ByteView modulus, std::uint32_t exponent);
  static Result<PublicKey> ed25519_from_raw(ByteView raw32);

  KeyType type() const;
  Bytes spki_der() const;
  std::string pem() const;
  Result<Bytes> ed25519_raw() const;                 // 32 bytes; kRejected for another type
  Result<std::pair<Bytes, Bytes>> ec_point() const;  // x, y padded to the curve's size
  bool operator==(const PublicKey& other) const;

  // A value only if `signature` is one by this key over `message`; kRejected otherwise, also for a
  // scheme that does not fit the key. SHA-1 is always refused.
  Result<void> verify(SignatureScheme scheme, HashAlgorithm hash, ByteView message,
                      ByteView signature, PssSalt salt = PssSalt::kDigestLength) const;
  // The same over a message whose digest under `hash` is `digest`. Not for Ed25519.
  Result<void> verify_digest(SignatureScheme scheme, HashAlgorithm hash, ByteView digest,
                             ByteView signature) const;
  // SHA-1 of the subjectPublicKey BIT STRING's value, without tag, length and unused bits (RFC
  // 5280, 4.2.1.2, method 1): 20 bytes by which keys are found, never trusted.
  Bytes key_identifier() const;

  // For MakeCredential (TPM 2.0 Part 1, B.10.4 and C.6.4). A TPM's label ends in a NUL byte, which
  // must be in `label`; `hash` is also MGF1's, and must not be SHA-1.
  Result<Bytes> rsa_oaep_encrypt(HashAlgorithm hash, ByteView label, ByteView plaintext) const;
  // Ephemeral ECDH: the x coordinate of the shared point, padded, and the ephemeral public key.
  struct EphemeralAgreement;
  Result<EphemeralAgreement> ecdh_ephemeral() const;

  struct Impl;
  explicit PublicKey(std::shared_ptr<const Impl> impl);
  const Impl& impl() const { return *impl_; }

 private:
  std::shared_ptr<const Impl> impl_;
};

// r || s of an ECDSA signature in DER, for a key of that type. kRejected: not the DER of two
// positive INTEGERs of the curve's size, or no elliptic curve.
Result<Bytes> ecdsa_signature_from_der(KeyType curve, ByteView der);
// The other way. kRejected: not of the curve's size, or no elliptic curve.
Result<Bytes> ecdsa_signature_to_der(KeyType curve, ByteView raw);

struct PublicKey::EphemeralAgreement {
  Bytes shared_x;
  Bytes ephemeral_x, ephemeral_y;
};

class PrivateKey {
 public:
  static PrivateKey generate(KeyType type);
  static Result<PrivateKey> from_pem(std::string_view pkcs8_pem);  // one "BEGIN PRIVATE KEY"

  std::string pem() const;  // PKCS#8, not encrypted: a secret
  PublicKey public_key() const;
  KeyType type() const;
  // kRejected for a scheme that does not fit the key, and for SHA-1.
  Result<Bytes> sign(SignatureScheme scheme, HashAlgorithm hash, ByteView message) const;

  struct Impl;
  explicit PrivateKey(std::shared_ptr<const Impl> impl);
  const Impl& impl() const { return *impl_; }

 private:
  std::shared_ptr<const Impl> impl_;
};

}  // namespace avouch::crypto
