// Building the leader's parts, and taking them apart.

#include "operator/leader_parts.h"

#include <utility>
#include <vector>

#include "adapters/volume.h"
#include "control/api_objects.h"
#include "control/cluster_facts.h"
#include "crypto/random.h"

namespace avouch::controller {
namespace {

using namespace std::chrono_literals;

constexpr std::chrono::seconds kGrace{5};

control::TrustOptions trust_options(const config::ControllerConfig& config,
                                    std::function<void(const std::string&)> on_webhook_key) {
  using std::chrono::duration_cast;
  using std::chrono::hours;
  const auto names = [](const std::vector<std::string>& list) {
    crypto::ServingNames out;
    for (const std::string& name : list) {
      const bool is_ip = name.find_first_not_of("0123456789.") == std::string::npos ||
                         name.find(':') != std::string::npos;
      (is_ip ? out.ip : out.dns).push_back(name);
    }
    return out;
  };
  control::TrustOptions options;
  options.names = {config.release.name, config.release.name_space};
  options.log_origin = config.log.origin;
  options.ca = {.common_name = config.release.name + " CA",
                .life = duration_cast<hours>(config.tls.ca_life),
                .announce = 24h};
  options.certificate_life = duration_cast<hours>(config.tls.certificate_life);
  options.own_names = names(config.tls.service_names);
  options.webhook.common_name = config.release.name + " webhook CA";
  options.webhook.names = names(config.webhook.service_names);
  options.webhook.life = options.certificate_life;
  options.on_webhook_key = std::move(on_webhook_key);
  options.webhook_configuration = config.webhook.configuration;
  options.webhook_certificate = config.webhook.own_certificate;
  options.place_of_log = [shards = adapters::LogShards(config.log, config.data_dir)] {
    return shards.place_of_any();
  };
  return options;
}

kube::InformerOptions all_of(kube::ResourcePath resource) {
  kube::InformerOptions options;
  options.resource = std::move(resource);
  return options;
}

// A cluster without a selector for them has none watched.
kube::InformerOptions some_of(kube::ResourcePath resource, const std::string& label_selector) {
  constexpr std::size_t kMostPods = 1000;
  kube::InformerOptions options = all_of(std::move(resource));
  options.label_selector = label_selector;
  options.max_objects = kMostPods;
  return options;
}

kube::InformerOptions one_of(kube::ResourcePath resource, const std::string& name) {
  kube::InformerOptions options = all_of(std::move(resource));
  options.field_selector = "metadata.name=" + name;
  options.max_objects = 1;
  return options;
}

}  // namespace

Leader::Parts::Parts(const config::ControllerConfig& the_config, const kube::Client& the_client,
                     Clock& the_clock, Signals& the_signals, WrittenLog& the_written,
                     std::string identity, control::FencedAnchor::LeadingUntil until,
                     SayOnLease say)
    : config(the_config),
      client(the_client),
      clock(the_clock),
      signals(the_signals),
      written(the_written),
      leading_until(std::move(until)),
      say_on_lease(std::move(say)),
      trust(trust_options(config, [this](const std::string& why) { tell_webhook_key(why); }),
            client, crypto::system_random(), clock),
      volume({config.limits.reserve_bytes, static_cast<unsigned>(config.limits.reserve_percent)},
             [dir = config.data_dir] { return adapters::volume_space(dir); }),
      shards(config.log, config.data_dir),
      quick(client.with_timeout(5s)),
      callers(quick, clock,
              {config.release.name_space, config.agent_service_account,
               config.webhook.service_account}),
      access(quick, clock),
      event_recorder(client, clock, "avouch-controller", std::move(identity)),
      events(event_recorder, signals),
      nodes(client, clock, crypto::system_random(), control::node_informer_options()),
      evidences(client, clock, crypto::system_random(), control::evidence_informer_options()),
      policies(client, clock, crypto::system_random(), all_of(kube::attestation_policies())),
      manifests(client, clock, crypto::system_random(), all_of(kube::reference_manifests())),
      webhooks(client, clock, crypto::system_random(),
               one_of(kube::validating_webhook_configurations(), config.webhook.configuration)),
      trust_map(
          client, clock, crypto::system_random(),
          one_of(kube::config_maps(config.release.name_space), config.release.object("trust"))),
      own_map(client, clock, crypto::system_random(),
              one_of(kube::config_maps(config.release.name_space),
                     config.release.object("controller"))),
      webhook_pods(client, clock, crypto::system_random(),
                   some_of(kube::pods(config.release.name_space), config.webhook.pods)),
      references(client, clock, crypto::system_random(), config.release.name_space,
                 [this] { policy_worker.add(kAll); }),
      evidence_writer(
          client, node_board, [this](const std::string& name) { return evidences.find(name); },
          [this](const std::string& name) {
            loop->post([name](control::Appraiser& the_appraiser, control::Moment) {
              the_appraiser.show_again(name);
            });
          }),
      status_worker("evidence status", 4, clock, signals,
                    [this](const std::string& name) { return sync_evidence(name); }),
      node_worker("node signals", 4, clock, signals,
                  [this](const std::string& name) { return sync_node(name); }),
      policy_status_worker("policy status", 1, clock, signals,
                           [this](const std::string& name) { return sync_policy(name); }),
      policy_worker("policies", 1, clock, signals,
                    [this](const std::string& what) {
                      return what == kUse ? use_lists() : refresh_policies();
                    }),
      trust_worker("trust objects", 1, clock, signals,
                   [this](const std::string& what) {
                     return what == kPods ? keep_webhook_pods() : keep_trust();
                   }),
      guard_worker("webhook configuration", 1, clock, signals,
                   [this](const std::string& what) {
                     return what == kLogIntake ? watch_log() : watch_guard();
                   }),
      again_worker("evidence again", 1, clock, signals,
                   [this](const std::string& name) { return hand_over_again(name); }),
      forget_worker("evidence store", 1, clock, signals,
                    [this](const std::string& node_uid) { return forget_logs(node_uid); }),
      pool(4, 1024),
      registration_lane(2, 16),
      rekor_lane(2, 64),
      remark_lane(1, 16),
      judge_pool(2, 16'384),
      append_lane(4, 256),
      strangers(2, 1024),
      readers(4, 256),
      reception(callers, pool, strangers),
      append_reception(callers, append_lane, strangers),
      reader_reception(callers, readers, strangers),
      statement_senders(reception, access),
      guard(config.webhook.configuration, config.release.object("controller"), clock.steady_now()) {
  asked_parts->parts = this;
}

void Leader::Parts::stop() {
  ending = true;
  {
    const std::lock_guard lock(asked_parts->mutex);
    asked_parts->parts = nullptr;
  }
  {
    const std::lock_guard lock(metrics_mutex);
    closed = true;
  }
  if (server) server->stop(kGrace);
  for (kube::Informer* informer : {&nodes, &evidences, &policies, &manifests, &webhooks, &trust_map,
                                   &own_map, &webhook_pods}) {
    informer->stop();
  }
  references.watch({});
  policy_worker.stop();
  trust_worker.stop();
  guard_worker.stop();
  again_worker.stop();
  forget_worker.stop();
  strangers.stop();
  readers.stop();
  append_lane.stop();
  pool.stop();
  judge_pool.stop();
  if (read_pool) read_pool->stop();
  registration_lane.stop();
  rekor_lane.stop();
  remark_lane.stop();
  if (epochs) epochs->stop();
  if (retention) retention->stop();
  if (loop) loop->stop();
  if (recorder) recorder->stop();
  status_worker.stop();
  node_worker.stop();
  policy_status_worker.stop();
  events.stop();
  if (witnessing) witnessing->stop();
  if (log_check) log_check->stop();
  log.reset();
}

}  // namespace avouch::controller
