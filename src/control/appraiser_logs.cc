#include <algorithm>
#include <utility>

#include "control/appraiser.h"

namespace avouch::control {
namespace {

// A node that sends other evidence all the time is judged no more often than this: judging costs
// far more than sending.
constexpr std::chrono::seconds kPauseBetweenQuestions{1};

// How long logs are waited for that no policy in Enforce wants.
constexpr std::chrono::seconds kPatienceForHarmless{20};

bool wants_logs(const ResolvedPolicy& policy) {
  return policy.usable() && (policy.spec().boot_log || policy.spec().runtime);
}

// What is asked: which quote, and under which rules.
crypto::Sha256 question_digest(const attest::VerifiedQuote& quote,
                               const std::vector<const ResolvedPolicy*>& policies) {
  Bytes input;
  append(input, quote.digest());
  for (const ResolvedPolicy* policy : policies) {
    if (wants_logs(*policy)) append(input, policy->in_force->rules_digest);
  }
  return crypto::sha256(input);
}

bool is_older(const attest::TpmState& a, const attest::TpmState& b) {
  const tpm::ClockInfo& one = a.clock;
  const tpm::ClockInfo& other = b.clock;
  if (one.reset_count != other.reset_count) return one.reset_count < other.reset_count;
  return one.clock < other.clock;
}

}  // namespace

bool Appraiser::is_judged_for(const NodeState& node, const Policies& policies) {
  return std::all_of(policies.begin(), policies.end(), [&](const ResolvedPolicy* policy) {
    if (!wants_logs(*policy)) return true;
    const auto found = node.findings.policies.find(policy->name);
    return found != node.findings.policies.end() &&
           found->second.rules_digest == policy->in_force->rules_digest;
  });
}

void Appraiser::install(NodeState& node, HeldQuote held, LogFindings findings) {
  node.record.evidence = std::make_shared<const AcceptedEvidence>(AcceptedEvidence{
      .kept = std::move(held.kept), .beacon_published = held.quote.not_older_than()});
  node.quote = std::move(held.quote);
  node.quote_since = held.since;
  node.findings = std::move(findings);
}

void Appraiser::drop_newer(NodeState& node) {
  node.newer.reset();
  node.asked.reset();
  node.awaited.reset();
  node.awaited_since = {};
  ++node.question;
  node.asking = false;
}

// A quote whose logs nobody wants takes its place at once. Any other waits for the log judge; the
// verdict that is in force stays until then, or until it expires.
void Appraiser::step_logs(NodeState& node, const Policies& policies, Moment now) {
  if (!node.facts || !node.record.enrolment) return;
  const bool wanted = std::any_of(policies.begin(), policies.end(),
                                  [](const auto* policy) { return wants_logs(*policy); });
  if (!wanted) {
    if (node.newer) install(node, *std::move(node.newer), {});
    drop_newer(node);
    return;
  }
  if (node.asking) return;
  const bool again = node.quote && (!is_judged_for(node, policies) || node.findings.awaited);
  if (!node.newer && !again) return;
  const attest::VerifiedQuote& quote = node.newer ? node.newer->quote : *node.quote;
  const crypto::Sha256 asked = question_digest(quote, policies);
  if (node.asked == asked && !node.logs_arrived) return;
  if (node.asked && now.steady < node.asked_at + kPauseBetweenQuestions) {
    node.ask_again_at = node.asked_at + kPauseBetweenQuestions;
    return;
  }
  node.asked_at = now.steady;
  node.ask_again_at = {};
  HeldQuote held = node.newer ? *node.newer
                              : HeldQuote{.quote = *node.quote,
                                          .since = node.quote_since,
                                          .kept = node.record.evidence->kept};
  const attest::UnverifiedEvidence evidence = held.kept.evidence();
  auto question = std::make_shared<LogQuestion>(LogQuestion{.number = ++node.question,
                                                            .node_name = node.name,
                                                            .node_uid = node.facts->uid,
                                                            .held = std::move(held),
                                                            .boot_log = evidence.boot_log,
                                                            .runtime_log = evidence.runtime_log,
                                                            .policies = {}});
  for (const auto& policy : policies_->policies) {
    if (wants_logs(*policy) && policy->selects(node.facts->labels)) {
      question->policies.push_back(policy);
    }
  }
  node.asked = asked;
  node.asking = true;
  node.logs_arrived = false;
  output_.judge_logs(std::move(question));
}

// For as long as they may take, but not for long where only policies that deny nothing want them:
// these have then no log to judge, and the others are judged by what they ask for.
bool Appraiser::holds_back(NodeState& node, const Policies& policies, const LogFindings& findings,
                           Moment now) {
  node.awaited = findings.awaited;
  if (!findings.awaited) {
    node.awaited_since = {};
    return false;
  }
  if (node.awaited_since == SteadyTime{}) node.awaited_since = now.steady;
  if (now.steady - node.awaited_since < kPatienceForHarmless) return true;
  return std::any_of(policies.begin(), policies.end(), [&](const ResolvedPolicy* policy) {
    if (!wants_logs(*policy) || policy->spec().mode != attest::Mode::kEnforce) return false;
    const auto found = findings.policies.find(policy->name);
    if (found == findings.policies.end()) return true;
    return (policy->spec().boot_log && found->second.boot == nullptr) ||
           (policy->spec().runtime && found->second.runtime == nullptr);
  });
}

bool Appraiser::fails_anyway(NodeState& node, const Policies& policies, const LogQuestion& question,
                             const LogFindings& findings, Moment now) const {
  const attest::Verdict so_far =
      judge(node, policies, question.held.quote, findings, Awaited::kNotCounted, now);
  return so_far.status == attest::Status::kContraindicated;
}

void Appraiser::logs_judged(const LogQuestion& question, std::optional<LogFindings> findings,
                            Moment now) {
  const Turn turn(*this);
  NodeState* known = take(question.node_name, now);
  if (known == nullptr) return;
  NodeState& node = *known;
  if (!node.facts || node.facts->uid != question.node_uid) return;
  if (question.number != node.question) return;
  node.asking = false;
  const attest::VerifiedQuote& quote = question.held.quote;
  const bool of_this_key =
      node.record.enrolment && node.record.enrolment->enrolled.ak_name == quote.ak_name();
  if (!findings || !of_this_key) {
    node.asked.reset();  // to be asked again when something happens, which a heartbeat does
    if (!of_this_key) consider(node, now);
    return;
  }
  const bool outdated = (node.quote && is_older(quote.state(), node.quote->state())) ||
                        (node.dropped && !is_older(*node.dropped, quote.state()));
  if (!outdated) {
    const Policies policies = selecting(node);
    bool takes_its_place = !holds_back(node, policies, *findings, now);
    try {
      takes_its_place = takes_its_place || fails_anyway(node, policies, question, *findings, now);
    } catch (const std::exception& error) {
      distrust(node, error.what(), now);
    }
    if (takes_its_place) {
      if (node.newer && node.newer->quote.digest() == quote.digest()) node.newer.reset();
      install(node, question.held, *std::move(findings));
    }
    node.dirty = true;
  }
  consider(node, now);
}

void Appraiser::logs_arrived(const std::string& node_name, Moment now) {
  const Turn turn(*this);
  NodeState* node = take(node_name, now);
  if (node == nullptr) return;
  node->logs_arrived = true;
  if (begun_) consider(*node, now);
}

}  // namespace avouch::control
