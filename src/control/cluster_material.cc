#include "control/cluster_material.h"

#include <utility>

namespace avouch::control {

ClusterMaterial::ClusterMaterial(ConfigMapLookup config_maps, const ManifestCatalog& manifests,
                                 DigestLists& lists)
    : config_maps_(std::move(config_maps)), manifests_(manifests), lists_(lists) {}

Result<appraisal::ConfigMapData> ClusterMaterial::config_map(const attest::ConfigMapName& name) {
  asked_for_.insert(name);
  auto data = config_maps_(name);
  incomplete_ = incomplete_ || (!data.has_value() && data.error().kind == ErrorKind::kRetryable);
  return data;
}

Result<std::shared_ptr<const reference::Manifest>> ClusterMaterial::manifest(
    const std::string& name) {
  return manifests_.find(name);
}

Result<std::shared_ptr<const reference::DigestSet>> ClusterMaterial::digest_list(
    const reference::ListSource& source) {
  const auto* name = std::get_if<attest::ConfigMapName>(&source);
  if (name == nullptr) {
    return rejected(
        "lists in the evidence store cannot be loaded into it in this version: put the list into a "
        "ConfigMap (ima.source.configMap), or split it over several manifests");
  }
  AVOUCH_TRY(const appraisal::ConfigMapData data, config_map(*name));
  return lists_.parse(data);
}

}  // namespace avouch::control
