#pragma once

// COSE_Sign1 (RFC 9052, 4.2), tag 18, attached payload or detached. Signed by ES256 only; read by
// the algorithms that the caller names.

#include <array>
#include <optional>
#include <span>

#include "base/bytes.h"
#include "base/result.h"
#include "codec/cbor.h"
#include "crypto/keys.h"

namespace avouch::codec {

// Header labels used here (IANA COSE Header Parameters; RFC 9995; RFC 9942).
inline constexpr std::int64_t kCoseAlg = 1, kCoseContentType = 3, kCoseKid = 4, kCoseCwtClaims = 15,
                              kCoseTyp = 16, kCosePayloadHashAlg = 258,
                              kCosePreimageContentType = 259, kCoseReceipts = 394, kCoseVds = 395,
                              kCoseVdp = 396;

// The claims of a CWT (RFC 8392, 4) that a header may carry under label 15.
inline constexpr std::int64_t kCwtIss = 1, kCwtSub = 2, kCwtIat = 6;

inline constexpr std::uint64_t kSign1Tag = 18;  // RFC 9052, table 1

// Algorithms (RFC 9053, 2.1): ECDSA over P-256 with SHA-256, over P-384 with SHA-384. Which curve
// goes with ES384 the RFC leaves open; here it is that one alone.
inline constexpr std::int64_t kCoseEs256 = -7, kCoseEs384 = -35;
inline constexpr std::array<std::int64_t, 1> kEs256Only = {kCoseEs256};
inline constexpr std::array<std::int64_t, 2> kEs256OrEs384 = {kCoseEs256, kCoseEs384};

// RFC 9679-style key ID: the first 8 bytes of SHA-256 over the SubjectPublicKeyInfo.
Bytes key_id(const crypto::PublicKey& key);

struct UnverifiedSign1 {
  Cbor protected_header;  // a map
  Bytes protected_bytes;  // as signed
  Cbor unprotected_header;
  std::optional<Bytes> payload;         // nothing: detached (null on the wire)
  std::int64_t algorithm = kCoseEs256;  // as the protected header says
  Bytes signature;
};

// Adds alg ES256 to `protected_header` (a map without label 1, labels integers or texts), signs,
// and encodes with an empty unprotected header. kRejected if `key` is not of type EC P-256.
Result<Bytes> sign1(const crypto::PrivateKey& key, Cbor::Map protected_header, ByteView payload);

// The same with an unprotected header, and the payload signed but left out (null).
Result<Bytes> sign1_detached(const crypto::PrivateKey& key, Cbor::Map protected_header,
                             Cbor::Map unprotected_header, ByteView payload);

// Structure only: tag 18, four elements, deterministic encoding (of the protected header too), one
// of `algorithms` (of those above) as alg in the protected header, no label in both headers, no
// crit, a signature of that algorithm's size.
Result<UnverifiedSign1> parse_sign1_unverified(
    ByteView encoded, const CborLimits& limits = {},
    std::span<const std::int64_t> algorithms = kEs256Only);

// A value only if the signature over message.payload, or over `detached_payload` where that is
// nothing (exactly one of the two must be there), is by `key`, which must be of the type that
// message.algorithm goes with. The meaning of headers (kid, typ, claims) is the caller's to check.
Result<void> verify_sign1(const UnverifiedSign1& message, const crypto::PublicKey& key,
                          std::optional<ByteView> detached_payload = std::nullopt);

}  // namespace avouch::codec
