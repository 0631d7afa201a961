// ReferenceManifest specs: what is accepted says something, has one digest and one signed message
// however it is written, and resolves.

#include <cstdint>
#include <cstdlib>

#include "base/bytes.h"
#include "fuzz/fuzz_target.h"
#include "reference/manifest.h"
#include "reference/resolved.h"

namespace avouch::fuzzing::manifest_target {
namespace {

namespace codec = avouch::codec;
namespace reference = avouch::reference;

void require(bool holds) {
  if (!holds) std::abort();
}

void use(const std::shared_ptr<const reference::Manifest>& manifest) {
  const reference::ManifestWithList one{manifest, manifest->ima_digests};
  const auto now = manifest->not_before.value_or(avouch::SystemTime{});
  const auto resolved = reference::ResolvedReferences::resolve({&one, 1}, {}, now);
  if (!resolved.has_value()) return require(manifest->ima_source.has_value());
  for (const reference::Digest& each : manifest->revoked) {
    for (const auto& found : {(*resolved)->boot_image(each), (*resolved)->boot_file(each),
                              (*resolved)->ima_file(each.algorithm, each.view())}) {
      require(found.standing == reference::Standing::kRevoked);
    }
  }
  for (const reference::BootComponent& each : manifest->boot_components) {
    require(each.authenticode.has_value() || each.digest.has_value());
    if (each.digest) {
      require((*resolved)->boot_file(*each.digest).standing != reference::Standing::kUnknown);
    }
  }
}

}  // namespace

AVOUCH_FUZZ_TARGET("manifest_fuzz") {
  const auto json = codec::parse_json(avouch::as_text({data, size}), {.bytes = 256 * 1024});
  if (!json.has_value()) return 0;
  const auto manifest = reference::parse_manifest("m", json.value());
  if (!manifest.has_value()) {
    require(manifest.error().kind == avouch::ErrorKind::kRejected &&
            !manifest.error().message.empty());
    return 0;
  }
  const reference::Manifest& one = **manifest;
  require(!one.boot_components.empty() || !one.secure_boot_certificates.empty() ||
          one.ima_digests != nullptr || one.ima_source.has_value() || !one.ima_signers.empty() ||
          !one.revoked.empty());
  require(one.signatures.empty() == one.signed_message.empty());
  const auto again = codec::parse_json(codec::to_json_pretty(json.value()));
  require(again.has_value());
  const auto second = reference::parse_manifest("m", again.value());
  require(second.has_value() && (*second)->digest == one.digest &&
          (*second)->signed_message == one.signed_message);
  use(*manifest);
  return 0;
}

}  // namespace avouch::fuzzing::manifest_target
