#include <algorithm>
#include <utility>

#include "attest/reason.h"
#include "base/time_text.h"
#include "control/appraiser.h"
#include "control/verdict_record.h"
#include "tlog/entry.h"

namespace avouch::control {
namespace {

namespace code = attest::code;

constexpr std::string_view kClockWentBack =
    "the controller's clock is behind the node's newest token";

std::string first_code(const NodeVerdict& verdict) {
  return verdict.reasons.empty() ? std::string() : verdict.reasons.front().code;
}

// Of the logs, tokens name what was judged: the boot log, and of the runtime log what was proven.
void name_judged_logs(const LogFindings& findings, const attest::UnverifiedEvidence& evidence,
                      attest::TokenClaims& claims) {
  for (const auto& each : findings.policies) {
    const PolicyFindings& policy = each.second;
    if (policy.boot && policy.boot->has_value() && evidence.boot_log) {
      claims.boot_log = evidence.boot_log->digest;
    }
    if (policy.runtime && policy.runtime->has_value()) {
      claims.runtime_log = policy.runtime->value().proven->log_digest();
    }
  }
}

}  // namespace

void Appraiser::step_verdict(NodeState& node, const Policies& policies, Moment now) {
  const Shared<NodeVerdict> held = node.record.verdict;  // which outlives what follows
  const NodeVerdict& current = *held;
  const bool over = life_at(current, now.wall) == Life::kOver ||
                    (is_judged(current.phase) && now.steady >= node.verdict_ends);
  if (waits_for_room(node, now)) return;
  if (!node.facts) {
    if (over) change(node, stale_after(current, node.name), now);
    return;
  }
  if (policies.empty() || !node.record.enrolment) return show_unjudged(node, policies, now);

  if (node.quote && is_judged_for(node, policies)) {
    const attest::UnverifiedEvidence evidence = node.record.evidence->kept.evidence();
    Candidate candidate = make_candidate(
        judge(node, policies, *node.quote, node.findings, Awaited::kMissing, now), *node.quote,
        evidence, options_.chain.empty() ? options_.origin : options_.chain, node.name,
        options_.build, current.issued_at, now.wall);
    name_judged_logs(node.findings, evidence, candidate.claims);
    const SteadyTime since = node.quote_since;
    const bool fresh = candidate.claims.expires_at > candidate.claims.issued_at &&
                       now.steady < since + candidate.verdict.max_age;
    if (fresh) {
      candidate.verdict.log = current.log;
      Step step = next_step(current, candidate.verdict, now.wall);
      if (over && step == Step::kKeep) step = Step::kRenew;  // the wall clock went back a little
      // Renewals wait for the job that is under way; a transition never waits.
      const bool waits = step == Step::kRenew && node.job != node.job_done;
      if (step != Step::kKeep && !waits) issue(node, policies, std::move(candidate), step, now);
      return;
    }
    drop_quote(node);
    if (current.issued_at > now.wall + kIssuedAhead) return clock_went_back(node, now);
    if (!is_judged(current.phase)) return;
    const bool is_outrun = current.issued_at > now.wall && candidate.claims.expires_at > now.wall &&
                           now.steady < since + candidate.verdict.max_age;
    return change(
        node, is_outrun ? outrun_after(current, node.name) : stale_after(current, node.name), now);
  }
  if (over) {
    drop_quote(node);  // one whose logs are being judged anew has expired with its verdict
    return change(node, stale_after(current, node.name), now);
  }
  if (!is_judged(current.phase) && current.phase != Phase::kStale)
    show_unjudged(node, policies, now);
}

// Tokens were issued for a time that has not come: another one would be older than they are, and
// the older of two tokens is never believed.
void Appraiser::clock_went_back(NodeState& node, Moment now) {
  NodeVerdict stale = stale_after(*node.record.verdict, node.name);
  stale.reasons = {attest::refuse(
      code::kEvidenceExpired,
      std::string(kClockWentBack) + ": it says " + to_rfc3339(now.wall) +
          ", and a token of node \"" + node.name + "\" was issued at " +
          to_rfc3339(stale.issued_at) +
          ". The clock was set back, or policies changed the verdict more than " +
          std::to_string(kIssuedAhead.count()) +
          " times in a minute. The node is trusted again when that time has come; set the clock "
          "right, or delete the Node and let it register anew")};
  const NodeVerdict& current = *node.record.verdict;
  if (current.phase == Phase::kStale && !current.reasons.empty() &&
      current.reasons.front().message.starts_with(kClockWentBack)) {
    return;
  }
  change(node, std::move(stale), now);
}

attest::Checked<attest::EndorsementResult> Appraiser::endorsement_of(const NodeState& node,
                                                                     const ResolvedPolicy& policy,
                                                                     Moment now) {
  const auto keys = keys_of(node);
  if (!keys.has_value()) return keys.reason();
  return attest::check_endorsement(keys.value(), *node.record.enrolment->identity, node.name,
                                   policy.in_force->endorsement, now.wall);
}

attest::Verdict Appraiser::judge(NodeState& node, const Policies& policies,
                                 const attest::VerifiedQuote& quote, const LogFindings& findings,
                                 Awaited awaited, Moment now) const {
  std::vector<attest::PolicyResult> results;
  std::map<std::string, CachedEndorsement> endorsements;
  for (const ResolvedPolicy* policy : policies) {
    if (!policy->usable()) {
      results.push_back(appraisal::unusable_result(*policy->in_force));
      continue;
    }
    const auto cached = node.endorsements.find(policy->name);
    const bool valid = cached != node.endorsements.end() &&
                       cached->second.digest == policy->digest &&
                       now.steady - cached->second.checked < NodeTable::kEndorsementLife;
    CachedEndorsement endorsement =
        valid ? cached->second
              : CachedEndorsement(policy->digest, endorsement_of(node, *policy, now), now);
    appraisal::Evidence evidence{.quote = quote,
                                 .boot = {},
                                 .runtime = {},
                                 .awaiting_logs = awaited == Awaited::kNotCounted};
    if (const auto of_logs = findings.policies.find(policy->name);
        of_logs != findings.policies.end()) {
      evidence.boot = of_logs->second.boot;
      evidence.runtime = of_logs->second.runtime;
    }
    results.push_back(appraisal::appraise(*policy->in_force, endorsement.result(), evidence));
    endorsements.insert_or_assign(policy->name, std::move(endorsement));
  }
  node.endorsements = std::move(endorsements);
  const auto shortest = shortest_max_age(policies);
  for (attest::PolicyResult& each : results) each.max_age = std::max(each.max_age, shortest);
  return attest::combine(std::move(results));
}

// What keeps a verdict from being recorded keeps nothing else from happening.
void Appraiser::record_verdict(const NodeState& node, const Policies& policies,
                               const NodeVerdict& verdict, Step step, Moment now, RecordJob& job) {
  const RecordKind kind =
      step == Step::kTransition ? RecordKind::kTransition : RecordKind::kRenewal;
  auto record = make_record(node, policies, verdict, kind, now.wall);
  if (record.has_value()) {
    job.keep = std::make_shared<const RecordToKeep>(*std::move(record));
  } else {
    job.unkept = record.error().message;
  }
}

void Appraiser::issue(NodeState& node, const Policies& policies, Candidate candidate, Step step,
                      Moment now) {
  RecordJob job;
  auto token = attest::issue_token(candidate.claims, signer_);
  if (!token.has_value()) {
    // Nothing is claimed that cannot be signed.
    candidate.verdict.phase = Phase::kContraindicated;
    candidate.verdict.policies.clear();
    candidate.verdict.reasons = {
        attest::refuse(code::kPolicyUnusable, "no token can be issued: " + token.error().message)};
    if (compare_substance(*node.record.verdict, candidate.verdict) == Comparison::kSame) return;
    step = Step::kTransition;
  } else {
    candidate.verdict.token = *std::move(token);
    record_verdict(node, policies, candidate.verdict, step, now, job);
  }
  node.verdict_ends = node.quote_since + candidate.verdict.max_age;
  if (step == Step::kTransition) {
    return change(node, std::move(candidate.verdict), now, std::move(job));
  }
  job.renewal =
      RecordJob::Renewal{tlog::node_pseudonym(options_.pseudonym_key, node.record.node_uid),
                         crypto::sha256(candidate.verdict.token)};
  node.record.verdict = std::move(candidate.verdict);
  submit(node, std::move(job));
}

// Nobody trusts it, and nothing more is said of it yet.
bool Appraiser::waits_for_room(const NodeState& node, Moment now) {
  return is_unsteady(*node.record.verdict) && !node.changes.allows(now.steady);
}

// Of a Node made anew, whose verdict had changed too often before, nothing more is said either, or
// making it anew would be a way to an entry each time.
void Appraiser::stay_unsteady(NodeState& node, Moment now) {
  if (node.changes.allows(now.steady)) return;
  node.verdict_ends = node.changes.allows_from();
  node.record.verdict = unsteady_instead_of(NodeVerdict{}, NodeVerdict{}, node.name,
                                            now.wall + (node.verdict_ends - now.steady));
  show_saved(node);
}

// A transition: an entry of its own, then the record, then everything that is shown.
void Appraiser::change(NodeState& node, NodeVerdict verdict, Moment now, RecordJob job) {
  if (waits_for_room(node, now)) return submit(node, {});
  const bool by_policy = node.changes.policy_changes != policy_changes_;
  node.changes.policy_changes = policy_changes_;
  const bool unsteady = !by_policy && !node.changes.allows(now.steady);
  if (!by_policy) node.changes.spend(now.steady);
  if (unsteady) {
    job = {};
    node.verdict_ends = node.changes.allows_from();
    verdict = unsteady_instead_of(verdict, *node.record.verdict, node.name,
                                  now.wall + (node.verdict_ends - now.steady));
  }
  const Phase previous = node.record.verdict->phase;
  const std::string told_before = told(node);
  std::optional<crypto::Sha256> kept;
  if (job.keep) kept = job.keep->packed.digest;
  job.entry = LogJob{.kind = std::string(tlog::kNodeVerdict),
                     .subject = tlog::node_pseudonym(options_.pseudonym_key, node.record.node_uid),
                     .payload = node_verdict_payload(now.wall, node.name, node.record.node_uid,
                                                     previous, verdict, kept)};
  node.record.verdict = std::move(verdict);
  submit(node, std::move(job));
  if (told(node) != told_before) announce(node);
}

// A verdict that an earlier log of the chain has is entered into this one as it stands, so that
// each log says by itself whom it found trusted.
void Appraiser::enter_standing(NodeState& node, Moment now) {
  const NodeVerdict& verdict = *node.record.verdict;
  const bool stands = is_judged(verdict.phase) || verdict.phase == Phase::kStale;
  const bool is_of_chain = !options_.chain.empty() && options_.chain != options_.origin;
  if (!is_of_chain || !stands || verdict.log || !node.facts) return;
  RecordJob job;
  job.entry = LogJob{.kind = std::string(tlog::kNodeVerdict),
                     .subject = tlog::node_pseudonym(options_.pseudonym_key, node.record.node_uid),
                     .payload = node_verdict_payload(now.wall, node.name, node.record.node_uid,
                                                     verdict.phase, verdict)};
  submit(node, std::move(job));
}

// The node has no verdict to show: Pending or Enrolling. Losing a verdict is a transition; waiting
// for the first one is not.
void Appraiser::show_unjudged(NodeState& node, const Policies& policies, Moment now) {
  NodeVerdict shown;
  shown.issued_at = node.record.verdict->issued_at;
  shown.log = node.record.verdict->log;
  if (policies.empty()) {
    shown.phase = Phase::kPending;
    shown.reasons = {{std::string(code::kNoPolicy), attest::Status::kNone,
                      "no AttestationPolicy selects node \"" + node.name + "\""}};
  } else if (node.enrolment_problem) {
    shown.phase = node.challenge ? Phase::kEnrolling : Phase::kPending;
    shown.reasons = {*node.enrolment_problem};
  } else {
    shown.phase = Phase::kEnrolling;
    shown.reasons = {
        node.awaited.value_or(attest::Reason{std::string(code::kEnrolling), attest::Status::kNone,
                                             "enrolled; waiting for the first quote"})};
  }
  const Phase current = node.record.verdict->phase;
  if (is_judged(current) || current == Phase::kStale) return change(node, std::move(shown), now);
  if (compare_substance(*node.record.verdict, shown) == Comparison::kSame) return;
  node.record.verdict = shown;
  if (node.job == node.job_done) node.saved.verdict = std::move(shown);
  node.dirty = true;
  policies_dirty_ = true;
}

void Appraiser::submit(NodeState& node, RecordJob job) {
  if (node.record.node_uid.empty()) return;
  node.dirty = true;
  job.node_name = node.name;
  job.number = ++node.job;
  job.record = node.record;
  output_.record(std::move(job));
}

// What its Event is about: a node that failed a policy in Audit and now fails one in Enforce as
// well has the same phase, and may have the same first reason.
std::string Appraiser::told(const NodeState& node) const {
  const NodeVerdict& verdict = *node.record.verdict;
  std::string out = std::string(phase_name(verdict.phase)) + " " + first_code(verdict);
  if (is_judged(verdict.phase)) out += unsatisfied_text(verdict, selecting(node));
  return out;
}

void Appraiser::announce(const NodeState& node) {
  const NodeVerdict& verdict = *node.record.verdict;
  NodeEvent event;
  event.node_name = node.name;
  event.node_uid = node.facts ? node.facts->uid : "";
  event.evidence_uid = node.evidence ? node.evidence->uid : "";
  event.severity = verdict.phase == Phase::kTrusted ? NodeEvent::Severity::kNormal
                                                    : NodeEvent::Severity::kWarning;
  event.reason = "Attestation" + std::string(phase_name(verdict.phase));
  event.message = verdict.phase == Phase::kTrusted || verdict.reasons.empty()
                      ? "every policy that selects the node is satisfied"
                      : verdict.reasons.front().code + ": " + verdict.reasons.front().message;
  if (is_judged(verdict.phase)) event.message += unsatisfied_text(verdict, selecting(node));
  output_.event(std::move(event));
}

void Appraiser::publish(NodeState& node) {
  if (!begun_ || !node.dirty) return;
  node.dirty = false;
  if (!node.facts && !node.evidence) return;
  output_.publish(make_outlook(node, selecting(node), options_.origin));
}

}  // namespace avouch::control
