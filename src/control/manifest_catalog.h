#pragma once

// The ReferenceManifests of the cluster, each parsed once a version.

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "codec/json.h"
#include "reference/manifest.h"

namespace avouch::control {

// One caller at a time.
class ManifestCatalog {
 public:
  // All there are.
  void set(const std::vector<std::shared_ptr<const codec::Json>>& objects);
  // kRejected: there is none of that name, or it cannot be read (says why).
  Result<std::shared_ptr<const reference::Manifest>> find(const std::string& name) const;
  // The lists that they name by digest.
  std::set<crypto::Sha256> lists() const;

 private:
  struct Known {
    std::shared_ptr<const codec::Json> object;
    Result<std::shared_ptr<const reference::Manifest>> manifest;
  };
  std::map<std::string, Known, std::less<>> known_;
};

}  // namespace avouch::control
