#include "reference/resolved.h"

#include <algorithm>
#include <array>
#include <chrono>

#include "base/time_text.h"
#include "reference/dsse.h"

namespace avouch::reference {
namespace {

enum class Time { kBefore, kInForce, kAfter };

Time time_of(const Manifest& manifest, SystemTime now) {
  if (manifest.not_before && now < *manifest.not_before) return Time::kBefore;
  if (manifest.not_after && now > *manifest.not_after) return Time::kAfter;
  return Time::kInForce;
}

std::array<const std::optional<Digest>*, 2> digests_of(const BootComponent& component) {
  return {&component.authenticode, &component.digest};
}

// What is wrong with a manifest, or nothing.
std::optional<std::string> problem_of(const ManifestWithList& each,
                                      std::span<const crypto::PublicKey> trusted) {
  const Manifest& manifest = *each.manifest;
  if (!trusted.empty()) {
    const auto signer = verify_signature(manifest, trusted);
    if (!signer.has_value()) return signer.error().message;
  }
  if (manifest.ima_source && each.list == nullptr) {
    return "ReferenceManifest \"" + manifest.name + "\": the list of ima.source is not there";
  }
  if (manifest.ima_list_digest && each.list->binary_digest() != *manifest.ima_list_digest) {
    return "ReferenceManifest \"" + manifest.name +
           "\": its ConfigMap's list is not the one that ima.source.digest says: it was changed, "
           "or "
           "the manifest must be made anew";
  }
  const bool in_config_map =
      manifest.ima_source && std::holds_alternative<attest::ConfigMapName>(*manifest.ima_source);
  if (!trusted.empty() && in_config_map && !manifest.ima_list_digest) {
    return "ReferenceManifest \"" + manifest.name +
           "\": its signature does not cover the list in its ConfigMap: give ima.source.digest and "
           "sign it";
  }
  return std::nullopt;
}

}  // namespace

Result<std::shared_ptr<const ResolvedReferences>> ResolvedReferences::resolve(
    std::span<const ManifestWithList> manifests, std::span<const crypto::PublicKey> trusted,
    SystemTime now, std::span<const ManifestWithList> revoking) {
  std::string problems;
  for (const ManifestWithList& each : manifests) {
    if (const auto problem = problem_of(each, trusted)) {
      problems += (problems.empty() ? "" : "; ") + *problem;
    }
  }
  if (!problems.empty()) return rejected(std::move(problems));

  const std::shared_ptr<ResolvedReferences> out(new ResolvedReferences());
  out->manifests_.assign(manifests.begin(), manifests.end());
  for (const ManifestWithList& each : revoking) {
    if (!std::any_of(manifests.begin(), manifests.end(),
                     [&](const auto& own) { return own.manifest == each.manifest; })) {
      out->revoking_.push_back(each);
    }
  }
  for (const ManifestWithList& each : out->manifests_) out->note_times(*each.manifest, now);
  for (const auto* list : {&out->manifests_, &out->revoking_}) {
    for (const ManifestWithList& each : *list) {
      if (time_of(*each.manifest, now) != Time::kBefore) out->add_revocations(*each.manifest);
    }
  }
  sort(out->revoked_);
  for (const ManifestWithList& each : out->manifests_) {
    out->lists_certificates_ |= !each.manifest->secure_boot_certificates.empty();
    if (time_of(*each.manifest, now) != Time::kInForce) continue;
    out->add_components(*each.manifest);
    out->add_values(each);
  }
  std::vector<Entry> implied;
  for (const auto* list : {&out->manifests_, &out->revoking_}) {
    for (const ManifestWithList& each : *list) {
      if (time_of(*each.manifest, now) != Time::kBefore) out->add_implied(*each.manifest, implied);
    }
  }
  out->revoked_.insert(out->revoked_.end(), implied.begin(), implied.end());
  for (auto* entries : {&out->revoked_, &out->images_, &out->plain_, &out->certificates_}) {
    sort(*entries);
  }
  return std::shared_ptr<const ResolvedReferences>(out);
}

void ResolvedReferences::note_times(const Manifest& manifest, SystemTime now) {
  std::optional<SystemTime> next;
  switch (time_of(manifest, now)) {
    case Time::kBefore:
      notices_.push_back(manifest.name + ": begins at " + to_rfc3339(*manifest.not_before));
      next = *manifest.not_before;
      break;
    case Time::kAfter:
      notices_.push_back(manifest.name + ": ended at " + to_rfc3339(*manifest.not_after));
      break;
    case Time::kInForce:
      if (manifest.not_after) next = *manifest.not_after + std::chrono::milliseconds(1);
      break;
  }
  if (next && (!changes_at_ || *next < *changes_at_)) changes_at_ = next;
}

void ResolvedReferences::add_revocations(const Manifest& manifest) {
  for (const Digest& digest : manifest.revoked) revoked_.push_back({digest, manifest.name, {}});
}

void ResolvedReferences::add_components(const Manifest& manifest) {
  for (const BootComponent& component : manifest.boot_components) {
    bool revoked = false;
    for (const auto* digest : digests_of(component)) {
      if (!*digest) continue;
      revoked = revoked || lookup(revoked_, **digest) != nullptr;
      std::vector<Entry>& accepted = digest == &component.digest ? plain_ : images_;
      accepted.push_back({**digest, manifest.name, component.name});
    }
    if (!revoked) components_.push_back({&component, manifest.name});
  }
}

// That two digests are of one component stays true after the manifest has ended.
void ResolvedReferences::add_implied(const Manifest& manifest, std::vector<Entry>& implied) const {
  for (const BootComponent& component : manifest.boot_components) {
    const Entry* revocation = nullptr;
    for (const auto* digest : digests_of(component)) {
      if (revocation == nullptr && *digest) revocation = lookup(revoked_, **digest);
    }
    if (revocation == nullptr) continue;
    for (const auto* digest : digests_of(component)) {
      if (*digest) implied.push_back({**digest, revocation->manifest, component.name});
    }
  }
}

void ResolvedReferences::add_values(const ManifestWithList& each) {
  const Manifest& manifest = *each.manifest;
  for (const crypto::Certificate& certificate : manifest.secure_boot_certificates) {
    certificates_.push_back({make_digest(certificate.fingerprint()), manifest.name, {}});
  }
  for (const ImaSigner& signer : manifest.ima_signers) {
    const Entry* revocation = lookup(revoked_, make_digest(signer.certificate.fingerprint()));
    if (revocation == nullptr) {
      signers_.push_back({&signer, manifest.name});
    } else {
      revoked_signers_.push_back({&signer, revocation->manifest});
    }
  }
  if (manifest.ima_digests) files_.push_back({manifest.ima_digests.get(), manifest.name});
  if (each.list) files_.push_back({each.list.get(), manifest.name});
}

void ResolvedReferences::sort(std::vector<Entry>& entries) {
  std::stable_sort(entries.begin(), entries.end(),
                   [](const Entry& a, const Entry& b) { return a.digest < b.digest; });
}

const ResolvedReferences::Entry* ResolvedReferences::lookup(const std::vector<Entry>& entries,
                                                            const Digest& digest) {
  const auto found = std::lower_bound(
      entries.begin(), entries.end(), digest,
      [](const Entry& entry, const Digest& value) { return entry.digest < value; });
  return found == entries.end() || found->digest != digest ? nullptr : &*found;
}

Finding ResolvedReferences::find(const std::vector<Entry>& entries, const Digest& digest) const {
  if (const Entry* revoked = lookup(revoked_, digest)) {
    return {Standing::kRevoked, revoked->manifest, revoked->name};
  }
  if (const Entry* accepted = lookup(entries, digest)) {
    return {Standing::kAccepted, accepted->manifest, accepted->name};
  }
  return {};
}

Finding ResolvedReferences::boot_image(const Digest& authenticode) const {
  return find(images_, authenticode);
}

Finding ResolvedReferences::boot_file(const Digest& digest) const { return find(plain_, digest); }

Finding ResolvedReferences::secure_boot_certificate(const crypto::Sha256& fingerprint) const {
  return find(certificates_, make_digest(fingerprint));
}

Finding ResolvedReferences::revocation(crypto::HashAlgorithm algorithm, ByteView digest) const {
  if (revoked_.empty()) return {};
  const auto value = make_digest(algorithm, digest);
  return value.has_value() ? find({}, value.value()) : Finding{};
}

Finding ResolvedReferences::ima_file(crypto::HashAlgorithm algorithm, ByteView digest) const {
  if (const Finding revoked = revocation(algorithm, digest);
      revoked.standing == Standing::kRevoked) {
    return revoked;
  }
  for (const Files& files : files_) {
    if (files.set->contains(algorithm, digest)) return {Standing::kAccepted, files.manifest, {}};
  }
  return {};
}

std::size_t ResolvedReferences::ima_digest_count() const {
  std::size_t total = 0;
  for (const Files& files : files_) total += files.set->size();
  return total;
}

}  // namespace avouch::reference
