#include "admission/gating.h"

namespace avouch::admission {

std::vector<const PolicyFacts*> gating(const NamedFacts<PolicyFacts>& policies,
                                       const attest::Labels* ns, const attest::Labels* pod) {
  std::vector<const PolicyFacts*> found;
  for (const auto& [name, policy] : policies) {
    const bool in_namespace = ns == nullptr || attest::matches(policy->namespace_selector, *ns);
    const bool selects = pod == nullptr || attest::matches(policy->pod_selector, *pod);
    if (in_namespace && selects) found.push_back(policy.get());
  }
  return found;
}

}  // namespace avouch::admission
