// The witnesses of the verdict log: who is asked, and what is said of them.

#include <optional>
#include <utility>
#include <vector>

#include "adapters/asked_witnesses.h"
#include "adapters/log_files.h"
#include "adapters/log_metrics.h"
#include "operator/leader_parts.h"
#include "tlog/recovery.h"
#include "tlog/tree.h"

namespace avouch::controller {

Result<void> Leader::Parts::open_witnesses() {
  const config::LogWitnesses& asked = config.log.witnesses;
  AVOUCH_TRY(std::optional<adapters::AskedWitnesses> opened, adapters::open_asked_witnesses(asked));
  if (!opened) return {};
  if (!witnessed_file) {
    AVOUCH_TRY(witnessed_file, adapters::open_head_file(shards.witnessed_file(shard)));
  }
  tlog::WitnessingOptions options;
  options.every = asked.every;
  AVOUCH_TRY(options.log_keys, log_keys(log_origin));
  AVOUCH_TRY(options.former_keys, keys_of_closed(log_origin));
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
  witnessing = std::make_unique<tlog::Witnessing>(std::move(options), std::move(opened->policy),
                                                  std::move(opened->witnesses), *log_store,
                                                  witnessed_file.get(), clock);
  return {};
}

Result<std::vector<tlog::Remembered>> Leader::Parts::what_others_remember() {
  std::vector<tlog::Remembered> all;
  if (!beacon_object) {
    AVOUCH_TRY(std::vector<tlog::NoteVerifier> own_keys, log_keys(log_origin));
    beacon_object = std::make_unique<control::BeaconObject>(
        client, control::BeaconObject::Options{.ns = config.release.name_space,
                                               .name = config.release.object("beacon"),
                                               .origin = log_origin,
                                               .log_keys = std::move(own_keys)});
  }
  AVOUCH_TRY(std::optional<tlog::VerifiedCheckpoint> there, beacon_object->read());
  const bool is_in_cluster = there.has_value();
  if (there) {
    all.push_back({"ConfigMap " + config.release.name_space + "/" + config.release.object("beacon"),
                   *std::move(there)});
  }
  const std::optional<tlog::VerifiedCheckpoint> own = written.newest();
  if (own && own->origin() == log_origin) {
    // Nobody knows more of it than who has written it ever since its witnesses were asked.
    all.push_back({"this process", *own});
    return all;
  }
  if (!witnessing) return all;
  AVOUCH_TRY(const std::vector<tlog::NoteSigner> signing, signers());
  AVOUCH_TRY(const tlog::VerifiedCheckpoint empty,
             tlog::sign_checkpoint(log_origin, 0, tlog::empty_root(), signing));
  AVOUCH_TRY(tlog::Recalled recalled, witnessing->recall(empty, stopping));
  for (tlog::Remembered& each : recalled.remembered) all.push_back(std::move(each));
  if (!recalled.missing) return all;
  AVOUCH_CHECK(do_without_witnesses(is_in_cluster, "log witnesses: " + *recalled.missing));
  signals.problem("log witnesses", *recalled.missing);
  return all;
}

// The ConfigMap is not on the volume, and seconds old: without it a log that was put back together
// with its head file would sign a second history. It proves nothing where it was put back too. A
// log that is to follow another one is not in it yet, but the other one is.
Result<void> Leader::Parts::do_without_witnesses(bool is_in_cluster, const std::string& missing) {
  AVOUCH_TRY(const std::optional<Bytes> stored, log_store->fetch("checkpoint"));
  const std::optional<tlog::VerifiedCheckpoint> own = written.newest();
  const bool follows_own = own && tlog::label_of(keys->log_origin, own->origin()).has_value();
  // This process had that one open, and closed it: there was none by this name before.
  if (!stored && follows_own) return {};
  if (config.log.witnesses.require_at_start) return retryable(missing);
  if (is_in_cluster) return {};
  if (stored) return retryable(missing);
  AVOUCH_TRY(const std::vector<tlog::NoteVerifier> of_chain, log_keys(keys->log_origin));
  AVOUCH_TRY(const std::optional<std::string> label,
             control::beacon_shard(client, config.release.name_space,
                                   config.release.object("beacon"), keys->log_origin, of_chain));
  if (!label) return retryable(missing);
  return {};
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
  if (log_check) adapters::show_log_check(metrics, log_check->progress());
  if (witnessing) adapters::show_witnessing(metrics, *witnessing);
}

}  // namespace avouch::controller
