// AttestationPolicy specs: what is accepted checks something in every bank that it names, has one
// digest however it is written, and can be used.

#include <cstdint>
#include <cstdlib>

#include "attest/policy.h"
#include "base/bytes.h"
#include "fuzz/fuzz_target.h"
#include "tpm/selection.h"

namespace avouch::fuzzing::policy_target {
namespace {

namespace attest = avouch::attest;
namespace codec = avouch::codec;

void require(bool holds) {
  if (!holds) std::abort();
}

void use(const attest::PolicySpec& spec) {
  const attest::Labels labels = {{"pool", "production"}, {"a", ""}};
  for (const auto* selector : {&spec.node_selector, &spec.namespace_selector, &spec.pod_selector}) {
    const bool matched = attest::matches(*selector, labels);
    require(matched || !selector->selects_everything());
  }
  (void)attest::self_set_labels(spec);
  require(!attest::references_of(spec).empty());
}

}  // namespace

AVOUCH_FUZZ_TARGET("policy_fuzz") {
  const auto json = codec::parse_json(avouch::as_text({data, size}), {.bytes = 64 * 1024});
  if (!json.has_value()) return 0;
  const auto policy = attest::parse_policy("p", json.value());
  if (!policy.has_value()) {
    require(policy.error().kind == avouch::ErrorKind::kRejected && !policy.error().message.empty());
    return 0;
  }
  const attest::PolicySpec& spec = policy->spec;
  require(!spec.exact.empty() && !spec.banks.empty() && !spec.keys.empty() &&
          !spec.trust_bundles.empty());
  for (const attest::ExactPcr& exact : spec.exact) {
    require(exact.accepted.size() == spec.banks.size());
    for (const auto& [bank, values] : exact.accepted) require(!values.empty());
  }
  require(avouch::tpm::first_selected(attest::required_selection(spec)).has_value());
  require((spec.enrollment == attest::Enrollment::kInventory) == spec.inventory.has_value());
  const auto again = codec::parse_json(codec::to_json_pretty(json.value()));
  require(again.has_value());
  require(attest::parse_policy("p", again.value())->spec_digest == policy->spec_digest);
  use(spec);
  return 0;
}

}  // namespace avouch::fuzzing::policy_target
