#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

#include "adapters/http_server.h"
#include "logserve/witness_handler.h"
#include "observe/metrics.h"
#include "tlog/witness.h"

namespace avouch::logprogram {

// What a witness counts. Logs are told apart by their origins, as many as the policy names.
// Thread-safe.
class WitnessMetrics {
 public:
  WitnessMetrics(observe::Metrics& metrics, const std::vector<tlog::WitnessedLog>& logs);

  void answered(const logserve::WitnessOutcome& outcome);
  void cosigned_at(std::size_t log, std::uint64_t seconds);  // since 1970

  // Brought up to date before each collection.
  void set_ages(SystemTime now);
  void set_server(const adapters::HttpServerStats& stats, std::size_t waiting);
  void set_certificate(SystemTime not_after, SystemTime now);

 private:
  observe::Metrics& metrics_;
  observe::Histogram latency_;
  std::vector<std::string> origins_;
  std::vector<std::atomic<std::uint64_t>> last_;  // seconds since 1970 by log; 0: never
};

}  // namespace avouch::logprogram
