#include "reference/dsse.h"

#include <algorithm>

#include "base/hex.h"

namespace avouch::reference {
namespace {

using crypto::HashAlgorithm;
using crypto::KeyType;
using crypto::SignatureScheme;

constexpr std::size_t kMaxKeys = 64;

HashAlgorithm hash_for(KeyType type) {
  return type == KeyType::kEcP384 ? HashAlgorithm::kSha384 : HashAlgorithm::kSha256;
}

SignatureScheme scheme_for(KeyType type) {
  switch (type) {
    case KeyType::kEcP256:
    case KeyType::kEcP384:
      return SignatureScheme::kEcdsa;
    case KeyType::kEd25519:
      return SignatureScheme::kEd25519;
    case KeyType::kRsa2048:
    case KeyType::kRsa3072:
    case KeyType::kRsa4096:
      break;
  }
  return SignatureScheme::kRsapss;
}

}  // namespace

Bytes dsse_pae(std::string_view payload_type, std::string_view payload) {
  Bytes out = to_bytes("DSSEv1 " + std::to_string(payload_type.size()) + " ");
  append(out, payload_type);
  append(out, " " + std::to_string(payload.size()) + " ");
  append(out, payload);
  return out;
}

Result<Bytes> dsse_sign(const crypto::PrivateKey& key, ByteView message) {
  const SignatureScheme scheme = scheme_for(key.type());
  AVOUCH_TRY(Bytes signature, key.sign(scheme, hash_for(key.type()), message));
  if (scheme != SignatureScheme::kEcdsa) return signature;
  return crypto::ecdsa_signature_to_der(key.type(), signature);
}

Result<void> dsse_verify(const crypto::PublicKey& key, ByteView message, ByteView signature) {
  const SignatureScheme scheme = scheme_for(key.type());
  const HashAlgorithm hash = hash_for(key.type());
  if (scheme == SignatureScheme::kEcdsa) {
    AVOUCH_TRY(const Bytes raw, crypto::ecdsa_signature_from_der(key.type(), signature));
    return key.verify(scheme, hash, message, raw);
  }
  auto verified = key.verify(scheme, hash, message, signature);
  if (scheme != SignatureScheme::kRsapss || verified.has_value()) return verified;
  return key.verify(SignatureScheme::kRsassa, hash, message, signature);
}

std::string dsse_key_id(const crypto::PublicKey& key) {
  return to_hex(crypto::sha256(key.spki_der()));
}

Result<std::vector<crypto::PublicKey>> parse_reference_keys(
    const std::map<std::string, std::string>& data) {
  std::vector<crypto::PublicKey> out;
  for (const auto& [entry, pem] : data) {
    auto keys = crypto::PublicKey::list_from_pem(pem);
    if (!keys.has_value()) {
      return with_context(std::move(keys).error(), "reference keys entry \"" + entry + "\"");
    }
    out.insert(out.end(), keys->begin(), keys->end());
    if (out.size() > kMaxKeys) {
      return rejected("reference keys: more than " + std::to_string(kMaxKeys) + " keys");
    }
  }
  if (out.empty()) return rejected("reference keys: has no entry, expected PEM public keys");
  return out;
}

Result<crypto::PublicKey> verify_signature(const Manifest& manifest,
                                           std::span<const crypto::PublicKey> trusted) {
  const std::string who = "ReferenceManifest \"" + manifest.name + "\": ";
  if (manifest.signatures.empty()) {
    return rejected(who + "is not signed, expected a signature by one of " +
                    std::to_string(trusted.size()) + " trusted keys");
  }
  bool claims_one = false;
  for (const ManifestSignature& each : manifest.signatures) {
    for (const crypto::PublicKey& key : trusted) {
      if (dsse_verify(key, manifest.signed_message, each.signature).has_value()) return key;
      claims_one = claims_one || each.key_id == dsse_key_id(key);
    }
  }
  if (claims_one) {
    return rejected(who +
                    "a signature names a trusted key, but is not that key's over what the manifest "
                    "says now: was it changed after it was signed? Have its provider sign it anew");
  }
  return rejected(who + "none of its " + std::to_string(manifest.signatures.size()) +
                  " signatures is by one of " + std::to_string(trusted.size()) +
                  " trusted keys: sign it with one of them, or trust its provider's key as well (a "
                  "policy by referenceKeys)");
}

}  // namespace avouch::reference
