#include <algorithm>
#include <chrono>

#include "admission/decide_parts.h"
#include "admission/text.h"
#include "base/time_text.h"
#include "reference/manifest.h"

namespace avouch::admission {
namespace {

// Three heartbeats of the default period, and six.
constexpr std::chrono::seconds kSteadyAge{30}, kSteadyAgeToEvict{60};

std::string names(const std::vector<std::string>& words) {
  std::string out;
  for (const auto& word : words) out += (out.empty() ? "" : ", ") + word;
  return out;
}

// Which pods the policy gates, where that may not be what was meant.
void warn_of_scope(const DecisionInput& input, const attest::PolicySpec& spec, Decision& decision) {
  if (spec.namespace_selector.selects_everything()) {
    const bool enforced = spec.mode == attest::Mode::kEnforce;
    decision.warnings.push_back(
        std::string("spec.workloads.namespaceSelector is empty: the policy gates ") +
        (spec.pod_selector.selects_everything() ? "every pod" : "pods") +
        " of EVERY namespace that is not exempt" +
        (enforced ? ", and none of them starts while no webhook answers" : "") +
        "; select by a label, such as attested: required");
    return;
  }
  const auto& namespaces = input.snapshot.namespaces;
  const auto& exempt = input.rules.exempt_namespaces;
  const auto is_exempt = [&](const std::string& name) {
    return std::find(exempt.begin(), exempt.end(), name) != exempt.end();
  };
  const auto& unread = input.snapshot.unread_namespaces;
  const bool gates = std::any_of(namespaces.begin(), namespaces.end(),
                                 [&](const auto& entry) {
                                   return !is_exempt(entry.first) &&
                                          !is_exempt_by_label(entry.second.get()) &&
                                          attest::matches(spec.namespace_selector, *entry.second);
                                 }) ||
                     std::any_of(unread.begin(), unread.end(),
                                 [&](const std::string& name) { return !is_exempt(name); });
  if (input.gathered.not_ready.empty() && !gates) {
    decision.warnings.push_back(
        "spec.workloads.namespaceSelector selects no namespace now that is not exempt: the policy "
        "gates no pod; label the namespaces that it is for");
  }
}

// Which nodes the policy is for.
void warn_of_nodes(const DecisionInput& input, const attest::PolicySpec& spec, Decision& decision) {
  if (const auto keys = attest::self_set_labels(spec); !keys.empty()) {
    const std::string_view begin =
        "spec.nodeSelector: a node can leave the policy, as its kubelet may change ";
    const std::string_view end =
        "; select by labels that no kubelet may change, such as "
        "example.com.node-restriction.kubernetes.io/pool";
    const std::string keys_text = clip(names(keys), kMaxWarning - begin.size() - end.size());
    decision.warnings.push_back(std::string(begin) + keys_text + std::string(end));
  }
  const auto& nodes = input.snapshot.nodes;
  const bool selects_a_node = std::any_of(nodes.begin(), nodes.end(), [&spec](const auto& node) {
    return attest::matches(spec.node_selector, node.second->labels);
  });
  if (input.gathered.not_ready.empty() && !selects_a_node) {
    decision.warnings.push_back(
        "spec.nodeSelector selects no node now: no node can satisfy the policy, so the pods that "
        "it gates can run nowhere");
  }
}

// What a short silence costs. The periods are the defaults: the webhook does not know those in
// force.
void warn_of_time(const attest::PolicySpec& spec, Decision& decision) {
  const std::string age = to_duration(spec.max_age);
  if (spec.max_age < kSteadyAge) {
    decision.warnings.push_back(
        "spec.freshness.maxAge is " + age +
        ": nodes give evidence every 10s by default, so one heartbeat that is lost costs a node "
        "its trust; give three times the period at least: " +
        to_duration(kSteadyAge) + " by default");
  }
  // Without Enforce nothing is tainted.
  if (spec.mode == attest::Mode::kEnforce && spec.taint == attest::TaintEffect::kNoExecute &&
      spec.max_age < kSteadyAgeToEvict) {
    decision.warnings.push_back(
        "spec.onFailure.taint is NoExecute and spec.freshness.maxAge " + age +
        ": a node that is silent that long loses its running pods, but for a maxAge below two "
        "beacon periods, where silence evicts nobody; give a maxAge of " +
        to_duration(kSteadyAgeToEvict) + " at least, or taint NoSchedule");
  }
}

// What the log of a node says that measures nothing.
void warn_of_measuring(const attest::PolicySpec& spec, Decision& decision) {
  if (!spec.runtime || spec.runtime->files != attest::RuntimeFiles::kJudge) return;
  if (attest::requires_measuring(spec)) return;
  decision.warnings.push_back(
      "spec.runtime: a node whose kernel measures no file satisfies these rules; have the boot log "
      "prove that it measures: spec.bootLog.kernelCommandLine.required: [\"ima_policy=tcb\"]");
}

// The kernel names files as the process that uses them does: in a container by its own root.
void warn_of_excludes(const attest::PolicySpec& spec, Decision& decision) {
  if (!spec.runtime || spec.runtime->exclude.empty()) return;
  decision.warnings.push_back(
      "spec.runtime.exclude: these are paths in containers too: a pod with a volume at such a path "
      "runs from it whatever it likes, unjudged; on nodes that run other people's pods leave files "
      "out by the kernel's own measurement policy instead");
}

// The webhook reads no ConfigMap of a policy and no ReferenceManifest: it needs no right to. That
// there is no namespace is known here, and then there is nothing in it. Of the rest the policy's
// condition ReferencesResolved tells.
void warn_of_references(const DecisionInput& input, const attest::PolicySpec& spec,
                        Decision& decision) {
  if (!input.gathered.not_ready.empty()) return;
  const auto& namespaces = input.snapshot.namespaces;
  const auto look = [&](const attest::ConfigMapName& name, const std::string& field) {
    if (namespaces.contains(name.ns) || input.snapshot.unread_namespaces.contains(name.ns)) return;
    decision.warnings.push_back(
        "spec." + field + ": there is no ConfigMap " + name.ns + "/" + name.name +
        ", nor the namespace: until there is, the policy's nodes are contraindicated "
        "(PolicyUnusable)");
  };
  const auto look_at_all = [&](const std::vector<attest::ConfigMapName>& list,
                               const std::string& field) {
    for (std::size_t i = 0; i < list.size(); ++i) {
      look(list[i], field + "[" + std::to_string(i) + "].configMap");
    }
  };
  look_at_all(spec.trust_bundles, "endorsement.trustBundles");
  if (spec.inventory) look(*spec.inventory, "endorsement.inventory.configMap");
  look_at_all(spec.reference_keys, "referenceKeys");
}

Decision decide_policy(const DecisionInput& input, const std::string& name,
                       const codec::Json& spec) {
  const auto policy = attest::parse_policy(name, spec);
  if (!policy.has_value()) {
    return deny(code::kInvalid, "AttestationPolicy " + quote(name) + ": " + policy.error().message);
  }
  Decision decision = allow();
  warn_of_nodes(input, policy->spec, decision);
  warn_of_scope(input, policy->spec, decision);
  warn_of_time(policy->spec, decision);
  warn_of_measuring(policy->spec, decision);
  warn_of_excludes(policy->spec, decision);
  warn_of_references(input, policy->spec, decision);
  return decision;
}

}  // namespace

Decision decide_own_kind(const DecisionInput& input) {
  const Review& review = input.review;
  const bool update = review.operation == "UPDATE";
  const bool policy = review.resource == "attestationpolicies";
  const bool manifest = review.resource == "referencemanifests";
  if (review.group != "avouch.dev" || review.version != "v1alpha1" || (!policy && !manifest) ||
      !review.subresource.empty() || (!update && review.operation != "CREATE") ||
      !review.object.exists()) {
    return deny(code::kInvalid,
                "policies.avouch.dev decides CREATE and UPDATE of attestationpolicies and "
                "referencemanifests only; correct the rules of the ValidatingWebhookConfiguration");
  }
  const std::string name =
      review.name.empty() ? std::string(review.object.text({"metadata", "name"})) : review.name;
  const codec::Json spec = review.object.find("spec").to_json();
  // Metadata may change although what is stored is unusable: it must be possible to delete it.
  if (update && review.old_object.exists() && review.old_object.find("spec").to_json() == spec) {
    return allow();
  }
  if (policy) return decide_policy(input, name, spec);
  const auto form = reference::parse_manifest("", spec);
  if (form.has_value()) return allow();
  return deny(code::kInvalid, "ReferenceManifest " + quote(name) + ": " + form.error().message);
}

}  // namespace avouch::admission
