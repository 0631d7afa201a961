#pragma once

// What policies refer to, out of files: for appraisal without a cluster.

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "appraisal/material.h"

namespace avouch::adapters {

class FileMaterial final : public appraisal::Material {
 public:
  // Every *.yaml, *.yml and *.json of the folder (not of those below it) holds ReferenceManifests
  // and ConfigMaps; AttestationPolicies are passed over. Other files are lists of digests that
  // manifests name by their SHA-256 digest; they are read when one is asked for. kRejected: a file
  // that cannot be read, an object of another kind, a name twice, more than 10,000 files.
  Result<void> add_folder(const std::filesystem::path& folder);

  // A ConfigMap of that name, in place of any.
  void set_config_map(const attest::ConfigMapName& name, appraisal::ConfigMapData data);

  Result<appraisal::ConfigMapData> config_map(const attest::ConfigMapName& name) override;
  Result<std::shared_ptr<const reference::Manifest>> manifest(const std::string& name) override;
  Result<std::shared_ptr<const reference::DigestSet>> digest_list(
      const reference::ListSource& source) override;

 private:
  Result<void> add_objects(const std::filesystem::path& file);
  Result<void> add_object(const codec::Json& object, const std::string& where);
  Result<std::shared_ptr<const reference::DigestSet>> find_list(const crypto::Sha256& digest);

  std::map<attest::ConfigMapName, appraisal::ConfigMapData> config_maps_;
  std::map<std::string, std::shared_ptr<const reference::Manifest>, std::less<>> manifests_;
  std::vector<std::filesystem::path> lists_;                                    // not read yet
  std::map<crypto::Sha256, std::shared_ptr<const reference::DigestSet>> read_;  // by content
};

// The file's AttestationPolicy: exactly one. kRejected with every problem of it.
Result<attest::Policy> read_policy_file(const std::filesystem::path& path);

}  // namespace avouch::adapters
