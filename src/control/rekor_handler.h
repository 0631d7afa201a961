#pragma once

// POST /api/v2/log/entries: signatures of other parties become entries of the log, as Rekor v2
// takes them (sigstore/rekor-tiles 2.3; docs/interfaces.md, 'Log'), so that cosign and other
// clients of sigstore work with it as they are.
//
// Such clients show nobody's token. Who may enter something is who has the private key of one of
// the registration policy's rekorKeys; whoever sends it is not asked. Answered 201 with the entry,
// its inclusion and the checkpoint, once that is published; the same request again (among the
// newest 65,536 entries) gets the same entry. Refusals are application/problem+json.

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

#include "base/clock.h"
#include "base/http.h"
#include "base/rate_limits.h"
#include "control/control_observer.h"
#include "control/log_volume.h"
#include "control/work_pool.h"
#include "tlog/hashed_rekord.h"
#include "tlog/log.h"
#include "tlog/registration.h"

namespace avouch::control {

inline constexpr const char* kRekorPath = "/api/v2/log/entries";

struct RekorParts {
  tlog::Log& log;
  const LogVolume& volume;
  Clock& clock;
  tlog::RegistrationPolicy policy;  // that tlog::check_policy accepts
  std::uint64_t policy_entry = 0;   // the entry that holds it
  tlog::Hash log_id{};              // tlog::rekor_log_id() of the key that signs
};

class RekorHandler final : public HttpHandler {
 public:
  // What the signatures of one key may add: so many entries at once, and so many a second after
  // that. Entries are public, so that anybody can send an old one once more.
  static constexpr double kBurst = 256, kPerSecond = 1;

  // References outlive the handler. Everything is checked, and waits for the log, on `lane`, which
  // is this handler's own: neither a flood nor a log that is slow keeps others waiting.
  RekorHandler(RekorParts parts, WorkPool& lane, ControlObserver& observer);

  Result<BodyPlan> plan(const HttpRequest& head) override;
  void handle(HttpRequest request, std::shared_ptr<BodySink> sink, Reply reply) override;

  struct Counts {
    std::uint64_t registered = 0;  // again as well
    std::uint64_t refused = 0;     // by form, key or signature
  };
  Counts counts() const { return {registered_, refused_}; }

 private:
  HttpResponse serve(const std::string& body);
  HttpResponse enter(const tlog::RegistrableHashedRekord& rekord);

  const RekorParts parts_;
  WorkPool& lane_;
  ControlObserver& observer_;
  RateLimits budgets_{kBurst, kPerSecond};
  std::atomic<std::uint64_t> registered_{0}, refused_{0};
};

}  // namespace avouch::control
