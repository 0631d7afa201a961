#pragma once

// Case folders and material in memory.

#include <map>
#include <string>

#include "appraisal/material.h"
#include "appraisal/stored_case.h"
#include "reference/digest_list.h"
#include "tests/support/corpus.h"

namespace avouch::appraisal {

using testing::must_value;

// Files by "FOLDER/NAME"; the case's own folder is "".
class MemoryFiles final : public CaseFiles {
 public:
  Result<std::optional<Bytes>> read(const std::string& folder, const std::string& name,
                                    std::size_t max_bytes) override {
    const auto found = files.find(folder + "/" + name);
    if (found == files.end()) return std::optional<Bytes>{};
    if (found->second.size() > max_bytes) return rejected(name + ": too long");
    return std::optional<Bytes>(found->second);
  }
  void put(const std::string& name, std::string_view text) { files["/" + name] = to_bytes(text); }

  std::map<std::string, Bytes> files;
};

inline MemoryFiles files_of(const std::string& id) {
  MemoryFiles out;
  for (const auto& file :
       std::filesystem::directory_iterator(testing::own_corpus() / "cases" / id)) {
    out.files["/" + file.path().filename().string()] = *testing::read_file(file.path());
  }
  return out;
}

class MemoryMaterial final : public Material {
 public:
  Result<ConfigMapData> config_map(const attest::ConfigMapName& name) override {
    const auto found = maps.find(name.name);
    if (found == maps.end()) return rejected("does not exist");
    return found->second;
  }
  Result<std::shared_ptr<const reference::Manifest>> manifest(const std::string& name) override {
    const auto found = manifests.find(name);
    if (found == manifests.end()) return rejected("does not exist");
    return reference::parse_manifest(name, must_value(codec::parse_json(found->second)));
  }
  Result<std::shared_ptr<const reference::DigestSet>> digest_list(
      const reference::ListSource& source) override {
    AVOUCH_TRY(const auto data, config_map(std::get<attest::ConfigMapName>(source)));
    AVOUCH_TRY(const auto list, reference::read_digest_lists(data));
    return list.set;
  }

  std::map<std::string, ConfigMapData> maps;
  std::map<std::string, std::string> manifests;  // spec as JSON
};

inline MemoryMaterial with_makers() {
  MemoryMaterial out;
  std::string pem;
  for (const char* part : {"rootca", "issuer"}) {
    pem += as_text(
        *testing::read_file(testing::own_corpus() / "ca" / ("ca1-" + std::string(part) + ".pem")));
  }
  out.maps["makers"] = {{"ca.pem", pem}};
  return out;
}

inline attest::Policy policy_of(const std::string& members) {
  const std::string spec = R"({"nodeSelector": {}, "workloads": {},
    "endorsement": {"trustBundles": [{"configMap": {"namespace": "ns", "name": "makers"}}],
                    "enrollment": "TrustOnFirstUse"},
    "keys": ["ecdsa-p256-sha256", "rsassa-2048-sha256"],
    "pcrs": {"banks": ["sha256"]}, )" +
                           members + "}";
  return must_value(attest::parse_policy("p", must_value(codec::parse_json(spec))));
}

}  // namespace avouch::appraisal
