#include "config/controller_config.h"

#include <utility>

namespace avouch::config {
namespace {

using namespace std::chrono_literals;

std::vector<std::string> service_names(const Release& release, std::string_view suffix) {
  const std::string base = release.object(suffix) + "." + release.name_space;
  return {base + ".svc", base + ".svc.cluster.local", base};
}

void read_appends(Section section, ControllerConfig::Log::Appends& out) {
  // The largest request that a webhook makes fits.
  section.size("burst", out.burst, 2UL * 1024 * 1024, std::size_t{1} << 40);
  section.size("perSecond", out.per_second, 4096, std::size_t{1} << 30);
  section.finish();
}

void read_kept_time(Section& section, const char* key, std::chrono::milliseconds& out) {
  std::string text;
  section.string(key, text, 0, 32);
  if (text.empty() || text == "0") return;
  section.duration(key, out, 24h, 876'000h);
}

void read_retention(Section section, ControllerConfig::Log::Retention& out) {
  read_kept_time(section, "content", out.content);
  read_kept_time(section, "entries", out.entries);
  if (out.entries > 0ms && (out.content == 0ms || out.content > out.entries)) {
    section.error("content",
                  "expected a time that is at most entries: what entries say is not kept longer "
                  "than they are served");
  }
  section.finish();
}

void read_shards(Section& log, ControllerConfig::Log& out) {
  using Shards = ControllerConfig::Log::Shards;
  constexpr std::size_t kLongestOrigin = 247;  // with "/2027-q1" behind it 255
  std::string period = "none";
  log.one_of("shards", period, {"none", "year", "quarter", "month"});
  for (const auto& [name, value] :
       {std::pair{"year", Shards::kYear}, std::pair{"quarter", Shards::kQuarter},
        std::pair{"month", Shards::kMonth}}) {
    if (period == name) out.shards = value;
  }
  if (out.shards != Shards::kNone && out.origin.size() > kLongestOrigin) {
    log.error("origin", "expected at most 247 bytes, as each shard adds its period to it");
  }
}

void read_log(Section log, ControllerConfig::Log& out) {
  read_log_origin(log, out.origin);
  log.duration("cadence", out.cadence, 1s, 10min);
  read_publish_within(log, out.publish_within);
  read_shards(log, out);
  Section witnesses = log.section("witnesses");
  witnesses.boolean("requireAtStart", out.witnesses.require_at_start);
  if (out.witnesses.require_at_start && !witnesses.has("policyFile")) {
    witnesses.error("requireAtStart", "expected policyFile too: without one no witness is asked");
  }
  read_log_witnesses(std::move(witnesses), out.witnesses);
  Section references = log.section("references");
  if (references.has("policyFile")) {
    references.absolute_path("policyFile", out.references_policy_file);
  }
  references.finish();
  read_log_engine(log, out);
  read_appends(log.section("appends"), out.appends);
  read_retention(log.section("retention"), out.retention);
  read_log_registration(log.section("registration"), out.registration);
  if (out.shards != ControllerConfig::Log::Shards::kNone && !out.registration.rekor_keys.empty()) {
    log.error("shards",
              "expected none with registration.rekorKeys: who enters signatures takes the log's "
              "origin for a host name");
  }
  log.finish();
}

void read_leader_election(Section section, ControllerConfig::LeaderElection& out) {
  section.duration("leaseDuration", out.lease_duration, 1s, 2min);  // kube::kLongestLease
  section.duration("renewDeadline", out.renew_deadline, 500ms, 2min);
  section.duration("retryPeriod", out.retry_period, 100ms, 1min);
  if (out.renew_deadline >= out.lease_duration) {
    section.error("renewDeadline", "expected less than leaseDuration, or two leaders may overlap");
  }
  if (out.retry_period >= out.renew_deadline) {
    section.error("retryPeriod", "expected less than renewDeadline");
  }
  section.boolean("markPod", out.mark_pod);
  section.finish();
}

void read_controller_tls(Section section, ControllerConfig::Tls& out) {
  section.strings("serviceNames", out.service_names, 20, 253);
  section.duration("certificateLife", out.certificate_life, 1h, 8784h);
  section.duration("caLife", out.ca_life, 24h, 100000h);
  if (out.ca_life <= out.certificate_life) {
    section.error("caLife", "expected more than certificateLife");
  }
  section.finish();
}

void read_webhook(Section section, ControllerConfig::Webhook& out) {
  read_dns_label(section, "serviceAccount", out.service_account);
  section.string("configuration", out.configuration, 1, 253);
  section.strings("serviceNames", out.service_names, 20, 253);
  section.string("pods", out.pods, 0, 1024);
  std::string certificate = "Own";
  section.one_of("certificate", certificate, {"Own", "External"});
  out.own_certificate = certificate != "External";
  section.finish();
}

void read_limits(Section section, ControllerConfig::Limits& out) {
  section.size("blobBytes", out.blob_bytes, 1024, 1U << 30);
  section.size("storeBytes", out.store_bytes, 1024 * 1024, std::size_t{1} << 50);
  section.size("connections", out.connections, 16, 1'000'000);
  section.size("reserveBytes", out.reserve_bytes, 0, std::size_t{1} << 50);
  section.size("reservePercent", out.reserve_percent, 0, 50);
  if (out.store_bytes < out.blob_bytes) section.error("storeBytes", "expected at least blobBytes");
  section.finish();
}

void read_records(Section section, ControllerConfig::Records& out) {
  section.duration("retention", out.retention, 24h, 876000h);
  section.size("bytes", out.bytes, 1024 * 1024, std::size_t{1} << 50);
  section.finish();
}

}  // namespace

Result<ControllerConfig> parse_controller_config(std::string_view text, std::string_view file) {
  AVOUCH_TRY(const YamlNode document, parse_config(text, file));
  ConfigErrors errors{std::string(file)};
  Section root(document, errors);
  ControllerConfig config;
  read_release(root.section("release"), config.release);
  config.webhook.configuration = config.release.name;
  config.webhook.service_account = config.release.object("webhook");
  config.agent_service_account = config.release.object("agent");
  root.listen_address("listen", config.listen);
  root.listen_address("health", config.health);
  root.absolute_path("dataDir", config.data_dir);
  read_log(root.section("log"), config.log);
  read_leader_election(root.section("leaderElection"), config.leader_election);
  read_controller_tls(root.section("tls"), config.tls);
  read_service_account(root.section("agent"), config.agent_service_account);
  read_webhook(root.section("webhook"), config.webhook);
  read_limits(root.section("limits"), config.limits);
  read_records(root.section("records"), config.records);
  read_log_level(root, config.log_level);
  if (config.tls.service_names.empty()) {
    config.tls.service_names = service_names(config.release, "controller");
  }
  if (config.webhook.service_names.empty()) {
    config.webhook.service_names = service_names(config.release, "webhook");
  }
  AVOUCH_CHECK(finish_config(root, errors));
  return config;
}

}  // namespace avouch::config
