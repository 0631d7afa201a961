#include "webhook/wiring.h"

#include <algorithm>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>

#include "adapters/http_server.h"
#include "adapters/rest_transport.h"
#include "adapters/spool_files.h"
#include "adapters/system_clock.h"
#include "observe/health.h"
#include "webhook/controller_log.h"
#include "webhook/informed_facts.h"

namespace avouch::webhook {
namespace {

using namespace std::chrono_literals;

constexpr auto kPruneEvery = 10min;
constexpr auto kEndpointDelay = 3s;  // until the Service has forgotten a pod that is not ready
constexpr auto kServeRetry = 1s;
constexpr auto kFlushTime = 15s;  // for the last verdicts, at the end
constexpr std::size_t kMaxPage =
    16UL * 1024 * 1024;  // of a list; a larger one is asked for in parts
// With what connections and a large review take, about two thirds of the memory that the chart
// allows (BENCHMARKS.md, "Webhook memory under a flood").
constexpr std::size_t kMaxBodies = 32UL * 1024 * 1024;  // all that are read or decided at once
constexpr std::size_t kMaxConnections = 1024;

// The way to the controller, made once its CA is known.
class ControllerLink {
 public:
  explicit ControllerLink(const config::ControllerAccess& access) : access_(access) {}

  void set_ca(const std::string& pem) {
    const std::lock_guard lock(mutex_);
    if (pem == ca_pem_) return;
    Result<void> used;
    if (transport_ != nullptr) {
      used = transport_->replace_ca(pem);
    } else {
      adapters::RestOptions options;
      options.base_url = access_.url;
      options.ca_pem = pem;
      options.token_file = access_.token_file;
      auto made = adapters::RestTransport::create(std::move(options));
      if (made.has_value()) {
        transport_ = *std::move(made);
      } else {
        used = std::move(made).error();
      }
    }
    if (!used.has_value()) {
      return log_.error("controller's CA not usable", {{"error", used.error().message}});
    }
    ca_pem_ = pem;
  }

  std::shared_ptr<kube::Transport> transport() {
    const std::lock_guard lock(mutex_);
    return transport_;
  }

 private:
  const config::ControllerAccess& access_;
  observe::Logger log_{"controller-link"};
  std::mutex mutex_;
  std::string ca_pem_;
  std::shared_ptr<adapters::RestTransport> transport_;
};

// A wait that a signal ends.
class Stop {
 public:
  explicit Stop(const adapters::Termination& termination)
      : waiter_([this, &termination] {
          termination.wait();
          const std::lock_guard lock(mutex_);
          requested_ = true;
          wake_.notify_all();
        }),
        termination_(termination) {}
  ~Stop() { termination_.request(); }

  // True once the end is wanted; false after `time`.
  bool wait(Clock& clock, std::chrono::milliseconds time) {
    std::unique_lock lock(mutex_);
    return clock.wait_until(lock, wake_, clock.steady_now() + time, [this] { return requested_; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable wake_;
  bool requested_ = false;
  std::jthread waiter_;
  const adapters::Termination& termination_;
};

admission::Rules rules_of(const config::WebhookConfig& config) {
  admission::Rules rules;
  rules.release_namespace = config.release.name_space;
  rules.agent_service_account = config.agent_service_account;
  rules.exempt_namespaces = config.exempt_namespaces;
  rules.exemption_users = config.exemption_admins.users;
  rules.exemption_groups = config.exemption_admins.groups;
  return rules;
}

adapters::HttpServerOptions serving_options(const config::WebhookConfig& config) {
  adapters::HttpServerOptions options;
  options.listen = config.listen;
  options.tls = adapters::tls_from_files(config.tls.certificate, config.tls.key,
                                         config.tls.client_ca, config.tls.client_ca_source);
  options.tls_reload = 2s;  // a key that was taken from another replica is replaced within seconds
  options.threads = static_cast<int>(std::clamp(std::thread::hardware_concurrency(), 2U, 8U));
  options.reply = config.deadline + 1s;
  options.connections = kMaxConnections;
  options.body_bytes = kMaxBodies;
  options.bodies_end_with_handle = true;
  return options;
}

// The serving certificate comes from the controller, which may start later than this program.
std::unique_ptr<adapters::HttpServer> serve(const config::WebhookConfig& config,
                                            AdmissionService& service, Clock& clock, Stop& stop,
                                            const observe::Logger& log,
                                            const std::function<void(std::string)>& waits_for) {
  for (;;) {
    auto server = adapters::HttpServer::start(serving_options(config), service);
    if (server.has_value()) return *std::move(server);
    log.warn("not serving yet", {{"error", server.error().message}});
    waits_for(server.error().message);
    if (stop.wait(clock, kServeRetry)) return nullptr;
  }
}

// `awaited`: what the listener cannot start without.
std::optional<std::string> certificate_problem(const adapters::HttpServer* server,
                                               const std::string& awaited, Clock& clock) {
  if (server == nullptr) return "the HTTPS listener is not up: " + awaited;
  const auto end = server->certificate_not_after();
  if (end && *end > clock.now()) return std::nullopt;
  return "the serving certificate has expired";
}

}  // namespace

Result<void> run(const config::WebhookConfig& config, const std::string& kubeconfig,
                 const adapters::Termination& termination) {
  AVOUCH_TRY(const observe::LogLevel level, observe::parse_log_level(config.log_level));
  observe::init_logging(level);
  const observe::Logger log("webhook");
  adapters::SystemClock clock;
  observe::Metrics metrics;
  observe::HealthHandler health(metrics);
  WebhookMetrics counts(metrics);

  AVOUCH_TRY(const auto health_server,
             adapters::HttpServer::start(adapters::health_options(config.health), health));

  AVOUCH_TRY(auto rest, adapters::kube_options(kubeconfig));
  rest.max_body_bytes = kMaxPage;
  AVOUCH_TRY(const auto api, adapters::RestTransport::create(std::move(rest)));
  const kube::Client client(
      *api, {.user_agent = "avouch-webhook/" AVOUCH_VERSION, .field_manager = "avouch-webhook"});

  AVOUCH_TRY(auto spool, adapters::open_spool_files({.directory = config.spool.dir}));
  for (const std::string& note : spool.notes) log.warn("spool damaged", {{"note", note}});

  ControllerLink link(config.controller);
  ControllerLog controller([&link] { return link.transport(); });
  admission::RecorderOptions recording;
  recording.spool_bytes = config.spool.bytes;
  recording.spool_age = config.spool.age;
  recording.spool_after = config.deadline * 2 / 5;
  admission::DenialBudget denials(
      {.burst = static_cast<double>(config.denials.burst),
       .per_second = static_cast<double>(config.denials.per_second),
       .burst_of_all = static_cast<double>(config.denials.burst_of_all),
       .per_second_of_all = static_cast<double>(config.denials.per_second_of_all)});
  recording.on_left_out = [&denials, &clock](std::uint64_t count) {
    denials.no_place(count, clock.now());
  };
  admission::VerdictRecorder recorder(controller, *spool.spool, clock, recording);

  InformedFacts facts(config, client, clock, [&link](const std::string& pem) { link.set_ca(pem); });
  AdmissionService service({rules_of(config), config.deadline}, facts, facts, recorder, denials,
                           clock, counts);

  std::mutex serving_mutex;
  std::unique_ptr<adapters::HttpServer> serving;
  std::string awaited = "it has not been tried yet";
  health.add_readiness("informers", [&facts]() -> std::optional<std::string> {
    if (auto reason = facts.not_ready(); !reason.empty()) return reason;
    return std::nullopt;
  });
  health.add_readiness("certificate", [&] {
    const std::lock_guard lock(serving_mutex);
    return certificate_problem(serving.get(), awaited, clock);
  });
  metrics.before_collect([&] {
    metrics.gauge("avouch_webhook_ready", "Whether /readyz says that this replica can decide")
        .set(health.not_ready() ? 0 : 1);
    counts.set_recorder(recorder.stats(), *spool.spool, clock.now());
    counts.set_denials(denials);
    const auto snapshot = facts.snapshot();
    counts.set_verdicts(*snapshot, clock.now());
    counts.set_exempt_by_label(admission::exempt_by_label(*snapshot, rules_of(config)));
    for (const auto& [name, age] : facts.cache_ages()) counts.set_cache_age(name, age);
    const std::lock_guard lock(serving_mutex);
    if (serving == nullptr) return;
    counts.set_server(serving->stats());
    if (const auto end = serving->certificate_not_after())
      counts.set_certificate(*end, clock.now());
  });

  Stop stop(termination);
  facts.start();
  log.info("started", {{"version", AVOUCH_VERSION}});
  const auto waits_for = [&](std::string what) {
    const std::lock_guard lock(serving_mutex);
    awaited = std::move(what);
  };
  if (auto server = serve(config, service, clock, stop, log, waits_for)) {
    const std::lock_guard lock(serving_mutex);
    serving = std::move(server);
    log.info("serving", {{"address", serving->address()}});
  }
  while (serving != nullptr && !stop.wait(clock, kPruneEvery)) facts.prune();

  log.info("stopping");
  health.fail_readiness("the program is stopping");
  if (serving != nullptr) {
    std::this_thread::sleep_for(kEndpointDelay);
    serving->stop(config.deadline + 500ms);
  }
  // The spool may go with the pod: what is in it belongs into the log.
  if (!recorder.flush(clock.steady_now() + kFlushTime)) {
    log.warn("verdicts stay in the spool", {{"records", std::to_string(spool.spool->records())},
                                            {"error", recorder.stats().log_error}});
  }
  recorder.stop();
  if (const std::uint64_t untold = denials.untold(); untold > 0) {
    log.warn("denials that no entry tells of", {{"count", untold}});
  }
  health_server->stop(0ms);
  return {};
}

}  // namespace avouch::webhook
