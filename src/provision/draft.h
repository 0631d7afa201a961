#pragma once

// What a ReferenceManifest is to say, and the objects that say it.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "attest/policy.h"
#include "base/clock.h"
#include "base/result.h"
#include "codec/json.h"
#include "crypto/x509.h"
#include "provision/file_list.h"
#include "reference/manifest.h"

namespace avouch::provision {

struct Draft {
  std::vector<reference::BootComponent> boot_components;
  std::vector<crypto::Certificate> secure_boot_certificates;
  FileList files;
  std::vector<crypto::Certificate> ima_signers;
  // For people: kernel command lines, what was left out and why. Printable.
  std::vector<std::string> remarks;
};

// Where digests of files stand that are more than a manifest holds.
enum class ListPlace {
  kInline,     // kRejected where they do not fit
  kSplit,      // inline, over as many manifests as it takes: the signatures cover them
  kFile,       // in a list that the manifest names by its digest
  kConfigMap,  // in ConfigMaps, each with its manifest, which has the digest of its list
};
inline constexpr std::size_t kMaxInlineDigests = 8192;  // as in the CRD
inline constexpr std::size_t kMaxConfigMapBytes = 900'000;

struct ManifestOptions {
  std::string name;      // of the manifest; of further ones NAME-2, NAME-3
  std::string provider;  // "" for none
  std::optional<SystemTime> not_before, not_after;
  ListPlace place = ListPlace::kInline;
  std::string list_namespace;  // of ConfigMaps
};

struct Manifests {
  std::vector<codec::Json> objects;  // ReferenceManifests, and ConfigMaps in front of theirs
  std::string list;                  // kFile: the list's text
};

// The name of a Kubernetes object: 1 to max_bytes of a-z, 0-9, - and ., the first and the last a
// letter or a digit.
bool is_object_name(std::string_view name, std::size_t max_bytes = 253);

// kRejected: a draft that says nothing, a name that is none of Kubernetes, or what parse_manifest
// refuses.
Result<Manifests> make_manifests(Draft& draft, const ManifestOptions& options);

}  // namespace avouch::provision
