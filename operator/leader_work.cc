// What becomes of the appraiser's decisions, and what the leader's workers do.

#include <algorithm>
#include <utility>
#include <vector>

#include "control/admission_scope.h"
#include "control/api_writer.h"
#include "control/cluster_facts.h"
#include "control/cluster_material.h"
#include "control/recording_material.h"
#include "operator/leader_parts.h"

namespace avouch::controller {
namespace {

using namespace std::chrono_literals;

constexpr std::chrono::minutes kTrustEvery{1};     // looks at certificates and trust objects
constexpr std::chrono::hours kKeepUnused{7 * 24};  // evidence that nothing names any more

}  // namespace

void Leader::Parts::record(control::RecordJob job) { recorder->add(std::move(job)); }

void Leader::Parts::publish(control::NodeOutlook outlook) {
  const std::string name = outlook.name;
  const auto before = node_board.find_node(name);
  const bool attested = node_board.any_attested();
  node_board.put(outlook);
  status_worker.add(name);
  node_worker.add(name);
  if (attested != node_board.any_attested()) show_nodes_again();
  if (!before || before->signals.standing != outlook.signals.standing) trust_worker.add(kPods);
}

void Leader::Parts::withdraw(const std::string& name) {
  const bool attested = node_board.any_attested();
  node_board.erase(name);
  if (attested != node_board.any_attested()) show_nodes_again();
  trust_worker.add(kPods);
}

void Leader::Parts::show_nodes_again() {
  const auto snapshot = nodes.snapshot();
  for (const auto& [name, object] : *snapshot) node_worker.add(name);
}

void Leader::Parts::forget(const std::string& node_uid) { forget_worker.add(node_uid); }

// What waits to be judged of it is dropped, and what is being judged ends first.
Result<void> Leader::Parts::forget_logs(const std::string& node_uid) {
  AVOUCH_CHECK(blobs->remove(node_uid));
  const auto taken = judge_pool.post(node_uid, [this, node_uid] {
    judge->forget(node_uid);
    return false;
  });
  if (taken == control::WorkPool::Taken::kFull) {
    return retryable("more nodes' logs wait than can be judged");
  }
  return {};
}

void Leader::Parts::judge_logs(std::shared_ptr<const control::LogQuestion> question) {
  const auto answer = [this, question](std::optional<control::LogFindings> findings) {
    loop->post([question, findings = std::move(findings)](control::Appraiser& the_appraiser,
                                                          control::Moment now) mutable {
      the_appraiser.logs_judged(*question, std::move(findings), now);
    });
  };
  const auto taken = judge_pool.post(question->node_uid, [this, question, answer] {
    auto findings = judge->judge(*question);
    if (!findings) return true;
    answer(std::move(findings));
    return false;
  });
  if (taken == control::WorkPool::Taken::kFull) {
    signals.problem("log judge", "more nodes' logs wait than can be judged");
    answer(std::nullopt);
  }
}

void Leader::Parts::publish_policy(control::PolicyOutlook outlook) {
  const std::string name = outlook.name;
  policy_board.put(std::move(outlook));
  policy_status_worker.add(name);
}

void Leader::Parts::withdraw_policy(const std::string& name) { policy_board.erase(name); }

void Leader::Parts::event(control::NodeEvent event) {
  events.add(control::EventSink::about_node(event));
}

void Leader::Parts::lost(const std::string& node_name, const std::string& why) {
  signals.problem("node state", "what was kept of node \"" + node_name + "\" is lost: " + why +
                                    ". It is not trusted, and enrols and quotes anew");
  again_worker.add(node_name);
}

void Leader::Parts::crowded(const Error& why) {
  tell_crowded("a node's state stays on the heap: " + why.message);
}

// Of the many that a full disk concerns, one line in a while.
void Leader::Parts::tell_crowded(const std::string& what) {
  constexpr std::chrono::minutes kOnceIn{1};
  const SteadyTime now = clock.steady_now();
  SteadyTime last = crowded_told.load();
  if (last != SteadyTime{} && now - last < kOnceIn) return;
  if (crowded_told.compare_exchange_strong(last, now)) signals.problem("node state", what);
}

// The resource has not changed: the watch does not bring it.
Result<void> Leader::Parts::hand_over_again(const std::string& name) {
  const auto live = client.get(kube::attestation_evidences(), name);
  if (!live.has_value()) {
    if (live.error().is_not_found()) return {};  // its informer will say so
    return Error(live.error());
  }
  auto facts = control::evidence_facts(*live);
  if (!facts) return {};
  loop->post([facts = *std::move(facts)](control::Appraiser& the_appraiser, control::Moment now) {
    const control::NodeState* known = the_appraiser.find(facts.name);
    if (known == nullptr || known->evidence) return;  // gone, or the watch was faster
    the_appraiser.set_evidence(facts, now);
  });
  return {};
}

Result<void> Leader::Parts::sync_evidence(const std::string& name) {
  return evidence_writer.sync(name, clock.now());
}

Result<void> Leader::Parts::sync_node(const std::string& name) {
  auto outlook = node_board.find_node(name);
  if (!outlook || outlook->node_uid.empty()) return {};
  if (!webhook_has_a_place()) outlook->signals.standing = control::Standing::kGood;
  return control::sync_node(client, *outlook, nodes.find(name).get(), clock.now());
}

Result<void> Leader::Parts::sync_policy(const std::string& name) {
  const auto outlook = policy_board.find(name);
  if (outlook == nullptr) return {};
  const kube::ObjectPtr live = policies.find(name);
  codec::Json status = outlook->status;
  if (codec::Json::Array* conditions = status["conditions"].as_array()) {
    if (const auto guarded = guard.state()) conditions->push_back(guarded->condition());
    if (const auto taken = recorded_watch.state()) conditions->push_back(taken->condition());
  }
  return control::sync_status(client, kube::attestation_policies(), "AttestationPolicy", name,
                              outlook->uid, status, live.get(), clock.now());
}

Result<void> Leader::Parts::keep_trust() {
  trust_worker.add_after(kAll, kTrustEvery);
  trust_worker.add(kPods);
  blobs->drop_unused(kKeepUnused);
  archive->sweep(clock.now());
  // Whatever the one finds: a policy must not go on open because a Secret cannot be read.
  const auto kept = trust.step();
  // Last: what wrote of its own has this called again, and takes a time that was set before away.
  if (const auto in = trust.look_again()) trust_worker.add_after(kAll, *in);
  AVOUCH_CHECK(keep_shares());
  return kept;
}

// Which namespaces' pods are stopped while the webhook does not answer.
Result<void> Leader::Parts::keep_shares() {
  if (!policies.synced()) return {};
  const std::string& name = config.webhook.configuration;
  const kube::ObjectPtr live = webhooks.find(name);
  if (live == nullptr) return {};
  std::vector<kube::ObjectPtr> objects;
  const auto snapshot = policies.snapshot();
  for (const auto& [key, object] : *snapshot) objects.push_back(object);
  const auto patch = control::share_patch(*live, control::fail_closed_share(objects));
  if (!patch) {
    tell_guard(guard.shares_kept("", clock.steady_now()));
    return {};
  }
  const auto patched =
      client.patch(kube::validating_webhook_configurations(), name, kube::PatchType::kJson, *patch);
  if (patched.has_value()) {
    tell_guard(guard.shares_kept("", clock.steady_now()));
    return {};
  }
  const kube::ApiError& error = patched.error();
  const bool race = error.is_conflict() || error.is_invalid() || error.is_not_found();
  if (error.kind == ErrorKind::kRejected && !race) {
    tell_guard(guard.shares_kept(error.message, clock.steady_now()));
  }
  return retryable(error.message);
}

Result<void> Leader::Parts::use_lists() {
  constexpr std::chrono::minutes kUseEvery{20};  // less than what keeps a list from being given up
  policy_worker.add_after(std::string(kUse), kUseEvery);
  for (const crypto::Sha256& digest : catalog.lists()) {
    lists->contains(digest);
  }
  lists->drop_unused(kKeepUnused);
  return {};
}

Result<void> Leader::Parts::refresh_policies() {
  std::vector<kube::ObjectPtr> objects;
  const auto snapshot = policies.snapshot();
  for (const auto& [name, object] : *snapshot) objects.push_back(object);

  std::vector<kube::ObjectPtr> references_known;
  const auto manifests_now = manifests.snapshot();
  for (const auto& [name, object] : *manifests_now) references_known.push_back(object);
  catalog.set(references_known);

  // Which ConfigMaps there are to read is known before any of them is read.
  control::ClusterMaterial asking(
      [](const auto&) { return Result<control::ConfigMapData>(rejected("not read yet")); }, catalog,
      digest_lists);
  control::resolve_policies(objects, asking, clock.now());
  references.watch({asking.asked_for().begin(), asking.asked_for().end()});

  control::ClusterMaterial material(
      [this](const attest::ConfigMapName& name) { return references.data(name); }, catalog,
      digest_lists, stored_lists.get());
  const SystemTime now = clock.now();
  control::RecordingMaterial recorded(
      material,
      [&manifests_now](const std::string& name) -> const codec::Json* {
        const auto found = manifests_now->find(name);
        return found == manifests_now->end() ? nullptr : found->second->find("spec");
      },
      *archive, now);
  auto set =
      std::make_shared<control::PolicySet>(control::resolve_policies(objects, recorded, now));
  if (material.incomplete()) return retryable("what policies refer to is being read");
  for (const kube::ObjectPtr& policy : objects) {
    if (const codec::Json* spec = policy->find("spec")) recorded.add_spec(*spec);
  }
  archive->hold(recorded.objects());
  if (!recorded.problem().empty()) {
    signals.problem("records", "what a policy refers to is not kept: " + recorded.problem());
  }
  if (const auto at = set->changes_at()) {
    // A manifest begins or ends. The clock may be set: look again at least once an hour.
    policy_worker.add_after(kAll, std::min<std::chrono::milliseconds>(*at - now, 1h));
  }
  loop->post([set](control::Appraiser& the_appraiser, control::Moment moment) {
    the_appraiser.set_policies(set, moment);
  });
  if (material.unread()) return retryable("a digest list of the store cannot be read");
  return {};
}

}  // namespace avouch::controller
