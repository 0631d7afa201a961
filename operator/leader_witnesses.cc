// The witnesses of the verdict log: who is asked, and what is said of them.

#include <chrono>
#include <filesystem>
#include <utility>
#include <vector>

#include "adapters/log_files.h"
#include "adapters/rest_witness.h"
#include "operator/leader_parts.h"
#include "operator/log_policy_file.h"

namespace avouch::controller {
namespace {

constexpr std::size_t kMostAsked = 32;  // each has a thread

// Whether those that can be asked are enough for the quorum.
Result<void> check_reach(const tlog::LogPolicy& policy) {
  std::vector<tlog::Cosignature> possible;
  for (const tlog::KnownWitness& witness : policy.witnesses()) {
    if (!witness.url.empty()) possible.push_back({witness.key.name, witness.key.key_id, 1});
  }
  if (possible.size() > kMostAsked) {
    return rejected("has " + std::to_string(possible.size()) + " witnesses with a URL, at most " +
                    std::to_string(kMostAsked) + " are asked");
  }
  if (!policy.needs_witnesses()) {
    return rejected("says \"quorum none\"; expected a quorum, or no policy at all");
  }
  if (policy.is_met(possible)) return {};
  return rejected(
      "the quorum cannot be reached: too few of its witnesses have a URL to be asked "
      "at (witness NAME VKEY URL)");
}

Result<std::vector<tlog::NoteVerifier>> log_keys_of(const control::ReleaseKeys& keys) {
  AVOUCH_TRY(const std::vector<tlog::NoteSigner> signers, control::log_signers(keys));
  std::vector<tlog::NoteVerifier> out;
  out.reserve(signers.size());
  for (const tlog::NoteSigner& signer : signers) out.push_back(signer.verifier());
  return out;
}

double seconds_of(SystemTime time) {
  return std::chrono::duration<double>(time.time_since_epoch()).count();
}

}  // namespace

Result<void> Leader::Parts::open_witnesses() {
  const config::ControllerConfig::Log::Witnesses& asked = config.log.witnesses;
  if (asked.policy_file.empty()) return {};
  AVOUCH_TRY(LogPolicyFile file, read_log_policy(asked.policy_file));
  tlog::LogPolicy& policy = file.policy;
  if (const auto reach = check_reach(policy); !reach.has_value()) {
    return with_context(reach.error(), asked.policy_file);
  }
  std::string authorities;
  std::vector<tlog::AskedWitness> witnesses;
  for (const tlog::KnownWitness& witness : policy.witnesses()) {
    if (witness.url.empty()) continue;
    if (authorities.empty() && witness.url.starts_with("https://")) {
      AVOUCH_TRY(authorities, adapters::witness_authorities(asked.ca_file));
    }
    auto exchange = adapters::open_rest_witness({.url = witness.url, .ca_pem = authorities});
    if (!exchange.has_value()) {
      return with_context(exchange.error(),
                          asked.policy_file + ": witness \"" + witness.name + "\"");
    }
    witnesses.push_back({witness.name, witness.key, *std::move(exchange)});
  }
  if (!witnessed_file) {
    AVOUCH_TRY(witnessed_file,
               adapters::open_head_file(std::filesystem::path(config.data_dir) / "log-witnessed"));
  }
  tlog::WitnessingOptions options;
  options.every = asked.every;
  AVOUCH_TRY(options.log_keys, log_keys_of(*keys));
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
    tell_read_only(what);
  };
  witnessing = std::make_unique<tlog::Witnessing>(std::move(options), std::move(policy),
                                                  std::move(witnesses), *log_store,
                                                  witnessed_file.get(), clock);
  return {};
}

Result<std::vector<tlog::Remembered>> Leader::Parts::what_others_remember() {
  std::vector<tlog::Remembered> all;
  if (witnessing) all = witnessing->recall(keys->log_origin);
  if (!beacon_object) {
    AVOUCH_TRY(std::vector<tlog::NoteVerifier> log_keys, log_keys_of(*keys));
    beacon_object = std::make_unique<control::BeaconObject>(
        client, control::BeaconObject::Options{.ns = config.release.name_space,
                                               .name = config.release.object("beacon"),
                                               .origin = keys->log_origin,
                                               .log_keys = std::move(log_keys)});
  }
  AVOUCH_TRY(std::optional<tlog::VerifiedCheckpoint> there, beacon_object->read());
  if (there) {
    all.push_back({"ConfigMap " + config.release.name_space + "/" + config.release.object("beacon"),
                   *std::move(there)});
  }
  return all;
}

// Reading goes on; nothing is taken and nothing signed until a person has looked.
void Leader::Parts::tell_read_only(const std::string& why) {
  signals.problem("log", "READ-ONLY: " + why);
  control::EventSink::Event event;
  event.about = {{.api_version = "v1",
                  .kind = "Namespace",
                  .name = config.release.name_space,
                  .ns = "",
                  .uid = "",
                  .resource_version = "",
                  .field_path = ""}};
  event.type = kube::EventType::kWarning;
  event.reason = "LogReadOnly";
  event.message = "The verdict log takes no entries and signs nothing: " + why;
  events.add(std::move(event));
  guard_worker.add(kLogIntake);
}

void Leader::Parts::check_log() {
  auto made = std::make_unique<control::LogCheck>(
      control::LogCheck::Options{}, *log_store, clock,
      [this](const tlog::FsckReport& report) {
        const std::string what = control::describe(report);
        signals.problem("log check", what);
        if (!control::is_of_tree(report)) return;
        log->stop_signing(what);
        tell_read_only(what);
      },
      [this](const std::string& why) { signals.problem("log check", why); });
  {
    const std::lock_guard lock(metrics_mutex);
    log_check = std::move(made);
  }
  log_check->start(log->checkpoint());
}

void Leader::Parts::show_witnesses() {
  observe::Metrics& metrics = signals.metrics();
  metrics
      .gauge("avouch_log_read_only",
             "1: the log takes no entries and signs nothing; a person has to look")
      .set(log->status().read_only ? 1 : 0);
  if (log_check) {
    const control::LogCheckProgress check = log_check->progress();
    metrics
        .gauge("avouch_log_check_entries",
               "Entries of the stored log that were checked since the start")
        .set(static_cast<double>(check.entries));
    metrics.gauge("avouch_log_check_damages", "Objects of the stored log that are damaged")
        .set(static_cast<double>(check.damages));
    metrics
        .gauge("avouch_log_check_finished_timestamp_seconds",
               "When all that was stored at the start had been checked")
        .set(check.finished ? seconds_of(*check.finished) : 0);
  }
  if (!witnessing) return;
  const auto witnessed = witnessing->notes().witnessed();
  metrics
      .gauge("avouch_log_witnessed_entries",
             "Entries under the newest checkpoint that a quorum of witnesses has cosigned")
      .set(witnessed ? static_cast<double>(witnessed->size) : 0);
  metrics
      .gauge("avouch_log_witnessed_timestamp_seconds",
             "Since when no quorum of witnesses says anything newer, by their clocks")
      .set(witnessed ? static_cast<double>(witnessed->seconds) : 0);
  for (const tlog::WitnessStatus& status : witnessing->status()) {
    const observe::Labels labels{{"witness", status.name}};
    metrics
        .gauge("avouch_log_witness_success_timestamp_seconds",
               "When a witness last cosigned, by the controller's clock", labels)
        .set(status.last_cosigned ? seconds_of(*status.last_cosigned) : 0);
    metrics
        .gauge("avouch_log_witness_failures", "Questions to a witness in vain, since the start",
               labels)
        .set(static_cast<double>(status.failures));
    metrics
        .gauge("avouch_log_witness_alarm",
               "1: the witness says that this log went back in time, or is two", labels)
        .set(status.alarmed ? 1 : 0);
  }
}

}  // namespace avouch::controller
