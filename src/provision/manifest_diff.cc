// What two sets of manifests say differently (manifest_set.h).

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/hex.h"
#include "base/time_text.h"
#include "provision/file_list.h"
#include "provision/manifest_set.h"

namespace avouch::provision {
namespace {

using reference::Digest;
using reference::Manifest;
using reference::ManifestWithList;

// What a manifest says, each statement one text. Digests of files, of which there may be a million,
// are apart. Names, which may have anything in them, stand last and as they are.
std::set<std::string> statements_of(const Manifest& manifest) {
  std::set<std::string> out;
  if (!manifest.provider.empty()) out.insert("provider: " + manifest.provider);
  if (manifest.not_before) out.insert("notBefore: " + to_rfc3339(*manifest.not_before));
  if (manifest.not_after) out.insert("notAfter: " + to_rfc3339(*manifest.not_after));
  for (const reference::BootComponent& each : manifest.boot_components) {
    std::string line = "bootComponents:";
    if (each.authenticode) line += " authenticode " + reference::digest_text(*each.authenticode);
    if (each.digest) line += " digest " + reference::digest_text(*each.digest);
    out.insert(line + ", name " + each.name);
  }
  for (const crypto::Certificate& each : manifest.secure_boot_certificates) {
    out.insert("secureBootCertificates: sha256:" + to_hex(each.fingerprint()) + " " +
               each.subject());
  }
  for (const reference::ImaSigner& each : manifest.ima_signers) {
    out.insert("ima.signers: sha256:" + to_hex(each.certificate.fingerprint()) + " " +
               each.certificate.subject());
  }
  for (const Digest& each : manifest.revoked) {
    out.insert("revoked: " + reference::digest_text(each));
  }
  if (manifest.ima_source) {
    if (const auto* name = std::get_if<attest::ConfigMapName>(&*manifest.ima_source)) {
      out.insert("ima.source.configMap: " + name->ns + "/" + name->name);
      if (manifest.ima_list_digest) {
        out.insert("ima.source.digest: " + attest::digest_text(*manifest.ima_list_digest));
      }
    } else {
      out.insert("ima.source.blob: " +
                 attest::digest_text(std::get<crypto::Sha256>(*manifest.ima_source)));
    }
  }
  for (const reference::ManifestSignature& each : manifest.signatures) {
    out.insert("signature: sha256 of sig " + to_hex(crypto::sha256(each.signature)).substr(0, 16) +
               ", keyid " + each.key_id);
  }
  return out;
}

std::vector<Digest> files_of(const ManifestWithList& manifest) {
  std::vector<Digest> out;
  if (manifest.manifest->ima_digests) out = manifest.manifest->ima_digests->list();
  if (manifest.list) {
    const std::vector<Digest> more = manifest.list->list();
    out.insert(out.end(), more.begin(), more.end());
  }
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

class Diff {
 public:
  std::vector<std::string> take() { return std::move(lines_); }

  void whole(const Manifest& manifest, char sign) {
    lines_.push_back(sign + (" ReferenceManifest \"" + printable_path(manifest.name) + "\""));
  }

  void compare(const ManifestWithList& a, const ManifestWithList& b) {
    const std::size_t before = lines_.size();
    if (a.manifest->name != b.manifest->name) {
      add('-', "metadata.name: " + printable_path(a.manifest->name));
      add('+', "metadata.name: " + printable_path(b.manifest->name));
    }
    const auto old_ones = statements_of(*a.manifest), new_ones = statements_of(*b.manifest);
    for (const std::string& each : old_ones) {
      if (!new_ones.contains(each)) add('-', each);
    }
    for (const std::string& each : new_ones) {
      if (!old_ones.contains(each)) add('+', each);
    }
    const auto old_files = files_of(a), new_files = files_of(b);
    missing('-', old_files, new_files);
    missing('+', new_files, old_files);
    if (lines_.size() == before) return;
    lines_.insert(lines_.begin() + static_cast<std::ptrdiff_t>(before),
                  "ReferenceManifest \"" + printable_path(b.manifest->name) + "\":");
  }

 private:
  void add(char sign, const std::string& statement) {
    lines_.push_back(sign + (" " + printable_path(statement)));
  }

  void missing(char sign, const std::vector<Digest>& of, const std::vector<Digest>& in) {
    std::vector<Digest> left;
    std::set_difference(of.begin(), of.end(), in.begin(), in.end(), std::back_inserter(left));
    for (const Digest& each : left) add(sign, "ima file: " + reference::digest_text(each));
  }

  std::vector<std::string> lines_;
};

}  // namespace

std::vector<std::string> diff_manifests(std::span<const ManifestWithList> a,
                                        std::span<const ManifestWithList> b) {
  Diff diff;
  if (a.size() == 1 && b.size() == 1) {
    diff.compare(a[0], b[0]);
    return diff.take();
  }
  std::map<std::string, const ManifestWithList*> old_ones, new_ones;
  for (const auto& each : a) old_ones[each.manifest->name] = &each;
  for (const auto& each : b) new_ones[each.manifest->name] = &each;
  for (const auto& [name, each] : old_ones) {
    const auto other = new_ones.find(name);
    if (other == new_ones.end()) {
      diff.whole(*each->manifest, '-');
    } else {
      diff.compare(*each, *other->second);
    }
  }
  for (const auto& [name, each] : new_ones) {
    if (!old_ones.contains(name)) diff.whole(*each->manifest, '+');
  }
  return diff.take();
}

}  // namespace avouch::provision
