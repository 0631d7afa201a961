#pragma once

// COSE_Sign1 (RFC 9052, 4.2), tag 18, ES256 only, attached payload or detached.

#include <optional>

#include "base/bytes.h"
#include "base/result.h"
#include "codec/cbor.h"
#include "crypto/keys.h"

namespace avouch::codec {

// Header labels used here (IANA COSE Header Parameters; RFC 9995; RFC 9942).
inline constexpr std::int64_t kCoseAlg = 1, kCoseContentType = 3, kCoseKid = 4, kCoseCwtClaims = 15,
                              kCoseTyp = 16, kCosePayloadHashAlg = 258,
                              kCosePreimageContentType = 259;
inline constexpr std::int64_t kCoseEs256 = -7;

// RFC 9679-style key ID: the first 8 bytes of SHA-256 over the SubjectPublicKeyInfo.
Bytes key_id(const crypto::PublicKey& key);

struct UnverifiedSign1 {
  Cbor protected_header;  // a map
  Bytes protected_bytes;  // as signed
  Cbor unprotected_header;
  std::optional<Bytes> payload;  // nothing: detached (null on the wire)
  Bytes signature;
};

// Adds alg ES256 to `protected_header` (a map without label 1, labels integers or texts), signs,
// and encodes with an empty unprotected header. kRejected if `key` is not of type EC P-256.
Result<Bytes> sign1(const crypto::PrivateKey& key, Cbor::Map protected_header, ByteView payload);

// Structure only: tag 18, four elements, deterministic encoding (of the protected header too), alg
// ES256 in the protected header, no label in both headers, no crit, a signature of 64 bytes.
Result<UnverifiedSign1> parse_sign1_unverified(ByteView encoded, const CborLimits& limits = {});

// A value only if the signature over message.payload, or over `detached_payload` where that is
// nothing (exactly one of the two must be there), is by `key`, which must be of type EC P-256. The
// meaning of headers (kid, typ, claims) is the caller's to check.
Result<void> verify_sign1(const UnverifiedSign1& message, const crypto::PublicKey& key,
                          std::optional<ByteView> detached_payload = std::nullopt);

}  // namespace avouch::codec
