#include "control/outlook.h"

#include <algorithm>
#include <array>
#include <utility>

#include "attest/reason_json.h"
#include "base/hex.h"
#include "base/listing.h"
#include "base/time_text.h"
#include "codec/base64.h"

namespace avouch::control {
namespace {

using codec::Json;

Json condition(std::string_view type, std::string_view status, std::string_view reason,
               std::string_view message) {
  return Json::Object{{"type", type}, {"status", status}, {"reason", reason}, {"message", message}};
}

// The finding that people should read first.
attest::Reason first_reason(const NodeState& state) {
  const NodeVerdict& verdict = *state.saved.verdict;
  if (verdict.phase == Phase::kTrusted) {
    return {"Affirming", attest::Status::kAffirming,
            "every policy that selects the node is satisfied"};
  }
  if (!is_judged(verdict.phase) && state.enrolment_problem) return *state.enrolment_problem;
  if (!verdict.reasons.empty()) return verdict.reasons.front();
  if (state.enrolment_problem) return *state.enrolment_problem;
  return {std::string(attest::code::kEnrolling), attest::Status::kNone,
          "no evidence has been judged yet"};
}

AttestedCondition attested(const NodeState& state,
                           const std::vector<const ResolvedPolicy*>& selecting) {
  const NodeVerdict& verdict = *state.saved.verdict;
  attest::Reason reason = first_reason(state);
  if (is_judged(verdict.phase)) reason.message += unsatisfied_text(verdict, selecting);
  switch (verdict.phase) {
    case Phase::kTrusted:
    case Phase::kWarning:
      return {"True", reason.code, reason.message};
    case Phase::kContraindicated:
      return {"False", reason.code, reason.message};
    case Phase::kPending:
    case Phase::kEnrolling:
    case Phase::kStale:
      break;
  }
  return {"Unknown", reason.code, reason.message};
}

Standing standing_by(const NodeVerdict& verdict, const NodeState& state,
                     const std::vector<const ResolvedPolicy*>& selecting) {
  if (is_trusted(verdict.phase)) return Standing::kGood;
  const bool judged = is_judged(verdict.phase);
  const auto fails = [&](const ResolvedPolicy* policy) {
    if (policy->in_force == nullptr || policy->spec().mode != attest::Mode::kEnforce) return false;
    return !judged ||
           std::any_of(verdict.policies.begin(), verdict.policies.end(),
                       [&](const attest::TokenPolicy& one) {
                         return one.name == policy->name && !attest::satisfies(one.status);
                       });
  };
  const bool enforced = std::any_of(selecting.begin(), selecting.end(), fails);
  if (!enforced && state.record.held_by.empty()) return Standing::kGood;
  return judged ? Standing::kFails : Standing::kSilent;
}

NodeSignals signals_of(const NodeState& state,
                       const std::vector<const ResolvedPolicy*>& selecting) {
  NodeSignals out;
  for (const auto& [policy, effect] : state.record.held_by) {
    if (effect == attest::TaintEffect::kNoExecute || out.taint == attest::TaintEffect::kNone) {
      out.taint = effect;
    }
  }
  // Trust is shown once it is logged, distrust at once.
  out.standing = std::max(standing_by(*state.saved.verdict, state, selecting),
                          standing_by(*state.record.verdict, state, selecting));
  out.label =
      !selecting.empty() && is_trusted(state.saved.verdict->phase) && state.record.held_by.empty();
  const bool wanted = std::any_of(selecting.begin(), selecting.end(), [](const auto* policy) {
    return policy->in_force != nullptr && policy->spec().condition;
  });
  if (wanted) out.condition = attested(state, selecting);
  return out;
}

Json enrolled_condition(const NodeState& state) {
  if (state.saved.enrolment) {
    if (state.enrolment_problem) {
      return condition("Enrolled", "True", state.enrolment_problem->code,
                       state.enrolment_problem->message);
    }
    return condition("Enrolled", "True", "Activated", "the TPM has proved that it holds both keys");
  }
  if (state.enrolment_problem) {
    return condition("Enrolled", "False", state.enrolment_problem->code,
                     state.enrolment_problem->message);
  }
  return condition("Enrolled", "False", attest::code::kEnrolling,
                   "waiting for the agent to answer status.activation");
}

Json fresh_condition(const NodeState& state) {
  if (state.refusal) {
    return condition("EvidenceFresh", "False", state.refusal->reason.code,
                     state.refusal->reason.message);
  }
  const NodeVerdict& verdict = *state.saved.verdict;
  if (verdict.phase == Phase::kStale) {
    return condition("EvidenceFresh", "False", attest::code::kEvidenceExpired,
                     verdict.reasons.empty() ? "" : verdict.reasons.front().message);
  }
  if (is_judged(verdict.phase)) {
    return condition("EvidenceFresh", "True", "QuoteAccepted",
                     "the newest quote is authentic and answers a recent beacon");
  }
  return condition("EvidenceFresh", "Unknown", "NoEvidence", "no quote has been accepted yet");
}

Json logged_condition(const NodeVerdict& verdict) {
  if (verdict.log) {
    return condition("Logged", "True", "Sequenced",
                     "the verdict is entry " + std::to_string(verdict.log->index) + " of the log");
  }
  return condition("Logged", "False", "NoVerdict",
                   "no verdict about this node has been logged yet");
}

Json verdict_status(const NodeVerdict& verdict, const std::string& origin) {
  Json out{Json::Object{}};
  if (!verdict.token.empty()) {
    out["token"] = codec::to_base64(verdict.token);
    out["expires"] = to_rfc3339(verdict.expires_at);
    Json vector{Json::Object{}};
    for (std::size_t i = 0; i < attest::kClaimCount; ++i) {
      vector[attest::claim_name(static_cast<attest::Claim>(i))] =
          std::int64_t{verdict.vector.values[i]};
    }
    out["trustVector"] = std::move(vector);
  }
  Json::Array policies;
  for (const attest::TokenPolicy& policy : verdict.policies) {
    policies.push_back(Json::Object{{"name", policy.name},
                                    {"digest", attest::digest_text(policy.digest)},
                                    {"result", attest::status_name(policy.status)}});
  }
  // An empty list is left out: Kubernetes 1.20 makes null of a list whose last member an apply
  // drops.
  if (!policies.empty()) out["policies"] = std::move(policies);
  Json::Array reasons;
  for (const attest::Reason& reason : verdict.reasons) {
    reasons.push_back(attest::to_json(reason));
  }
  if (!reasons.empty()) out["reasons"] = std::move(reasons);
  if (verdict.log) {
    out["log"] = Json::Object{{"origin", origin},
                              {"index", static_cast<std::int64_t>(verdict.log->index)},
                              {"leafHash", to_hex(verdict.log->leaf_hash)}};
  }
  return out;
}

// Without enrolment or verdict the reason for it stands where people look for reasons.
Json pending_verdict(const NodeState& state) {
  const attest::Reason reason = first_reason(state);
  return Json::Object{{"reasons", Json::Array{attest::to_json(reason)}}};
}

Json status_of(const NodeState& state, const std::vector<const ResolvedPolicy*>& selecting,
               const std::string& origin) {
  const NodeState::Saved& saved = state.saved;
  Json out{Json::Object{{"phase", phase_name(saved.verdict->phase)},
                        {"observedGeneration", state.evidence->generation}}};
  if (state.challenge) {
    out["activation"] = Json::Object{
        {"challengeID", state.challenge->id},
        {"credentialBlob", codec::to_base64(state.challenge->credential.blob)},
        {"encryptedSecret", codec::to_base64(state.challenge->credential.encrypted_secret)}};
  }
  if (saved.enrolment) {
    out["identity"] =
        Json::Object{{"ekDigest", attest::digest_text(saved.enrolment->enrolled.ek_digest)},
                     {"akName", to_hex(saved.enrolment->enrolled.ak_name)},
                     {"enrolledAt", to_rfc3339(saved.enrolment->enrolled_at)},
                     {"boundBy", attest::enrollment_name(saved.enrolment->bound_by)}};
    if (!saved.enrolment->tpm_make.empty()) out["identity"]["tpm"] = saved.enrolment->tpm_make;
    if (const auto& rules = saved.enrolment->certificate_rules; !rules.empty()) {
      out["identity"]["certificateRules"] = Json::Array(rules.begin(), rules.end());
    }
  }
  if (saved.tpm) {
    out["boot"] = Json::Object{{"resetCount", std::int64_t{saved.tpm->clock.reset_count}},
                               {"restartCount", std::int64_t{saved.tpm->clock.restart_count}},
                               {"since", to_rfc3339(saved.boot_since)}};
  }
  const bool has_verdict = is_judged(saved.verdict->phase) || saved.verdict->phase == Phase::kStale;
  out["verdict"] = has_verdict ? verdict_status(*saved.verdict, origin) : pending_verdict(state);
  const AttestedCondition shown = attested(state, selecting);
  out["conditions"] = Json::Array{enrolled_condition(state), fresh_condition(state),
                                  condition("Attested", shown.status, shown.reason, shown.message),
                                  logged_condition(*saved.verdict)};
  return out;
}

std::string joined(const std::vector<std::string>& parts) {
  constexpr std::size_t kShownParts = 8;
  return list_of_some(parts, kShownParts);
}

Json ready_condition(const ResolvedPolicy& policy, std::chrono::milliseconds cadence) {
  if (policy.in_force == nullptr)
    return condition("Ready", "False", "InvalidSpec", policy.spec_error);
  if (!policy.usable()) {
    return condition("Ready", "False", "ReferencesMissing",
                     "nodes that it selects are judged contraindicated until this is mended: " +
                         joined(policy.in_force->problems));
  }
  if (policy.spec().max_age < 2 * cadence) {
    return condition("Ready", "True", "MaxAgeShort",
                     "in force; but freshness.maxAge " + to_duration(policy.spec().max_age) +
                         " is less than two beacon periods of " + to_duration(cadence) +
                         ": nodes will fall Stale between heartbeats, and NoExecute evicts none of "
                         "their pods for that");
  }
  return condition("Ready", "True", "InForce", "the policy is in force as written");
}

Json references_condition(const ResolvedPolicy& policy) {
  if (policy.in_force == nullptr) {
    return condition("ReferencesResolved", "Unknown", "InvalidSpec", "the spec cannot be read");
  }
  if (policy.usable()) {
    const std::vector<std::string>& notices = policy.in_force->notices;
    return condition("ReferencesResolved", "True", "Resolved",
                     notices.empty()
                         ? "every reference was read"
                         : "every reference was read; of no effect now are " + joined(notices));
  }
  return condition("ReferencesResolved", "False", "Unresolved", joined(policy.in_force->problems));
}

Json selection_condition(const ResolvedPolicy& policy, const NodeCounts& counts) {
  if (policy.in_force == nullptr) {
    return condition("SelectsNodes", "Unknown", "InvalidSpec", "the spec cannot be read");
  }
  if (counts.matched == 0) {
    return condition("SelectsNodes", "False", "NoNodes",
                     "nodeSelector matches no node: every pod that this policy gates is refused "
                     "everywhere; correct nodeSelector or label the nodes");
  }
  if (!policy.self_set_labels.empty()) {
    return condition(
        "SelectsNodes", "True", "LabelsSetByNodes",
        "nodeSelector looks at labels that a node's own credentials can set (" +
            joined(policy.self_set_labels) +
            "): a node can leave the policy by itself, and is then neither judged by it "
            "nor tainted; use labels under node-restriction.kubernetes.io/");
  }
  return condition("SelectsNodes", "True", "Selected",
                   std::to_string(counts.matched) + " nodes are selected");
}

Json gates_condition(const ResolvedPolicy& policy) {
  if (policy.in_force == nullptr) {
    return condition("GatesPods", "Unknown", "InvalidSpec", "the spec cannot be read");
  }
  const attest::PolicySpec& spec = policy.spec();
  const bool every_pod = spec.pod_selector.selects_everything();
  const std::string pods = every_pod ? "every pod" : "the pods that match podSelector";
  const std::string mode(attest::mode_name(spec.mode));
  const std::string effect = spec.mode == attest::Mode::kEnforce
                                 ? "mode Enforce: they are denied on nodes that do not satisfy it"
                                 : "mode " + mode + ": nothing is denied";
  if (spec.namespace_selector.selects_everything()) {
    return condition("GatesPods", "True", "EveryNamespace",
                     "namespaceSelector is empty: the policy gates " + pods +
                         " of EVERY namespace that is not exempt; " + effect);
  }
  return condition(
      "GatesPods", "True", "SelectedNamespaces",
      "the policy gates " + pods + " of namespaces that match namespaceSelector; " + effect);
}

}  // namespace

std::string unsatisfied_text(const NodeVerdict& verdict,
                             const std::vector<const ResolvedPolicy*>& selecting) {
  constexpr std::size_t kMostNamed = 8;
  std::string out;
  std::size_t count = 0;
  bool stops = false;
  for (const attest::TokenPolicy& judged : verdict.policies) {
    if (attest::satisfies(judged.status)) continue;
    const auto found =
        std::find_if(selecting.begin(), selecting.end(), [&](const ResolvedPolicy* policy) {
          return policy->name == judged.name && policy->in_force != nullptr;
        });
    const bool known = found != selecting.end();
    const bool enforced = !known || (*found)->spec().mode == attest::Mode::kEnforce;
    stops = stops || enforced;
    if (++count > kMostNamed) continue;
    out += (out.empty() ? "" : ", ") + ("\"" + judged.name + "\"");
    if (known) out += " (mode " + std::string(attest::mode_name((*found)->spec().mode)) + ")";
  }
  if (count == 0) return "";
  if (count > kMostNamed) out += " and " + std::to_string(count - kMostNamed) + " more";
  out = "; not satisfied: " + out;
  if (!stops) out += ", none of them enforced: no pod is denied and no taint set by this";
  return out;
}

NodeOutlook make_outlook(const NodeState& state,
                         const std::vector<const ResolvedPolicy*>& selecting,
                         const std::string& origin) {
  NodeOutlook out;
  out.name = state.name;
  if (state.facts) {
    out.node_uid = state.facts->uid;
    out.signals = signals_of(state, selecting);
  }
  if (state.evidence) {
    out.evidence_uid = state.evidence->uid;
    out.status = status_of(state, selecting, origin);
  }
  return out;
}

PolicyOutlook make_policy_outlook(const ResolvedPolicy& policy, const NodeCounts& counts,
                                  std::chrono::milliseconds cadence) {
  PolicyOutlook out{.name = policy.name, .uid = policy.uid, .status = {}};
  out.status["observedGeneration"] = policy.generation;
  if (policy.in_force != nullptr) out.status["digest"] = attest::digest_text(policy.digest);
  out.status["nodes"] =
      Json::Object{{"matched", counts.matched}, {"trusted", counts.trusted},
                   {"warning", counts.warning}, {"contraindicated", counts.contraindicated},
                   {"stale", counts.stale},     {"unknown", counts.unknown}};
  out.status["conditions"] =
      Json::Array{ready_condition(policy, cadence), references_condition(policy),
                  selection_condition(policy, counts), gates_condition(policy)};
  return out;
}

}  // namespace avouch::control
