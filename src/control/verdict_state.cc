#include "control/verdict_state.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <utility>

#include "base/time_text.h"

namespace avouch::control {
namespace {

struct PhaseName {
  Phase phase;
  std::string_view name;
};
constexpr std::array kPhases = {
    PhaseName{Phase::kPending, "Pending"},
    PhaseName{Phase::kEnrolling, "Enrolling"},
    PhaseName{Phase::kTrusted, "Trusted"},
    PhaseName{Phase::kWarning, "Warning"},
    PhaseName{Phase::kContraindicated, "Contraindicated"},
    PhaseName{Phase::kStale, "Stale"},
};

// A cut suggestion would be no JSON: it is kept whole or not at all.
void bound_details(attest::Reason& reason, bool in_detail) {
  if (!in_detail) reason.fields.clear();
  if (reason.fields.size() > kMaxReasonFields) reason.fields.resize(kMaxReasonFields);
  for (attest::ReasonField& field : reason.fields) {
    if (field.value.size() > kMaxReasonBytes) field.value = "(too long to be kept)";
  }
  if (!in_detail || reason.suggestion.size() > kMaxSuggestionBytes) reason.suggestion.clear();
  if (reason.line && reason.line->file.size() > kMaxReasonBytes) reason.line->file = "(too long)";
}

// Worst first, so that what is left out matters least; bounded, so that an entry fits the log.
std::vector<attest::Reason> bounded(std::vector<attest::Reason> reasons) {
  if (reasons.size() > kMaxReasons) reasons.resize(kMaxReasons);
  for (std::size_t i = 0; i < reasons.size(); ++i) {
    attest::Reason& reason = reasons[i];
    bound_details(reason, i < kDetailedReasons);
    if (reason.message.size() > kMaxReasonBytes) {
      reason.message.resize(kMaxReasonBytes);
      // Not inside a UTF-8 sequence.
      while (!reason.message.empty() && (reason.message.back() & '\x80') != 0) {
        reason.message.pop_back();
      }
    }
  }
  return reasons;
}

std::chrono::milliseconds shortest_max_age(const attest::Verdict& appraisal) {
  std::chrono::milliseconds shortest = attest::kMaxTokenLife;
  for (const attest::PolicyResult& policy : appraisal.policies) {
    shortest = std::min(shortest, policy.max_age);
  }
  return shortest;
}

}  // namespace

std::string_view phase_name(Phase phase) {
  for (const PhaseName& known : kPhases) {
    if (known.phase == phase) return known.name;
  }
  return "Pending";
}

Result<Phase> parse_phase(std::string_view name) {
  for (const PhaseName& known : kPhases) {
    if (known.name == name) return known.phase;
  }
  return rejected("\"" + std::string(name) + "\" is no phase");
}

bool is_judged(Phase phase) {
  return phase == Phase::kTrusted || phase == Phase::kWarning || phase == Phase::kContraindicated;
}

bool is_trusted(Phase phase) { return phase == Phase::kTrusted || phase == Phase::kWarning; }

Phase phase_of(attest::Status status) {
  switch (status) {
    case attest::Status::kAffirming:
      return Phase::kTrusted;
    case attest::Status::kWarning:
      return Phase::kWarning;
    case attest::Status::kNone:
    case attest::Status::kContraindicated:
      break;
  }
  return Phase::kContraindicated;
}

NodeVerdict entered_at(NodeVerdict verdict, const LogPlace& place) {
  verdict.log = place;
  return verdict;
}

Comparison compare_substance(const NodeVerdict& a, const NodeVerdict& b) {
  const bool same = a.phase == b.phase && a.reasons == b.reasons && a.policies == b.policies &&
                    a.vector == b.vector && a.boot == b.boot && a.ak_name == b.ak_name &&
                    a.max_age == b.max_age;
  return same ? Comparison::kSame : Comparison::kDifferent;
}

Step next_step(const NodeVerdict& current, const NodeVerdict& candidate, SystemTime now) {
  if (compare_substance(current, candidate) == Comparison::kDifferent) return Step::kTransition;
  if (!is_judged(candidate.phase)) return Step::kKeep;
  if (candidate.expires_at <= current.expires_at) return Step::kKeep;
  return current.expires_at - now <= current.max_age / 2 ? Step::kRenew : Step::kKeep;
}

NodeVerdict stale_after(const NodeVerdict& current, std::string_view node_name) {
  NodeVerdict stale = current;
  stale.phase = Phase::kStale;
  stale.token.clear();
  stale.vector = {};
  stale.policies.clear();
  stale.reasons = {attest::refuse(
      attest::code::kEvidenceExpired,
      "node \"" + std::string(node_name) + "\" has shown no acceptable evidence since " +
          to_rfc3339(current.expires_at - current.max_age) +
          ", longer than its shortest maxAge of " + to_duration(current.max_age) +
          "; look at the agent on that node")};
  return stale;
}

NodeVerdict outrun_after(const NodeVerdict& current, std::string_view node_name) {
  NodeVerdict stale = stale_after(current, node_name);
  stale.reasons.front().message =
      "the verdict of node \"" + std::string(node_name) +
      "\" has changed so often that its tokens, each dated a second after the one before, have run "
      "ahead of the clock, to " +
      to_rfc3339(current.issued_at) +
      ", and another one would be dated after the end of its evidence by its shortest maxAge of " +
      to_duration(current.max_age) +
      "; the node is trusted again with its evidence for a later beacon. Look in its log entries "
      "for what changes";
  return stale;
}

NodeVerdict unsteady_instead_of(const NodeVerdict& next, const NodeVerdict& current,
                                std::string_view node_name, SystemTime ends) {
  NodeVerdict out;
  out.phase = Phase::kContraindicated;
  out.reasons = {attest::refuse(
      attest::code::kVerdictUnsteady,
      "the verdict of node \"" + std::string(node_name) +
          "\" has changed too often; the node is not trusted, whatever it sends, until " +
          to_rfc3339(ends) +
          ", and then judged by its newest evidence. Look in its log entries for what changes")};
  const std::size_t others = std::min(next.reasons.size(), kMaxReasons - 1);
  std::copy_n(next.reasons.begin(), others, std::back_inserter(out.reasons));
  std::copy_if(next.policies.begin(), next.policies.end(), std::back_inserter(out.policies),
               [](const auto& one) { return !attest::satisfies(one.status); });
  out.boot = current.boot;
  out.ak_name = current.ak_name;
  out.issued_at = current.issued_at;
  out.max_age = current.max_age;
  out.expires_at = ends;
  out.log = current.log;
  return out;
}

bool is_unsteady(const NodeVerdict& verdict) {
  return !verdict.reasons.empty() && verdict.reasons.front().code == attest::code::kVerdictUnsteady;
}

Life life_at(const NodeVerdict& verdict, SystemTime now) {
  return is_judged(verdict.phase) && verdict.expires_at <= now ? Life::kOver : Life::kLasting;
}

std::chrono::milliseconds life_left(const NodeVerdict& verdict, SystemTime now) {
  if (verdict.issued_at > now + kIssuedAhead) return std::chrono::milliseconds(0);
  return std::clamp(verdict.expires_at - now, std::chrono::milliseconds(0), verdict.max_age);
}

Candidate make_candidate(const attest::Verdict& appraisal, const attest::VerifiedQuote& quote,
                         const attest::UnverifiedEvidence& evidence, std::string_view issuer,
                         std::string_view node_name, std::string_view build, SystemTime last_issued,
                         SystemTime now) {
  using std::chrono::seconds;
  Candidate out;
  const SystemTime issue = std::max<SystemTime>(
      std::chrono::floor<seconds>(now), std::chrono::floor<seconds>(last_issued) + seconds(1));
  out.claims = attest::claims_of(appraisal, quote, issuer, node_name, now);
  out.claims.issued_at = issue;
  out.claims.verifier_build = build;

  NodeVerdict& verdict = out.verdict;
  verdict.phase = phase_of(appraisal.status);
  verdict.reasons = bounded(appraisal.reasons);
  verdict.policies = out.claims.policies;
  verdict.vector = appraisal.vector;
  verdict.boot = {out.claims.reset_count, out.claims.restart_count};
  verdict.ak_name = quote.ak_name();
  verdict.issued_at = issue;
  verdict.expires_at = out.claims.expires_at;
  verdict.max_age = shortest_max_age(appraisal);
  verdict.evidence = {.quote = quote.digest(),
                      .pcrs = attest::pcrs_digest(quote.pcrs()),
                      .boot_log = std::nullopt,
                      .runtime_log = std::nullopt};
  if (evidence.boot_log) verdict.evidence.boot_log = evidence.boot_log->digest;
  if (evidence.runtime_log) verdict.evidence.runtime_log = evidence.runtime_log->digest;
  verdict.beacon = quote.beacon();
  return out;
}

}  // namespace avouch::control
