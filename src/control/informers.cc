#include "control/informers.h"

#include "control/api_objects.h"
#include "control/names.h"

namespace avouch::control {
namespace {

using codec::Json;

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
  if (const Json* status = evidence.find("status")) out["status"] = codec::to_json(*status);
  return out;
}

}  // namespace

kube::InformerOptions node_informer_options() {
  kube::InformerOptions options;
  options.resource = kube::nodes();
  options.trim = &trim_node;
  options.keep = &keep_node;
  return options;
}

kube::InformerOptions evidence_informer_options() {
  kube::InformerOptions options;
  options.resource = kube::attestation_evidences();
  options.keep = &keep_evidence;
  return options;
}

Json evidence_as_kept(const Json& kept) {
  Json out = kept;
  const Json* status = kept.find("status");
  if (status == nullptr || status->as_string() == nullptr) return out;
  auto parsed = codec::parse_json(*status->as_string());
  // Not of what keep_evidence() wrote: then as if there were no status, which is written anew.
  out["status"] = parsed.has_value() ? *std::move(parsed) : Json();
  return out;
}

}  // namespace avouch::control
