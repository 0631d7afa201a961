#include "control/policy_set.h"

#include <algorithm>
#include <set>
#include <utility>

#include "kube/views.h"

namespace avouch::control {
namespace {

std::string describe(const attest::ConfigMapName& name) {
  return "ConfigMap \"" + name.ns + "/" + name.name + "\"";
}

void read_trust_bundles(const attest::PolicySpec& spec, const ConfigMapLookup& lookup,
                        ResolvedPolicy& out) {
  for (const attest::ConfigMapName& name : spec.trust_bundles) {
    const auto data = lookup(name);
    if (!data.has_value()) {
      out.reference_errors.push_back("trust bundle " + describe(name) + ": " +
                                     data.error().message);
      continue;
    }
    auto anchors = attest::parse_trust_bundle(*data);
    if (!anchors.has_value()) {
      out.reference_errors.push_back("trust bundle " + describe(name) + ": " +
                                     anchors.error().message);
      continue;
    }
    std::move(anchors->begin(), anchors->end(), std::back_inserter(out.rules.trust_anchors));
  }
}

void read_inventory(const attest::PolicySpec& spec, const ConfigMapLookup& lookup,
                    ResolvedPolicy& out) {
  if (!spec.inventory) return;
  const auto data = lookup(*spec.inventory);
  if (!data.has_value()) {
    out.reference_errors.push_back("inventory " + describe(*spec.inventory) + ": " +
                                   data.error().message);
    return;
  }
  auto inventory = attest::parse_inventory(*data);
  if (!inventory.has_value()) {
    out.reference_errors.push_back("inventory " + describe(*spec.inventory) + ": " +
                                   inventory.error().message);
    return;
  }
  out.rules.inventory = *std::move(inventory);
}

crypto::Sha256 digest_with_references(const attest::Policy& policy, const ConfigMapLookup& lookup) {
  std::vector<attest::Reference> references;
  for (const attest::ConfigMapName& name : attest::references_of(policy.spec)) {
    // What is missing has an empty content: the digest changes when it appears.
    const auto data = lookup(name);
    references.push_back(
        attest::config_map_reference(name, data.has_value() ? *data : ConfigMapData{}));
  }
  return attest::policy_digest(policy.spec_digest, references);
}

}  // namespace

bool ResolvedPolicy::selects(const attest::Labels& node_labels) const {
  return policy && attest::matches(policy->spec.node_selector, node_labels);
}

const ResolvedPolicy* PolicySet::find(std::string_view name) const {
  const auto found = std::lower_bound(
      policies.begin(), policies.end(), name,
      [](const auto& policy, std::string_view wanted) { return policy->name < wanted; });
  return found != policies.end() && (*found)->name == name ? found->get() : nullptr;
}

ResolvedPolicy resolve_policy(const codec::Json& object, const ConfigMapLookup& lookup) {
  ResolvedPolicy out;
  out.name = object.text({"metadata", "name"});
  const auto meta = kube::object_meta(object);
  if (meta.has_value()) {
    out.uid = meta->uid;
    out.generation = meta->generation;
  }
  const codec::Json* spec = object.find("spec");
  const codec::Json stored = spec == nullptr ? codec::Json() : *spec;
  if (const auto digest = attest::spec_digest(stored); digest.has_value()) {
    out.spec_digest = *digest;
  }
  auto policy = attest::parse_policy(out.name, stored);
  if (!policy.has_value()) {
    out.spec_error = policy.error().message;
    out.digest = attest::policy_digest(out.spec_digest, {});
    return out;
  }
  out.policy = *std::move(policy);
  out.rules = attest::rules_of(out.policy->spec);
  read_trust_bundles(out.policy->spec, lookup, out);
  read_inventory(out.policy->spec, lookup, out);
  out.digest = digest_with_references(*out.policy, lookup);
  out.self_set_labels = attest::self_set_labels(out.policy->spec);
  return out;
}

PolicySet resolve_policies(const std::vector<std::shared_ptr<const codec::Json>>& objects,
                           const ConfigMapLookup& lookup) {
  PolicySet set;
  for (const auto& object : objects) {
    set.policies.push_back(std::make_shared<const ResolvedPolicy>(resolve_policy(*object, lookup)));
  }
  std::sort(set.policies.begin(), set.policies.end(),
            [](const auto& a, const auto& b) { return a->name < b->name; });
  return set;
}

std::vector<attest::ConfigMapName> references_of(const PolicySet& set) {
  std::set<attest::ConfigMapName> names;
  for (const auto& policy : set.policies) {
    if (!policy->policy) continue;
    for (const attest::ConfigMapName& name : attest::references_of(policy->policy->spec)) {
      names.insert(name);
    }
  }
  return {names.begin(), names.end()};
}

}  // namespace avouch::control
