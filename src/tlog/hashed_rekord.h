#pragma once

// Hashedrekords: what Rekor v2 has in its log (sigstore/rekor-tiles 2.3), a signature over a digest
// with the key that made it. cosign and other clients of sigstore send them. Pure and thread-safe.
//
//   request = {"hashedRekordRequestV002": {"digest": B, "signature": SIGNATURE}}
//   entry   = {"apiVersion": "0.0.2", "kind": "hashedrekord", "spec": {"hashedRekordV002":
//             {"data": {"algorithm": HASH, "digest": B}, "signature": SIGNATURE}}}
//   SIGNATURE = {"content": B, "verifier": {"keyDetails": DETAILS, "publicKey": {"rawBytes": B}}}
//
//   DETAILS                      HASH        key, and how it signs
//   PKIX_ECDSA_P256_SHA_256      SHA2_256    EC P-256, ECDSA over the digest, in DER
//   PKIX_ECDSA_P384_SHA_384      SHA2_384    EC P-384, the same
//
// B is standard base64, padded. An entry is the RFC 8785 form of that JSON and nothing else: who
// has the signature makes the same bytes again, and with them the leaf. So its first byte is 7b,
// and it is no statement (entry.h, signed_statement.h), whose first byte is d2.
//
// Not taken, though Rekor has them: certificates, which hold names, and keys of other types.

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "base/bytes.h"
#include "base/result.h"
#include "crypto/hash.h"
#include "crypto/keys.h"

namespace avouch::tlog {

inline constexpr std::string_view kHashedRekord = "hashedrekord";
inline constexpr std::string_view kHashedRekordVersion = "0.0.2";
inline constexpr std::size_t kMaxHashedRekordBytes = 8 * 1024;  // of a request, and of an entry

// What it says of itself; nothing of it is proven before verify_hashed_rekord().
struct UnverifiedHashedRekord {
  crypto::KeyType key_type = crypto::KeyType::kEcP256;  // as DETAILS says; or kEcP384
  Bytes key;                                            // SubjectPublicKeyInfo, 1 to 256 bytes
  Bytes digest;                                         // of the size that `key_type` asks for
  Bytes signature;                                      // 1 to 128 bytes
  bool operator==(const UnverifiedHashedRekord&) const = default;
};

// kRejected names every member that is at fault, as "hashedRekordRequestV002.digest: ...": what is
// missing, unknown, too long, no base64, or not taken. Key and signature are not decoded.
Result<UnverifiedHashedRekord> parse_hashed_rekord_request_unverified(std::string_view request);

// Whether an entry is of this form, or of none, by its first byte.
bool begins_as_hashed_rekord(ByteView entry);

// kRejected: any other bytes than format_hashed_rekord() gives.
Result<UnverifiedHashedRekord> parse_hashed_rekord_unverified(ByteView entry);

// The entry.
Bytes format_hashed_rekord(const UnverifiedHashedRekord& rekord);

// The key that it names, where that has signed its digest. kRejected: no key of that type in DER,
// no signature in DER, one by another key. Whose key it is, nothing here says.
Result<crypto::PublicKey> verify_hashed_rekord(const UnverifiedHashedRekord& rekord);

// Default-constructed: refused.
struct HashedRekordRefusal {
  enum class Fault { kTooLarge, kMalformed, kUnknownKey, kBadSignature };
  Fault fault = Fault::kMalformed;
  std::string what = "nothing was checked";  // what, where, what was expected
};
struct RegistrableHashedRekord {
  Bytes entry;                  // what goes into the tree
  Bytes digest;                 // of what was signed
  crypto::Sha256 key_digest{};  // of the key's SubjectPublicKeyInfo
};
using HashedRekordVerdict = std::variant<HashedRekordRefusal, RegistrableHashedRekord>;

// In this order: size; form; the key is one of `keys`; the signature is by it.
HashedRekordVerdict check_hashed_rekord(std::string_view request,
                                        std::span<const crypto::PublicKey> keys);

}  // namespace avouch::tlog
