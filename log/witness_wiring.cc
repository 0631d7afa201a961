#include "log/witness_wiring.h"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "adapters/files.h"
#include "adapters/http_server.h"
#include "adapters/system_clock.h"
#include "adapters/witness_files.h"
#include "control/work_pool.h"
#include "log/serving.h"
#include "log/witness_key.h"
#include "log/witness_metrics.h"
#include "logserve/witness_handler.h"
#include "observe/health.h"
#include "observe/logging.h"
#include "tlog/log_policy.h"

namespace avouch::logprogram {
namespace {

using namespace std::chrono_literals;

// Each waits for the disk with others: as many make one fsync's batch at most.
constexpr int kWorkers = 32;
constexpr std::size_t kQueue = 1024;
constexpr auto kStopGrace = 5s;

// The logs of the policy: keys of the same name are keys of one log, whose origin is that name.
Result<std::vector<tlog::WitnessedLog>> read_logs(const std::string& file) {
  AVOUCH_TRY(const std::optional<Bytes> text, adapters::read_file(file, tlog::kMaxLogPolicyBytes));
  if (!text) return rejected(file + ": there is no such file");
  auto policy = tlog::LogPolicy::parse(as_text(*text));
  if (!policy.has_value()) return with_context(std::move(policy).error(), file);
  std::vector<tlog::WitnessedLog> logs;
  for (const tlog::KnownLog& known : policy->logs()) {
    const auto found = std::find_if(logs.begin(), logs.end(), [&](const tlog::WitnessedLog& log) {
      return log.origin == known.key.name;
    });
    if (found != logs.end()) {
      found->keys.push_back(known.key);
    } else {
      logs.push_back({known.key.name, {known.key}});
    }
  }
  if (logs.empty()) return rejected(file + ": names no log; expected lines such as `log VKEY`");
  return logs;
}

logserve::WitnessRates rates_of(const config::WitnessConfig::Limits& limits) {
  return {.log_burst = static_cast<double>(limits.log.burst),
          .log_per_second = static_cast<double>(limits.log.per_second),
          .network_burst = static_cast<double>(limits.network.burst),
          .network_per_second = static_cast<double>(limits.network.per_second)};
}

}  // namespace

Result<void> run_witness(const config::WitnessConfig& config,
                         const adapters::Termination& termination) {
  AVOUCH_TRY(const observe::LogLevel level, observe::parse_log_level(config.log_level));
  observe::init_logging(level);
  const observe::Logger log("witness");
  adapters::SystemClock clock;
  observe::Metrics metrics;
  observe::HealthHandler health(metrics);

  AVOUCH_TRY(tlog::Cosigner cosigner, read_witness_key(config));
  const std::string vkey = tlog::format_cosigner_vkey(cosigner.key());
  AVOUCH_TRY(std::vector<tlog::WitnessedLog> logs, read_logs(config.policy));
  AVOUCH_TRY(auto state,
             adapters::open_witness_files(
                 {.directory = config.state_dir, .on_fatal = [&log](const Error& error) {
                    // What is on disk is whole; a new process reads it.
                    log.error("fatal: the process ends", {{"error", error.message}});
                    std::cerr.flush();
                    std::_Exit(1);
                  }}));
  for (const std::string& note : state.notes) log.warn("state", {{"note", note}});
  AVOUCH_TRY(const tlog::Witness witness,
             tlog::Witness::make(std::move(cosigner), std::move(logs), *state.memory));
  WitnessMetrics counts(metrics, witness.logs());
  for (std::size_t i = 0; i < witness.logs().size(); ++i) {
    AVOUCH_TRY(const std::optional<std::uint64_t> seconds, witness.last_cosigned(i));
    if (seconds) counts.cosigned_at(i, *seconds);
  }

  control::WorkPool pool(kWorkers, kQueue);
  logserve::WitnessHandler handler(
      witness, clock, config.prefix, rates_of(config.limits),
      [&pool](std::function<void()> task) {
        return pool.post(std::move(task)) == control::WorkPool::Taken::kYes;
      },
      [&](const logserve::WitnessOutcome& outcome) {
        counts.answered(outcome);
        if (outcome.status != 422 || !outcome.log) return;
        log.warn("a checkpoint that was not shown to continue the last one",
                 {{"log", witness.logs()[*outcome.log].origin}});
      });
  // First, so that nothing can fail once requests come.
  AVOUCH_TRY(const auto health_server,
             adapters::HttpServer::start(adapters::health_options(config.health), health));
  AVOUCH_TRY(const auto server,
             adapters::HttpServer::start(serving_options(config.listen, config.tls), handler));
  health.add_liveness("process", [] { return std::optional<std::string>(); });
  health.add_readiness("certificate", [&] { return certificate_problem(*server, clock); });
  metrics.before_collect([&] {
    counts.set_ages(clock.now());
    counts.set_server(server->stats(), pool.waiting());
    if (const auto end = server->certificate_not_after()) {
      counts.set_certificate(*end, clock.now());
    }
  });
  log.info("serving", {{"version", AVOUCH_VERSION},
                       {"address", server->address()},
                       {"health", health_server->address()},
                       {"tls", !config.tls.is_plain()},
                       {"logs", witness.logs().size()},
                       {"vkey", vkey}});

  termination.wait();
  log.info("stopping");
  health.fail_readiness("the program is stopping");
  server->stop(kStopGrace);
  pool.stop();
  health_server->stop(0ms);
  return {};
}

}  // namespace avouch::logprogram
