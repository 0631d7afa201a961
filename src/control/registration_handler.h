#pragma once

// POST /entries: statements of other parties become entries of the log, as its registration policy
// says (SCITT's API, draft-ietf-scitt-scrapi; docs/interfaces.md, 'Log').
//
// Who may send one, `senders` says; whose it is, its signature says. Answered 201 with the entry's
// receipt, once that is published; the same bytes again get the same entry. The newest 65,536
// entries are remembered for that. 429 where a sender has entered too much lately.

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

#include "base/clock.h"
#include "base/http.h"
#include "base/rate_limits.h"
#include "control/control_observer.h"
#include "control/log_volume.h"
#include "control/receipt_handler.h"
#include "control/senders.h"
#include "control/work_pool.h"
#include "tlog/log.h"
#include "tlog/registration.h"

namespace avouch::control {

struct RegistrationParts {
  tlog::Log& log;
  const LogVolume& volume;
  Clock& clock;
  const ReceiptHandler& receipts;
  tlog::RegistrationPolicy policy;  // that tlog::check_policy accepts
  std::uint64_t policy_entry = 0;   // the entry that holds it
};

// The header of a 201 that names the entry of the policy by which the statement was taken.
inline constexpr const char* kPolicyHeader = "Avouch-Registration-Policy";

class RegistrationHandler final : public HttpHandler {
 public:
  // What one sender may add: so many entries at once, and so many a second after that.
  static constexpr double kBurst = 1024, kPerSecond = 4;

  // References outlive the handler. What is taken waits for the log on `lane`, which is this
  // handler's own: a log that is slow keeps nobody else waiting.
  RegistrationHandler(RegistrationParts parts, Senders& senders, WorkPool& lane,
                      ControlObserver& observer);

  Result<BodyPlan> plan(const HttpRequest& head) override;
  void handle(HttpRequest request, std::shared_ptr<BodySink> sink, Reply reply) override;

  struct Counts {
    std::uint64_t registered = 0;  // again as well
    std::uint64_t refused = 0;     // statements that the policy does not take
  };
  Counts counts() const { return {registered_, refused_}; }

 private:
  void check(const std::string& body, Senders::Sender sender, const Reply& reply);
  HttpResponse enter(const tlog::Registrable& statement, const std::string& sender);

  const RegistrationParts parts_;
  Senders& senders_;
  WorkPool& lane_;
  ControlObserver& observer_;
  RateLimits budgets_{kBurst, kPerSecond};
  std::atomic<std::uint64_t> registered_{0}, refused_{0};
};

}  // namespace avouch::control
