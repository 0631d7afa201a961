#include "inspect/node_remedy.h"

#include <algorithm>
#include <string_view>

#include "attest/enrolment.h"

namespace avouch::inspect {
namespace {

using codec::Json;

// Names go into commands that people copy, and whoever may write a status wrote them.
bool is_object_name(std::string_view text) {
  constexpr std::size_t kMaxName = 253;
  return !text.empty() && text.size() <= kMaxName && text.front() != '-' &&
         text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789.-") == text.npos;
}

// The node for which this one's TPM is enrolled; "" where no reason says that it is another one.
std::string enrolled_node(const NodeReason& reason) {
  const Json* fields = reason.whole.find("fields");
  if (fields == nullptr || fields->as_array() == nullptr) return "";
  for (const Json& field : *fields->as_array()) {
    if (field.text({"name"}) != attest::kEnrolledNodeField) continue;
    const std::string_view name = field.text({"value"});
    return is_object_name(name) ? std::string(name) : "";
  }
  return "";
}

std::string identity_remedy(const NodeReason& reason, const std::string& node) {
  const std::string other = enrolled_node(reason);
  if (other.empty()) {
    return "another TPM answers for this node than the one that is enrolled or in the inventory: "
           "if the machine or its TPM was replaced on purpose, put the new one into the inventory, "
           "where there is one, and kubectl delete attestationevidence " +
           node + " lets the node enrol anew; else keep it out of use and look at the machine";
  }
  return "this machine's TPM is enrolled for node " + other + ": if " + other +
         " is gone, or is this machine under its former name, retire it (kubectl delete node " +
         other + "; kubectl delete attestationevidence " + other +
         "), and this node enrols by itself; if " + other +
         " still runs, two machines claim one TPM: keep both out of use and find out which one is "
         "the copy";
}

std::string code_remedy(const NodeReason& reason, const std::string& node) {
  const std::string& code = reason.code;
  const std::string describe = "kubectl describe attestationevidence " + node;
  if (code == "PcrMismatch") {
    return "the machine booted something that the policy does not list, or was changed since: find "
           "out what, and re-provision it; only if the change is wanted, add its value to the "
           "policy's pcrs.exact";
  }
  if (code == "EndorsementInvalid") {
    return "the TPM's endorsement is not covered by the policy: add its maker's certificates to "
           "the trust bundle, or the TPM to the inventory, if the machine is yours";
  }
  if (code == "HardwareRequired") {
    return "the policy requires a hardware TPM, and the certificate of this one is not by a known "
           "maker of hardware: use another machine, or another policy for virtual ones";
  }
  if (code == "IdentityMismatch") return identity_remedy(reason, node);
  if (code == "PolicyUnusable") {
    return "a policy that selects the node cannot be applied: kubectl describe attestationpolicies "
           "names the ConfigMap or field at fault";
  }
  if (code == "NoPolicy") {
    return "no policy selects this node; nothing to do unless gated pods should run here";
  }
  if (code == "KeyNotAllowed") {
    return "the TPM's attestation key is of a kind that the policy's keys do not list";
  }
  if (code == "SelectionInsufficient") {
    return "the quote does not cover every bank and PCR of the policy: is the bank active in this "
           "TPM?";
  }
  if (code == "ClockUnsafe" || code == "ClockWentBack" || code == "FirmwareChanged") {
    return "the TPM's counters do not follow from what was seen before: look for a reset, a "
           "firmware update or another TPM; " +
           describe;
  }
  return "";
}

std::string remedy_of_reasons(const NodeReport& node) {
  const std::string by_code =
      node.reasons.empty() ? "" : code_remedy(node.reasons.front(), node.name);
  if (!by_code.empty()) return by_code;
  if (node.phase == "Pending" || node.phase == "Enrolling") {
    return "enrolment is under way; if it stays so, see the events: kubectl describe "
           "attestationevidence " +
           node.name;
  }
  if (node.phase == "Stale") {
    return "no fresh evidence came in time: look at the agent's pod on this node and its log";
  }
  return "find out what changed on the machine; re-provision it, or, if the change is wanted, add "
         "its value to the policy";
}

// Of the condition alone: the fields that a reason of the verdict has are not in it.
std::string enrolment_remedy(const kube::Condition& condition, const NodeReport& node) {
  const std::string by_code =
      code_remedy({condition.reason, "", condition.message, Json{}}, node.name);
  if (by_code.empty()) {
    return "see the events: kubectl describe attestationevidence " + node.name;
  }
  if (condition.reason != "IdentityMismatch" || condition.status == "True") return by_code;
  return by_code +
         "; where the message names another node that has this TPM, retire that one instead, if "
         "it is gone";
}

std::string enrolment_text(const kube::Condition& condition, const NodeReport& node) {
  if (condition.reason == "Enrolling") {
    return "enrolment is under way; if it stays so, see the events: kubectl describe "
           "attestationevidence " +
           node.name;
  }
  const std::string todo = enrolment_remedy(condition, node);
  if (condition.status != "True") return todo;
  return "what is shown is of the TPM that is enrolled, and stands as long as that one answers; "
         "what claims the node's name now was refused: " +
         todo;
}

std::string verdict_remedy(const NodeReport& node, SystemTime now) {
  if (node.expired(now)) {
    return "the verdict was not renewed in time, so admission denies: is the controller's pod "
           "ready, and the agent's pod on this node?";
  }
  const bool trusted = node.phase == "Trusted" || node.phase == "Warning";
  if (trusted && node.not_fresh) {
    return "the verdict stands until it expires, but newer evidence was refused: look at the log "
           "of the agent's pod on this node, and at who may write its AttestationEvidence";
  }
  if (node.phase == "Trusted") return "nothing to do";
  if (node.phase == "NoEvidence") {
    return "the agent has written nothing: is its pod running on this node, and can it open the "
           "TPM?";
  }
  if (node.phase == "Warning") {
    return "nothing that must be done: every policy is satisfied, with the reservation above, "
           "which "
           "lasts until the node is booted anew";
  }
  if (node.phase == "Contraindicated" && fails_unenforced_only(node)) {
    return "nothing that must be done now: no policy that is not satisfied is enforced, so no pod "
           "is denied and nothing tainted. Before one of them is: " +
           remedy_of_reasons(node);
  }
  return remedy_of_reasons(node);
}

}  // namespace

const kube::Condition* untold_enrolment(const NodeReport& node) {
  if (!node.enrolment) return nullptr;
  const kube::Condition& condition = *node.enrolment;
  const bool told =
      std::any_of(node.reasons.begin(), node.reasons.end(), [&](const NodeReason& reason) {
        return reason.code == condition.reason && reason.message == condition.message;
      });
  return told ? nullptr : &condition;
}

std::string node_remedy(const NodeReport& node, SystemTime now) {
  const kube::Condition* condition = untold_enrolment(node);
  const std::string by_verdict = verdict_remedy(node, now);
  if (condition == nullptr) return by_verdict;
  const std::string by_enrolment = enrolment_text(*condition, node);
  const bool trusted = node.phase == "Trusted" || node.phase == "Warning";
  const bool nothing_else =
      !node.expired(now) &&
      (trusted ? !node.not_fresh : node.phase != "Contraindicated" && condition->status != "True");
  return nothing_else ? by_enrolment : by_verdict + ". Of the enrolment: " + by_enrolment;
}

}  // namespace avouch::inspect
