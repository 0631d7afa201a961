#pragma once

// DSSE (Dead Simple Signing Envelope, secure-systems-lab/dsse, protocol 1.0): the signatures of
// reference value providers.

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "crypto/keys.h"
#include "reference/manifest.h"

namespace avouch::reference {

// "DSSEv1 LEN(type) TYPE LEN(payload) PAYLOAD": the bytes that are signed.
Bytes dsse_pae(std::string_view payload_type, std::string_view payload);

// What signatures look like, by the kind of the key:
//   ECDSA P-256   over SHA-256, ASN.1 DER
//   ECDSA P-384   over SHA-384, ASN.1 DER
//   Ed25519       64 bytes
//   RSA           over SHA-256, PSS with a salt of 32 bytes; PKCS#1 v1.5 is accepted too
Result<Bytes> dsse_sign(const crypto::PrivateKey& key, ByteView message);
Result<void> dsse_verify(const crypto::PublicKey& key, ByteView message, ByteView signature);

// SHA-256 of the SubjectPublicKeyInfo, in hexadecimal: what our own signatures give as keyid.
std::string dsse_key_id(const crypto::PublicKey& key);

// A ConfigMap's data: each value one or more PEM public keys. kRejected: none, more than 64, one
// that is unreadable or too weak (the entry and its number are named).
Result<std::vector<crypto::PublicKey>> parse_reference_keys(
    const std::map<std::string, std::string>& data);

// The key of `trusted` by which the manifest is signed; one good signature is enough, others do not
// matter. kRejected: no signature, or none by one of them. The keyid decides nothing.
Result<crypto::PublicKey> verify_signature(const Manifest& manifest,
                                           std::span<const crypto::PublicKey> trusted);

}  // namespace avouch::reference
