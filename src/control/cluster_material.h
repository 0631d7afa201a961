#pragma once

// What policies refer to, out of the cluster's objects.

#include <functional>
#include <set>
#include <vector>

#include "appraisal/material.h"
#include "control/digest_lists.h"
#include "control/manifest_catalog.h"
#include "reference/digest_list_source.h"

namespace avouch::control {

// One resolution of policies. Remembers what it was asked for, so that it can be watched.
class ClusterMaterial final : public appraisal::Material {
 public:
  // kRetryable of a lookup: not read yet.
  using ConfigMapLookup =
      std::function<Result<appraisal::ConfigMapData>(const attest::ConfigMapName&)>;

  // `store` has the lists that are named by digest; null reads none (for who only asks which
  // ConfigMaps there are to read).
  ClusterMaterial(ConfigMapLookup config_maps, const ManifestCatalog& manifests, DigestLists& lists,
                  reference::SharedDigestLists* store = nullptr);

  Result<appraisal::ConfigMapData> config_map(const attest::ConfigMapName& name) override;
  Result<std::shared_ptr<const reference::Manifest>> manifest(const std::string& name) override;
  Result<std::shared_ptr<const reference::DigestSet>> digest_list(
      const reference::ListSource& source) override;

  const std::set<attest::ConfigMapName>& asked_for() const { return asked_for_; }
  // Something was not read yet, so that what was resolved is not to be used.
  bool incomplete() const { return incomplete_; }
  // A list of the store could not be read, which is a problem of the policies that need it, and of
  // no other; it may be there when they are resolved again.
  bool unread() const { return unread_; }

 private:
  ConfigMapLookup config_maps_;
  const ManifestCatalog& manifests_;
  DigestLists& lists_;
  reference::SharedDigestLists* store_;
  std::set<attest::ConfigMapName> asked_for_;
  bool incomplete_ = false, unread_ = false;
};

}  // namespace avouch::control
