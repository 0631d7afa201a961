#pragma once

// The evidence intake: docs/interfaces.md, 'Intake'.

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "base/clock.h"
#include "base/http.h"
#include "base/rate_limits.h"
#include "control/appraiser.h"
#include "control/appraiser_loop.h"
#include "control/blob_store.h"
#include "control/control_observer.h"
#include "control/reception.h"
#include "control/work_pool.h"

namespace avouch::control {

struct IntakeLimits {
  std::size_t blob_bytes = 16 * 1024 * 1024;
  std::size_t runtime_log_piece = 1024 * 1024;
};

// Serves paths under /v1/nodes/ and /v1/blobs/. Of a node it accepts what its own agent sends, and
// no more than a rate that a well-behaved agent never meets.
class IntakeHandler final : public HttpHandler {
 public:
  IntakeHandler(IntakeLimits limits, Reception& reception, AppraiserLoop& loop, BlobStore& blobs,
                RuntimeLogStore& runtime_logs, WorkPool& pool, Clock& clock,
                ControlObserver& observer);

  Result<BodyPlan> plan(const HttpRequest& head) override;
  void handle(HttpRequest request, std::shared_ptr<BodySink> sink, Reply reply) override;

 private:
  void heartbeat(const std::string& node, const HttpRequest& request, const Reply& reply);
  void blob(const std::string& node, const HttpRequest& request,
            const std::shared_ptr<BodySink>& sink, const Reply& reply);
  void tell_arrival(const std::string& node);
  void runtime_log(const std::string& node, const HttpRequest& request, const Reply& reply);
  HttpResponse answer(const std::string& node, const HeartbeatAnswer& answer,
                      const attest::UnverifiedEvidence& evidence);
  Result<BodyPlan> plan_blob(const Caller& caller, const crypto::Sha256& digest);

  const IntakeLimits limits_;
  Reception& reception_;
  AppraiserLoop& loop_;
  BlobStore& blobs_;
  RuntimeLogStore& runtime_logs_;
  WorkPool& pool_;
  Clock& clock_;
  ControlObserver& observer_;
  // The boot log that each node's last accepted evidence named and that is not here: the only blob
  // that it may send.
  std::mutex wanted_mutex_;
  std::map<std::string, attest::BootLogReference> wanted_;  // by node name
  RateLimits heartbeats_;
  RateLimits bytes_;
};

// The answer to a request whose caller could not be identified.
HttpResponse unauthenticated(const Error& error);

}  // namespace avouch::control
