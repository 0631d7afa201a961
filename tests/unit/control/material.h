#pragma once

// Policies resolved with what a test says that the cluster has.

#include <memory>
#include <vector>

#include "control/cluster_material.h"
#include "control/policy_set.h"
#include "control/recording_material.h"

namespace avouch::control {

using ConfigMapLookup = ClusterMaterial::ConfigMapLookup;

inline const SystemTime kResolvedAt{std::chrono::seconds(1'800'000'000)};

inline PolicySet resolve_policies(
    const std::vector<std::shared_ptr<const codec::Json>>& objects, const ConfigMapLookup& lookup,
    const std::vector<std::shared_ptr<const codec::Json>>& manifests = {},
    VerdictArchive* archive = nullptr, reference::SharedDigestLists* stored = nullptr) {
  ManifestCatalog catalog;
  catalog.set(manifests);
  DigestLists lists;
  ClusterMaterial material(lookup, catalog, lists, stored);
  if (archive == nullptr) return resolve_policies(objects, material, kResolvedAt);
  RecordingMaterial recorded(
      material,
      [&manifests](const std::string& name) -> const codec::Json* {
        for (const auto& each : manifests) {
          if (each->text({"metadata", "name"}) == name) return each->find("spec");
        }
        return nullptr;
      },
      *archive, kResolvedAt);
  for (const auto& object : objects) recorded.add_spec(*object->find("spec"));
  return resolve_policies(objects, recorded, kResolvedAt);
}

inline ResolvedPolicy resolve_policy(const codec::Json& object, const ConfigMapLookup& lookup) {
  ManifestCatalog catalog;
  DigestLists lists;
  ClusterMaterial material(lookup, catalog, lists);
  return resolve_policy(object, material, kResolvedAt);
}

}  // namespace avouch::control
