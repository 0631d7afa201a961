#include "operator/leader.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <future>
#include <mutex>
#include <utility>
#include <vector>

#include "adapters/blob_files.h"
#include "adapters/http_server.h"
#include "adapters/log_files.h"
#include "adapters/node_files.h"
#include "adapters/record_files.h"
#include "adapters/renewal_files.h"
#include "control/admission_scope.h"
#include "control/api_objects.h"
#include "control/api_writer.h"
#include "control/appraiser.h"
#include "control/appraiser_loop.h"
#include "control/cluster_facts.h"
#include "control/cluster_material.h"
#include "control/epoch_publisher.h"
#include "control/event_sink.h"
#include "control/fenced_anchor.h"
#include "control/intake_handler.h"
#include "control/log_handler.h"
#include "control/log_judge.h"
#include "control/record_handler.h"
#include "control/recorder.h"
#include "control/recording_material.h"
#include "control/reference_watcher.h"
#include "control/router.h"
#include "control/sequenced_log.h"
#include "control/trust_material.h"
#include "crypto/random.h"
#include "kube/informer.h"
#include "tlog/entry.h"
#include "tlog/log.h"

namespace avouch::controller {
namespace {

using namespace std::chrono_literals;

constexpr std::chrono::seconds kFresh{120};     // informers older than this: not ready
constexpr std::chrono::minutes kTrustEvery{1};  // looks at certificates and trust objects
constexpr std::uint64_t kMostOfOneNode = 64ULL * 1024 * 1024;  // blobs, and as much runtime log
constexpr std::uint64_t kIndexedEntries = 200'000;  // newest entries that are found by subject
// Of the store of records, what one node may fill in a day: in 30 days not even half of it.
constexpr std::uint64_t kRecordShares = 64;
constexpr std::uint64_t kLeastRecordShare = 1024ULL * 1024;
constexpr std::chrono::seconds kGrace{5};
constexpr std::chrono::hours kKeepUnused{7 * 24};  // evidence that nothing names any more
constexpr std::chrono::seconds kLongestTurn{60};   // of the appraiser: then something hangs
const std::string kAll = "all";

control::TrustOptions trust_options(const config::ControllerConfig& config) {
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
  options.webhook_names = names(config.webhook.service_names);
  options.webhook_configuration = config.webhook.configuration;
  options.webhook_certificate = config.webhook.own_certificate;
  return options;
}

kube::InformerOptions all_of(kube::ResourcePath resource) {
  kube::InformerOptions options;
  options.resource = std::move(resource);
  return options;
}

kube::InformerOptions one_of(kube::ResourcePath resource, const std::string& name) {
  kube::InformerOptions options = all_of(std::move(resource));
  options.field_selector = "metadata.name=" + name;
  options.max_objects = 1;
  return options;
}

kube::InformerOptions node_options() {
  kube::InformerOptions options = all_of(kube::nodes());
  options.trim = &control::trim_node;
  return options;
}

}  // namespace

// In the order of construction; what comes later uses what comes before.
struct Leader::Parts final : control::AppraiserOutput {
  Parts(const config::ControllerConfig& the_config, const kube::Client& the_client,
        Clock& the_clock, Signals& the_signals, std::string identity,
        control::FencedAnchor::LeadingUntil until)
      : config(the_config),
        client(the_client),
        clock(the_clock),
        signals(the_signals),
        leading_until(std::move(until)),
        trust(trust_options(config), client, crypto::system_random(), clock),
        quick(client.with_timeout(5s)),
        callers(quick, clock,
                {config.release.name_space, config.agent_service_account,
                 config.webhook.service_account}),
        access(quick, clock),
        event_recorder(client, clock, "avouch-controller", std::move(identity)),
        events(event_recorder, signals),
        nodes(client, clock, crypto::system_random(), node_options()),
        evidences(client, clock, crypto::system_random(), all_of(kube::attestation_evidences())),
        policies(client, clock, crypto::system_random(), all_of(kube::attestation_policies())),
        manifests(client, clock, crypto::system_random(), all_of(kube::reference_manifests())),
        webhooks(client, clock, crypto::system_random(),
                 one_of(kube::validating_webhook_configurations(), config.webhook.configuration)),
        trust_map(
            client, clock, crypto::system_random(),
            one_of(kube::config_maps(config.release.name_space), config.release.object("trust"))),
        references(client, clock, crypto::system_random(), [this] { policy_worker.add(kAll); }),
        status_worker("evidence status", 4, clock, signals,
                      [this](const std::string& name) { return sync_evidence(name); }),
        node_worker("node signals", 4, clock, signals,
                    [this](const std::string& name) { return sync_node(name); }),
        policy_status_worker("policy status", 1, clock, signals,
                             [this](const std::string& name) { return sync_policy(name); }),
        policy_worker("policies", 1, clock, signals,
                      [this](const std::string&) { return refresh_policies(); }),
        trust_worker("trust objects", 1, clock, signals,
                     [this](const std::string&) { return keep_trust(); }),
        pool(4, 1024),
        judge_pool(2, 16'384) {}

  // What the appraiser decides.
  void record(control::RecordJob job) override { recorder->add(std::move(job)); }
  void publish(control::NodeOutlook outlook) override {
    const std::string name = outlook.name;
    node_board.put(std::move(outlook));
    status_worker.add(name);
    node_worker.add(name);
  }
  void withdraw(const std::string& name) override { node_board.erase(name); }
  void forget(const std::string& node_uid) override {
    const auto taken = pool.post([this, node_uid] {
      blobs->remove(node_uid);
      judge->forget(node_uid);
    });
    if (taken == control::WorkPool::Taken::kFull) {
      signals.problem("evidence store", "the runtime log of a Node that is gone stays for now");
    }
  }
  void judge_logs(std::shared_ptr<const control::LogQuestion> question) override {
    const auto answer = [this, question](std::optional<control::LogFindings> findings) {
      loop->post([question, findings = std::move(findings)](control::Appraiser& the_appraiser,
                                                            control::Moment now) mutable {
        the_appraiser.logs_judged(*question, std::move(findings), now);
      });
    };
    const auto taken =
        judge_pool.post([this, question, answer] { answer(judge->judge(*question)); });
    if (taken == control::WorkPool::Taken::kFull) {
      signals.problem("log judge", "more nodes' logs wait than can be judged");
      answer(std::nullopt);
    }
  }
  void publish_policy(control::PolicyOutlook outlook) override {
    const std::string name = outlook.name;
    policy_board.put(std::move(outlook));
    policy_status_worker.add(name);
  }
  void withdraw_policy(const std::string& name) override { policy_board.erase(name); }
  void event(control::NodeEvent event) override { events.add(std::move(event)); }

  // What the workers do.
  Result<void> sync_evidence(const std::string& name) {
    const auto outlook = node_board.find(name);
    if (outlook == nullptr || outlook->evidence_uid.empty()) return {};
    const kube::ObjectPtr live = evidences.find(name);
    return control::sync_status(client, kube::attestation_evidences(), "AttestationEvidence", name,
                                outlook->evidence_uid, outlook->status, live.get(), clock.now());
  }
  Result<void> sync_node(const std::string& name) {
    const auto outlook = node_board.find(name);
    if (outlook == nullptr || outlook->node_uid.empty()) return {};
    return control::sync_node(client, *outlook, nodes.find(name).get(), clock.now());
  }
  Result<void> sync_policy(const std::string& name) {
    const auto outlook = policy_board.find(name);
    if (outlook == nullptr) return {};
    const kube::ObjectPtr live = policies.find(name);
    return control::sync_status(client, kube::attestation_policies(), "AttestationPolicy", name,
                                outlook->uid, outlook->status, live.get(), clock.now());
  }
  Result<void> keep_trust() {
    trust_worker.add_after(kAll, kTrustEvery);
    blobs->drop_unused(kKeepUnused);
    archive->sweep(clock.now());
    AVOUCH_CHECK(trust.step());
    return keep_shares();
  }
  // Which namespaces' pods are stopped while the webhook does not answer.
  Result<void> keep_shares() {
    if (!policies.synced()) return {};
    const std::string& name = config.webhook.configuration;
    const kube::ObjectPtr live = webhooks.find(name);
    if (live == nullptr) return {};
    std::vector<kube::ObjectPtr> objects;
    const auto snapshot = policies.snapshot();
    for (const auto& [key, object] : *snapshot) objects.push_back(object);
    const auto patch = control::share_patch(*live, control::fail_closed_share(objects));
    if (!patch) return {};
    const auto patched = client.patch(kube::validating_webhook_configurations(), name,
                                      kube::PatchType::kJson, *patch);
    if (!patched.has_value()) return retryable(patched.error().message);
    return {};
  }
  Result<void> refresh_policies();

  Result<void> open_log();
  Result<void> open_stores();
  void watch_cluster();
  Result<void> serve();
  void show_metrics();
  void begin();
  void stop();

  const config::ControllerConfig& config;
  const kube::Client& client;
  Clock& clock;
  Signals& signals;
  const control::FencedAnchor::LeadingUntil leading_until;

  control::TrustMaterial trust;
  std::optional<control::ReleaseKeys> keys;
  std::optional<attest::KeySigner> signer;

  control::BeaconRing beacons;
  control::RenewalBatch renewals;
  control::LogIndex index;
  std::unique_ptr<tlog::Store> log_store;
  std::unique_ptr<tlog::Anchor> head_file;
  std::unique_ptr<tlog::Log> log;
  std::unique_ptr<control::SequencedLog> entries;
  std::unique_ptr<adapters::NodeFiles> records;
  std::unique_ptr<adapters::BlobFiles> blobs;
  std::unique_ptr<adapters::RecordFiles> archive;
  std::unique_ptr<adapters::RenewalFiles> renewal_files;

  const kube::Client quick;  // for questions on the way of a request
  control::Callers callers;
  kube::AccessReviewer access;
  kube::EventRecorder event_recorder;
  control::EventSink events;

  kube::Informer nodes, evidences, policies, manifests, webhooks, trust_map;
  control::ReferenceWatcher references;
  control::Board<control::NodeOutlook> node_board;
  control::Board<control::PolicyOutlook> policy_board;
  control::Worker status_worker, node_worker, policy_status_worker, policy_worker, trust_worker;
  control::WorkPool pool, judge_pool;
  control::ManifestCatalog catalog;  // the policy worker's
  control::DigestLists digest_lists;

  std::unique_ptr<control::LogJudge> judge;
  std::unique_ptr<control::Appraiser> appraiser;
  std::unique_ptr<control::AppraiserLoop> loop;
  std::unique_ptr<control::Recorder> recorder;
  std::unique_ptr<control::EpochPublisher> epochs;

  std::unique_ptr<control::IntakeHandler> intake;
  std::unique_ptr<control::TileHandler> tiles;
  std::unique_ptr<control::LogHandler> log_side;
  std::unique_ptr<control::RecordHandler> record_side;
  std::unique_ptr<control::Router> router;
  std::unique_ptr<adapters::HttpServer> server;

  std::mutex metrics_mutex;
  std::atomic<bool> closed = false;
  std::mutex summary_mutex;
  control::AppraiserSummary summary;
};

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
      digest_lists);
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
  if (material.incomplete()) return retryable("ConfigMaps that policies refer to are being read");
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
  return {};
}

Result<void> Leader::Parts::open_log() {
  const std::filesystem::path dir = config.data_dir;
  if (!log_store) {
    AVOUCH_TRY(log_store, adapters::open_log_files({.directory = dir / "log"}));
  }
  if (!head_file) {
    AVOUCH_TRY(std::unique_ptr<tlog::Anchor> on_disk, adapters::open_head_file(dir / "log-head"));
    head_file = std::make_unique<control::FencedAnchor>(std::move(on_disk), clock, leading_until);
  }
  AVOUCH_TRY(tlog::NoteSigner note_signer, tlog::NoteSigner::make(keys->log_origin, keys->log));
  tlog::LogOptions options;
  options.origin = keys->log_origin;
  options.publish_within = config.log.publish_within;
  options.on_fatal = [this](const Error& error) { signals.fatal("log", error); };
  if (!log) {
    AVOUCH_TRY(log, tlog::Log::open(options, *log_store, {head_file.get()}, std::move(note_signer),
                                    clock));
    entries = std::make_unique<control::SequencedLog>(*log, index);
  }
  AVOUCH_TRY(const tlog::NoteVerifier verifier,
             tlog::make_verifier(keys->log_origin, keys->log.public_key()));
  AVOUCH_CHECK(control::ensure_genesis(*log, *entries, keys->log_origin, keys->pseudonym,
                                       keys->verifier, tlog::format_vkey(verifier),
                                       crypto::system_random(), clock.now()));
  AVOUCH_TRY(const tlog::VerifiedCheckpoint checkpoint, log->publish_now());
  return index.rebuild(*log_store, checkpoint.size(), kIndexedEntries);
}

Result<void> Leader::Parts::open_stores() {
  const std::filesystem::path dir = config.data_dir;
  AVOUCH_TRY(records, adapters::NodeFiles::open(dir / "nodes"));
  // No node can take more than a quarter of the store.
  const std::uint64_t share = std::max<std::uint64_t>(
      config.limits.blob_bytes,
      std::min<std::uint64_t>(config.limits.store_bytes / 8, kMostOfOneNode));
  AVOUCH_TRY(blobs, adapters::BlobFiles::open({.directory = dir / "evidence",
                                               .total_bytes = config.limits.store_bytes,
                                               .node_blob_bytes = share,
                                               .runtime_log_bytes = share},
                                              clock));
  AVOUCH_TRY(archive, adapters::RecordFiles::open(
                          {.directory = dir / "records",
                           .evidence = dir / "evidence",
                           .total_bytes = config.records.bytes,
                           .retention = config.records.retention,
                           .node_day_bytes = std::max<std::uint64_t>(
                               config.records.bytes / kRecordShares, kLeastRecordShare)}));
  AVOUCH_TRY(renewal_files, adapters::RenewalFiles::open({.directory = dir / "renewals"}));
  AVOUCH_TRY(signer, attest::KeySigner::make(keys->verifier));

  std::vector<control::NodeRecord> nodes_known;
  std::vector<control::RecordedPolicy> policies_known;
  AVOUCH_TRY(const auto texts, records->load());
  for (const auto& [key, text] : texts) {
    if (key.starts_with(control::kPolicyKeyPrefix)) {
      auto policy = control::parse_policy_record(text);
      if (!policy.has_value()) return fatal("record " + key + ": " + policy.error().message);
      policies_known.push_back(*std::move(policy));
      continue;
    }
    auto record = control::parse_record(text);
    if (!record.has_value()) return fatal("record " + key + ": " + record.error().message);
    // A token that was renewed and saved, and not yet in an epoch entry when the process ended,
    // gets its place now; twice in the log does no harm.
    if (!record->verdict.token.empty()) {
      renewals.add(control::make_renewal(tlog::node_pseudonym(keys->pseudonym, record->node_uid),
                                         crypto::sha256(record->verdict.token)));
    }
    nodes_known.push_back(*std::move(record));
  }

  appraiser = std::make_unique<control::Appraiser>(
      control::AppraiserOptions{.origin = keys->log_origin,
                                .build = std::string("avouch-controller ") + AVOUCH_VERSION,
                                .pseudonym_key = keys->pseudonym,
                                .cadence = config.log.cadence},
      *signer, beacons, crypto::system_random(), *this);
  appraiser->restore(std::move(nodes_known), std::move(policies_known), control::read_clock(clock));
  judge = std::make_unique<control::LogJudge>(*blobs, *blobs, config.limits.blob_bytes);
  loop = std::make_unique<control::AppraiserLoop>(*appraiser, clock, signals);
  recorder = std::make_unique<control::Recorder>(
      control::Recorder::Options{.origin = keys->log_origin}, *entries, *records, renewals,
      *archive, keys->verifier, crypto::system_random(), clock, signals,
      [this](const control::RecordJob& job, std::optional<control::LogPlace> place) {
        if (job.node_name.empty()) return;
        loop->post([name = job.node_name, number = job.number, place](
                       control::Appraiser& the_appraiser, control::Moment now) {
          the_appraiser.recorded(name, number, place, now);
        });
      });
  const kube::ResourcePath maps = kube::config_maps(config.release.name_space);
  epochs = std::make_unique<control::EpochPublisher>(
      control::EpochPublisher::Options{.origin = keys->log_origin,
                                       .pseudonym_key = keys->pseudonym,
                                       .cadence = config.log.cadence},
      *entries,
      [this]() -> Result<std::string> {
        AVOUCH_TRY(const tlog::VerifiedCheckpoint checkpoint, log->publish_now());
        return checkpoint.note();
      },
      [this, maps](const std::string& note) -> Result<void> {
        const codec::Json object = codec::Json::Object{
            {"apiVersion", "v1"},
            {"kind", "ConfigMap"},
            {"metadata", codec::Json::Object{{"name", config.release.object("beacon")},
                                             {"namespace", config.release.name_space}}},
            {"data", codec::Json::Object{{"checkpoint", note}}}};
        const auto applied = client.apply(
            maps, object, {.field_manager = std::string(control::kFieldManager), .force = true});
        if (!applied.has_value()) return retryable(applied.error().message);
        return {};
      },
      renewals, *renewal_files, beacons, keys->verifier, crypto::system_random(), clock, signals);
  return {};
}

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
  webhooks.on_change([this](const Change&) { trust_worker.add(kAll); });
  trust_map.on_change([this](const Change&) { trust_worker.add(kAll); });
  for (const auto& [name, informer] :
       {std::pair{"nodes", &nodes}, std::pair{"evidence", &evidences},
        std::pair{"policies", &policies}, std::pair{"reference manifests", &manifests},
        std::pair{"webhook configuration", &webhooks}, std::pair{"trust map", &trust_map}}) {
    informer->on_problem([this, part = std::string("watch of ") + name](
                             const std::string& message) { signals.problem(part, message); });
    informer->start();
  }
}

void Leader::Parts::begin() {
  loop->post([this](control::Appraiser& the_appraiser, control::Moment now) {
    the_appraiser.begin(now);
    signals.note("appraiser", "the cluster is known; nodes are judged");
  });
}

Result<void> Leader::Parts::serve() {
  intake = std::make_unique<control::IntakeHandler>(
      control::IntakeLimits{.blob_bytes = config.limits.blob_bytes}, callers, *loop, *blobs, *blobs,
      pool, clock, signals);
  tiles = std::make_unique<control::TileHandler>(*log_store);
  log_side =
      std::make_unique<control::LogHandler>(control::LogParts{.log = *log,
                                                              .tiles = *log_store,
                                                              .entries = *entries,
                                                              .index = index,
                                                              .renewals = *renewal_files,
                                                              .origin = keys->log_origin,
                                                              .pseudonym_key = keys->pseudonym,
                                                              .verifier_key = keys->verifier,
                                                              .random = crypto::system_random()},
                                            callers, access, pool);
  record_side = std::make_unique<control::RecordHandler>(*archive, callers, access, pool);
  router = std::make_unique<control::Router>(
      std::vector<control::Router::Route>{{"/v1/nodes/", *intake},
                                          {"/v1/records/", *record_side},
                                          {"/v1/blobs/", *intake},
                                          {"/log/", *tiles},
                                          {"/v1/log/", *log_side}});
  adapters::HttpServerOptions options;
  options.listen = config.listen;
  options.threads = 4;
  options.connections = config.limits.connections;
  options.request_read = 60s;  // a boot log over a slow network
  options.tls = [this]() -> Result<adapters::TlsMaterial> {
    AVOUCH_TRY(const crypto::CertifiedKey serving, trust.serving());
    return adapters::TlsMaterial{serving.certificate_pem, serving.key_pem, ""};
  };
  AVOUCH_TRY(server, adapters::HttpServer::start(std::move(options), *router));
  signals.note("server", "serving on " + server->address());
  return {};
}

void Leader::Parts::show_metrics() {
  observe::Metrics& metrics = signals.metrics();
  metrics.before_collect([this, &metrics] {
    const std::lock_guard lock(metrics_mutex);
    if (closed) return;
    // The appraiser's own thread counts; a busy one shows what it last counted.
    auto counted = std::make_shared<std::promise<void>>();
    auto done = counted->get_future();
    loop->post([this, counted](control::Appraiser& the_appraiser, control::Moment) {
      const std::lock_guard summary_lock(summary_mutex);
      summary = the_appraiser.summary();
      counted->set_value();
    });
    done.wait_for(200ms);
    const auto gauge = [&](const std::string& name, const std::string& help, double value,
                           const observe::Labels& labels = {}) {
      metrics.gauge(name, help, labels).set(value);
    };
    {
      const std::lock_guard summary_lock(summary_mutex);
      using control::Phase;
      for (const Phase phase : {Phase::kPending, Phase::kEnrolling, Phase::kTrusted,
                                Phase::kWarning, Phase::kContraindicated, Phase::kStale}) {
        gauge("avouch_nodes", "Nodes that some policy selects, by phase",
              static_cast<double>(summary.nodes[phase]),
              {{"phase", std::string(control::phase_name(phase))}});
      }
      gauge("avouch_enrolled_nodes", "Nodes whose TPM has proved itself",
            static_cast<double>(summary.enrolled));
      gauge("avouch_policies", "AttestationPolicies", static_cast<double>(summary.policies));
    }
    const tlog::LogStatus status = log->status();
    gauge("avouch_log_entries", "Entries of the verdict log",
          static_cast<double>(status.sequenced));
    gauge("avouch_log_unpublished_entries", "Entries that no published checkpoint covers yet",
          static_cast<double>(status.sequenced - status.published));
    gauge("avouch_log_queue", "Entries that wait to be sequenced",
          static_cast<double>(status.queued));
    gauge("avouch_evidence_store_bytes", "Evidence on disk", static_cast<double>(blobs->bytes()));
    const adapters::RecordFiles::Counts kept = archive->counts();
    gauge("avouch_records_bytes", "Records of verdicts on disk, with all that they name",
          static_cast<double>(kept.bytes));
    gauge("avouch_records_oldest_timestamp_seconds", "Begin of the oldest day that has records",
          static_cast<double>(kept.oldest_day) * 86400.0);
    for (const auto& [kind, count] : {std::pair{"transition", kept.dropped_transitions},
                                      std::pair{"renewal", kept.dropped_renewals}}) {
      gauge("avouch_records_dropped", "Records given up before their time, since the start",
            static_cast<double>(count), {{"kind", kind}});
    }
    gauge("avouch_records_not_kept", "Verdicts of which no record could be kept, since the start",
          static_cast<double>(kept.not_kept));
    for (const auto& [queue, depth] :
         {std::pair{"appraiser", loop->waiting()}, std::pair{"recorder", recorder->waiting()},
          std::pair{"evidence-status", status_worker.waiting()},
          std::pair{"node-signals", node_worker.waiting()},
          std::pair{"policy-status", policy_status_worker.waiting()},
          std::pair{"requests", pool.waiting()}, std::pair{"log-judge", judge_pool.waiting()},
          std::pair{"renewals", renewals.waiting()}}) {
      gauge("avouch_queue_depth", "Work that waits, by queue", static_cast<double>(depth),
            {{"queue", queue}});
    }
    const control::TrustMaterial::Ends ends = trust.ends();
    for (const auto& [name, end] : {std::pair{"ca", ends.ca}, std::pair{"controller", ends.own},
                                    std::pair{"webhook", ends.webhook}}) {
      if (end == SystemTime{}) continue;  // not ours, or not made yet
      gauge("avouch_certificate_end_timestamp_seconds", "When a certificate of the release ends",
            static_cast<double>(end.time_since_epoch().count()) / 1000.0, {{"certificate", name}});
    }
    gauge("avouch_intake_connections", "Open connections",
          static_cast<double>(server->stats().connections));
  });
}

void Leader::Parts::stop() {
  {
    const std::lock_guard lock(metrics_mutex);
    closed = true;
  }
  if (server) server->stop(kGrace);
  for (kube::Informer* informer :
       {&nodes, &evidences, &policies, &manifests, &webhooks, &trust_map}) {
    informer->stop();
  }
  references.watch({});
  policy_worker.stop();
  trust_worker.stop();
  pool.stop();
  judge_pool.stop();
  if (epochs) epochs->stop();
  if (loop) loop->stop();
  if (recorder) recorder->stop();
  status_worker.stop();
  node_worker.stop();
  policy_status_worker.stop();
  events.stop();
  log.reset();
}

Leader::Leader(const config::ControllerConfig& config, const kube::Client& client, Clock& clock,
               Signals& signals, std::string identity,
               control::FencedAnchor::LeadingUntil leading_until)
    : parts_(std::make_unique<Parts>(config, client, clock, signals, std::move(identity),
                                     std::move(leading_until))) {}

Leader::~Leader() { stop(); }

void Leader::stop() { parts_->stop(); }

Result<void> Leader::start(const std::stop_token& stop) {
  Parts& p = *parts_;
  // Repeats a step until it succeeds or fails for good.
  const auto persist = [&](const std::string& what,
                           const std::function<Result<void>()>& step) -> Result<void> {
    std::mutex mutex;
    std::condition_variable wake;
    const std::stop_callback wake_up(stop, [&] {
      const std::lock_guard lock(mutex);
      wake.notify_all();
    });
    std::string said;
    for (;;) {
      const Result<void> outcome = step();
      if (outcome.has_value()) return {};
      if (outcome.error().kind != ErrorKind::kRetryable) return with_context(outcome.error(), what);
      if (outcome.error().message != said) {
        said = outcome.error().message;
        p.signals.problem(what, said);
      }
      std::unique_lock lock(mutex);
      p.clock.wait_until(lock, wake, p.clock.steady_now() + 500ms,
                         [&] { return stop.stop_requested(); });
      if (stop.stop_requested()) return retryable(what + ": stopped");
    }
  };

  AVOUCH_CHECK(persist("release keys", [&]() -> Result<void> {
    AVOUCH_TRY(p.keys, p.trust.load_or_create());
    return {};
  }));
  AVOUCH_CHECK(persist("log", [&] { return p.open_log(); }));
  AVOUCH_CHECK(persist("stores", [&] { return p.open_stores(); }));
  AVOUCH_CHECK(persist("server", [&] { return p.serve(); }));
  p.loop->start();
  p.signals.health().add_liveness("appraiser", [&p]() -> std::optional<std::string> {
    const auto turn = p.clock.steady_now() - p.loop->last_turn();
    if (p.closed || turn <= kLongestTurn) return std::nullopt;
    return "has not finished what it began " + std::to_string(turn / 1s) + " s ago";
  });
  p.recorder->start();
  p.events.start();
  p.trust_worker.start();
  p.trust_worker.add(kAll);
  p.epochs->start();
  p.watch_cluster();
  p.show_metrics();
  AVOUCH_CHECK(persist("informers", [&]() -> Result<void> {
    if (p.nodes.synced() && p.evidences.synced() && p.policies.synced() && p.manifests.synced()) {
      return {};
    }
    return retryable("the cluster is being read");
  }));
  AVOUCH_CHECK(persist("policies", [&] { return p.refresh_policies(); }));
  p.begin();
  p.policy_worker.start();
  p.policy_worker.add(kAll);
  p.status_worker.start();
  p.node_worker.start();
  p.policy_status_worker.start();
  for (const auto& [name, informer] :
       {std::pair{"nodes", &p.nodes}, std::pair{"evidence", &p.evidences},
        std::pair{"policies", &p.policies}, std::pair{"reference manifests", &p.manifests}}) {
    p.signals.health().add_readiness(name, [watched = informer]() -> std::optional<std::string> {
      if (watched->fresh(kFresh)) return std::nullopt;
      return "what is known of them is older than two minutes";
    });
  }
  return {};
}

}  // namespace avouch::controller
