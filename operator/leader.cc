#include "operator/leader.h"

#include <condition_variable>
#include <mutex>
#include <utility>

#include "operator/leader_parts.h"

namespace avouch::controller {
namespace {

using namespace std::chrono_literals;

constexpr std::chrono::seconds kFresh{120};       // informers older than this: not ready
constexpr std::chrono::seconds kLongestTurn{60};  // of the appraiser: then something hangs

}  // namespace

Leader::Leader(const config::ControllerConfig& config, const kube::Client& client, Clock& clock,
               Signals& signals, WrittenLog& written, std::string identity,
               control::FencedAnchor::LeadingUntil leading_until, SayOnLease say_on_lease)
    : parts_(std::make_unique<Parts>(config, client, clock, signals, written, std::move(identity),
                                     std::move(leading_until), std::move(say_on_lease))) {}

Leader::~Leader() { stop(); }

void Leader::stop() { parts_->stop(); }

bool Leader::log_is_over() const { return parts_->log_is_over(); }

Result<void> Leader::start(const std::stop_token& stop) {
  Parts& p = *parts_;
  p.stopping = stop;
  const std::stop_callback ending(stop, [&p] { p.ending = true; });
  // Repeats a step until it succeeds or fails for good.
  const auto persist = [&](const std::string& what,
                           const std::function<Result<void>()>& step) -> Result<void> {
    std::mutex mutex;
    std::condition_variable wake;
    const std::stop_callback wake_up(stop, [&] {
      const std::lock_guard lock(mutex);
      wake.notify_all();
    });
    const auto waits = [&p](std::string reason) {
      const std::lock_guard lock(p.waiting_mutex);
      p.waiting_for = std::move(reason);
    };
    std::string said;
    for (;;) {
      if (said.empty()) waits(what);  // a step may take long by itself
      const Result<void> outcome = step();
      waits(outcome.has_value() ? "" : what + ": " + outcome.error().message);
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

  observe::HealthHandler& health = p.signals.health();
  health.add_readiness("start", p.watch([](Parts& parts) -> std::optional<std::string> {
    const std::lock_guard lock(parts.waiting_mutex);
    if (parts.waiting_for.empty()) return std::nullopt;
    return "waits for " + parts.waiting_for;
  }));
  health.add_readiness(p.config.log.is_in_database() ? "log-database" : "log-volume",
                       p.watch([](Parts& parts) { return parts.log_problem(); }));
  AVOUCH_CHECK(persist("release keys", [&]() -> Result<void> {
    AVOUCH_TRY(p.keys, p.trust.load_or_create());
    return {};
  }));
  AVOUCH_CHECK(persist("log", [&] { return p.open_log(); }));
  AVOUCH_CHECK(persist("stores", [&] { return p.open_stores(); }));
  AVOUCH_CHECK(persist("server", [&] { return p.serve(); }));
  p.loop->start();
  health.add_liveness("appraiser", p.watch([](Parts& parts) -> std::optional<std::string> {
    const auto turn = parts.clock.steady_now() - parts.loop->last_turn();
    if (turn <= kLongestTurn) return std::nullopt;
    return "has not finished what it began " + std::to_string(turn / 1s) + " s ago";
  }));
  p.recorder->start();
  p.events.start();
  p.trust_worker.start();
  p.trust_worker.add(kAll);
  p.guard_worker.start();
  p.again_worker.start();
  p.forget_worker.start();
  p.guard_worker.add(kAll);
  p.guard_worker.add(kLogIntake);
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
  p.check_log();
  p.keep_retention();
  p.policy_worker.start();
  p.policy_worker.add(kAll);
  p.policy_worker.add(std::string(kUse));
  p.status_worker.start();
  p.node_worker.start();
  p.policy_status_worker.start();
  for (const auto& [name, informer] :
       {std::pair{"nodes", &p.nodes}, std::pair{"evidence", &p.evidences},
        std::pair{"policies", &p.policies}, std::pair{"reference manifests", &p.manifests}}) {
    health.add_readiness(name, p.watch([watched = informer](Parts&) -> std::optional<std::string> {
      if (watched->fresh(kFresh)) return std::nullopt;
      return "what is known of them is older than two minutes";
    }));
  }
  return {};
}

}  // namespace avouch::controller
