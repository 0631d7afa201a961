#include "control/verdict_record.h"

#include <algorithm>
#include <utility>

#include "codec/utf8.h"

namespace avouch::control {
namespace {

using appraisal::LogUse;

constexpr std::size_t kMaxMessage = 1024;

template <typename Findings>
LogUse use_of(const std::shared_ptr<const attest::Checked<Findings>>& judged) {
  if (!judged) return {};
  if (judged->has_value()) return {LogUse::Kind::kJudged, "", ""};
  return {LogUse::Kind::kRefused, judged->reason().code,
          codec::shortened(judged->reason().message, kMaxMessage)};
}

appraisal::PolicyUsed policy_used(const NodeState& node, const ResolvedPolicy& policy,
                                  SystemTime now) {
  appraisal::PolicyUsed out;
  out.name = policy.name;
  out.spec_digest = policy.spec_digest;
  out.digest = policy.digest;
  out.resolved_at = policy.in_force->resolved_at;
  out.endorsed_at = now;
  out.references = policy.in_force->references;
  out.lists = policy.in_force->lists;
  if (const auto found = node.endorsements.find(policy.name); found != node.endorsements.end()) {
    out.endorsed_at = found->second.checked_at;
  }
  const auto found = node.findings.policies.find(policy.name);
  if (found == node.findings.policies.end()) return out;
  out.boot = use_of(found->second.boot);
  out.runtime = use_of(found->second.runtime);
  return out;
}

bool uses_boot_log(const appraisal::PolicyUsed& policy) {
  return policy.boot.kind != LogUse::Kind::kNotUsed;
}

// All policies judge the same proven part.
std::optional<appraisal::RuntimeLogUsed> proven_log(const NodeState& node) {
  for (const auto& each : node.findings.policies) {
    const auto& runtime = each.second.runtime;
    if (!runtime || !runtime->has_value()) continue;
    const runtimelog::ReplayState& proven = *runtime->value().proven;
    return appraisal::RuntimeLogUsed{proven.log_digest(), proven.offset(),
                                     boot_name(node.quote->state().clock.reset_count)};
  }
  return std::nullopt;
}

}  // namespace

Result<RecordToKeep> make_record(const NodeState& node,
                                 const std::vector<const ResolvedPolicy*>& policies,
                                 const NodeVerdict& verdict, RecordKind kind, SystemTime now) {
  if (!node.quote || !node.record.enrolment || !node.record.evidence) {
    return rejected("there is no evidence to record");
  }
  appraisal::VerdictRecord record;
  record.node_name = node.name;
  record.time = now;
  record.token = verdict.token;
  record.identity = *node.record.enrolment->identity;
  record.evidence = node.record.evidence->kept.evidence();
  record.beacon_text = node.record.evidence->kept.beacon_text();
  record.beacon_published = node.record.evidence->beacon_published;
  for (const ResolvedPolicy* policy : policies) {
    record.policies.push_back(policy_used(node, *policy, now));
  }
  if (std::any_of(record.policies.begin(), record.policies.end(), &uses_boot_log)) {
    record.boot_log = record.evidence.boot_log;
  }
  record.runtime_log = proven_log(node);
  for (const attest::Reason& reason : verdict.reasons) record.reasons.push_back(reason.code);

  RecordToKeep out;
  out.kind = kind;
  out.time = now;
  out.node_uid = node.record.node_uid;
  AVOUCH_TRY(out.packed, appraisal::pack_record(record));
  for (const appraisal::PolicyUsed& policy : record.policies) {
    out.named.push_back(policy.spec_digest);
    for (const attest::Reference& each : policy.references) {
      if (appraisal::is_kept(each)) out.named.push_back(each.content);
    }
    out.named.insert(out.named.end(), policy.lists.begin(), policy.lists.end());
  }
  if (record.boot_log) out.boot_log = record.boot_log->digest;
  out.runtime_log = record.runtime_log;
  return out;
}

}  // namespace avouch::control
