#include <array>
#include <span>

#include "admission/decide_parts.h"
#include "admission/text.h"
#include "attest/evidence.h"

namespace avouch::admission {
namespace {

using codec::JsonView;

// What the metadata of an object may grow to by its agent, as JSON.
struct Bound {
  std::span<const std::string_view> members;
  std::size_t bytes;
  const char* names;
  const char* remedy;
};
constexpr std::array<std::string_view, 4> kFreeMembers{"labels", "annotations", "finalizers",
                                                       "ownerReferences"};
constexpr std::array<std::string_view, 1> kManagedFields{"managedFields"};
constexpr std::array kBounds{
    Bound{kFreeMembers, 16 * 1024, "metadata.labels, annotations, finalizers and ownerReferences",
          "the agent sets none: look who uses its credentials on that node, and remove what is "
          "there"},
    // Each field once for whoever set it: of a status with as many policies as it can have the
    // controller's part is a quarter of this.
    Bound{kManagedFields, 256 * 1024, "metadata.managedFields",
          "the agent writes under one name: look who uses its credentials on that node"}};

Decision not_own_node(const std::string& name, const std::string& why) {
  return deny(code::kNotOwnNode,
              "the spec of AttestationEvidence " + quote(name) +
                  " is written only by the Avouch agent that runs on that node: " + why +
                  ". The agent writes it by itself; to enrol a node anew, delete the object");
}

bool is_agent(const DecisionInput& input) {
  return input.review.caller.username ==
         service_account(input.rules, input.rules.agent_service_account);
}

// Whoever may set these can have the object deleted, or keep it from being deleted; and with the
// object ends the node's enrolment.
std::optional<Decision> refuse_lifetime(const DecisionInput& input, const std::string& name) {
  for (const std::string_view member : {"ownerReferences", "finalizers"}) {
    const JsonView now = input.review.object.find("metadata").find(member);
    const JsonView before = input.review.old_object.find("metadata").find(member);
    const codec::Json wanted = before.exists() ? before.to_json() : codec::Json();
    const codec::Json given = now.exists() ? now.to_json() : codec::Json();
    if (given == wanted) continue;
    return deny(code::kNotOwnNode, "AttestationEvidence " + quote(name) + ": metadata." +
                                       std::string(member) +
                                       " is not for the agent to change: it decides when the "
                                       "object, and with it the node's enrolment, ends");
  }
  return std::nullopt;
}

std::size_t json_bytes(const JsonView& object, std::span<const std::string_view> members) {
  std::size_t bytes = 0;
  for (const std::string_view member : members) {
    const JsonView found = object.find("metadata").find(member);
    if (found.exists()) bytes += codec::to_json(found.to_json()).size();
  }
  return bytes;
}

// etcd and everyone who watches the object keep all of it. What other people put there before is
// not the agent's fault: only what grows is refused.
std::optional<Decision> refuse_size(const DecisionInput& input, const std::string& name) {
  for (const Bound& bound : kBounds) {
    const std::size_t now = json_bytes(input.review.object, bound.members);
    if (now <= bound.bytes || now <= json_bytes(input.review.old_object, bound.members)) continue;
    return deny(code::kInvalid,
                "AttestationEvidence " + quote(name) + ": " + bound.names + ": found " +
                    std::to_string(now) + " bytes as JSON, expected at most " +
                    std::to_string(bound.bytes) + " from an agent; " + bound.remedy);
  }
  return std::nullopt;
}

std::optional<Decision> refuse_caller(const DecisionInput& input, const std::string& name) {
  const Caller& caller = input.review.caller;
  if (!is_agent(input)) {
    return not_own_node(name, "the caller is " + quote(caller.username));
  }
  const std::optional<std::string> node =
      caller.node_name.empty() ? input.gathered.caller_node : std::optional(caller.node_name);
  if (!node) {
    return not_own_node(name,
                        "the caller's token names no pod of the agent that is known here; it "
                        "must be bound to its pod");
  }
  if (*node != name) return not_own_node(name, "the caller runs on node " + quote(*node));
  return std::nullopt;
}

}  // namespace

Decision decide_evidence(const DecisionInput& input) {
  const Review& review = input.review;
  const bool update = review.operation == "UPDATE";
  if (review.group != "avouch.dev" || review.version != "v1alpha1" ||
      review.resource != "attestationevidences" || !review.subresource.empty() ||
      (!update && review.operation != "CREATE") || !review.object.exists()) {
    return deny(
        code::kInvalid,
        "evidence.avouch.dev decides CREATE and UPDATE of attestationevidences only; correct "
        "the rules of the ValidatingWebhookConfiguration");
  }
  const std::string name(review.object.text({"metadata", "name"}));
  if (name.empty() || (!review.name.empty() && review.name != name)) {
    return deny(code::kInvalid,
                "metadata.name: expected the node's name, the same as in the request");
  }
  const codec::Json spec = review.object.find("spec").to_json();
  // Metadata may change by other hands (garbage collection, labels), as RBAC lets them: it is not
  // evidence. An agent changes nothing of another node's object.
  if (!is_agent(input) && update && review.old_object.exists() &&
      review.old_object.find("spec").to_json() == spec) {
    return allow();
  }
  if (auto refusal = refuse_caller(input, name)) return *refusal;
  if (auto refusal = refuse_lifetime(input, name)) return *refusal;
  if (auto refusal = refuse_size(input, name)) return *refusal;
  const auto evidence = attest::parse_evidence_spec(spec);
  if (!evidence.has_value()) {
    return deny(code::kInvalid,
                "AttestationEvidence " + quote(name) + ": " + evidence.error().message);
  }
  const auto node = input.snapshot.nodes.find(name);
  if (node != input.snapshot.nodes.end() && node->second->uid != evidence->node_uid) {
    return deny(code::kInvalid, "AttestationEvidence " + quote(name) + ": spec.nodeUID: expected " +
                                    quote(node->second->uid) + ", the UID of node " + quote(name));
  }
  return allow();
}

}  // namespace avouch::admission
