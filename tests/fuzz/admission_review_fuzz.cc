// AdmissionReviews: whatever comes is read or refused; a cluster in which nothing is trusted denies
// every pod that is to be placed; and the answer can be read.

#include <cstdint>
#include <cstdlib>

#include "admission/decide.h"
#include "base/bytes.h"
#include "codec/json.h"
#include "fuzz/fuzz_target.h"

namespace avouch::fuzzing::admission_review_target {
namespace {

using namespace avouch::admission;
using avouch::codec::Json;

constexpr avouch::SystemTime kNow{std::chrono::seconds(1'800'000'000)};

void require(bool holds) {
  if (!holds) std::abort();
}

Snapshot world() {
  Snapshot snapshot;
  // Cannot be used, so it gates everything and is satisfied by nothing.
  snapshot.policies["p"] = std::make_shared<const PolicyFacts>(read_policy("p", Json()));
  snapshot.nodes["n"] = std::make_shared<const NodeFacts>(NodeFacts{"n", "u", {}, std::nullopt});
  return snapshot;
}

Rules rules() {
  Rules rules;
  rules.release_namespace = "avouch-system";
  rules.agent_service_account = "avouch-agent";
  return rules;
}

bool places_a_pod(const Review& review) {
  return review.resource == "bindings" || review.subresource == "binding" ||
         !review.object.text({"spec", "nodeName"}).empty();
}

bool is_mirror(const Review& review) {
  return review.caller.username.starts_with("system:node:") &&
         review.object.find_path({"metadata", "annotations", "kubernetes.io/config.mirror"})
             .exists();
}

}  // namespace

AVOUCH_FUZZ_TARGET("admission_review_fuzz") {
  const auto review = parse_review(avouch::as_text({data, size}));
  if (!review.has_value()) {
    require(review.error().kind == avouch::ErrorKind::kRejected && !review.error().message.empty());
    return 0;
  }
  static const Snapshot kSnapshot = world();
  static const Rules kRules = rules();
  for (const Endpoint endpoint : avouch::admission::kEndpoints) {
    for (const bool ready : {true, false}) {
      Gathered gathered;
      if (ready) gathered.not_ready.clear();
      (void)pod_to_look_up(endpoint, *review);
      const Decision decision = decide(endpoint, *review, gathered, kSnapshot, kRules, kNow);
      require(decision.allowed || (!decision.code.empty() && !decision.message.empty()));
      if (endpoint == Endpoint::kPods || endpoint == Endpoint::kUnenforcedPods) {
        require(ready || !decision.allowed);
        require(!decision.allowed || !places_a_pod(*review) || is_mirror(*review));
        require(!decision.allowed || decision.verdict.has_value());
      }
      // Nobody of this cluster is the agent of a node, and nobody may exempt.
      if (endpoint == Endpoint::kEvidence && review->operation == "CREATE") {
        require(!decision.allowed || !review->caller.node_name.empty());
      }
      if (decision.verdict) {
        const avouch::Bytes payload = avouch::codec::to_cbor(
            verdict_payload(*decision.verdict, decision.allowed, decision.code, kNow, false));
        require(payload.size() <= 32'000 && avouch::codec::parse_cbor(payload).has_value());
      }
      ReviewAnswer answer;
      answer.allowed = decision.allowed;
      answer.code = decision.status;
      answer.message = decision.message;
      answer.warnings = decision.warnings;
      const auto read = avouch::codec::parse_json(write_answer(review->uid, answer));
      require(read.has_value() && read->text({"response", "uid"}) == review->uid);
    }
  }
  return 0;
}

}  // namespace avouch::fuzzing::admission_review_target
