#include "control/appraiser.h"

#include <algorithm>
#include <exception>
#include <utility>

#include "attest/reason.h"

namespace avouch::control {

Appraiser::Appraiser(AppraiserOptions options, attest::TokenSigner& signer,
                     const BeaconRing& beacons, crypto::Random& random, AppraiserOutput& output,
                     ColdStore& cold)
    : options_(std::move(options)),
      signer_(signer),
      beacons_(beacons),
      random_(random),
      output_(output),
      policies_(std::make_shared<PolicySet>()),
      nodes_(cold, options_.warm_nodes, [&output](const Error& why) { output.crowded(why); }) {}

void Appraiser::restore(std::vector<NodeRecord> records, std::vector<RecordedPolicy> policies,
                        Moment now) {
  for (NodeRecord& record : records) {
    const Turn turn(*this);
    NodeState& node = state(record.node_name, now);
    node.record = std::move(record);
    show_saved(node);
    node.verdict_ends = now.steady + life_left(*node.record.verdict, now.wall);
    // A TPM that is enrolled is its node's, whoever had it before.
    const NodeRecord& kept = node.record;
    if (kept.enrolment) {
      tpm_owners_[kept.enrolment->enrolled.ek_digest] = node.name;
    } else if (kept.former) {
      tpm_owners_.try_emplace(kept.former->ek_digest, node.name);
    }
  }
  for (RecordedPolicy& policy : policies) recorded_policies_[policy.uid] = std::move(policy);
}

void Appraiser::begin(Moment now) {
  begun_ = true;
  begun_at_ = now.steady;
  log_policy_changes(now);
  for (const std::string& name : nodes_.names()) {
    const Turn turn(*this);
    NodeState* known = take(name, now);
    if (known == nullptr) continue;
    NodeState& node = *known;
    const auto& enrolment = node.record.enrolment;
    const auto& former = node.record.former;
    const std::string evidence_uid = node.evidence ? node.evidence->uid : std::string();
    if ((enrolment && enrolment->evidence_uid != evidence_uid) ||
        (former && former->evidence_uid != evidence_uid)) {
      release(node, now);
    }
    enter_standing(node, now);
    const Policies policies = selecting(node);
    try {
      restore_quote(node, policies, now);
    } catch (const std::exception& error) {
      distrust(node, error.what(), now);
    }
    consider(node, now);
    take_resource_quote(node, policies, Report::kSilent, now);
    drop_if_gone(name, now);
  }
  publish_policies();
}

void Appraiser::set_policies(std::shared_ptr<const PolicySet> policies, Moment now) {
  policies_ = std::move(policies);
  policies_dirty_ = true;
  if (!begun_) return;
  log_policy_changes(now);
  for (const std::string& name : nodes_.names()) {
    const Turn turn(*this);
    if (NodeState* node = take(name, now)) consider(*node, now);
  }
  publish_policies();
}

void Appraiser::set_node(NodeFacts facts, Moment now) {
  const Turn turn(*this);
  NodeState& node = state(facts.name, now);
  if (node.facts && *node.facts == facts) return;
  const std::string uid = facts.uid;
  node.facts = std::move(facts);
  node.dirty = true;
  if (node.record.node_uid != uid && !node.record.node_uid.empty()) {
    // A Node made anew under a known name: nothing that was said of the old one holds for it.
    const std::shared_ptr<const Enrolment> enrolment = node.record.enrolment;
    std::optional<FormerTpm> former = node.record.former;
    if (enrolment) former = FormerTpm{enrolment->evidence_uid, enrolment->enrolled.ek_digest};
    release(node, now);
    node.record.former = former;
    if (former) tpm_owners_.try_emplace(former->ek_digest, node.name);
    RecordJob job;
    job.changes.push_back({node.record.node_uid, ""});
    output_.record(std::move(job));
    output_.forget(node.record.node_uid);
    node.record.held_by.clear();
    const bool has_no_room = waits_for_room(node, now);
    node.record.verdict = NodeVerdict{};
    if (has_no_room) stay_unsteady(node, now);
    node.record.node_uid = uid;
    show_saved(node);
    // Which TPM had this name has to outlive this process.
    if (former) submit(node, {});
  }
  if (node.record.node_uid != uid) node.changes.policy_changes = policy_changes_;
  node.record.node_name = node.name;
  node.record.node_uid = uid;
  if (begun_) consider(node, now);
}

void Appraiser::remove_node(const std::string& name, Moment now) {
  const Turn turn(*this);
  NodeState* node = take(name, now);
  if (node == nullptr) return;
  node->facts.reset();
  node->dirty = true;
  policies_dirty_ = true;
  if (begun_) consider(*node, now);
  drop_if_gone(name, now);
}

void Appraiser::set_evidence(EvidenceFacts evidence, Moment now) {
  const Turn turn(*this);
  NodeState& node = state(evidence.name, now);
  const bool replaced = node.evidence && node.evidence->uid != evidence.uid;
  const bool touched =
      !node.evidence || replaced || node.evidence->generation != evidence.generation;
  if (!touched) return;
  node.evidence.emplace(std::move(evidence));
  node.dirty = true;
  if (!begun_) return;
  if (replaced) release(node, now);
  // What lay there when the enrolment ended was made for it, perhaps long ago.
  const Report report = node.record.enrolment ? Report::kRefusals : Report::kSilent;
  consider(node, now);
  take_resource_quote(node, selecting(node), report, now);
  publish(node);
}

void Appraiser::remove_evidence(const std::string& name, Moment now) {
  const Turn turn(*this);
  NodeState* known = take(name, now);
  if (known == nullptr) return;
  NodeState& node = *known;
  node.evidence.reset();
  node.dirty = true;
  if (begun_) {
    release(node, now);
    consider(node, now);
  }
  drop_if_gone(name, now);
}

void Appraiser::recorded(const std::string& node_name, std::uint64_t job,
                         std::optional<LogPlace> place, Moment now) {
  const Turn turn(*this);
  NodeState* known = take(node_name, now);
  if (known == nullptr) return;
  NodeState& node = *known;
  node.job_done = job;
  if (place) node.record.verdict = entered_at(*node.record.verdict, *place);
  if (node.job_done != node.job) return;  // something newer is on its way
  show_saved(node);
  node.dirty = true;
  policies_dirty_ = true;
  consider(node, now);
  publish(node);
}

void Appraiser::tick(Moment now) {
  if (!begun_) return;
  std::vector<std::string> due;
  nodes_.each([&](const std::string& name, const NodeTable::Seen& node) {
    const NodeSummary& seen = node.summary;
    if (now.steady >= seen.due || now.wall >= seen.due_wall) due.push_back(name);
  });
  for (const std::string& name : due) {
    const Turn turn(*this);
    NodeState* node = take(name, now);
    if (node == nullptr) continue;
    for (SteadyTime* const at : {&node->next_challenge, &node->ask_again_at}) {
      if (*at != SteadyTime{} && now.steady >= *at) *at = {};
    }
    consider(*node, now);
  }
  if (policies_dirty_) publish_policies();
  nodes_.cool();  // what was looked at between two calls too
}

void Appraiser::show_again(const std::string& node_name) {
  const Turn turn(*this);
  NodeState* node = nodes_.find(node_name);
  if (node == nullptr || node->lost) return;  // a lost one is shown when it begins anew
  node->dirty = true;
  publish(*node);
}

AppraiserSummary Appraiser::summary() const {
  AppraiserSummary out;
  nodes_.each([&](const std::string&, const NodeTable::Seen& node) {
    if (node.summary.enrolled) ++out.enrolled;
    const bool selected =
        node.labels != nullptr &&
        std::any_of(policies_->policies.begin(), policies_->policies.end(),
                    [&](const auto& policy) { return policy->selects(*node.labels); });
    if (selected) ++out.nodes[node.summary.phase];
  });
  out.policies = static_cast<std::int64_t>(policies_->policies.size());
  return out;
}

const NodeState* Appraiser::find(const std::string& node_name) { return nodes_.find(node_name); }

void Appraiser::show_saved(NodeState& node) {
  const NodeRecord& record = node.record;
  node.saved = {record.enrolment, record.tpm, record.boot_since, record.verdict};
}

NodeState* Appraiser::take(const std::string& name, Moment now) {
  NodeState* node = nodes_.find(name);
  if (node != nullptr && node->lost) begin_anew(*node, now);
  return node;
}

NodeState& Appraiser::state(const std::string& name, Moment now) {
  NodeState& node = nodes_.find_or_add(name);
  if (node.lost) begin_anew(node, now);
  if (const auto former = former_budgets_.take(name)) {
    node.changes = former->changes;
    if (former->unsteady) stay_unsteady(node, now);
  }
  return node;
}

// What was known of the node is gone, and with it all trust. Its name stays bound to its TPM, and
// what holds it goes on holding it.
void Appraiser::begin_anew(NodeState& node, Moment now) {
  const std::string why = *std::exchange(node.lost, {});
  NodeVerdict untrusted;
  untrusted.issued_at = node.record.verdict->issued_at;
  untrusted.reasons = {attest::refuse(
      attest::code::kInternalError,
      "what the controller kept of node \"" + node.name + "\" is lost (" + why +
          "); the node is not trusted until it has enrolled and quoted anew, which it does by "
          "itself. Look at the disk of the controller")};
  node.dirty = true;
  policies_dirty_ = true;
  node.enrolment_problem = untrusted.reasons.front();
  change(node, std::move(untrusted), now);
  show_saved(node);
  output_.lost(node.name, why);
  if (begun_) consider(node, now);
}

Appraiser::Policies Appraiser::selecting(const NodeState& node) const {
  Policies out;
  if (!node.facts) return out;
  for (const auto& policy : policies_->policies) {
    if (policy->selects(node.facts->labels)) out.push_back(policy.get());
  }
  return out;
}

void Appraiser::consider(NodeState& node, Moment now) {
  if (!begun_) return;
  const Policies policies = selecting(node);
  try {
    step_enrolment(node, policies, now);
    step_logs(node, policies, now);
    step_verdict(node, policies, now);
  } catch (const std::exception& error) {
    distrust(node, error.what(), now);
  }
  step_hold(node, policies, now);
  publish(node);
}

// The evidence is dropped: only new evidence leads out of here.
void Appraiser::distrust(NodeState& node, const std::string& why, Moment now) {
  const bool had_evidence = node.record.evidence != nullptr;
  drop_quote(node);
  drop_newer(node);
  node.challenge.reset();
  if (waits_for_room(node, now)) {
    if (had_evidence) submit(node, {});
    return;
  }
  const Shared<NodeVerdict> held = node.record.verdict;
  const NodeVerdict& current = *held;
  NodeVerdict denied;
  denied.phase = Phase::kContraindicated;
  denied.reasons = {attest::refuse(
      attest::code::kInternalError,
      "the appraisal of node \"" + node.name + "\" failed unexpectedly (" + why +
          "); the node is not trusted until new evidence is appraised. Please report this")};
  denied.issued_at = current.issued_at;
  denied.boot = current.boot;
  denied.ak_name = current.ak_name;
  denied.max_age = current.max_age;
  denied.expires_at = now.wall + attest::kMaxTokenLife;
  denied.log = current.log;
  node.verdict_ends = now.steady + attest::kMaxTokenLife;
  if (current.phase == denied.phase && current.reasons == denied.reasons) return;
  change(node, std::move(denied), now);
}

// One Event for each kind of complaint until it has been absent for a while, not one for each piece
// of bad evidence: a node at odds with itself would otherwise write Events as fast as it can send.
Appraiser::Tell Appraiser::worth_telling(NodeState& node, std::string_view code, Moment now) {
  constexpr std::chrono::minutes kToldFor{10};
  const auto [told, is_new] = node.told.try_emplace(std::string(code), now.steady);
  const bool recent = !is_new && now.steady - told->second < kToldFor;
  told->second = now.steady;
  return recent ? Tell::kNo : Tell::kYes;
}

void Appraiser::drop_if_gone(const std::string& name, Moment now) {
  NodeState* known = nodes_.find(name);
  if (known == nullptr) return;
  const NodeState& node = *known;
  if (node.facts || node.evidence) return;
  output_.withdraw(name);
  // With its evidence gone the enrolment is over (release()), and with its Node gone nothing holds
  // the taint: no memory is needed.
  if (!node.record.node_uid.empty()) {
    RecordJob job;
    job.changes.push_back({node.record.node_uid, ""});
    output_.record(std::move(job));
    output_.forget(node.record.node_uid);
  }
  disown_tpms(node);
  former_budgets_.keep(name, {node.changes, waits_for_room(node, now)}, now.steady);
  nodes_.erase(name);
}

}  // namespace avouch::control
