#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>

#include "adapters/http_server.h"
#include "admission/decide.h"
#include "admission/spool.h"
#include "admission/verdict_recorder.h"
#include "observe/metrics.h"

namespace avouch::webhook {

// What the webhook counts. Thread-safe.
class WebhookMetrics {
 public:
  explicit WebhookMetrics(observe::Metrics& metrics);

  void malformed(admission::Endpoint endpoint);
  void decided(admission::Endpoint endpoint, const admission::Decision& decision, bool dry_run,
               bool authenticated, std::chrono::nanoseconds took);

  // Brought up to date before each collection.
  void set_recorder(const admission::RecorderStats& stats, const admission::Spool& spool,
                    SystemTime now);
  void set_denials(const admission::DenialBudget& denials);
  void set_verdicts(const admission::Snapshot& snapshot, SystemTime now);
  void set_exempt_by_label(std::size_t namespaces);
  void set_cache_age(const std::string& informer, std::chrono::milliseconds age);
  void set_server(const adapters::HttpServerStats& stats);
  void set_certificate(SystemTime not_after, SystemTime now);

 private:
  struct Series {
    observe::Histogram latency;
    observe::Counter allowed, malformed, authenticated, unauthenticated;
  };
  Series& series(admission::Endpoint endpoint);
  // Brings a counter up to a sum that is kept elsewhere.
  void raise(const char* name, const char* help, std::uint64_t sum);

  observe::Metrics& metrics_;
  std::map<admission::Endpoint, Series> series_;
  std::mutex mutex_;  // guards sums_
  std::map<std::string, std::uint64_t> sums_;
};

}  // namespace avouch::webhook
