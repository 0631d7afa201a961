#pragma once

// Seam: what policies refer to, wherever that lies: objects of the API server, or files.

#include <map>
#include <memory>
#include <string>

#include "attest/policy.h"
#include "base/result.h"
#include "reference/digest_set.h"
#include "reference/manifest.h"

namespace avouch::appraisal {

using ConfigMapData = std::map<std::string, std::string>;

// Errors say why there is none ("does not exist"), without the name, which the caller knows.
class Material {
 public:
  virtual ~Material() = default;
  virtual Result<ConfigMapData> config_map(const attest::ConfigMapName& name) = 0;
  virtual Result<std::shared_ptr<const reference::Manifest>> manifest(const std::string& name) = 0;
  // The list that a manifest names: the same set for all who ask for it.
  virtual Result<std::shared_ptr<const reference::DigestSet>> digest_list(
      const reference::ListSource& source) = 0;
};

}  // namespace avouch::appraisal
