#include "operator/wiring.h"

#include <atomic>
#include <condition_variable>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "adapters/http_server.h"
#include "adapters/rest_transport.h"
#include "adapters/system_clock.h"
#include "base/hex.h"
#include "control/fenced_transport.h"
#include "control/leader_mark.h"
#include "control/names.h"
#include "crypto/random.h"
#include "kube/lease.h"
#include "observe/logging.h"
#include "operator/leader.h"
#include "operator/signals.h"
#include "operator/written_log.h"

namespace avouch::controller {
namespace {

using namespace std::chrono_literals;

// Unique to this process: the pod's name and UID, or, outside of a pod, random digits.
std::string identity() {
  const char* name = std::getenv("POD_NAME");
  const char* uid = std::getenv("POD_UID");
  if (name != nullptr && uid != nullptr) return std::string(name) + "_" + uid;
  return "avouch-operator_" + to_hex(crypto::random_bytes(crypto::system_random(), 8));
}

// Where state can no longer be trusted nothing is taken apart: what is on disk is whole at any
// moment, and a successor starts from it.
[[noreturn]] void end_process() {
  std::cerr.flush();
  std::_Exit(1);
}

class Leadership {
 public:
  void won() {
    const std::lock_guard lock(mutex_);
    won_ = true;
    wake_.notify_all();
  }
  // False: told to stop before.
  bool wait(const std::stop_token& stop) {
    std::unique_lock lock(mutex_);
    return wake_.wait(lock, stop, [this] { return won_; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable_any wake_;
  bool won_ = false;
};

// Nothing where pods are not to be marked.
Result<std::optional<control::LeaderMark>> leader_mark(const config::ControllerConfig& config) {
  if (!config.leader_election.mark_pod) return std::optional<control::LeaderMark>();
  const char* pod = std::getenv("POD_NAME");
  if (pod == nullptr || *pod == '\0') {
    return rejected(
        "leaderElection.markPod: the environment variable POD_NAME, expected to name the pod in "
        "which this runs, is not set");
  }
  return std::optional<control::LeaderMark>(
      std::in_place,
      control::LeaderMark::Options{
          .ns = config.release.name_space, .release = config.release.name, .pod = pod});
}

// Repeats a step until it succeeds. False: told to stop before.
bool persists(const std::stop_token& stop, Signals& signals,
              const std::function<Result<void>()>& step) {
  std::mutex mutex;
  std::condition_variable_any wake;
  std::string said;
  for (;;) {
    const Result<void> outcome = step();
    if (outcome.has_value()) return true;
    if (outcome.error().message != said) {
      said = outcome.error().message;
      signals.problem("leader election", said);
    }
    std::unique_lock lock(mutex);
    wake.wait_for(lock, stop, 500ms, [] { return false; });
    if (stop.stop_requested()) return false;
  }
}

}  // namespace

Result<void> run(const config::ControllerConfig& config, const std::string& kubeconfig,
                 const adapters::Termination& termination) {
  AVOUCH_TRY(const observe::LogLevel level, observe::parse_log_level(config.log_level));
  observe::init_logging(level);
  Signals signals(&end_process);
  adapters::SystemClock clock;

  AVOUCH_TRY(adapters::RestOptions rest, adapters::kube_options(kubeconfig));
  AVOUCH_TRY(const std::unique_ptr<adapters::RestTransport> transport,
             adapters::RestTransport::create(std::move(rest)));
  const kube::Client plain(*transport, {.timeout = 10s,
                                        .user_agent = "avouch-controller",
                                        .field_manager = std::string(control::kFieldManager)});

  AVOUCH_TRY(const std::optional<control::LeaderMark> mark, leader_mark(config));
  kube::LeaseOptions lease{.ns = config.release.name_space,
                           .name = config.release.object("controller"),
                           .identity = identity(),
                           .lease_duration = config.leader_election.lease_duration,
                           .renew_deadline = config.leader_election.renew_deadline,
                           .retry_period = config.leader_election.retry_period,
                           .annotation = std::string(kube::kRecordedAnnotation)};
  AVOUCH_CHECK(kube::check_lease_options(lease));
  const std::string own_identity = lease.identity;
  kube::LeaderElector elector(plain, clock, std::move(lease));
  std::atomic<bool> stopping = false;
  Leadership leadership;
  elector.on_elected([&] {
    signals.note("leader election", "this process leads");
    leadership.won();
  });
  elector.on_lost([&] {
    if (stopping) return;
    signals.fatal("leader election", fatal("the leadership was lost"));
  });
  elector.on_problem(
      [&](const std::string& message) { signals.problem("leader election", message); });
  elector.on_other([&](const std::string& who) { signals.note("leader election", who); });

  const auto leading_until = [&] { return elector.leading_until(); };
  control::FencedTransport fenced(*transport, clock, leading_until);
  const kube::Client client(fenced, {.timeout = 10s,
                                     .user_agent = "avouch-controller",
                                     .field_manager = std::string(control::kFieldManager)});

  std::atomic<bool> started = false, unmarked = false;
  signals.health().add_liveness("process", [] { return std::optional<std::string>(); });
  signals.health().add_readiness("leader", [&]() -> std::optional<std::string> {
    if (!elector.is_leader()) {
      if (mark && unmarked && !elector.holder().empty()) return std::nullopt;  // stands by
      return "waits for the leadership: " + elector.who_leads();
    }
    if (!started) return "starting";
    return std::nullopt;
  });
  AVOUCH_TRY(
      const std::unique_ptr<adapters::HttpServer> health,
      adapters::HttpServer::start(adapters::health_options(config.health), signals.health()));

  signals.note("start", std::string("avouch-controller ") + AVOUCH_VERSION + " as " + own_identity);
  signals.note("health", "serving on " + health->address());
  elector.start();
  Result<void> outcome;
  WrittenLog written;
  // One leader after another, each for a log; most often one for ever.
  const auto lead = [&](const std::stop_token& stop) {
    Leader leader(config, client, clock, signals, written, own_identity, leading_until,
                  [&elector](std::string text) { elector.say(std::move(text)); });
    outcome = leader.start(stop);
    const bool is_found = outcome.has_value() &&
                          (!mark || persists(stop, signals, [&] { return mark->take(client); }));
    if (is_found) {
      started = true;
      signals.note("start", "ready");
      std::mutex mutex;
      std::condition_variable_any ended;
      std::unique_lock lock(mutex);
      while (!stop.stop_requested() && !leader.log_is_over()) {
        ended.wait_for(lock, stop, 1s, [] { return false; });
      }
      started = false;
    } else if (!stop.stop_requested()) {
      signals.log().error("cannot start", {{"error", outcome.error().message}});
      termination.request();
    } else {
      outcome = {};
    }
    if (stop.stop_requested() || !outcome.has_value()) {
      signals.health().fail_readiness("stopping");
    } else {
      signals.note("log", "its period is over: another one follows");
    }
    leader.stop();
  };
  std::jthread leader_thread([&](const std::stop_token& stop) {
    if (mark && !persists(stop, signals, [&] { return mark->drop(plain); })) return;
    unmarked = true;
    if (!leadership.wait(stop)) return;
    do {
      lead(stop);
    } while (outcome.has_value() && !stop.stop_requested());
  });

  termination.wait();
  stopping = true;
  signals.health().fail_readiness("stopping");
  leader_thread.request_stop();
  leader_thread.join();
  elector.stop();
  health->stop(1s);
  signals.note("stop", "done");
  return outcome;
}

Result<void> run_hook(Hook hook, const control::HookOptions& options,
                      const std::string& kubeconfig) {
  adapters::SystemClock clock;
  AVOUCH_TRY(adapters::RestOptions rest, adapters::kube_options(kubeconfig));
  AVOUCH_TRY(const std::unique_ptr<adapters::RestTransport> transport,
             adapters::RestTransport::create(std::move(rest)));
  const kube::Client client(*transport, {.timeout = 10s,
                                         .user_agent = "avouch-hooks",
                                         .field_manager = std::string(control::kFieldManager)});
  const auto progress = [](const std::string& message) { std::cout << message << std::endl; };
  return hook == Hook::kPrepare ? control::prepare(client, clock, options, progress)
                                : control::cleanup(client, clock, options, progress);
}

}  // namespace avouch::controller
