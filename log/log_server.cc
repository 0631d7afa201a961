#include "log/log_server.h"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "adapters/asked_witnesses.h"
#include "adapters/http_server.h"
#include "adapters/log_engine.h"
#include "adapters/log_files.h"
#include "adapters/log_metrics.h"
#include "adapters/registration_policy.h"
#include "adapters/volume.h"
#include "control/entering.h"
#include "control/log_check.h"
#include "control/log_handler.h"
#include "control/log_index.h"
#include "control/log_problem.h"
#include "control/log_volume.h"
#include "control/named_writers.h"
#include "control/receipt_handler.h"
#include "control/registration_handler.h"
#include "control/registration_record.h"
#include "control/rekor_handler.h"
#include "control/router.h"
#include "control/sequenced_log.h"
#include "control/work_pool.h"
#include "crypto/random.h"
#include "log/server_key.h"
#include "log/serving.h"
#include "tlog/log.h"
#include "tlog/recovery.h"
#include "tlog/rekor_answer.h"
#include "tlog/tree.h"
#include "tlog/witnessing.h"

namespace avouch::logprogram {
namespace {

using namespace std::chrono_literals;

constexpr auto kServerGrace = 5s;
constexpr auto kTryAgainAfter = 500ms;
// Each that enters something waits for its publication with others: as many share one.
constexpr int kEntering = 16;
constexpr std::size_t kMostEntering = 256, kMostChecks = 1024, kMostServerReads = 64;
constexpr std::uint64_t kServerIndexed = 200'000;  // newest entries, in which the policy is found

std::vector<control::NamedWriter> writers_of(const config::LogServerConfig& config) {
  std::vector<control::NamedWriter> out;
  for (const auto& writer : config.writers) out.push_back({writer.name, writer.token_sha256});
  return out;
}

std::filesystem::path volume_of(const config::LogServerConfig& config) {
  if (!config.engine.is_in_database()) return config.directory;
  return std::filesystem::path(config.head_file).parent_path();
}

}  // namespace

// What comes later uses what comes before.
struct LogServer::Parts {
  Parts(const config::LogServerConfig& the_config, Clock& the_clock, ServerSignals& the_signals)
      : config(the_config),
        clock(the_clock),
        signals(the_signals),
        // The log has the volume to itself: nothing is kept back for others.
        volume({.bytes = 0, .percent = 0},
               [dir = volume_of(the_config)] { return adapters::volume_space(dir); }),
        // What this log enters of its own is about itself alone, and its origin is no secret.
        pseudonym_key(crypto::sha256(as_bytes(the_config.origin))),
        policy(adapters::registration_policy_of(the_config.registration)),
        writers(writers_of(the_config), pool) {}

  Result<void> open_log(const std::stop_token& stop);
  Result<void> open_server_witnesses();
  Result<void> begin_log();
  Result<void> serve();
  void check_log();
  void tell_server_read_only(const std::string& why);
  void show_metrics();
  std::optional<std::string> problem();
  void stop();

  const config::LogServerConfig& config;
  Clock& clock;
  ServerSignals& signals;
  const control::LogVolume volume;
  const crypto::Sha256 pseudonym_key;
  const tlog::RegistrationPolicy policy;

  std::optional<LogServerKeys> keys;
  control::LogIndex index;
  std::unique_ptr<tlog::Store> store;
  std::unique_ptr<tlog::Anchor> head_file, witnessed_file;
  std::unique_ptr<tlog::Witnessing> witnessing;  // null: no witness is asked
  std::unique_ptr<tlog::Log> log;
  std::unique_ptr<control::LogCheck> log_check;
  std::unique_ptr<control::SequencedLog> entries;
  std::uint64_t policy_entry = 0;

  control::WorkPool pool{4, kMostChecks}, read_pool{4, kMostServerReads};
  control::WorkPool registration_lane{kEntering, kMostEntering},
      rekor_lane{kEntering, kMostEntering};
  control::NamedWriters writers;

  std::unique_ptr<control::TileHandler> tiles;
  std::unique_ptr<control::ReceiptHandler> receipts;
  std::unique_ptr<control::RegistrationHandler> registrations;  // null: nobody's are taken
  std::unique_ptr<control::RekorHandler> hashed_rekords;        // null: nobody's are taken
  std::unique_ptr<control::Router> router;
  std::unique_ptr<adapters::HttpServer> server;

  std::mutex waiting_mutex;
  std::string waiting_for;   // of the start that is under way
  std::mutex metrics_mutex;  // of what metrics and readiness look at, and of `closed`
  bool log_is_open = false;
  bool closed = false;
};

Result<void> LogServer::Parts::open_server_witnesses() {
  AVOUCH_TRY(std::optional<adapters::AskedWitnesses> opened,
             adapters::open_asked_witnesses(config.witnesses));
  if (!opened) return {};
  if (!witnessed_file) {
    AVOUCH_TRY(witnessed_file, adapters::open_head_file(config.head_file + "-witnessed"));
  }
  tlog::WitnessingOptions options;
  options.every = config.witnesses.every;
  options.log_keys = {keys->log.verifier()};
  if (keys->next) options.log_keys.push_back(keys->next->verifier());
  options.on_trouble = [this](const std::string& witness, const std::string& why) {
    signals.problem("log witnesses", witness.empty() ? why : witness + ": " + why);
  };
  options.on_alarm = [this](const tlog::WitnessAlarm& alarm) {
    const std::string what = "witness " + alarm.witness + ": " + alarm.what;
    signals.problem(
        "log witnesses",
        "ALARM: " + what +
            (alarm.note ? "; it shows a checkpoint that this log's key has signed: " + *alarm.note
                        : std::string()));
    log->stop_signing(what);
    tell_server_read_only(what);
  };
  witnessing = std::make_unique<tlog::Witnessing>(std::move(options), std::move(opened->policy),
                                                  std::move(opened->witnesses), *store,
                                                  witnessed_file.get(), clock);
  return {};
}

Result<void> LogServer::Parts::open_log(const std::stop_token& stop) {
  if (!keys) {
    AVOUCH_TRY(keys, read_server_keys(config));
  }
  if (!store) {
    AVOUCH_TRY(store, adapters::open_log_store(config.engine, config.directory));
  }
  if (!head_file) {
    AVOUCH_TRY(head_file, adapters::open_head_file(config.head_file));
  }
  if (!witnessing) AVOUCH_CHECK(open_server_witnesses());
  if (!log) {
    tlog::LogOptions options;
    options.origin = config.origin;
    if (keys->next) options.also_signing = {*keys->next};
    options.publish_within = config.publish_within;
    options.on_fatal = [this](const Error& error) { signals.fatal("log", error); };
    options.on_published = [this](const tlog::VerifiedCheckpoint& checkpoint) {
      if (witnessing) witnessing->published(checkpoint);
    };
    options.read_only_on_conflict = true;
    if (witnessing) {
      // A log that was put back together with its head file would sign a second history.
      AVOUCH_TRY(const tlog::VerifiedCheckpoint empty,
                 tlog::sign_checkpoint(config.origin, 0, tlog::empty_root(), keys->log));
      AVOUCH_TRY(tlog::Recalled recalled, witnessing->recall(empty, stop));
      if (recalled.missing) return retryable(*recalled.missing);
      options.remembered = std::move(recalled.remembered);
    }
    AVOUCH_TRY(log,
               tlog::Log::open(std::move(options), *store, {head_file.get()}, keys->log, clock));
  }
  if (!entries) {
    if (witnessing) AVOUCH_CHECK(witnessing->start(log->checkpoint()));
    entries = std::make_unique<control::SequencedLog>(*log, index);
    const std::lock_guard lock(metrics_mutex);
    log_is_open = true;
  }
  if (const auto why = log->status().read_only) {
    tell_server_read_only(*why);
    return {};
  }
  return begin_log();
}

// What a new log begins with, and the policy where it has changed.
Result<void> LogServer::Parts::begin_log() {
  AVOUCH_CHECK(control::ensure_genesis(*log, *entries, config.origin, pseudonym_key, keys->receipt,
                                       tlog::format_vkey(keys->log.verifier()),
                                       crypto::system_random(), clock.now()));
  AVOUCH_TRY(const tlog::VerifiedCheckpoint checkpoint, control::wait_for_publication(*log));
  AVOUCH_CHECK(index.rebuild(*store, checkpoint.size(), kServerIndexed));
  const auto recorded = control::ensure_registration_policy({.log = *log,
                                                             .entries = *entries,
                                                             .index = index,
                                                             .origin = config.origin,
                                                             .pseudonym_key = pseudonym_key,
                                                             .verifier_key = keys->receipt,
                                                             .random = crypto::system_random()},
                                                            policy, clock.now());
  if (!recorded.has_value()) return with_context(recorded.error(), "registration");
  AVOUCH_CHECK(control::wait_for_publication(*log));
  policy_entry = recorded->value_or(0);
  if (*recorded) {
    signals.note("registration",
                 "statements of " + std::to_string(policy.issuers.size()) +
                     " issuers and hashedrekords by " + std::to_string(policy.rekor_keys.size()) +
                     " keys are taken; the policy is entry " + std::to_string(policy_entry));
  }
  return {};
}

Result<void> LogServer::Parts::serve() {
  // A database may be slow or away: who reads then keeps the server's threads from nobody.
  tiles =
      std::make_unique<control::TileHandler>(*store, witnessing ? &witnessing->notes() : nullptr,
                                             config.engine.is_in_database() ? &read_pool : nullptr);
  receipts = std::make_unique<control::ReceiptHandler>(
      control::ReceiptParts{.log = *log, .origin = config.origin, .signer = keys->receipt},
      read_pool);
  if (policy.takes_statements()) {
    registrations = std::make_unique<control::RegistrationHandler>(
        control::RegistrationParts{.log = *log,
                                   .volume = volume,
                                   .clock = clock,
                                   .receipts = *receipts,
                                   .policy = policy,
                                   .policy_entry = policy_entry},
        writers, registration_lane, signals);
  }
  if (policy.takes_hashed_rekords()) {
    hashed_rekords = std::make_unique<control::RekorHandler>(
        control::RekorParts{.log = *log,
                            .volume = volume,
                            .clock = clock,
                            .policy = policy,
                            .policy_entry = policy_entry,
                            .log_id = tlog::rekor_log_id(keys->log.verifier())},
        rekor_lane, signals);
  }
  HttpHandler& entries_root = registrations ? static_cast<HttpHandler&>(*registrations) : *receipts;
  std::vector<control::Router::Route> routes{{"/log/", *tiles},
                                             {"/entries/", *receipts},
                                             {"/entries", entries_root},
                                             {"/.well-known/scitt-keys", *receipts}};
  if (hashed_rekords) routes.push_back({control::kRekorPath, *hashed_rekords});
  router = std::make_unique<control::Router>(std::move(routes));
  AVOUCH_TRY(server,
             adapters::HttpServer::start(serving_options(config.listen, config.tls), *router));
  return {};
}

// Reading goes on; nothing is taken and nothing signed until a person has looked.
void LogServer::Parts::tell_server_read_only(const std::string& why) {
  signals.problem("log", "READ-ONLY: " + why);
}

void LogServer::Parts::check_log() {
  auto made = std::make_unique<control::LogCheck>(
      control::LogCheck::Options{}, *store, clock,
      [this](const tlog::FsckReport& report) {
        const std::string what = control::describe(report);
        signals.problem("log check", what);
        if (!control::is_of_tree(report)) return;
        log->stop_signing(what);
        tell_server_read_only(what);
      },
      [this](const std::string& why) { signals.problem("log check", why); });
  {
    const std::lock_guard lock(metrics_mutex);
    log_check = std::move(made);
  }
  log_check->start(log->checkpoint());
}

std::optional<std::string> LogServer::Parts::problem() {
  const std::lock_guard lock(metrics_mutex);
  if (closed || !log_is_open) return std::nullopt;
  const tlog::LogStatus status = log->status();
  return control::log_problem(volume, &status, config.engine.is_in_database());
}

void LogServer::Parts::show_metrics() {
  observe::Metrics& metrics = signals.metrics();
  metrics.before_collect([this, &metrics] {
    const std::lock_guard lock(metrics_mutex);
    if (closed) return;
    adapters::show_log(metrics, log->status());
    adapters::show_log_volume(metrics, volume);
    if (log_check) adapters::show_log_check(metrics, log_check->progress());
    if (witnessing) adapters::show_witnessing(metrics, *witnessing);
    if (registrations) adapters::show_registrations(metrics, registrations->counts());
    if (hashed_rekords) adapters::show_hashed_rekords(metrics, hashed_rekords->counts());
    metrics.gauge("avouch_log_server_connections", "Connections that are open")
        .set(static_cast<double>(server->stats().connections));
    if (const auto end = server->certificate_not_after()) {
      metrics
          .gauge("avouch_log_server_certificate_remaining_seconds",
                 "Until the serving certificate expires; negative afterwards")
          .set(std::chrono::duration<double>(*end - clock.now()).count());
    }
  });
}

void LogServer::Parts::stop() {
  {
    const std::lock_guard lock(metrics_mutex);
    closed = true;
  }
  if (server) server->stop(kServerGrace);
  pool.stop();
  read_pool.stop();
  registration_lane.stop();
  rekor_lane.stop();
  if (witnessing) witnessing->stop();
  if (log_check) log_check->stop();
  log.reset();
}

LogServer::LogServer(const config::LogServerConfig& config, Clock& clock, ServerSignals& signals)
    : parts_(std::make_unique<Parts>(config, clock, signals)) {}

LogServer::~LogServer() { stop(); }

void LogServer::stop() { parts_->stop(); }

std::string LogServer::address() const { return parts_->server->address(); }

std::string LogServer::vkey() const { return tlog::format_vkey(parts_->keys->log.verifier()); }

Result<void> LogServer::start(const std::stop_token& stop) {
  Parts& p = *parts_;
  // Repeats a step until it succeeds or fails for good.
  const auto persist = [&](const std::string& what,
                           const std::function<Result<void>()>& step) -> Result<void> {
    const auto waits = [&p](std::string reason) {
      const std::lock_guard lock(p.waiting_mutex);
      p.waiting_for = std::move(reason);
    };
    waits(what);
    for (;;) {
      const Result<void> outcome = step();
      waits(outcome.has_value() ? "" : what + ": " + outcome.error().message);
      if (outcome.has_value()) return {};
      if (outcome.error().kind != ErrorKind::kRetryable) return with_context(outcome.error(), what);
      p.signals.problem(what, outcome.error().message);
      std::mutex mutex;
      std::condition_variable_any wake;
      std::unique_lock lock(mutex);
      wake.wait_for(lock, stop, kTryAgainAfter, [] { return false; });
      if (stop.stop_requested()) return retryable(what + ": stopped");
    }
  };
  p.signals.health().add_readiness("start", [&p]() -> std::optional<std::string> {
    const std::lock_guard lock(p.waiting_mutex);
    if (p.waiting_for.empty()) return std::nullopt;
    return "waits for " + p.waiting_for;
  });
  p.signals.health().add_readiness(p.config.engine.is_in_database() ? "log-database" : "log-volume",
                                   [&p] { return p.problem(); });
  AVOUCH_CHECK(persist("log", [&] { return p.open_log(stop); }));
  AVOUCH_CHECK(persist("server", [&] { return p.serve(); }));
  p.signals.health().add_readiness("certificate",
                                   [&p] { return certificate_problem(*p.server, p.clock); });
  p.show_metrics();
  p.check_log();
  return {};
}

}  // namespace avouch::logprogram
