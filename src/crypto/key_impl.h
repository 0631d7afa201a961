#pragma once

// What a key is made of. Private to crypto/.

#include "crypto/keys.h"
#include "crypto/openssl_handles.h"

namespace avouch::crypto {

struct PublicKey::Impl {
  PkeyPtr key;
  KeyType type;
  Bytes spki;  // the one DER encoding of this key
};

struct PrivateKey::Impl {
  PkeyPtr key;
  PublicKey public_key;
};

inline bool is_ec(KeyType type) { return type == KeyType::kEcP256 || type == KeyType::kEcP384; }
inline bool is_rsa(KeyType type) {
  return type == KeyType::kRsa2048 || type == KeyType::kRsa3072 || type == KeyType::kRsa4096;
}
// Bytes of a coordinate; of an EC type only.
inline std::size_t field_size(KeyType type) { return type == KeyType::kEcP256 ? 32 : 48; }
const char* group_name(KeyType type);  // of an EC type

}  // namespace avouch::crypto
