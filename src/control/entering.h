#pragma once

// What the handlers share that enter into the log what others send: who may, what is refused before
// and after its body is read, and the waiting for the log. Refusals are in CBOR (RFC 9290), or, for
// APIs that speak JSON, values that in_json() says.

#include <chrono>
#include <cstddef>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/http.h"
#include "base/result.h"
#include "control/callers.h"
#include "control/control_observer.h"
#include "control/log_volume.h"
#include "kube/auth.h"
#include "tlog/log.h"

namespace avouch::control {

// The right to make objects of that name, which roles alone know: the API server has none.
kube::AccessQuestion may_create(std::string resource);

// Why a request is refused, before it is said.
struct RequestRefusal {
  int status = 500;
  std::string title;   // for programs, as "TooLarge"
  std::string detail;  // what, where, what was expected
  int seconds = 0;     // Retry-After; 0: none
};
HttpResponse in_cbor(const RequestRefusal& refusal);
HttpResponse in_json(const RequestRefusal& refusal);

// 415 for a type that is none of `types` (its parameters are not looked at; `expected` says what it
// should be), 413 where more than `max_bytes` are announced (`limit` says whose limit that is).
struct BodyRules {
  std::vector<std::string_view> types;
  std::string_view expected;
  std::size_t max_bytes = 0;
  std::string_view limit;
};
std::optional<RequestRefusal> body_refusal(const HttpRequest& head, const BodyRules& rules);
// 401 without a token; else the same.
std::optional<HttpResponse> refuse_head(const HttpRequest& head, const BodyRules& rules);

// 401 where the caller is not known, 403 where they may not, 503 where either cannot be asked.
std::optional<HttpResponse> refuse_caller(const Result<Caller>& caller,
                                          kube::AccessReviewer& access,
                                          const kube::AccessQuestion& question);

// 503 where the log takes nothing now, and where its volume runs short: the log is for verdicts.
std::optional<RequestRefusal> refusal_now(const tlog::Log& log, const LogVolume& volume);
std::optional<HttpResponse> refuse_now(const tlog::Log& log, const LogVolume& volume);

// 429: `whose` names what the budget is of, as "signed by this key".
RequestRefusal over_budget(std::string_view whose, std::chrono::milliseconds wait);

// Why the log did not do what it was asked for. What a database or a disk said of a passing fault
// is told to `observer` alone.
RequestRefusal log_failure(const Error& error, ControlObserver& observer, std::string_view what);
HttpResponse log_failed(const Error& error, ControlObserver& observer, std::string_view what);

// What the log answers to `ask(done)`; kRetryable where it takes too long. A log that is stuck (a
// full disk, at a publication) keeps nobody, and not the end of the process, waiting.
template <typename Value, typename Ask>
Result<Value> wait_for_log(const Ask& ask) {
  constexpr std::chrono::seconds kLongestWait{10};
  auto promise = std::make_shared<std::promise<Result<Value>>>();
  auto answer = promise->get_future();
  ask([promise](Result<Value> value) { promise->set_value(std::move(value)); });
  if (answer.wait_for(kLongestWait) != std::future_status::ready) {
    return retryable("the log has not answered for " + std::to_string(kLongestWait.count()) +
                     " s; send the same again later");
  }
  return answer.get();
}

// Publishes all that is sequenced, and waits for it as above.
Result<tlog::VerifiedCheckpoint> wait_for_publication(tlog::Log& log);

}  // namespace avouch::control
