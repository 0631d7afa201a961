#include "admission/decide.h"

#include <algorithm>

#include "admission/decide_parts.h"
#include "admission/text.h"

namespace avouch::admission {
namespace {

constexpr std::size_t kMaxWarnings = 8;
constexpr std::size_t kMaxMessage = 4096;
constexpr std::string_view kBehind =
    "the API server knows newer labels of the namespace, or newer policies, than the webhook does";

Decision decide_whole(Endpoint endpoint, const DecisionInput& input) {
  const bool knows_late = endpoint == Endpoint::kPods || endpoint == Endpoint::kUnenforcedPods ||
                          endpoint == Endpoint::kOwnPods;
  if (input.gathered.late && !knows_late) return overloaded();
  switch (endpoint) {
    case Endpoint::kPods:
    case Endpoint::kUnenforcedPods:
      return decide_pod(input);
    case Endpoint::kOwnPods:
      return decide_own_pod(input);
    case Endpoint::kEvidence:
      return decide_evidence(input);
    case Endpoint::kPolicies:
      return decide_own_kind(input);
    case Endpoint::kNamespaces:
      return decide_namespace(input);
  }
  return deny(code::kInvalid, "unknown webhook path");
}

}  // namespace

std::optional<Endpoint> endpoint_of(std::string_view path) {
  for (const Endpoint endpoint : kEndpoints) {
    if (path == "/admit/" + std::string(endpoint_name(endpoint))) return endpoint;
  }
  return std::nullopt;
}

std::string_view endpoint_name(Endpoint endpoint) {
  switch (endpoint) {
    case Endpoint::kPods:
      return "pods";
    case Endpoint::kUnenforcedPods:
      return "pods-unenforced";
    case Endpoint::kOwnPods:
      return "own-pods";
    case Endpoint::kEvidence:
      return "evidence";
    case Endpoint::kPolicies:
      return "policies";
    case Endpoint::kNamespaces:
      break;
  }
  return "namespaces";
}

std::optional<PodKey> pod_to_look_up(Endpoint endpoint, const Review& review) {
  if (endpoint != Endpoint::kPods && endpoint != Endpoint::kUnenforcedPods) return std::nullopt;
  const auto request = read_pod_request(review);
  if (!request.has_value() || request->operation == "pods") return std::nullopt;
  return PodKey{request->ns, request->pod, request->pod_uid};
}

Decision overloaded() {
  return deny(code::kOverloaded,
              "avouch-webhook has more to do than it can do in time: nothing was decided. Try "
              "again");
}

bool caller_pod_to_look_up(Endpoint endpoint, const Review& review) {
  return endpoint == Endpoint::kEvidence && review.caller.node_name.empty() &&
         !review.caller.pod_name.empty() && !review.caller.pod_uid.empty();
}

std::string service_account(const Rules& rules, std::string_view name) {
  return "system:serviceaccount:" + rules.release_namespace + ":" + std::string(name);
}

Decision waive(Endpoint endpoint, Decision decision) {
  const bool undecided = decision.code == code::kNotReady || decision.code == code::kOverloaded ||
                         decision.code == code::kLogUnavailable;
  if (endpoint != Endpoint::kUnenforcedPods || decision.allowed || !undecided) return decision;
  if (decision.enforced) return decision;
  Decision waived = allow();
  waived.code = decision.code;
  waived.warnings.push_back(
      clip("let in unrecorded, as no policy is enforced here: " + decision.message, kMaxWarning));
  return waived;
}

Decision decide(Endpoint endpoint, const Review& review, const Gathered& gathered,
                const Snapshot& snapshot, const Rules& rules, SystemTime now) {
  const bool unread = namespace_to_read(endpoint, review, gathered, snapshot, rules).has_value();
  static const Gathered nothing_known{.not_ready = std::string(kBehind)};
  Decision decision =
      decide_whole(endpoint, {review, unread ? nothing_known : gathered, snapshot, rules, now});
  decision.message = clip(decision.message, kMaxMessage);
  if (decision.warnings.size() > kMaxWarnings) decision.warnings.resize(kMaxWarnings);
  for (std::string& warning : decision.warnings) warning = clip(warning, kMaxWarning);
  return decision;
}

}  // namespace avouch::admission
