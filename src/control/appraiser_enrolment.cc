#include <stdexcept>
#include <utility>

#include "attest/reason.h"
#include "control/appraiser.h"

namespace avouch::control {
namespace {

namespace code = attest::code;

// After a failed activation, so that a broken agent cannot keep the controller busy.
constexpr std::chrono::seconds kChallengePause{10};

attest::Reason waiting(std::string message) {
  return {std::string(code::kEnrolling), attest::Status::kNone, std::move(message)};
}

}  // namespace

void Appraiser::step_enrolment(NodeState& node, const Policies& policies, Moment now) {
  const Boxed<attest::Reason> before = node.enrolment_problem;
  const std::string challenge_before = node.challenge ? node.challenge->id : "";
  claim_identity(node, policies, now);
  if (node.enrolment_problem != before ||
      (node.challenge ? node.challenge->id : "") != challenge_before) {
    node.dirty = true;
  }
  if (node.enrolment_problem && node.enrolment_problem != before &&
      node.enrolment_problem->severity == attest::Status::kContraindicated &&
      worth_telling(node, node.enrolment_problem->code, now) == Tell::kYes) {
    output_.event({.node_name = node.name,
                   .node_uid = node.facts ? node.facts->uid : "",
                   .evidence_uid = node.evidence ? node.evidence->uid : "",
                   .severity = NodeEvent::Severity::kWarning,
                   .reason = node.enrolment_problem->code,
                   .message = node.enrolment_problem->message});
  }
}

// Sets enrolment_problem to what keeps the claimed identity from being enrolled, or to nothing.
void Appraiser::claim_identity(NodeState& node, const Policies& policies, Moment now) {
  const auto problem = [&node](attest::Reason reason) {
    node.enrolment_problem = std::move(reason);
  };
  // The pause after a failed answer goes on: claiming something else meanwhile does not end it.
  const auto drop_challenge = [&node] { node.challenge.reset(); };

  if (!node.facts) {
    drop_challenge();
    return problem(waiting("there is no Node \"" + node.name + "\""));
  }
  if (!node.evidence) {
    drop_challenge();
    return problem(waiting("there is no AttestationEvidence \"" + node.name +
                           "\"; is the agent running on that node?"));
  }
  if (!node.evidence->claims) {
    drop_challenge();
    return problem(attest::refuse("EvidenceMalformed", node.evidence->error));
  }
  const EvidenceKept::Claims& spec = *node.evidence->claims;
  if (spec.node_uid != node.facts->uid) {
    drop_challenge();
    return problem(attest::refuse(code::kIdentityMismatch, "spec.nodeUID \"" + spec.node_uid +
                                                               "\" is not the UID of Node \"" +
                                                               node.name + "\", which is \"" +
                                                               node.facts->uid + "\""));
  }
  if (!spec.identity) {
    drop_challenge();
    return problem(waiting("spec.identity is missing"));
  }
  if (claims_what_is_enrolled(node)) {
    node.evidence->claims->identity = node.record.enrolment->identity;  // one copy is enough
    drop_challenge();
    node.enrolment_problem.reset();
    return;
  }
  auto keys = attest::check_keys(**spec.identity);
  if (!keys.has_value()) {
    drop_challenge();
    return problem(keys.reason());
  }

  const auto owner = tpm_owners_.find(keys->ek_digest);
  const auto binding = attest::check_binding(
      *keys.operator->(), node.facts->uid, enrolled_of(node), enrolled_with(keys->ek_digest, node),
      owner == tpm_owners_.end() ? std::string_view() : std::string_view(owner->second));
  if (!binding.has_value()) {
    drop_challenge();
    return problem(binding.reason());
  }
  if (binding.value() == attest::Binding::kUnchanged) {
    drop_challenge();
    node.enrolment_problem.reset();
    return;
  }
  if (node.record.former && node.record.former->ek_digest != keys->ek_digest) {
    drop_challenge();
    return problem(attest::refuse(
        code::kIdentityMismatch,
        "node \"" + node.name + "\" was enrolled with the TPM " +
            attest::digest_text(node.record.former->ek_digest) + " before, and claims " +
            attest::digest_text(keys->ek_digest) +
            " now; if the machine was replaced, delete the AttestationEvidence to enrol it anew"));
  }
  if (policies.empty()) {
    drop_challenge();
    return problem({std::string(code::kNoPolicy), attest::Status::kNone,
                    "no AttestationPolicy selects node \"" + node.name + "\""});
  }

  // One policy that vouches for the endorsement key is enough to enrol; each policy judges the
  // endorsement for itself in every verdict.
  std::optional<attest::Reason> first_refusal;
  std::optional<attest::EndorsementResult> vouched;
  for (const ResolvedPolicy* policy : policies) {
    if (!policy->usable()) continue;
    const auto endorsement = attest::check_endorsement(
        *keys.operator->(), **spec.identity, node.name, policy->in_force->endorsement, now.wall);
    if (!endorsement.has_value()) {
      if (!first_refusal) first_refusal = endorsement.reason();
    } else if (!vouched || endorsement->bound_by == attest::Enrollment::kInventory) {
      vouched = endorsement.value();
    }
  }
  if (!vouched) {
    drop_challenge();
    return problem(first_refusal.value_or(attest::refuse(
        code::kPolicyUnusable,
        "no policy that selects node \"" + node.name +
            "\" is usable; see the conditions of: kubectl get attestationpolicies")));
  }
  answer_or_challenge(node, keys.value(), *vouched, now);
}

void Appraiser::answer_or_challenge(NodeState& node, const attest::NodeKeys& keys,
                                    const attest::EndorsementResult& endorsement, Moment now) {
  const auto& answer = node.evidence->claims->activation;
  if (node.challenge && now.steady >= node.challenge_ends) node.challenge.reset();
  if (node.challenge && answer && answer->challenge_id == node.challenge->id) {
    attest::ActivationChallenge challenge = *std::move(node.challenge);
    node.challenge.reset();
    auto enrolled = attest::check_activation(std::move(challenge), keys, *answer, now.wall);
    if (enrolled.has_value()) {
      enrol(node, std::move(enrolled).value(), endorsement, now);
      return;
    }
    node.enrolment_problem = enrolled.reason();
    node.next_challenge = now.steady + kChallengePause;
    return;
  }
  if (node.challenge && node.challenge->ak_name == keys.ak.name &&
      node.challenge->node_uid == node.facts->uid) {
    node.enrolment_problem = waiting("waiting for the agent to answer status.activation");
    return;
  }
  if (now.steady < node.next_challenge) return;  // keeps the problem that caused the pause
  auto made = attest::make_activation_challenge(keys, node.facts->uid, random_, now.wall);
  if (!made.has_value()) {
    node.enrolment_problem = attest::refuse(code::kEndorsementInvalid, made.error().message);
    return;
  }
  node.challenge = *std::move(made);
  node.challenge_ends = now.steady + attest::kActivationTime;
  node.enrolment_problem = waiting("waiting for the agent to answer status.activation");
}

void Appraiser::enrol(NodeState& node, attest::Enrolled enrolled,
                      const attest::EndorsementResult& endorsement, Moment now) {
  // The same TPM with a new key: what was said of the node holds until its next quote.
  const bool same_tpm =
      node.record.enrolment && node.record.enrolment->enrolled.ek_digest == enrolled.ek_digest;
  if (!same_tpm) release(node, now);
  drop_quote(node);
  drop_newer(node);
  node.endorsements.clear();
  node.record.former.reset();
  tpm_owners_[enrolled.ek_digest] = node.name;
  const std::string make = endorsement.make ? attest::to_text(*endorsement.make) : std::string();
  node.record.enrolment =
      std::make_shared<const Enrolment>(Enrolment{.evidence_uid = node.evidence->uid,
                                                  .identity = *node.evidence->claims->identity,
                                                  .enrolled = std::move(enrolled),
                                                  .enrolled_at = now.wall,
                                                  .bound_by = endorsement.bound_by,
                                                  .tpm_make = make,
                                                  .certificate_rules = endorsement.rules_used});
  node.enrolment_problem.reset();
  submit(node, {});
  // A node may make new keys as often as it likes.
  if (same_tpm && worth_telling(node, "Enrolled", now) == Tell::kNo) return;
  output_.event({.node_name = node.name,
                 .node_uid = node.facts->uid,
                 .evidence_uid = node.evidence->uid,
                 .severity = NodeEvent::Severity::kNormal,
                 .reason = "Enrolled",
                 .message = "the TPM " +
                            attest::digest_text(node.record.enrolment->enrolled.ek_digest) +
                            " has proved that it holds both keys; bound by " +
                            std::string(attest::enrollment_name(endorsement.bound_by)) +
                            (make.empty() ? "" : "; by its certificate it is of " + make)});
}

// What another node has stays that node's.
void Appraiser::disown_tpms(const NodeState& node) {
  const auto disown = [&](const crypto::Sha256& ek_digest) {
    const auto owner = tpm_owners_.find(ek_digest);
    if (owner != tpm_owners_.end() && owner->second == node.name) tpm_owners_.erase(owner);
  };
  if (node.record.enrolment) disown(node.record.enrolment->enrolled.ek_digest);
  if (node.record.former) disown(node.record.former->ek_digest);
}

// Ends the enrolment: whatever was said of the node rested on it.
void Appraiser::release(NodeState& node, Moment now) {
  disown_tpms(node);
  const bool had = node.record.enrolment != nullptr || node.record.former.has_value();
  node.record.enrolment.reset();
  node.record.former.reset();
  node.record.tpm.reset();
  node.record.boot_since = {};
  node.challenge.reset();
  node.next_challenge = {};
  node.endorsements.clear();
  drop_quote(node);
  drop_newer(node);
  node.dropped.reset();  // another TPM has another clock
  node.refusal.reset();
  node.told.clear();
  node.resource_quote.reset();
  node.resource_tpm.reset();
  node.dirty = true;
  if (!had) return;
  NodeVerdict pending;
  pending.issued_at = node.record.verdict->issued_at;
  pending.log = node.record.verdict->log;
  pending.reasons = {waiting("the enrolment has ended; the node must enrol anew")};
  change(node, std::move(pending), now);
}

// The usual case, without reading the keys again.
bool Appraiser::claims_what_is_enrolled(const NodeState& node) {
  const auto& enrolment = node.record.enrolment;
  if (!enrolment || !(*node.evidence->claims->identity == enrolment->identity)) return false;
  const attest::Enrolled& enrolled = enrolment->enrolled;
  const auto binding = attest::check_binding(enrolled.ek_digest, enrolled.ak_name, node.facts->uid,
                                             enrolled, enrolled_with(enrolled.ek_digest, node));
  return binding.has_value() && binding.value() == attest::Binding::kUnchanged;
}

attest::Checked<attest::NodeKeys> Appraiser::keys_of(const NodeState& node) {
  return attest::check_keys(*node.record.enrolment->identity);
}

std::optional<attest::Enrolled> Appraiser::enrolled_of(const NodeState& node) const {
  if (!node.record.enrolment) return std::nullopt;
  return node.record.enrolment->enrolled;
}

std::optional<attest::Enrolled> Appraiser::enrolled_with(const crypto::Sha256& ek_digest,
                                                         const NodeState& asking) {
  const auto owner = tpm_owners_.find(ek_digest);
  if (owner == tpm_owners_.end()) return std::nullopt;
  if (owner->second == asking.name) return enrolled_of(asking);
  const NodeState* known = nodes_.find(owner->second);
  if (known == nullptr) throw std::logic_error("a TPM is owned by a node that is not known");
  const NodeState& other = *known;
  if (other.record.enrolment) return other.record.enrolment->enrolled;
  return attest::Enrolled{.node_uid = other.record.node_uid, .ek_digest = ek_digest, .ak_name = {}};
}

}  // namespace avouch::control
