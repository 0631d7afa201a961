#include "adapters/log_metrics.h"

#include <chrono>
#include <cstdint>
#include <string>
#include <utility>

#include "base/clock.h"

namespace avouch::adapters {
namespace {

double unix_seconds(SystemTime time) {
  return std::chrono::duration<double>(time.time_since_epoch()).count();
}

void show_outcomes(observe::Metrics& metrics, const std::string& name, const std::string& help,
                   std::uint64_t registered, std::uint64_t refused) {
  for (const auto& [outcome, count] :
       {std::pair{"registered", registered}, std::pair{"refused", refused}}) {
    metrics.gauge(name, help, {{"outcome", outcome}}).set(static_cast<double>(count));
  }
}

}  // namespace

void show_log(observe::Metrics& metrics, const tlog::LogStatus& status) {
  metrics.gauge("avouch_log_entries", "Entries of the verdict log")
      .set(static_cast<double>(status.sequenced));
  metrics.gauge("avouch_log_unpublished_entries", "Entries that no published checkpoint covers yet")
      .set(static_cast<double>(status.sequenced - status.published));
  metrics.gauge("avouch_log_queue", "Entries that wait to be sequenced")
      .set(static_cast<double>(status.queued));
  metrics
      .gauge("avouch_log_read_only",
             "1: the log takes no entries and signs nothing; a person has to look")
      .set(status.read_only ? 1 : 0);
}

void show_log_check(observe::Metrics& metrics, const control::LogCheckProgress& check) {
  metrics
      .gauge("avouch_log_check_entries",
             "Entries of the stored log that were checked since the start")
      .set(static_cast<double>(check.entries));
  metrics.gauge("avouch_log_check_damages", "Objects of the stored log that are damaged")
      .set(static_cast<double>(check.damages));
  metrics
      .gauge("avouch_log_check_finished_timestamp_seconds",
             "When all that was stored at the start had been checked")
      .set(check.finished ? unix_seconds(*check.finished) : 0);
}

void show_witnessing(observe::Metrics& metrics, const tlog::Witnessing& witnessing) {
  const auto witnessed = witnessing.notes().witnessed();
  metrics
      .gauge("avouch_log_witnessed_entries",
             "Entries under the newest checkpoint that a quorum of witnesses has cosigned")
      .set(witnessed ? static_cast<double>(witnessed->size) : 0);
  metrics
      .gauge("avouch_log_witnessed_timestamp_seconds",
             "Since when no quorum of witnesses says anything newer, by their clocks")
      .set(witnessed ? static_cast<double>(witnessed->seconds) : 0);
  for (const tlog::WitnessStatus& status : witnessing.status()) {
    const observe::Labels labels{{"witness", status.name}};
    metrics
        .gauge("avouch_log_witness_success_timestamp_seconds",
               "When a witness last cosigned, by the controller's clock", labels)
        .set(status.last_cosigned ? unix_seconds(*status.last_cosigned) : 0);
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

void show_log_volume(observe::Metrics& metrics, const control::LogVolume& volume) {
  const auto space = volume.space();
  if (!space.has_value()) return;
  const auto gauge = [&](const std::string& name, const std::string& help, std::uint64_t value) {
    metrics.gauge(name, help).set(static_cast<double>(value));
  };
  gauge("avouch_log_volume_available_bytes", "Space left on the volume of log and stores",
        space->available);
  gauge("avouch_log_volume_size_bytes", "Size of the volume of log and stores", space->size);
  gauge("avouch_log_volume_reserve_bytes",
        "Space below which denials are not recorded; below three quarters of it no allows, below a "
        "quarter no evidence",
        volume.reserve_of(*space));
  if (space->files == 0) return;
  gauge("avouch_log_volume_available_files",
        "Files (inodes) that can be made on the volume of log and stores", space->files_available);
  gauge("avouch_log_volume_reserve_files",
        "Files below which the same is refused as below the reserve of bytes",
        volume.reserve_of_files(*space));
}

void show_registrations(observe::Metrics& metrics, control::RegistrationHandler::Counts counts) {
  show_outcomes(metrics, "avouch_log_registrations",
                "Statements of other parties by what became of them, since the start",
                counts.registered, counts.refused);
}

void show_hashed_rekords(observe::Metrics& metrics, control::RekorHandler::Counts counts) {
  show_outcomes(metrics, "avouch_log_hashed_rekords",
                "Signatures of other parties by what became of them, since the start",
                counts.registered, counts.refused);
}

}  // namespace avouch::adapters
