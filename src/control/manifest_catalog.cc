#include "control/manifest_catalog.h"

#include <utility>

namespace avouch::control {

void ManifestCatalog::set(const std::vector<std::shared_ptr<const codec::Json>>& objects) {
  std::map<std::string, Known, std::less<>> now;
  for (const auto& object : objects) {
    std::string name(object->text({"metadata", "name"}));
    const auto before = known_.find(name);
    // Objects of an informer are replaced, never changed.
    if (before != known_.end() && before->second.object == object) {
      now.insert(known_.extract(before));
      continue;
    }
    const codec::Json* spec = object->find("spec");
    now.insert_or_assign(
        std::move(name),
        Known{object, reference::parse_manifest(std::string(object->text({"metadata", "name"})),
                                                spec == nullptr ? codec::Json() : *spec)});
  }
  known_ = std::move(now);
}

Result<std::shared_ptr<const reference::Manifest>> ManifestCatalog::find(
    const std::string& name) const {
  const auto found = known_.find(name);
  if (found == known_.end()) return rejected("does not exist");
  return found->second.manifest;
}

std::set<crypto::Sha256> ManifestCatalog::lists() const {
  std::set<crypto::Sha256> out;
  for (const auto& each : known_) {
    const auto& manifest = each.second.manifest;
    if (!manifest.has_value() || !manifest.value()->ima_source) continue;
    if (const auto* digest = std::get_if<crypto::Sha256>(&*manifest.value()->ima_source)) {
      out.insert(*digest);
    }
  }
  return out;
}

}  // namespace avouch::control
