#include "control/cluster_facts.h"

#include <utility>

#include "control/names.h"
#include "kube/views.h"

namespace avouch::control {

std::optional<NodeFacts> node_facts(const codec::Json& node) {
  auto meta = kube::object_meta(node);
  if (!meta.has_value()) return std::nullopt;
  NodeFacts facts;
  facts.name = meta->name;
  facts.uid = meta->uid;
  attest::Labels labels(meta->labels.begin(), meta->labels.end());
  // Our own label says nothing about the node, and its changes are no news.
  labels.erase(std::string(kAttestedLabel));
  facts.labels = attest::PackedLabels(labels);
  return facts;
}

std::optional<EvidenceFacts> evidence_facts(const codec::Json& evidence) {
  const auto meta = kube::object_meta(evidence);
  if (!meta.has_value()) return std::nullopt;
  EvidenceFacts facts;
  facts.name = meta->name;
  facts.uid = meta->uid;
  facts.generation = meta->generation;
  const codec::Json* spec = evidence.find("spec");
  auto parsed = attest::parse_evidence_spec(spec == nullptr ? codec::Json() : *spec);
  if (parsed.has_value()) {
    facts.spec = *std::move(parsed);
  } else {
    facts.error = parsed.error().message;
  }
  return facts;
}

}  // namespace avouch::control
