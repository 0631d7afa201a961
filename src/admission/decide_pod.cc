#include <algorithm>

#include "admission/decide_parts.h"
#include "admission/node_checks.h"
#include "admission/text.h"
#include "attest/namespace_share.h"
#include "codec/json.h"
#include "crypto/hash.h"

namespace avouch::admission {
namespace {

using attest::Mode;

using Policies = std::vector<const PolicyFacts*>;

bool is_exempt_by_name(const PodRequest& request, const Rules& rules) {
  return std::find(rules.exempt_namespaces.begin(), rules.exempt_namespaces.end(), request.ns) !=
         rules.exempt_namespaces.end();
}

const attest::Labels* cached_labels(const PodRequest& request, const Snapshot& snapshot) {
  const auto found = snapshot.namespaces.find(request.ns);
  return found == snapshot.namespaces.end() ? nullptr : found->second.get();
}

const attest::Labels* namespace_labels(const DecisionInput& input, const PodRequest& request) {
  const auto& live = input.gathered.live;
  if (!live) return cached_labels(request, input.snapshot);
  return live->namespace_labels ? &*live->namespace_labels : nullptr;
}

std::optional<crypto::Sha256> pod_spec_digest(const Review& review) {
  const codec::JsonView spec = review.object.find("spec");
  if (!spec.is_object()) return std::nullopt;
  const auto canonical = codec::canonical_json(spec.to_json());
  if (!canonical.has_value()) return std::nullopt;
  return crypto::sha256(*canonical);
}

AdmissionVerdict begin_verdict(const Review& review, const PodRequest& request,
                               const Policies& policies) {
  AdmissionVerdict verdict;
  verdict.id = review.uid;
  verdict.operation = request.operation;
  verdict.ns = request.ns;
  verdict.pod = request.pod;
  verdict.pod_uid = request.pod_uid;
  verdict.node = request.node;
  verdict.user = review.caller.username;
  if (request.operation == "pods") verdict.pod_spec = pod_spec_digest(review);
  for (const PolicyFacts* policy : policies) {
    verdict.policies.push_back({policy->name, policy->spec_digest, policy->mode});
  }
  return verdict;
}

std::vector<Finding> judge_target(const DecisionInput& input, const PodRequest& request,
                                  const Policies& policies, AdmissionVerdict& verdict) {
  std::vector<Finding> findings;
  const auto found = input.snapshot.nodes.find(request.node);
  if (found == input.snapshot.nodes.end()) {
    for (const PolicyFacts* policy : policies) {
      findings.push_back({std::string(code::kNodeUnknown), policy->name,
                          "there is no node of this name", policy->mode});
    }
    return findings;
  }
  const NodeFacts& node = *found->second;
  verdict.node_uid = node.uid;
  if (const VerdictFacts* known = verdict_on(node, input.snapshot)) {
    verdict.node_token = known->token.digest();
    verdict.node_verdict_index = known->log_index;
    verdict.node_verdict_origin =
        known->log_origin.empty() ? known->token.claims().issuer : known->log_origin;
  }
  for (const PolicyFacts* policy : policies) {
    if (auto finding = check_node(*policy, node, input.snapshot, input.now)) {
      findings.push_back(std::move(*finding));
    }
  }
  return findings;
}

std::string sentence(const PodRequest& request, const Finding& finding) {
  return "node " + quote(request.node) + " does not satisfy AttestationPolicy " +
         quote(finding.policy) + ": " + finding.message + ".";
}

// A line to be copied into a shell: a name that is no node's, which the request made up, is not put
// into it.
std::string what_to_do(const PodRequest& request) {
  const bool is_plain = std::all_of(request.node.begin(), request.node.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
  });
  return is_plain ? "See: kubectl avouch explain node " + request.node
                  : "See: kubectl avouch status";
}

// Warnings are short: what to do about it must not be what is cut off.
std::string warning(const PodRequest& request, const Finding& finding) {
  const std::string remedy = " " + what_to_do(request);
  if (remedy.size() > kMaxWarning / 2) return sentence(request, finding);
  return clip(sentence(request, finding), kMaxWarning - remedy.size()) + remedy;
}

// "First violation names the reason; all are listed."
Decision denial(const PodRequest& request, const std::vector<Finding>& findings) {
  std::string message;
  std::string_view first;
  for (const Finding& finding : findings) {
    if (finding.mode != Mode::kEnforce) continue;
    if (first.empty()) first = finding.code;
    message += sentence(request, finding) + " ";
  }
  return deny(first, message + what_to_do(request));
}

bool must_deny(const std::vector<Finding>& findings) {
  return std::any_of(findings.begin(), findings.end(),
                     [](const Finding& finding) { return finding.mode == Mode::kEnforce; });
}

bool any_enforced(const Policies& policies) {
  return std::any_of(policies.begin(), policies.end(),
                     [](const PolicyFacts* policy) { return policy->mode == Mode::kEnforce; });
}

Decision not_ready(const std::string& why) {
  return deny(code::kNotReady, "avouch-webhook cannot decide yet: " + why + "; try again");
}

std::string names_of(const Policies& policies) {
  std::string names;
  for (const PolicyFacts* policy : policies) names += (names.empty() ? "" : ", ") + policy->name;
  return names;
}

bool any_node_satisfies(const DecisionInput& input, const Policies& policies) {
  return std::any_of(
      input.snapshot.nodes.begin(), input.snapshot.nodes.end(), [&](const auto& entry) {
        return std::none_of(policies.begin(), policies.end(), [&](const auto* policy) {
          return check_node(*policy, *entry.second, input.snapshot, input.now);
        });
      });
}

// A pod without a node is judged when it gets one; here is only said whether it could go anywhere.
Decision decide_unplaced(const DecisionInput& input, const Policies& policies) {
  Policies enforced;
  Policies warning;  // the enforced ones too
  for (const PolicyFacts* policy : policies) {
    if (policy->mode == Mode::kEnforce) enforced.push_back(policy);
    if (policy->mode != Mode::kAudit) warning.push_back(policy);
  }
  Decision decision = allow();
  if (!enforced.empty() && !any_node_satisfies(input, enforced)) {
    decision.warnings.push_back("no node satisfies AttestationPolicy " + names_of(enforced) +
                                " now: the pod stays Pending until one does. "
                                "See: kubectl avouch status");
  } else if (warning.size() > enforced.size() && !any_node_satisfies(input, warning)) {
    decision.warnings.push_back("no node satisfies AttestationPolicy " + names_of(warning) +
                                " now; not all of them are enforced. See: kubectl avouch status");
  }
  return decision;
}

Decision decide_placed(const DecisionInput& input, const PodRequest& request,
                       const Policies& policies, AdmissionVerdict& verdict) {
  verdict.findings = judge_target(input, request, policies, verdict);
  Decision decision = allow();
  if (must_deny(verdict.findings)) decision = denial(request, verdict.findings);
  for (const Finding& finding : verdict.findings) {
    if (finding.mode == Mode::kWarn) decision.warnings.push_back(warning(request, finding));
  }
  // Its kubelet would show it to Services as an endpoint.
  if (request.mirror && !decision.allowed) {
    decision.warnings.insert(
        decision.warnings.begin(),
        "the static pod runs all the same, as admission cannot stop it; what "
        "is denied is its mirror pod, so that no Service sends anything to it");
  }
  return decision;
}

}  // namespace

bool is_exempt_by_label(const attest::Labels* labels) {
  if (labels == nullptr) return false;
  const auto label = labels->find(kExemptLabel);
  return label != labels->end() && label->second == "true";
}

namespace {

// Whether a policy in Enforce may gate pods of a namespace for all that its webhook's selector
// says, as the controller makes it from the policies (control::fail_closed_share). Labels that are
// not known meet whatever a policy asks for.
bool in_fail_closed_share(const Snapshot& snapshot, const attest::Labels* ns) {
  std::vector<const attest::LabelSelector*> enforced;
  for (const auto& [name, policy] : snapshot.policies) {
    if (policy->mode != Mode::kEnforce) continue;
    if (ns == nullptr || attest::matches(policy->namespace_selector, *ns)) return true;
    enforced.push_back(&policy->namespace_selector);
  }
  if (enforced.empty()) return false;
  const auto shared = attest::shared_requirement(enforced);
  return !shared || attest::matches(attest::LabelSelector{{}, {*shared}}, *ns);
}

bool contradicts(Endpoint endpoint, const Snapshot& snapshot, const attest::Labels* ns) {
  if (ns != nullptr && ns->find(kExemptLabel) != ns->end()) return true;
  return endpoint == Endpoint::kPods && !in_fail_closed_share(snapshot, ns);
}

}  // namespace

std::optional<std::string> namespace_to_read(Endpoint endpoint, const Review& review,
                                             const Gathered& gathered, const Snapshot& snapshot,
                                             const Rules& rules) {
  if (endpoint != Endpoint::kPods && endpoint != Endpoint::kUnenforcedPods) return std::nullopt;
  if (gathered.live || gathered.late || !gathered.not_ready.empty()) return std::nullopt;
  const auto request = read_pod_request(review);
  if (!request.has_value() || is_exempt_by_name(*request, rules)) return std::nullopt;
  if (!contradicts(endpoint, snapshot, cached_labels(*request, snapshot))) return std::nullopt;
  return request->ns;
}

Decision decide_pod(const DecisionInput& input) {
  const auto request = read_pod_request(input.review);
  if (!request.has_value()) return deny(code::kInvalid, request.error().message);
  if (is_exempt_by_name(*request, input.rules)) return allow();
  const attest::Labels* ns = namespace_labels(input, *request);
  const bool ready = input.gathered.not_ready.empty();
  if (ready && is_exempt_by_label(ns)) return allow();

  std::optional<attest::Labels> pod = input.gathered.pod_labels;
  if (request->operation == "pods") {
    auto labels = labels_of(input.review.object);
    if (!labels.has_value()) return deny(code::kInvalid, labels.error().message);
    pod = std::move(*labels);
  }
  const Policies policies = gating(input.snapshot.policies, ns, pod ? &*pod : nullptr);
  const bool enforced = !input.gathered.policies_known || any_enforced(policies);
  if (input.gathered.late || !ready) {
    Decision decision = input.gathered.late ? overloaded() : not_ready(input.gathered.not_ready);
    decision.enforced = enforced;
    return decision;
  }
  if (policies.empty()) return allow();

  AdmissionVerdict verdict = begin_verdict(input.review, *request, policies);
  // A binding need not say which pod of the name it means: the one that was judged.
  if (verdict.pod_uid.empty() && request->operation != "pods") {
    verdict.pod_uid = input.gathered.pod_uid;
  }
  Decision decision = request->node.empty() ? decide_unplaced(input, policies)
                                            : decide_placed(input, *request, policies, verdict);
  decision.logging = attest::Logging::kSpool;
  for (const PolicyFacts* policy : policies) {
    if (policy->logging == attest::Logging::kStrict) decision.logging = attest::Logging::kStrict;
  }
  decision.verdict = std::move(verdict);
  decision.enforced = enforced;
  return decision;
}

}  // namespace avouch::admission
