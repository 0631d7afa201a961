#pragma once

// The policies as they stand, with what they refer to. Pure: objects in, an immutable set out.

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "attest/appraisal.h"
#include "attest/enrolment.h"
#include "attest/policy.h"
#include "attest/quote.h"
#include "codec/json.h"
#include "crypto/hash.h"

namespace avouch::control {

// A ConfigMap's data, or why there is none ("does not exist").
using ConfigMapData = std::map<std::string, std::string>;
using ConfigMapLookup = std::function<Result<ConfigMapData>(const attest::ConfigMapName& name)>;

struct ResolvedPolicy {
  std::string name, uid;
  std::int64_t generation = 0;

  // Empty where the spec cannot be read; `spec_error` says why. Such a policy selects no node here;
  // the webhook denies the pods that it may gate.
  std::optional<attest::Policy> policy;
  std::string spec_error;
  crypto::Sha256 spec_digest{};  // of the spec as stored, readable or not

  // One for each reference that is missing or unreadable. Such a policy judges every node that it
  // selects contraindicated (PolicyUnusable).
  std::vector<std::string> reference_errors;

  attest::EndorsementRules rules;
  crypto::Sha256 digest{};
  std::vector<std::string> self_set_labels;

  bool usable() const { return policy.has_value() && reference_errors.empty(); }
  bool selects(const attest::Labels& node_labels) const;
};

// Immutable. Sorted by name.
struct PolicySet {
  std::vector<std::shared_ptr<const ResolvedPolicy>> policies;

  const ResolvedPolicy* find(std::string_view name) const;
};

ResolvedPolicy resolve_policy(const codec::Json& object, const ConfigMapLookup& lookup);

PolicySet resolve_policies(const std::vector<std::shared_ptr<const codec::Json>>& objects,
                           const ConfigMapLookup& lookup);

// Every ConfigMap that some readable policy refers to.
std::vector<attest::ConfigMapName> references_of(const PolicySet& set);

}  // namespace avouch::control
