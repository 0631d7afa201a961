#pragma once

// Everything that the manifests which a policy names say at one time.

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "crypto/keys.h"
#include "reference/manifest.h"

namespace avouch::reference {

enum class Standing {
  kUnknown,  // no manifest accepts it
  kAccepted,
  kRevoked,  // whatever else accepts it
};

// The views live as long as the ResolvedReferences that gave them.
struct Finding {
  Standing standing = Standing::kUnknown;
  std::string_view manifest;  // which one accepts or revokes it; empty for kUnknown
  std::string_view name;      // what that calls it; empty where it gives no name
};

struct SignerInForce {
  const ImaSigner* signer = nullptr;  // lives as long as the ResolvedReferences
  std::string_view manifest;
};

struct ComponentInForce {
  const BootComponent* component = nullptr;
  std::string_view manifest;
};

// A manifest with what it refers to.
struct ManifestWithList {
  std::shared_ptr<const Manifest> manifest;
  std::shared_ptr<const DigestSet> list;  // of manifest->ima_source; null where there is none
};

// Immutable and thread-safe; made once for each list of a policy and shared by all its nodes.
class ResolvedReferences {
 public:
  // Manifests count from notBefore (that time included) until notAfter (included), at `now`. What a
  // manifest revokes stays revoked after its notAfter, so that no revocation ends by neglect. Of
  // `revoking` only what they revoke counts: what the policy names for something else.
  // `trusted`, where it is not empty: every manifest must be signed by one of these keys.
  // kRejected, with every problem and its manifest: a missing or untrusted signature, an ima.source
  // without its list, a ConfigMap's list that is not of the digest that the manifest gives, or for
  // which it gives none although it must be signed. A policy whose references do not resolve must
  // deny.
  static Result<std::shared_ptr<const ResolvedReferences>> resolve(
      std::span<const ManifestWithList> manifests, std::span<const crypto::PublicKey> trusted,
      SystemTime now, std::span<const ManifestWithList> revoking = {});

  // Every lookup asks for revocation first. Revoking any digest of a boot component revokes the
  // component; revoking the SHA-256 digest of a certificate's DER revokes the certificate.
  Finding boot_image(const Digest& authenticode) const;
  Finding boot_file(const Digest& digest) const;
  Finding secure_boot_certificate(const crypto::Sha256& fingerprint) const;  // SHA-256 of the DER
  // Of the inline digests and the lists; costs no allocation.
  Finding ima_file(crypto::HashAlgorithm algorithm, ByteView digest) const;
  Finding revocation(crypto::HashAlgorithm algorithm, ByteView digest) const;

  // Not revoked, in the order of the manifests.
  const std::vector<SignerInForce>& ima_signers() const { return signers_; }
  // Those that are, each with the manifest that revokes it: so that a refusal can say so.
  const std::vector<SignerInForce>& revoked_signers() const { return revoked_signers_; }
  const std::vector<ComponentInForce>& boot_components() const { return components_; }
  // Whether a manifest has certificates of Secure Boot, in force or not: when it ends less is
  // accepted, never all.
  bool lists_certificates() const { return lists_certificates_; }
  std::size_t ima_digest_count() const;

  // Manifests that are not in force, for people: "debian-12: ended at 2026-01-01T00:00:00Z".
  const std::vector<std::string>& notices() const { return notices_; }
  // When the answer changes by itself: the next notBefore, or the instant after the next notAfter.
  std::optional<SystemTime> changes_at() const { return changes_at_; }

 private:
  struct Entry {
    Digest digest;
    std::string_view manifest;
    std::string_view name;
  };
  struct Files {
    const DigestSet* set;
    std::string_view manifest;
  };
  ResolvedReferences() = default;
  void add_revocations(const Manifest& manifest);
  void add_components(const Manifest& manifest);
  void add_implied(const Manifest& manifest, std::vector<Entry>& implied) const;
  void add_values(const ManifestWithList& each);
  void note_times(const Manifest& manifest, SystemTime now);
  static void sort(std::vector<Entry>& entries);
  static const Entry* lookup(const std::vector<Entry>& entries, const Digest& digest);
  Finding find(const std::vector<Entry>& entries, const Digest& digest) const;

  std::vector<ManifestWithList> manifests_, revoking_;  // keep alive what the views point to
  std::vector<Entry> revoked_;                          // each sorted by digest
  std::vector<Entry> images_;
  std::vector<Entry> plain_;
  std::vector<Entry> certificates_;
  bool lists_certificates_ = false;
  std::vector<Files> files_;
  std::vector<SignerInForce> signers_, revoked_signers_;
  std::vector<ComponentInForce> components_;
  std::vector<std::string> notices_;
  std::optional<SystemTime> changes_at_;
};

}  // namespace avouch::reference
