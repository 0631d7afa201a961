// What the leader hears of the cluster, on its way to who has to know.

#include <utility>

#include "control/cluster_facts.h"
#include "operator/leader_parts.h"

namespace avouch::controller {

void Leader::Parts::watch_cluster() {
  using kube::Change;
  using kube::ChangeType;
  nodes.on_change([this](const Change& change) {
    if (change.type == ChangeType::kDeleted) {
      loop->post([name = change.key](control::Appraiser& the_appraiser, control::Moment now) {
        the_appraiser.remove_node(name, now);
      });
      return;
    }
    if (auto facts = control::node_facts(*change.object)) {
      loop->post(
          [facts = *std::move(facts)](control::Appraiser& the_appraiser, control::Moment now) {
            the_appraiser.set_node(facts, now);
          });
    }
    node_worker.add(change.key);
    if (webhook_holders > 0) trust_worker.add(kPods);  // they may wait for the taint
  });
  evidences.on_change([this](const Change& change) {
    if (change.type == ChangeType::kDeleted) {
      loop->post([name = change.key](control::Appraiser& the_appraiser, control::Moment now) {
        the_appraiser.remove_evidence(name, now);
      });
      return;
    }
    if (auto facts = control::evidence_facts(*change.object)) {
      loop->post(
          [facts = *std::move(facts)](control::Appraiser& the_appraiser, control::Moment now) {
            the_appraiser.set_evidence(facts, now);
          });
    }
    status_worker.add(change.key);
  });
  policies.on_change([this](const Change& change) {
    policy_worker.add(kAll);
    policy_status_worker.add(change.key);
    trust_worker.add(kAll);
  });
  manifests.on_change([this](const Change&) { policy_worker.add(kAll); });
  webhooks.on_change([this](const Change& change) {
    trust_worker.add(kAll);
    see_configuration(change.type == ChangeType::kDeleted ? nullptr : change.object);
  });
  webhooks.on_synced([this] {
    if (webhooks.size() == 0) see_configuration(nullptr);
  });
  own_map.on_change([this](const Change&) { guard_worker.add(kAll); });
  trust_map.on_change([this](const Change&) { trust_worker.add(kAll); });
  webhook_pods.on_change([this](const Change&) { trust_worker.add(kPods); });
  webhook_pods.on_synced([this] { trust_worker.add(kPods); });
  for (const auto& [name, informer] :
       {std::pair{"nodes", &nodes}, std::pair{"evidence", &evidences},
        std::pair{"policies", &policies}, std::pair{"reference manifests", &manifests},
        std::pair{"webhook configuration", &webhooks}, std::pair{"trust map", &trust_map},
        std::pair{"own map", &own_map}, std::pair{"webhook pods", &webhook_pods}}) {
    if (informer == &webhook_pods && config.webhook.pods.empty()) continue;
    informer->on_problem([this, part = std::string("watch of ") + name](
                             const std::string& message) { signals.problem(part, message); });
    informer->start();
  }
}

void Leader::Parts::begin() {
  loop->post([this](control::Appraiser& the_appraiser, control::Moment now) {
    the_appraiser.begin(now);
    cluster_known = true;
    trust_worker.add(kPods);
    signals.note("appraiser", "the cluster is known; nodes are judged");
  });
}

}  // namespace avouch::controller
