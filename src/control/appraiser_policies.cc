#include <set>
#include <utility>

#include "control/appraiser.h"
#include "tlog/entry.h"
#include "tlog/shard_name.h"

namespace avouch::control {
namespace {

bool same(const PolicyChange& a, const PolicyChange& b) {
  return a.name == b.name && a.spec_digest == b.spec_digest && a.digest == b.digest;
}

}  // namespace

void Appraiser::log_policy_changes(Moment now) {
  const auto submit_change = [&](const std::string& uid, const PolicyChange& change,
                                 std::string record) {
    ++policy_changes_;
    RecordJob job;
    job.changes.push_back({kPolicyKeyPrefix + uid, std::move(record)});
    job.entry = LogJob{.kind = std::string(tlog::kPolicyChange),
                       .subject = tlog::policy_pseudonym(options_.pseudonym_key, change.name),
                       .payload = policy_change_payload(now.wall, change)};
    output_.record(std::move(job));
  };

  std::set<std::string> present;
  for (const auto& policy : policies_->policies) {
    present.insert(policy->uid);
    const PolicyChange change{.name = policy->name,
                              .spec_digest = policy->spec_digest,
                              .digest = policy->digest,
                              .generation = policy->generation};
    const auto recorded = recorded_policies_.find(policy->uid);
    if (recorded != recorded_policies_.end() && recorded->second.log_origin == options_.origin &&
        same(recorded->second.change, change)) {
      continue;
    }
    const RecordedPolicy record{
        .uid = policy->uid, .change = change, .log_origin = options_.origin};
    recorded_policies_[policy->uid] = record;
    submit_change(policy->uid, change, encode_policy_record(record));
  }
  for (auto recorded = recorded_policies_.begin(); recorded != recorded_policies_.end();) {
    if (present.contains(recorded->first)) {
      ++recorded;
      continue;
    }
    const std::string& log_origin = recorded->second.log_origin;
    const bool is_of_chain =
        !options_.chain.empty() && tlog::label_of(options_.chain, log_origin).has_value();
    if (!log_origin.empty() && log_origin != options_.origin && !is_of_chain) {  // never had it
      RecordJob job;
      job.changes.push_back({kPolicyKeyPrefix + recorded->first, ""});
      output_.record(std::move(job));
    } else {
      PolicyChange change = recorded->second.change;
      change.kind = PolicyChange::Kind::kDeleted;
      submit_change(recorded->first, change, "");
    }
    recorded = recorded_policies_.erase(recorded);
  }
}

void Appraiser::publish_policies() {
  policies_dirty_ = false;
  std::map<std::string, codec::Json> shown;
  for (const auto& policy : policies_->policies) {
    PolicyOutlook outlook = make_policy_outlook(*policy, count(*policy), options_.cadence);
    shown[policy->name] = outlook.status;
    const auto before = shown_policies_.find(policy->name);
    if (before != shown_policies_.end() && before->second == outlook.status) continue;
    output_.publish_policy(std::move(outlook));
  }
  for (const auto& [name, status] : shown_policies_) {
    if (!shown.contains(name)) output_.withdraw_policy(name);
  }
  shown_policies_ = std::move(shown);
}

NodeCounts Appraiser::count(const ResolvedPolicy& policy) const {
  NodeCounts counts;
  nodes_.each([&](const std::string&, const NodeTable::Seen& node) {
    if (node.labels == nullptr || !policy.selects(*node.labels)) return;
    ++counts.matched;
    if (node.summary.phase == Phase::kStale) {
      ++counts.stale;
      return;
    }
    const auto judged = node.judged(policy.name);
    if (!judged) {
      ++counts.unknown;
    } else if (*judged == attest::Status::kAffirming) {
      ++counts.trusted;
    } else if (*judged == attest::Status::kWarning) {
      ++counts.warning;
    } else {
      ++counts.contraindicated;
    }
  });
  return counts;
}

}  // namespace avouch::control
