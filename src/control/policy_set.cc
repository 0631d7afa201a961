#include "control/policy_set.h"

#include <algorithm>
#include <utility>

#include "attest/token.h"
#include "kube/views.h"

namespace avouch::control {
bool ResolvedPolicy::selects(const attest::PackedLabels& node_labels) const {
  return in_force != nullptr && attest::matches(spec().node_selector, node_labels);
}

const ResolvedPolicy* PolicySet::find(std::string_view name) const {
  const auto found = std::lower_bound(
      policies.begin(), policies.end(), name,
      [](const auto& policy, std::string_view wanted) { return policy->name < wanted; });
  return found != policies.end() && (*found)->name == name ? found->get() : nullptr;
}

std::optional<SystemTime> PolicySet::changes_at() const {
  std::optional<SystemTime> first;
  for (const auto& policy : policies) {
    if (policy->in_force == nullptr || !policy->in_force->changes_at) continue;
    const SystemTime at = *policy->in_force->changes_at;
    if (!first || at < *first) first = at;
  }
  return first;
}

std::chrono::milliseconds shortest_max_age(std::span<const ResolvedPolicy* const> selecting) {
  std::chrono::milliseconds enforced = attest::kMaxTokenLife, all = attest::kMaxTokenLife;
  bool any_enforced = false;
  for (const ResolvedPolicy* policy : selecting) {
    const attest::PolicySpec& spec = policy->spec();
    all = std::min(all, spec.max_age);
    if (spec.mode != attest::Mode::kEnforce) continue;
    any_enforced = true;
    enforced = std::min(enforced, spec.max_age);
  }
  return any_enforced ? enforced : all;
}

ResolvedPolicy resolve_policy(const codec::Json& object, appraisal::Material& material,
                              SystemTime now) {
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
  out.in_force = std::make_shared<const appraisal::PolicyInForce>(
      appraisal::resolve(*std::move(policy), material, now));
  out.digest = out.in_force->digest;
  out.self_set_labels = attest::self_set_labels(out.spec());
  return out;
}

PolicySet resolve_policies(const std::vector<std::shared_ptr<const codec::Json>>& objects,
                           appraisal::Material& material, SystemTime now) {
  PolicySet set;
  for (const auto& object : objects) {
    set.policies.push_back(
        std::make_shared<const ResolvedPolicy>(resolve_policy(*object, material, now)));
  }
  std::sort(set.policies.begin(), set.policies.end(),
            [](const auto& a, const auto& b) { return a->name < b->name; });
  return set;
}

}  // namespace avouch::control
