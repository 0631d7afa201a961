#include "agent/wiring.h"

#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>

#include "adapters/agent_files.h"
#include "adapters/esapi_device.h"
#include "adapters/http_server.h"
#include "adapters/rest_transport.h"
#include "adapters/system_clock.h"
#include "collect/attester.h"
#include "collect/collector.h"
#include "collect/kube_uplink.h"
#include "crypto/random.h"
#include "kube/informer.h"
#include "observe/health.h"
#include "observe/logging.h"
#include "observe/metrics.h"

namespace avouch::agent {
namespace {

using codec::Json;

constexpr std::chrono::seconds kWatch{300};      // thousands of agents: few, long watches
constexpr std::chrono::minutes kStuck{5};        // a turn; a TPM may take two for one command
constexpr std::chrono::seconds kApiTimeout{15};  // of one call

kube::InformerOptions one_object(kube::ResourcePath resource, const std::string& name) {
  kube::InformerOptions options;
  options.resource = std::move(resource);
  options.field_selector = "metadata.name=" + name;
  options.watch_timeout = kWatch;
  options.max_objects = 1;
  return options;
}

// The controller's CA, as the trust ConfigMap gives it.
class ControllerCa {
 public:
  void set(std::string pem) {
    const std::lock_guard lock(mutex_);
    pem_ = std::move(pem);
    changed_.notify_all();
  }
  std::string wait(const std::stop_token& stop) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, stop, [this] { return !pem_.empty(); });
    return pem_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::string pem_;
};

struct Signals {
  observe::Metrics metrics;
  observe::HealthHandler health{metrics};
  observe::Logger log{"agent"};

  collect::CollectorEvents events() {
    return {
        .on_heartbeat = [this](const collect::HeartbeatAnswer& answer) { heartbeat(answer); },
        .on_problem = [this](std::string_view what, const Error& error) { problem(what, error); },
        .on_progress =
            [this](std::string_view what) {
              log.info("progress", {{"what", what}});
            },
    };
  }

 private:
  void heartbeat(const collect::HeartbeatAnswer& answer) {
    const bool taken = answer.outcome == collect::HeartbeatAnswer::Outcome::kTaken;
    metrics
        .counter("avouch_agent_heartbeats_total",
                 "Heartbeats answered by the controller, by result",
                 {{"result", taken ? "taken" : answer.code}})
        .add();
    if (!taken) {
      log.warn("heartbeat refused", {{"code", answer.code}, {"detail", answer.detail}});
    } else if (answer.phase != phase_) {
      log.info("phase changed", {{"phase", answer.phase}});
      phase_ = answer.phase;
    }
  }
  void problem(std::string_view what, const Error& error) {
    metrics
        .counter("avouch_agent_problems_total", "Steps that failed and are tried again, by step",
                 {{"step", std::string(what)}})
        .add();
    log.warn("step failed", {{"step", what}, {"error", error.message}});
  }

  std::string phase_;
};

}  // namespace

Result<void> run(const config::AgentConfig& config, const std::string& kubeconfig,
                 const adapters::Termination& termination) {
  AVOUCH_TRY(const observe::LogLevel level, observe::parse_log_level(config.log_level));
  observe::init_logging(level);
  Signals signals;
  adapters::SystemClock clock;
  std::stop_source stop;

  AVOUCH_TRY(adapters::RestOptions api_options, adapters::kube_options(kubeconfig));
  AVOUCH_TRY(const auto api_transport, adapters::RestTransport::create(std::move(api_options)));
  const kube::Client api(*api_transport, {.user_agent = "avouch-agent/" AVOUCH_VERSION,
                                          .field_manager = "avouch-agent"});

  AVOUCH_TRY(
      const auto server,
      adapters::HttpServer::start(adapters::health_options(config.metrics_listen), signals.health));

  // Waits for the end in a thread of its own, so that every wait below can be stopped.
  std::jthread ending([&] {
    termination.wait();
    stop.request_stop();
  });

  ControllerCa ca;
  std::unique_ptr<adapters::RestTransport> controller;
  std::mutex controller_mutex;
  kube::Informer trust(
      api, clock, crypto::system_random(),
      one_object(kube::config_maps(config.release.name_space), config.release.object("trust")));
  trust.on_change([&](const kube::Change& change) {
    if (change.type == kube::ChangeType::kDeleted) return;
    std::string pem(change.object->text({"data", "ca.crt"}));
    if (pem.empty()) return;
    const std::lock_guard lock(controller_mutex);
    if (controller != nullptr) {
      if (const auto replaced = controller->replace_ca(pem); !replaced.has_value()) {
        signals.log.error("CA not usable", {{"error", replaced.error().message}});
      }
    }
    ca.set(std::move(pem));
  });
  trust.on_problem([&](const std::string& message) {
    signals.log.warn("watch of the trust ConfigMap", {{"error", message}});
  });
  trust.start();

  signals.log.info("started", {{"node", config.node_name}, {"version", AVOUCH_VERSION}});
  const std::string first_ca = ca.wait(stop.get_token());
  if (stop.stop_requested()) return {};
  {
    adapters::RestOptions options;
    options.base_url = config.controller.url;
    options.ca_pem = first_ca;
    options.token_file = config.controller.token_file;
    auto made = adapters::RestTransport::create(std::move(options));
    if (!made.has_value()) {
      termination.request();
      return std::move(made).error();
    }
    const std::lock_guard lock(controller_mutex);
    controller = *std::move(made);
  }

  adapters::EsapiDevice device(config.tcti);
  adapters::KeyFile keys(config.state_dir);
  adapters::KernelLogs logs(config.boot_log, config.runtime_log);
  collect::Attester attester(device, keys);
  const kube::Client calls = api.with_stop(stop.get_token()).with_timeout(kApiTimeout);
  collect::KubeUplink uplink(calls, *controller, config.node_name, stop.get_token());
  collect::Collector collector(attester, logs, uplink, clock,
                               {.version = AVOUCH_VERSION, .heartbeat = config.heartbeat},
                               signals.events());
  signals.health.add_liveness("collector", [&]() -> std::optional<std::string> {
    const auto age = clock.steady_now() - collector.last_turn();
    if (age < kStuck) return std::nullopt;
    return "no turn ended in the last " +
           std::to_string(std::chrono::duration_cast<std::chrono::seconds>(age).count()) + " s";
  });

  kube::Informer beacon(
      api, clock, crypto::system_random(),
      one_object(kube::config_maps(config.release.name_space), config.release.object("beacon")));
  beacon.on_change([&](const kube::Change& change) {
    if (change.type == kube::ChangeType::kDeleted) return;
    collector.beacon_published(std::string(change.object->text({"data", "checkpoint"})));
  });
  beacon.on_problem([&](const std::string& message) {
    signals.log.warn("watch of the beacon", {{"error", message}});
  });

  kube::Informer evidence(api, clock, crypto::system_random(),
                          one_object(kube::attestation_evidences(), config.node_name));
  evidence.on_change([&](const kube::Change& change) {
    if (change.type == kube::ChangeType::kDeleted) {
      collector.evidence_seen(std::nullopt);
      return;
    }
    auto request = collect::activation_request(*change.object);
    if (!request.has_value()) {
      signals.log.warn("challenge not readable", {{"error", request.error().message}});
      return;
    }
    collector.evidence_seen(collect::PublishedEvidence{
        std::string(change.object->text({"spec", "identity", "akPublic"})), *std::move(request)});
  });
  evidence.on_synced([&] {
    if (evidence.size() == 0) collector.evidence_seen(std::nullopt);
  });
  evidence.on_problem([&](const std::string& message) {
    signals.log.warn("watch of the evidence", {{"error", message}});
  });
  signals.health.add_readiness("beacon", [&]() -> std::optional<std::string> {
    if (beacon.synced()) return std::nullopt;
    return "the beacon has not been read yet";
  });

  beacon.start();
  evidence.start();
  collector.run(stop.get_token());
  signals.log.info("stopped", {});
  evidence.stop();
  beacon.stop();
  trust.stop();
  server->stop(std::chrono::seconds(1));
  return {};
}

}  // namespace avouch::agent
