#include "control/recording_material.h"

#include <utility>

namespace avouch::control {

void RecordingMaterial::add(Bytes bytes) {
  appraisal::RecordObject object{crypto::sha256(bytes), std::move(bytes)};
  if (objects_.contains(object.digest)) return;
  take(object.digest, archive_.add(object, now_));
}

void RecordingMaterial::take(const crypto::Sha256& digest, const Result<void>& added) {
  objects_.insert(digest);
  if (!added.has_value() && problem_.empty()) {
    problem_ = attest::digest_text(digest) + ": " + added.error().message;
  }
}

void RecordingMaterial::add_spec(const codec::Json& spec) {
  const auto canonical = codec::canonical_json(spec);
  if (canonical.has_value()) add(to_bytes(*canonical));  // others have no digest, and no verdict
}

Result<appraisal::ConfigMapData> RecordingMaterial::config_map(const attest::ConfigMapName& name) {
  auto data = material_.config_map(name);
  if (data.has_value()) add(appraisal::config_map_object(*data));
  return data;
}

Result<std::shared_ptr<const reference::Manifest>> RecordingMaterial::manifest(
    const std::string& name) {
  auto manifest = material_.manifest(name);
  if (!manifest.has_value()) return manifest;
  if (const codec::Json* spec = specs_(name)) add_spec(*spec);
  return manifest;
}

Result<std::shared_ptr<const reference::DigestSet>> RecordingMaterial::digest_list(
    const reference::ListSource& source) {
  auto list = material_.digest_list(source);
  const auto* content = std::get_if<crypto::Sha256>(&source);  // of others, config_map() keeps it
  if (list.has_value() && content != nullptr && !objects_.contains(*content)) {
    take(*content, archive_.add_list(*content, now_));
  }
  return list;
}

}  // namespace avouch::control
