// What others ask the leader: intake and log over HTTPS, and its metrics.

#include <future>
#include <optional>
#include <utility>
#include <vector>

#include "adapters/log_metrics.h"
#include "adapters/registration_policy.h"
#include "control/log_problem.h"
#include "control/release_keys.h"
#include "control/remark_rights.h"
#include "crypto/random.h"
#include "operator/leader_parts.h"
#include "tlog/rekor_answer.h"

namespace avouch::controller {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kMostReads = 64;  // of a log in a database, that wait
// With 2,048 connections while they are being opened, three quarters of the memory that the chart
// allows (BENCHMARKS.md, "Controller memory under a flood").
constexpr std::size_t kMaxBodies = 64UL * 1024 * 1024;  // all that are read or answered at once

}  // namespace

Result<void> Leader::Parts::serve() {
  intake = std::make_unique<control::IntakeHandler>(
      control::IntakeLimits{.blob_bytes = config.limits.blob_bytes}, reception, *loop, *blobs,
      *blobs, pool, clock, signals);
  // A database may be slow or away: whoever reads what is public then keeps neither the server's
  // threads nor the agents' requests waiting.
  if (config.log.is_in_database() && !read_pool) read_pool.emplace(4, kMostReads);
  tiles = std::make_unique<control::TileHandler>(
      *log_store, witnessing ? &witnessing->notes() : nullptr, read_pool ? &*read_pool : nullptr,
      log.get(), control::shard_prefix(shard));
  AVOUCH_CHECK(serve_shards());
  renewal_index.emplace(*renewal_files);
  log_side = std::make_unique<control::LogHandler>(
      control::LogParts{.log = *log,
                        .tiles = *log_store,
                        .entries = *entries,
                        .index = index,
                        .volume = volume,
                        .renewals = *renewal_index,
                        .origin = log_origin,
                        .pseudonym_key = keys->pseudonym,
                        .verifier_key = keys->verifier,
                        .random = crypto::system_random(),
                        .clock = clock,
                        .appends = {config.log.appends.burst, config.log.appends.per_second},
                        .closed = closed_shards.get()},
      append_reception, reader_reception, access);
  record_side = std::make_unique<control::RecordHandler>(*archive, reader_reception, access);
  list_side = std::make_unique<control::ListHandler>(bytes_for_lists(config.limits), reception,
                                                     access, *lists, pool, signals,
                                                     [this] { policy_worker.add(kAll); });
  receipts = std::make_unique<control::ReceiptHandler>(
      control::ReceiptParts{.log = *log, .origin = log_origin, .signer = keys->verifier},
      read_pool ? *read_pool : pool);
  const tlog::RegistrationPolicy policy = adapters::registration_policy_of(config.log.registration);
  if (registration_policy && policy.takes_statements()) {
    registrations = std::make_unique<control::RegistrationHandler>(
        control::RegistrationParts{.log = *log,
                                   .volume = volume,
                                   .clock = clock,
                                   .receipts = *receipts,
                                   .policy = policy,
                                   .policy_entry = *registration_policy},
        statement_senders, registration_lane, signals);
  }
  if (registration_policy && policy.takes_hashed_rekords()) {
    AVOUCH_TRY(const std::vector<tlog::NoteSigner> signing, signers());
    hashed_rekords = std::make_unique<control::RekorHandler>(
        control::RekorParts{.log = *log,
                            .volume = volume,
                            .clock = clock,
                            .policy = policy,
                            .policy_entry = *registration_policy,
                            .log_id = tlog::rekor_log_id(signing.front().verifier())},
        rekor_lane, signals);
  }
  remarks = std::make_unique<control::RemarkHandler>(
      control::RemarkParts{
          .log = *log,
          .entries = *entries,
          .volume = volume,
          .receipts = *receipts,
          .origin = log_origin,
          .pseudonym_key = keys->pseudonym,
          .verifier_key = keys->verifier,
          .random = crypto::system_random(),
          .clock = clock,
          .trusted = other_logs ? std::optional(other_logs->policy) : std::nullopt},
      reception, access, remark_lane, signals);
  HttpHandler& entries_root = registrations ? static_cast<HttpHandler&>(*registrations) : *receipts;
  std::vector<control::Router::Route> routes{
      {"/v1/nodes/", *intake},    {"/v1/records/", *record_side},
      {"/v1/blobs/", *intake},    {"/v1/lists/", *list_side},
      {"/log/", *shards_side},    {"/entries/", *receipts},
      {"/entries", entries_root}, {"/.well-known/scitt-keys", *receipts},
      {"/v1/log/", *log_side}};
  // Of two that are as long, the later one counts.
  routes.push_back({control::shard_prefix(shard), *tiles});
  routes.push_back({std::string(control::kShardsPath), *shards_side});
  for (const auto& [kind, resource] : control::kRemarkResources) {
    routes.push_back({"/v1/log/" + std::string(resource), *remarks});
  }
  if (hashed_rekords) routes.push_back({control::kRekorPath, *hashed_rekords});
  router = std::make_unique<control::Router>(std::move(routes));
  adapters::HttpServerOptions options;
  options.listen = config.listen;
  options.threads = 4;
  options.connections = config.limits.connections;
  options.body_bytes = kMaxBodies;
  options.request_read = 60s;  // a boot log over a slow network
  options.tls = [this]() -> Result<adapters::TlsMaterial> {
    AVOUCH_TRY(const crypto::CertifiedKey serving, trust.serving());
    return adapters::TlsMaterial{serving.certificate_pem, serving.key_pem, ""};
  };
  AVOUCH_TRY(server, adapters::HttpServer::start(std::move(options), *router));
  signals.note("server", "serving on " + server->address());
  return {};
}

std::optional<std::string> Leader::Parts::log_problem() {
  const std::lock_guard lock(metrics_mutex);
  if (closed) return std::nullopt;
  std::optional<tlog::LogStatus> status;
  if (log_is_open) status = log->status();
  return control::log_problem(volume, status ? &*status : nullptr, config.log.is_in_database());
}

void Leader::Parts::show_metrics() {
  observe::Metrics& metrics = signals.metrics();
  observe::Counter departures =
      metrics.counter("avouch_webhook_configuration_departures_total",
                      "Times that the webhook configuration ceased to be as the release has it");
  observe::Counter replacements =
      metrics.counter("avouch_webhook_keys_replaced_total",
                      "Serving keys of the webhook that were made anew, for whatever reason");
  observe::Counter strangers_removed = metrics.counter(
      "avouch_webhook_foreign_pods_total",
      "Pods with the labels of the webhook's or the controller's that were none, and were "
      "deleted");
  metrics.before_collect([of = asked_parts, departures, replacements, strangers_removed]() mutable {
    const std::lock_guard lock(of->mutex);
    if (of->parts != nullptr) {
      of->parts->collect_metrics(departures, replacements, strangers_removed);
    }
  });
}

void Leader::Parts::collect_metrics(observe::Counter& departures, observe::Counter& replacements,
                                    observe::Counter& strangers_removed) {
  observe::Metrics& metrics = signals.metrics();
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
    for (const Phase phase : {Phase::kPending, Phase::kEnrolling, Phase::kTrusted, Phase::kWarning,
                              Phase::kContraindicated, Phase::kStale}) {
      gauge("avouch_nodes", "Nodes that some policy selects, by phase",
            static_cast<double>(summary.nodes[phase]),
            {{"phase", std::string(control::phase_name(phase))}});
    }
    gauge("avouch_enrolled_nodes", "Nodes whose TPM has proved itself",
          static_cast<double>(summary.enrolled));
    gauge("avouch_policies", "AttestationPolicies", static_cast<double>(summary.policies));
  }
  adapters::show_log(metrics, log->status());
  const auto retained = log->retention();
  gauge("avouch_log_minimum_index",
        "Entries below it are not served any more, as the log's retention policy allows",
        static_cast<double>(retained->pruning.minimum_index));
  gauge("avouch_log_content_from",
        "Of entries below it, what they say is pruned, as the log's retention policy allows",
        static_cast<double>(retained->pruning.content_from));
  show_witnesses();
  adapters::show_log_volume(metrics, volume);
  gauge("avouch_log_left_out_denials",
        "Denials not recorded because the volume is short of space, since the start",
        static_cast<double>(log_side->left_out()));
  gauge("avouch_log_appends_over_budget",
        "Requests of webhooks that had spent what they may add to the log, since the start",
        static_cast<double>(log_side->over_budget()));
  if (registrations) adapters::show_registrations(metrics, registrations->counts());
  if (hashed_rekords) adapters::show_hashed_rekords(metrics, hashed_rekords->counts());
  const control::RemarkHandler::Counts said = remarks->counts();
  for (const auto& [outcome, count] :
       {std::pair{"recorded", said.recorded}, std::pair{"refused", said.refused}}) {
    gauge("avouch_log_remarks",
          "Endorsements, disputes, measurements, supersedes and erasures by what became of them, "
          "since the start",
          static_cast<double>(count), {{"outcome", outcome}});
  }
  gauge("avouch_evidence_store_bytes", "Evidence on disk", static_cast<double>(blobs->bytes()));
  gauge("avouch_evidence_store_limit_bytes", "As much of it as there may be",
        static_cast<double>(config.limits.store_bytes - bytes_for_lists(config.limits)));
  gauge("avouch_node_state_file_bytes", "What is known of idle nodes, in a file without a name",
        static_cast<double>(cold->bytes()));
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
        std::pair{"requests", pool.waiting()}, std::pair{"strangers", strangers.waiting()},
        std::pair{"appends", append_lane.waiting()}, std::pair{"readers", readers.waiting()},
        std::pair{"log-judge", judge_pool.waiting()}, std::pair{"renewals", renewals.waiting()},
        std::pair{"registrations", registration_lane.waiting()},
        std::pair{"hashed-rekords", rekor_lane.waiting()},
        std::pair{"remarks", remark_lane.waiting()}}) {
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
  if (const auto guarded = guard.state()) {
    gauge("avouch_webhook_configuration_deviations",
          "Fields in which the webhook configuration is not as the release has it",
          static_cast<double>(guarded->deviations));
  }
  const std::uint64_t departed = guard.departures();
  departures.add(static_cast<double>(departed - departures_shown));
  departures_shown = departed;
  const std::uint64_t replaced = webhook_keys;
  replacements.add(static_cast<double>(replaced - keys_shown));
  keys_shown = replaced;
  const std::uint64_t removed = foreign_pods;
  strangers_removed.add(static_cast<double>(removed - foreign_shown));
  foreign_shown = removed;
  gauge("avouch_webhook_pods_on_failing_nodes",
        "Pods of the webhook, its key with them, on nodes that do not satisfy an enforced policy",
        static_cast<double>(webhook_holders));
  gauge("avouch_intake_connections", "Open connections",
        static_cast<double>(server->stats().connections));
}

}  // namespace avouch::controller
