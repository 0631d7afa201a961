#pragma once

// Signatures of other parties (tlog/hashed_rekord.h), as cosign sends them.

#include <string>
#include <string_view>

#include "codec/base64.h"
#include "crypto/hash.h"
#include "crypto/keys.h"
#include "tlog/hashed_rekord.h"

namespace avouch::testing {

// `key`, of EC P-256 or P-384, signs `message`.
inline tlog::UnverifiedHashedRekord make_rekord(const crypto::PrivateKey& key,
                                                std::string_view message) {
  const auto hash = key.type() == crypto::KeyType::kEcP384 ? crypto::HashAlgorithm::kSha384
                                                           : crypto::HashAlgorithm::kSha256;
  const Bytes raw = key.sign(crypto::SignatureScheme::kEcdsa, hash, as_bytes(message)).value();
  return {.key_type = key.type(),
          .key = key.public_key().spki_der(),
          .digest = crypto::hash(hash, as_bytes(message)),
          .signature = crypto::ecdsa_signature_to_der(key.type(), raw).value()};
}

inline std::string rekord_request(const tlog::UnverifiedHashedRekord& rekord) {
  const bool is_p384 = rekord.key_type == crypto::KeyType::kEcP384;
  return R"({"hashedRekordRequestV002":{"digest":")" + codec::to_base64(rekord.digest) +
         R"(","signature":{"content":")" + codec::to_base64(rekord.signature) +
         R"(","verifier":{"publicKey":{"rawBytes":")" + codec::to_base64(rekord.key) +
         R"("},"keyDetails":")" +
         (is_p384 ? "PKIX_ECDSA_P384_SHA_384" : "PKIX_ECDSA_P256_SHA_256") + R"("}}}})";
}

}  // namespace avouch::testing
