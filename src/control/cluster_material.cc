#include "control/cluster_material.h"

#include <utility>

namespace avouch::control {

ClusterMaterial::ClusterMaterial(ConfigMapLookup config_maps, const ManifestCatalog& manifests,
                                 DigestLists& lists, reference::SharedDigestLists* store)
    : config_maps_(std::move(config_maps)), manifests_(manifests), lists_(lists), store_(store) {}

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
    if (store_ == nullptr) return rejected("digest lists are not read here");
    auto found = store_->find(std::get<crypto::Sha256>(source));
    if (found.has_value()) return found;
    unread_ = unread_ || found.error().kind == ErrorKind::kRetryable;
    if (found.error().kind == ErrorKind::kRejected) {
      return with_context(std::move(found).error(),
                          "put it there with kubectl avouch reference upload FILE");
    }
    return found;
  }
  AVOUCH_TRY(const appraisal::ConfigMapData data, config_map(*name));
  return lists_.parse(data);
}

}  // namespace avouch::control
