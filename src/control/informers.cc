#include "control/informers.h"

#include <algorithm>
#include <string_view>

#include "base/hex.h"
#include "control/api_objects.h"
#include "control/names.h"
#include "control/status_digest.h"

namespace avouch::control {
namespace {

using codec::Json;

constexpr std::string_view kStatusDigest = "statusDigest";

// What the informer itself needs, and whoever writes.
Json identity_of(const Json& object) {
  Json out{Json::Object{}};
  for (const std::string_view name : {"name", "uid", "resourceVersion"}) {
    out["metadata"][name] = Json(object.text({"metadata", name}));
  }
  return out;
}

Json keep_node(const Json& node) {
  Json out = identity_of(node);
  if (const Json* ours = node.find_path({"metadata", "labels", kAttestedLabel})) {
    out["metadata"]["labels"][kAttestedLabel] = *ours;
  }
  for (const std::string_view name : {"spec", "status"}) {
    if (const Json* part = node.find(name)) out[name] = *part;
  }
  return out;
}

Json keep_evidence(const Json& evidence) {
  Json out = identity_of(evidence);
  if (const Json* status = evidence.find("status"); status != nullptr && !status->is_null()) {
    out[kStatusDigest] = to_hex(digest_of_live(*status));
  }
  return out;
}

}  // namespace

kube::InformerOptions node_informer_options() {
  kube::InformerOptions options;
  options.resource = kube::nodes();
  options.read_only(&read_node);
  options.keep = &keep_node;
  options.as_text = true;
  return options;
}

kube::InformerOptions evidence_informer_options() {
  kube::InformerOptions options;
  options.resource = kube::attestation_evidences();
  options.keep = &keep_evidence;
  options.as_text = true;
  return options;
}

std::optional<crypto::Sha256> kept_status_digest(const Json& kept) {
  const auto bytes = from_hex(kept.text({kStatusDigest}));
  crypto::Sha256 out{};
  if (!bytes.has_value() || bytes->size() != out.size()) return std::nullopt;
  std::copy(bytes->begin(), bytes->end(), out.begin());
  return out;
}

}  // namespace avouch::control
