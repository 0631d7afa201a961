#pragma once

// A witness over HTTP, after C2SP tlog-witness:
//
//   POST PREFIX/add-checkpoint                          cosigns, or says why not
//   GET  PREFIX/HEX(SHA-256(origin))/checkpoint         what was cosigned last, for monitors
//
// Answers are those of tlog::Witness, with a limit for what comes from one network, and one for
// what is cosigned of one log: a checkpoint is public, so anybody can send it again.

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/http.h"
#include "base/rate_limits.h"
#include "tlog/witness.h"

namespace avouch::logserve {

struct WitnessRates {
  double log_burst = 60, log_per_second = 10;
  double network_burst = 30, network_per_second = 5;
};

// One answer to POST add-checkpoint.
struct WitnessOutcome {
  int status = 500;
  std::optional<std::size_t> log;  // of which log, once its signature has held
  SystemTime received{};           // what a cosignature says, to the second
  std::chrono::microseconds took{0};
};

// Thread-safe.
class WitnessHandler final : public HttpHandler {
 public:
  // Runs a task on another thread, soon; false where too many wait. Waiting for the disk is not for
  // the server's threads.
  using Post = std::function<bool(std::function<void()>)>;
  using OnOutcome = std::function<void(const WitnessOutcome&)>;

  // `prefix` is empty or begins with a slash, and does not end with one. Witness and clock outlive
  // the handler and all its tasks.
  WitnessHandler(const tlog::Witness& witness, Clock& clock, std::string prefix,
                 const WitnessRates& rates, Post post, OnOutcome on_outcome);

  // 404 another path; 405 another method; the body of a checkpoint is bounded (413).
  Result<BodyPlan> plan(const HttpRequest& head) override;
  // 429, with Retry-After, over one of the limits; 503, with Retry-After, where too many wait.
  void handle(HttpRequest request, std::shared_ptr<BodySink> sink, Reply reply) override;

 private:
  enum class Route { kNone, kAdd, kCheckpoint };
  struct Target {
    Route route = Route::kNone;
    std::string digest;  // of kCheckpoint: the path's part
  };
  Target target_of(const HttpRequest& request) const;
  HttpResponse add(const HttpRequest& request, SystemTime received, SteadyTime begun);
  HttpResponse finish(const tlog::WitnessAnswer& answer, std::chrono::milliseconds wait,
                      SystemTime received, SteadyTime begun);

  const tlog::Witness& witness_;
  Clock& clock_;
  const std::string prefix_;
  const Post post_;
  const OnOutcome on_outcome_;
  std::vector<RateLimits::Key> log_keys_;  // of witness_.logs()
  RateLimits logs_, networks_;
};

}  // namespace avouch::logserve
