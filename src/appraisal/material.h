#pragma once

// Seam: what policies refer to, wherever that lies: objects of the API server, or files.

#include <map>
#include <memory>
#include <string>

#include "attest/policy.h"
#include "base/result.h"
#include "codec/json.h"
#include "reference/digest_set.h"
#include "reference/manifest.h"

namespace avouch::appraisal {

using ConfigMapData = std::map<std::string, std::string>;

// kRejected names an entry of a ConfigMap (as stored) that is binary, and how to make text of a
// certificate in DER: kubectl puts files that are not text into `binaryData`, which nobody reads,
// so that a maker's certificate would be missing without a word.
Result<void> require_text(const codec::Json& config_map);

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
