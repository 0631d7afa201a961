#pragma once

// A policy with everything that it refers to, read once and shared by all nodes.

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "appraisal/material.h"
#include "attest/enrolment.h"
#include "attest/policy.h"
#include "base/clock.h"
#include "reference/resolved.h"
#include "runtimelog/rules.h"

namespace avouch::appraisal {

struct PolicyInForce {
  attest::Policy policy;
  // Of the spec and of all that it refers to: `status.digest`, and what verdicts name.
  crypto::Sha256 digest{};
  // Also of which manifests are in force now: what logs were judged to be holds for one such
  // digest.
  crypto::Sha256 rules_digest{};
  // One for each reference that is missing or cannot be used: which, and why. With any, every node
  // is contraindicated (PolicyUnusable).
  std::vector<std::string> problems;
  // What it refers to, as `digest` covers it; of what is missing, the digest of nothing.
  std::vector<attest::Reference> references;
  // The digest lists that its manifests name by content, and that could be used. `digest` covers
  // them through the manifests. Ascending.
  std::vector<crypto::Sha256> lists;
  SystemTime resolved_at{};  // the time by which manifests are in force or not

  attest::EndorsementRules endorsement;
  // Null where bootLog names none: then nothing says which boot components are good.
  std::shared_ptr<const reference::ResolvedReferences> boot_references;
  // What manifests revoke that the policy names for something else; null where there are none, or
  // boot_references has it.
  std::shared_ptr<const reference::ResolvedReferences> boot_revocations;
  std::shared_ptr<const runtimelog::Rules> runtime;  // null without `runtime`

  // Which manifests are not in force, for people: each once.
  std::vector<std::string> notices;
  // When a manifest begins or ends: resolve again then.
  std::optional<SystemTime> changes_at;
};

// Reads what `policy` refers to. Never fails: what cannot be used is a problem of the policy's own.
PolicyInForce resolve(attest::Policy policy, Material& material, SystemTime now);

}  // namespace avouch::appraisal
