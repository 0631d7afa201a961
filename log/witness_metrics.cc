#include "log/witness_metrics.h"

#include <chrono>

namespace avouch::logprogram {

WitnessMetrics::WitnessMetrics(observe::Metrics& metrics,
                               const std::vector<tlog::WitnessedLog>& logs)
    : metrics_(metrics),
      latency_(metrics.histogram("avouch_witness_request_seconds",
                                 "From a checkpoint's last byte to the answer, the disk included")),
      last_(logs.size()) {
  for (const tlog::WitnessedLog& log : logs) origins_.push_back(log.origin);
  metrics.gauge("avouch_witness_logs", "Logs that are witnessed")
      .set(static_cast<double>(logs.size()));
}

void WitnessMetrics::answered(const logserve::WitnessOutcome& outcome) {
  metrics_
      .counter("avouch_witness_requests_total", "Checkpoints that were sent, by HTTP status",
               {{"status", std::to_string(outcome.status)}})
      .add();
  latency_.observe(std::chrono::duration<double>(outcome.took).count());
  if (outcome.status != 200 || !outcome.log) return;
  const auto since_1970 =
      std::chrono::floor<std::chrono::seconds>(outcome.received.time_since_epoch()).count();
  cosigned_at(*outcome.log, static_cast<std::uint64_t>(since_1970));
}

void WitnessMetrics::cosigned_at(std::size_t log, std::uint64_t seconds) {
  last_.at(log) = seconds;
}

void WitnessMetrics::set_ages(SystemTime now) {
  const double seconds = std::chrono::duration<double>(now.time_since_epoch()).count();
  for (std::size_t log = 0; log < last_.size(); ++log) {
    if (last_[log] == 0) continue;
    metrics_
        .gauge("avouch_witness_last_cosignature_age_seconds",
               "Since a checkpoint of this log was cosigned; absent before the first",
               {{"log", origins_[log]}})
        .set(seconds - static_cast<double>(last_[log]));
  }
}

void WitnessMetrics::set_server(const adapters::HttpServerStats& stats, std::size_t waiting) {
  metrics_.gauge("avouch_witness_connections", "Connections that are open")
      .set(static_cast<double>(stats.connections));
  metrics_.gauge("avouch_witness_queue", "Checkpoints that wait to be judged")
      .set(static_cast<double>(waiting));
}

void WitnessMetrics::set_certificate(SystemTime not_after, SystemTime now) {
  metrics_
      .gauge("avouch_witness_certificate_remaining_seconds",
             "Until the serving certificate expires; negative afterwards")
      .set(std::chrono::duration<double>(not_after - now).count());
}

}  // namespace avouch::logprogram
