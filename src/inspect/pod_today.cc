#include "inspect/pod_today.h"

#include <algorithm>

#include "base/time_text.h"
#include "inspect/entry_text.h"
#include "inspect/proof.h"
#include "inspect/rights.h"

namespace avouch::inspect {
namespace {

using codec::Json;

// By the newest evidence; else what the policies said last is old, and none of them is satisfied.
bool is_judged_now(const NodeReport& node, SystemTime now) {
  return node.phase == "Contraindicated" && !node.expired(now);
}

std::string state_of(const NodeReport& node, SystemTime now) {
  if (node.expired(now)) {
    return printable(node.phase) + ", by a verdict that ended at " + to_rfc3339(*node.expires) +
           " and was not renewed";
  }
  return printable(node.phase) + (node.since ? " since " + to_rfc3339(*node.since) : "");
}

std::string let_in_sentence(const LetIn& entry) {
  const std::string by =
      "Entry " + std::to_string(entry.index) + " let it in there at " + printable(entry.time);
  if (entry.reasons.empty()) return by + ", when the node satisfied what gates the pod.";
  return by + ", although policies in Audit or Warn were not satisfied even then: " +
         printable(entry.reasons) + ".";
}

// What a policy that the node does not satisfy does to what runs there.
std::string effect_of(const PolicyReport& policy, bool judged) {
  if (!policy.enforced()) return "it denies and taints nothing: the pod stays";
  if (policy.taint == "None") {
    return "no taint: the pod stays; others that it gates are denied there";
  }
  if (policy.taint == "NoExecute") {
    return std::string("the pod is evicted, unless it tolerates the taint") +
           (judged ? "" : ", once the node has had freshness.maxAge to answer");
  }
  return "the pod stays; others that it gates are denied there, and the scheduler avoids the node";
}

std::vector<const NodePolicy*> not_satisfied(const NodeReport& node, SystemTime now) {
  std::vector<const NodePolicy*> out;
  for (const NodePolicy& policy : node.policies) {
    const bool judged = is_judged_now(node, now) || (node.phase == "Warning" && !node.expired(now));
    if (!judged || !policy.satisfied()) out.push_back(&policy);
  }
  return out;
}

const PolicyReport* policy_named(const PodToday& today, const std::string& name) {
  const auto found = std::find_if(today.policies.begin(), today.policies.end(),
                                  [&](const PolicyReport& one) { return one.name == name; });
  return found == today.policies.end() ? nullptr : &*found;
}

std::string settings_of(const PolicyReport& policy) {
  return " (mode " + printable(policy.mode) + ", onFailure.taint " + printable(policy.taint) + ")";
}

// Of a node that gave no evidence nothing says which policies select it.
std::string effects_if_selected(const PodToday& today) {
  constexpr std::size_t kMostTold = 8;
  std::string out;
  std::size_t told = 0;
  for (const PolicyReport& policy : today.policies) {
    if (!policy.enforced()) continue;
    if (++told > kMostTold) return out + "  and so on: kubectl get attestationpolicies\n";
    out += "  policy " + printable(policy.name) + settings_of(policy) +
           ", if it selects the node: " + effect_of(policy, false) + "\n";
  }
  return out;
}

std::string effects_text(const PodToday& today, SystemTime now) {
  std::string out;
  for (const NodePolicy* failing : not_satisfied(today.node, now)) {
    const PolicyReport* policy = policy_named(today, failing->name);
    out += "  policy " + printable(failing->name);
    out += policy == nullptr
               ? ": its mode and onFailure were not read"
               : settings_of(*policy) + ": " + effect_of(*policy, is_judged_now(today.node, now));
    out += '\n';
  }
  if (today.node.policies.empty()) out += effects_if_selected(today);
  for (const std::string& effect : today.node.taints) {
    out += "  the node has the taint avouch.dev/unattested:" + printable(effect) + "\n";
  }
  if (today.node.taints.empty())
    out += "  the node has no taint of ours now: nothing evicts the pod\n";
  return out;
}

}  // namespace

std::optional<LetIn> let_in_by(std::uint64_t index, const codec::Cbor& payload,
                               const PlacedPod& pod) {
  if (!let_in(payload, pod)) return std::nullopt;
  return LetIn{.index = index, .time = time_of(payload), .reasons = reasons_of(payload)};
}

bool PodToday::fails(SystemTime now) const {
  if (pod.node.empty()) return false;
  if (node.expired(now) || is_judged_now(node, now) || node.phase == "Stale") return true;
  return node.phase != "Trusted" && node.phase != "Warning" && let_in_entry.has_value();
}

Result<PodToday> pod_today(const kube::Client& api, const std::string& ns, const std::string& name,
                           const std::vector<PolicyReport>& policies, const ReleaseName& release) {
  PodToday out;
  out.policies = policies;
  const auto object = api.get(kube::pods(ns), name);
  if (!object.has_value()) {
    if (object.error().is_not_found()) return out;
    return with_pods_grant(object.error(), ns);
  }
  const std::string_view phase = object->text({"status", "phase"});
  if (object->text({"spec", "nodeName"}).empty() || phase == "Succeeded" || phase == "Failed") {
    return out;
  }
  AVOUCH_TRY(out.pod, placed_pod(*object, ns));
  AVOUCH_TRY(out.node, report_node(api, out.pod.node, policies, release));
  return out;
}

std::string pod_today_text(const PodToday& today, SystemTime now) {
  if (!today.fails(now)) return "";
  const NodeReport& node = today.node;
  const std::string pod = printable(today.pod.ns + "/" + today.pod.name);
  std::string out = "NODE FAILS NOW: pod " + pod + " runs on node " + printable(node.name) +
                    ", which is " + state_of(node, now) + ".";
  if (today.let_in_entry) out += " " + let_in_sentence(*today.let_in_entry);
  out += '\n';
  if (!node.reasons.empty()) {
    out += "  " + printable(node.reasons.front().code) + ": " +
           printable(node.reasons.front().message) +
           (node.reasons.size() > 1 ? ", and " + std::to_string(node.reasons.size() - 1) + " more"
                                    : "") +
           "\n";
  }
  return out + effects_text(today, now) + "To do: kubectl avouch explain node " +
         printable(node.name) + " says why and what to do about it; kubectl -n " +
         printable(today.pod.ns) + " delete pod " + printable(today.pod.name) +
         " takes the pod off it, and what made the pod makes another elsewhere.\n";
}

Json pod_today_json(const PodToday& today, SystemTime now) {
  if (today.pod.node.empty()) return nullptr;
  const Json nodes = status_json({today.node}, now);
  Json out = nodes.find("nodes")->as_array()->front();
  out["fails"] = today.fails(now);
  if (today.let_in_entry) {
    out["letInBy"] = static_cast<std::int64_t>(today.let_in_entry->index);
  }
  Json::Array effects;
  if (today.fails(now)) {
    for (const NodePolicy* failing : not_satisfied(today.node, now)) {
      const PolicyReport* policy = policy_named(today, failing->name);
      if (policy == nullptr) continue;
      effects.push_back(
          Json::Object{{"policy", policy->name}, {"mode", policy->mode}, {"taint", policy->taint}});
    }
  }
  out["onFailure"] = std::move(effects);
  return out;
}

}  // namespace avouch::inspect
