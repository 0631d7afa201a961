#include <algorithm>
#include <exception>
#include <utility>

#include "attest/enrolment.h"
#include "attest/reason.h"
#include "control/appraiser.h"

namespace avouch::control {
namespace {

namespace code = attest::code;

// How long a refusal stays in the condition EvidenceFresh at least, so that people can see it.
constexpr std::chrono::seconds kRefusalShown{60};

// Beacons of a time before this process, and quotes that were long under way: every restart and
// every slow network makes some. They are answered, and not reported.
bool is_ordinary(const attest::Reason& reason) {
  return reason.code == code::kBeaconUnknown || reason.code == code::kBeaconExpired;
}

// For one that is another node's.
bool waits_for_tpm(const attest::Reason& problem) {
  return std::any_of(problem.fields.begin(), problem.fields.end(),
                     [](const auto& field) { return field.name == attest::kEnrolledNodeField; });
}

}  // namespace

HeartbeatAnswer Appraiser::heartbeat(const std::string& node_name,
                                     const attest::UnverifiedEvidence& evidence, Moment now) {
  HeartbeatAnswer answer;
  if (!begun_) return answer;
  const Turn turn(*this);
  NodeState* known = take(node_name, now);
  if (known == nullptr || !known->facts) {
    answer.outcome = HeartbeatAnswer::Outcome::kUnknownNode;
    return answer;
  }
  NodeState& node = *known;
  answer.node_uid = node.facts->uid;
  if (!node.saved.enrolment || !node.record.enrolment) {
    // Nothing else tells this node that the one that has its TPM was retired.
    if (node.enrolment_problem && waits_for_tpm(*node.enrolment_problem)) consider(node, now);
    answer.outcome = HeartbeatAnswer::Outcome::kNotEnrolled;
    answer.refusal = node.enrolment_problem.value_or(
        attest::refuse(code::kEnrolling, "the enrolment is being saved; try again"));
    return answer;
  }

  const Policies policies = selecting(node);
  answer.outcome = HeartbeatAnswer::Outcome::kAccepted;
  if (!policies.empty()) {
    auto quote = verify(node, policies, evidence, node.record.tpm, now);
    if (!quote.has_value()) {
      answer.outcome = HeartbeatAnswer::Outcome::kRefused;
      answer.refusal = quote.reason();
      if (!is_ordinary(answer.refusal)) refuse(node, answer.refusal, now);
      publish(node);
      return answer;
    }
    accept(node, quote.value(), evidence, now);
  }
  answer.phase = node.record.verdict->phase;
  answer.reasons = node.record.verdict->reasons;
  if (node.record.tpm) {
    answer.boot = {node.record.tpm->clock.reset_count, node.record.tpm->clock.restart_count};
  }
  return answer;
}

attest::Checked<attest::VerifiedQuote> Appraiser::verify(
    const NodeState& node, const Policies& policies, const attest::UnverifiedEvidence& evidence,
    const std::optional<attest::TpmState>& previous, Moment now) const {
  if (evidence.node_uid != node.facts->uid) {
    return attest::refuse(code::kIdentityMismatch, "nodeUID \"" + evidence.node_uid +
                                                       "\" is not the UID of Node \"" + node.name +
                                                       "\", which is \"" + node.facts->uid + "\"");
  }
  if (!evidence.quote) return attest::refuse(code::kQuoteMalformed, "there is no quote");

  std::vector<attest::QuoteNeed> needs;
  for (const ResolvedPolicy* policy : policies) {
    needs.push_back({policy->name, attest::selection_of_agents(policy->spec())});
  }
  const attest::BeaconWindow beacons =
      beacons_.window_for(evidence.quote->beacon, now.wall, now.steady);
  try {
    const auto keys = keys_of(node);
    if (!keys.has_value()) return keys.reason();
    return attest::verify_quote(*evidence.quote, evidence.pcrs,
                                {.keys = keys.value(),
                                 .node_uid = node.facts->uid,
                                 .beacons = beacons,
                                 .max_beacon_age = shortest_max_age(policies),
                                 .needs = needs,
                                 .previous = previous,
                                 .allowed_firmware = {},
                                 .now = now.wall});
  } catch (const std::exception& error) {
    return attest::refuse(code::kInternalError,
                          std::string("the quote could not be checked: ") + error.what());
  }
}

void Appraiser::accept(NodeState& node, const attest::VerifiedQuote& quote,
                       const attest::UnverifiedEvidence& evidence, Moment now) {
  if (quote.boot() == attest::Boot::kFirst || quote.boot() == attest::Boot::kNew) {
    node.record.boot_since = now.wall;
  }
  node.record.tpm = quote.state();
  // The verifier has counted this age by the steady clock (BeaconRing::window_for).
  HeldQuote held{.quote = quote,
                 .since = now.steady - (now.wall - quote.not_older_than()),
                 .kept = {evidence, quote, beacons_.note_text(quote.beacon())}};
  node.newer = std::move(held);  // step_logs() decides when it takes the old one's place
  if (node.refusal && now.steady - node.refusal->since >= kRefusalShown) {
    node.refusal.reset();
    node.told.clear();
    node.dirty = true;
  }
  consider(node, now);
}

// What has expired, or was judged to an end that nobody foresaw, counts no more: neither a clock
// that goes back nor another policy nor a restart makes it young again.
void Appraiser::drop_quote(NodeState& node) {
  if (node.quote) node.dropped = node.quote->state();
  node.quote.reset();
  node.findings = {};
  node.record.evidence.reset();
}

void Appraiser::refuse(NodeState& node, const attest::Reason& reason, Moment now) {
  node.refusal = Refusal{reason, now.steady};
  node.dirty = true;
  if (worth_telling(node, reason.code, now) == Tell::kNo) return;
  output_.event({.node_name = node.name,
                 .node_uid = node.facts ? node.facts->uid : "",
                 .evidence_uid = node.evidence ? node.evidence->uid : "",
                 .severity = NodeEvent::Severity::kWarning,
                 .reason = "EvidenceRefused",
                 .message = reason.code + ": " + reason.message});
}

// The resource carries a quote when the intake is out of reach, and when the node's substance has
// changed. It may come after newer heartbeats; then it is no news, as long as it is newer than the
// one that the resource had before.
void Appraiser::take_resource_quote(NodeState& node, const Policies& policies, Report report,
                                    Moment now) {
  look_at_resource_quote(node, policies, report, now);
  // Nobody asks for it again: whatever comes next comes with a new generation.
  if (node.evidence && node.evidence->claims) node.evidence->claims->quoted.reset();
}

void Appraiser::look_at_resource_quote(NodeState& node, const Policies& policies, Report report,
                                       Moment now) {
  if (!node.facts || !node.evidence || !node.evidence->claims) return;
  if (!node.evidence->claims->quoted || !node.record.enrolment || policies.empty()) return;
  const attest::UnverifiedEvidence& spec = *node.evidence->claims->quoted;
  const crypto::Sha256 digest = attest::quote_digest(*spec.quote);
  if (node.resource_quote == digest) return;
  node.resource_quote = digest;

  auto quote = verify(node, policies, spec, node.record.tpm, now);
  if (quote.has_value()) {
    node.resource_tpm = quote->state();
    accept(node, quote.value(), spec, now);
    return;
  }
  if (quote.reason().code == code::kClockWentBack) {
    const auto again = verify(node, policies, spec, node.resource_tpm, now);
    if (again.has_value()) {
      node.resource_tpm = again->state();
      return;
    }
  }
  if (report == Report::kRefusals) refuse(node, quote.reason(), now);
}

// After a restart the last saved evidence is verified again, so that a change of policy can be
// judged before the next heartbeat comes. It was fresh when it was accepted; how old it is now, its
// verdict's expiry says.
void Appraiser::restore_quote(NodeState& node, const Policies& policies, Moment now) const {
  if (!node.record.evidence || !node.record.enrolment || !node.facts || policies.empty()) return;
  const AcceptedEvidence& accepted = *node.record.evidence;
  const attest::UnverifiedEvidence evidence = accepted.kept.evidence();
  if (!evidence.quote) return;
  // A beacon of the future: the clock has gone back, and how old the evidence is nobody knows.
  if (accepted.beacon_published > now.wall ||
      node.record.verdict->issued_at > now.wall + kIssuedAhead) {
    drop_quote(node);
    return;
  }
  const auto keys = keys_of(node);
  if (!keys.has_value()) return;
  std::vector<attest::QuoteNeed> needs;
  for (const ResolvedPolicy* policy : policies) {
    needs.push_back({policy->name, attest::selection_of_agents(policy->spec())});
  }
  attest::BeaconWindow window;
  window.add({.origin = evidence.quote->beacon.origin,
              .size = evidence.quote->beacon.size,
              .note_text = accepted.kept.beacon_text(),
              .published_at = accepted.beacon_published});
  const auto quote = attest::verify_quote(*evidence.quote, evidence.pcrs,
                                          {.keys = keys.value(),
                                           .node_uid = node.facts->uid,
                                           .beacons = window,
                                           .max_beacon_age = attest::kMaxTokenLife,
                                           .needs = needs,
                                           .previous = std::nullopt,
                                           .allowed_firmware = {},
                                           .now = accepted.beacon_published});
  if (!quote.has_value()) return;
  node.quote = quote.value();
  node.quote_since = now.steady - (now.wall - accepted.beacon_published);
}

}  // namespace avouch::control
