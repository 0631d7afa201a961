#pragma once

// The policies as they stand, with what they refer to. Pure: objects in, an immutable set out.

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "appraisal/policy_in_force.h"
#include "attest/policy.h"
#include "codec/json.h"
#include "crypto/hash.h"

namespace avouch::control {

using ConfigMapData = appraisal::ConfigMapData;

struct ResolvedPolicy {
  std::string name, uid;
  std::int64_t generation = 0;

  // Null where the spec cannot be read; `spec_error` says why. Such a policy selects no node here;
  // the webhook denies the pods that it may gate. One with problems judges every node that it
  // selects contraindicated (PolicyUnusable).
  std::shared_ptr<const appraisal::PolicyInForce> in_force;
  std::string spec_error;
  crypto::Sha256 spec_digest{};  // of the spec as stored, readable or not
  crypto::Sha256 digest{};       // of all that it refers to as well
  std::vector<std::string> self_set_labels;

  const attest::PolicySpec& spec() const { return in_force->policy.spec; }
  bool usable() const { return in_force != nullptr && in_force->problems.empty(); }
  bool selects(const attest::PackedLabels& node_labels) const;
};

// Immutable. Sorted by name.
struct PolicySet {
  std::vector<std::shared_ptr<const ResolvedPolicy>> policies;

  const ResolvedPolicy* find(std::string_view name) const;
  // When a manifest that some policy names begins or ends: resolve again then.
  std::optional<SystemTime> changes_at() const;
};

// How old a node's evidence may be: the shortest maxAge of those of its policies that are in
// Enforce, and where none is, of all. One that only tries cannot cost the others their trust.
std::chrono::milliseconds shortest_max_age(std::span<const ResolvedPolicy* const> selecting);

ResolvedPolicy resolve_policy(const codec::Json& object, appraisal::Material& material,
                              SystemTime now);

PolicySet resolve_policies(const std::vector<std::shared_ptr<const codec::Json>>& objects,
                           appraisal::Material& material, SystemTime now);

}  // namespace avouch::control
