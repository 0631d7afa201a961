#pragma once

// ReferenceManifest: what is known good, and what no longer is. Field by field as in the CRD.

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "attest/policy.h"
#include "base/clock.h"
#include "base/result.h"
#include "codec/json.h"
#include "crypto/keys.h"
#include "crypto/x509.h"
#include "reference/digest.h"
#include "reference/digest_set.h"

namespace avouch::reference {

inline constexpr std::string_view kManifestPayloadType =
    "application/vnd.avouch.reference-manifest+json";

// A boot program. At least one of the digests is there.
struct BootComponent {
  std::string name;  // for people
  std::optional<Digest> authenticode;
  std::optional<Digest> digest;  // of the file's bytes
};

// A key whose signatures of files are accepted.
struct ImaSigner {
  crypto::Certificate certificate;
  crypto::PublicKey key;
  // How signatures name it (version 2 and 3): the last four bytes of the certificate's subject key
  // identifier; without one, of the SHA-1 digest of its key's bits (RFC 5280, 4.2.1.2, method 1).
  std::array<std::uint8_t, 4> key_id{};
};

// Where a large list of digests is: a ConfigMap, all of whose values are lists, or a blob in the
// evidence store, by the SHA-256 digest of its bytes.
using ListSource = std::variant<attest::ConfigMapName, crypto::Sha256>;

struct ManifestSignature {
  std::string key_id;  // a hint; nothing is decided by it
  Bytes signature;
};

// Immutable once parsed: shared by all policies and nodes.
struct Manifest {
  std::string name;
  std::string provider;
  std::optional<SystemTime> not_before;
  std::optional<SystemTime> not_after;
  std::vector<BootComponent> boot_components;
  std::vector<crypto::Certificate> secure_boot_certificates;
  std::shared_ptr<const DigestSet> ima_digests;  // those inline; null where there are none
  std::optional<ListSource> ima_source;
  // Of a list in a ConfigMap: binary_digest() of the set that the manifest was made for.
  std::optional<crypto::Sha256> ima_list_digest;
  std::vector<ImaSigner> ima_signers;
  std::vector<Digest> revoked;
  std::vector<ManifestSignature> signatures;
  Bytes signed_message;  // what they sign (DSSE PAE); empty without signatures
  crypto::Sha256
      digest{};  // SHA-256 of the RFC 8785 form of the spec as stored, signature included
};

// Strict, all errors at once with their paths (kRejected): unknown members, digests of the wrong
// form, certificates and keys that cannot be used, notAfter not after notBefore, values given
// twice, a manifest that says nothing. Not checked: signatures (dsse.h), whether the manifest is
// in force (resolved.h), and what it refers to.
Result<std::shared_ptr<const Manifest>> parse_manifest(std::string name, const codec::Json& spec);

// RFC 8785 form of `spec` without its member signature: what a provider signs.
Result<std::string> signed_payload(const codec::Json& spec);

// The key of a certificate as an IMA signer. kRejected where its key is not accepted.
Result<ImaSigner> ima_signer(crypto::Certificate certificate);

}  // namespace avouch::reference
