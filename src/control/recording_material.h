#pragma once

// Keeps what policies refer to while they are resolved, so that verdicts can be judged again.

#include <functional>
#include <set>
#include <string>

#include "appraisal/material.h"
#include "base/clock.h"
#include "codec/json.h"
#include "control/verdict_archive.h"

namespace avouch::control {

// One resolution of policies. Passes every question on, and adds each answer to the archive in the
// form that policies' digests are made of, and digest lists of the store as they are.
class RecordingMaterial final : public appraisal::Material {
 public:
  // The spec of a ReferenceManifest as stored; null: there is none.
  using ManifestSpec = std::function<const codec::Json*(const std::string& name)>;

  RecordingMaterial(appraisal::Material& material, ManifestSpec specs, VerdictArchive& archive,
                    SystemTime now)
      : material_(material), specs_(std::move(specs)), archive_(archive), now_(now) {}

  Result<appraisal::ConfigMapData> config_map(const attest::ConfigMapName& name) override;
  Result<std::shared_ptr<const reference::Manifest>> manifest(const std::string& name) override;
  Result<std::shared_ptr<const reference::DigestSet>> digest_list(
      const reference::ListSource& source) override;

  // A policy's own spec, in the same way.
  void add_spec(const codec::Json& spec);

  const std::set<crypto::Sha256>& objects() const { return objects_; }
  // The first of the objects that are not kept, and why; "" where all are.
  const std::string& problem() const { return problem_; }

 private:
  void add(Bytes bytes);
  void take(const crypto::Sha256& digest, const Result<void>& added);

  appraisal::Material& material_;
  const ManifestSpec specs_;
  VerdictArchive& archive_;
  const SystemTime now_;
  std::set<crypto::Sha256> objects_;
  std::string problem_;
};

}  // namespace avouch::control
