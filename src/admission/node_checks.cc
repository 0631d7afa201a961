#include "admission/node_checks.h"

#include <algorithm>
#include <array>

#include "admission/text.h"
#include "base/time_text.h"

namespace avouch::admission {
namespace {

using std::chrono::seconds;

// A token's time is cut to seconds, and two machines' clocks differ a little.
constexpr seconds kBootTolerance{2};

struct Failure {
  std::string_view code;
  std::string message;
};
using Check = std::optional<Failure> (*)(const NodeQuestion&);

const attest::TokenClaims& claims(const NodeQuestion& question) {
  return question.verdict->token.claims();
}

// "Verdict #4182, last issued at 2026-11-21T09:14:03Z": the entry is the verdict's, the time that
// of its token, which is issued anew for as long as the verdict stays. The entry's time is not
// known.
std::string verdict_name(const VerdictFacts& verdict) {
  const std::string time = to_rfc3339(verdict.token.claims().issued_at);
  const std::string entry = verdict.log_index ? " #" + std::to_string(*verdict.log_index) : "";
  return "Verdict" + entry + ", last issued at " + time;
}

std::optional<Failure> policy_is_usable(const NodeQuestion& question) {
  if (question.policy.unusable.empty()) return std::nullopt;
  return Failure{code::kPolicyUnusable,
                 "the policy cannot be used, so nothing satisfies it; correct or delete it: " +
                     clip(question.policy.unusable, 400)};
}

std::optional<Failure> is_selected(const NodeQuestion& question) {
  if (attest::matches(question.policy.node_selector, question.node.labels)) return std::nullopt;
  return Failure{
      code::kNotSelected,
      "the policy's nodeSelector does not select the node, and a node that a policy does "
      "not select cannot satisfy it"};
}

// Nothing but a token with a good signature that names this node's UID gets here (VerdictBook).
std::optional<Failure> has_token(const NodeQuestion& question) {
  if (question.verdict != nullptr) return std::nullopt;
  std::string message = "there is no verdict on the node yet";
  if (!question.refused_token.empty()) {
    message += "; the token in its AttestationEvidence is not believed: " +
               clip(question.refused_token, 300);
  }
  return Failure{code::kNoVerdict, message};
}

std::optional<Failure> names_this_node(const NodeQuestion& question) {
  if (claims(question).node_uid == question.node.uid &&
      claims(question).node_name == question.node.name) {
    return std::nullopt;
  }
  return Failure{code::kNoVerdict,
                 "there is no verdict on the node yet: the newest one is on node " +
                     quote(claims(question).node_name) + " with UID " +
                     quote(claims(question).node_uid)};
}

std::optional<Failure> is_of_this_boot(const NodeQuestion& question) {
  const auto rebooted = question.node.rebooted_at;
  if (!rebooted) return std::nullopt;
  // By the dates, and, as the controller's clock may be ahead of ours, by the order in which token
  // and boot were seen here.
  const bool issued_since = claims(question).issued_at + kBootTolerance >= *rebooted;
  const auto seen = question.node.rebooted_seen;
  const bool came_since = !seen || question.verdict->came + kBootTolerance >= *seen;
  if (issued_since && came_since) return std::nullopt;
  return Failure{code::kVerdictStale, "the node has rebooted at " + to_rfc3339(*rebooted) +
                                          ", after its newest verdict. " +
                                          verdict_name(*question.verdict)};
}

std::optional<Failure> is_fresh(const NodeQuestion& question) {
  switch (question.verdict->token.at(question.now)) {
    case attest::TokenTime::kValid:
      if (!question.verdict->outlived) return std::nullopt;
      return Failure{
          code::kVerdictStale,
          "the node's verdict has lived out its time since the webhook got it, though by "
          "its dates it is valid; compare the clocks of the controller and the "
          "webhook. " +
              verdict_name(*question.verdict)};
    case attest::TokenTime::kExpired:
      return Failure{code::kVerdictStale,
                     "the node's verdict has expired at " +
                         to_rfc3339(claims(question).expires_at) +
                         ": its agent was silent, its evidence was refused, or no controller runs "
                         "(see kubectl avouch status). " +
                         verdict_name(*question.verdict)};
    case attest::TokenTime::kNotYet:
      break;
  }
  return Failure{code::kVerdictStale,
                 "the node's verdict was issued in the future; compare the "
                 "clocks of the controller and the webhook. " +
                     verdict_name(*question.verdict)};
}

const attest::TokenPolicy* judged(const NodeQuestion& question) {
  if (!question.policy.spec_digest) return nullptr;
  return question.verdict->token.policy(*question.policy.spec_digest, question.policy.name);
}

std::optional<Failure> covers_policy(const NodeQuestion& question) {
  if (judged(question) != nullptr) return std::nullopt;
  return Failure{code::kVerdictOfAnotherPolicy,
                 "the node was not judged under the policy as it stands now; a new verdict follows "
                 "within one heartbeat where a controller runs. " +
                     verdict_name(*question.verdict)};
}

// The controller's words name the policy with each reason. A finding, which names its policy
// anyway, shows the reasons of that one; where there are none, those of others, with their names.
std::string reasons_for(const std::string& policy, const std::vector<std::string>& reasons) {
  constexpr std::size_t kMostShown = 3;
  const std::string name = "AttestationPolicy " + quote(policy) + ": ";
  std::vector<std::string> own;
  for (const std::string& reason : reasons) {
    const std::size_t at = reason.find(name);
    if (at != std::string::npos) own.push_back(std::string(reason).erase(at, name.size()));
  }
  const std::vector<std::string>& shown = own.empty() ? reasons : own;
  std::string out;
  for (std::size_t i = 0; i < std::min(shown.size(), kMostShown); ++i) {
    out += (i == 0 ? "" : "; ") + shown[i];
  }
  while (out.ends_with('.')) out.pop_back();
  return out;
}

std::optional<Failure> is_satisfied(const NodeQuestion& question) {
  const attest::Status status = judged(question)->status;
  if (attest::satisfies(status)) return std::nullopt;
  std::string message = reasons_for(question.policy.name, question.verdict->reasons);
  if (message.empty()) {
    message = std::string(code::kReasonsNotRead) + ": the controller's verdict on it is " +
              std::string(attest::status_name(status)) +
              ", and the webhook has not read the reasons yet; they stand in the node's "
              "AttestationEvidence in a moment";
  }
  return Failure{code::kContraindicated, message + ". " + verdict_name(*question.verdict)};
}

constexpr std::array<Check, 8> kNodeChecks = {
    &policy_is_usable,  // a policy that cannot be read is satisfied by nothing
    &is_selected,       // a node that drops its label escapes nothing
    &has_token,         // no verdict yet: deny
    &names_this_node,   // UID, not the name: a node can be re-created
    &is_of_this_boot,   // a reboot ends trust
    &is_fresh,          // expires > now
    &covers_policy,     // digest of the spec as stored now
    &is_satisfied,
};

}  // namespace

std::optional<Finding> check_node(const NodeQuestion& question) {
  for (const Check check : kNodeChecks) {
    if (auto failure = check(question)) {
      return Finding{std::string(failure->code), question.policy.name, std::move(failure->message),
                     question.policy.mode};
    }
  }
  return std::nullopt;
}

const VerdictFacts* verdict_on(const NodeFacts& node, const Snapshot& snapshot) {
  const auto found = snapshot.verdicts.find(node.uid);
  return found == snapshot.verdicts.end() ? nullptr : found->second.get();
}

std::optional<Finding> check_node(const PolicyFacts& policy, const NodeFacts& node,
                                  const Snapshot& snapshot, SystemTime now) {
  const auto refused = snapshot.refused_tokens.find(node.name);
  return check_node({policy, node, verdict_on(node, snapshot),
                     refused == snapshot.refused_tokens.end() ? std::string_view()
                                                              : std::string_view(refused->second),
                     now});
}

}  // namespace avouch::admission
