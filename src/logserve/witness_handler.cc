#include "logserve/witness_handler.h"

#include <algorithm>
#include <memory>
#include <string_view>
#include <utility>

#include "crypto/short_digest.h"

namespace avouch::logserve {
namespace {

using std::chrono::milliseconds;

constexpr std::string_view kAddPath = "/add-checkpoint";
constexpr std::string_view kCheckpointPath = "/checkpoint";
constexpr std::size_t kDigestDigits = 64;

HttpResponse not_found(const HttpRequest& request) {
  return problem(404, "NotFound",
                 "no such resource: " + request.path.substr(0, 256) +
                     "; expected add-checkpoint, or HEX(SHA-256(origin))/checkpoint");
}

HttpResponse wrong_method(const char* allowed) {
  HttpResponse response =
      problem(405, "MethodNotAllowed", std::string("expected ") + allowed + " here");
  response.headers.add("Allow", allowed);
  return response;
}

bool is_read(const std::string& method) { return method == "GET" || method == "HEAD"; }

}  // namespace

WitnessHandler::WitnessHandler(const tlog::Witness& witness, Clock& clock, std::string prefix,
                               const WitnessRates& rates, Post post, OnOutcome on_outcome)
    : witness_(witness),
      clock_(clock),
      prefix_(std::move(prefix)),
      post_(std::move(post)),
      on_outcome_(std::move(on_outcome)),
      logs_(rates.log_burst, rates.log_per_second),
      networks_(rates.network_burst, rates.network_per_second) {
  for (const tlog::WitnessedLog& log : witness_.logs()) {
    log_keys_.push_back(crypto::short_digest(log.origin));
  }
}

WitnessHandler::Target WitnessHandler::target_of(const HttpRequest& request) const {
  std::string_view path = request.path;
  if (!path.starts_with(prefix_)) return {};
  path.remove_prefix(prefix_.size());
  if (path == kAddPath) return {Route::kAdd, {}};
  if (!path.starts_with('/') || !path.ends_with(kCheckpointPath)) return {};
  path.remove_prefix(1);
  path.remove_suffix(std::min(path.size(), kCheckpointPath.size()));
  const bool is_hex = path.find_first_not_of("0123456789abcdef") == std::string_view::npos;
  if (path.size() != kDigestDigits || !is_hex) return {};
  return {Route::kCheckpoint, std::string(path)};
}

Result<BodyPlan> WitnessHandler::plan(const HttpRequest& head) {
  BodyPlan plan;
  switch (target_of(head).route) {
    case Route::kNone:
      plan.refusal = not_found(head);
      break;
    case Route::kAdd:
      if (head.method != "POST") plan.refusal = wrong_method("POST");
      plan.limit = tlog::kMaxAddCheckpointBytes;
      break;
    case Route::kCheckpoint:
      if (!is_read(head.method)) plan.refusal = wrong_method("GET, HEAD");
      break;
  }
  return plan;
}

void WitnessHandler::handle(HttpRequest request, std::shared_ptr<BodySink> /*sink*/, Reply reply) {
  const Target target = target_of(request);
  if (target.route == Route::kNone) return reply(not_found(request));
  if (target.route == Route::kCheckpoint) {
    if (!is_read(request.method)) return reply(wrong_method("GET, HEAD"));
    const tlog::WitnessAnswer answer = witness_.checkpoint(target.digest);
    HttpResponse response{.status = answer.status,
                          .content_type = std::string(answer.content_type),
                          .headers = {},
                          .body = answer.body};
    response.headers.add("Cache-Control", "no-cache");
    return reply(std::move(response));
  }
  if (request.method != "POST") return reply(wrong_method("POST"));
  const SteadyTime begun = clock_.steady_now();
  const SystemTime received = clock_.now();
  if (const auto wait = networks_.spend(crypto::short_digest(request.network), 1, begun)) {
    return reply(finish({.status = 429,
                         .body = "too many requests from " + request.network + "\n",
                         .content_type = tlog::WitnessAnswer{}.content_type,
                         .log = {}},
                        *wait, received, begun));
  }
  auto shared = std::make_shared<HttpRequest>(std::move(request));
  const bool taken =
      post_([this, shared, reply, received, begun] { reply(add(*shared, received, begun)); });
  if (taken) return;
  reply(finish({.status = 503,
                .body = "too many requests wait\n",
                .content_type = tlog::WitnessAnswer{}.content_type,
                .log = {}},
               std::chrono::seconds(1), received, begun));
}

HttpResponse WitnessHandler::add(const HttpRequest& request, SystemTime received,
                                 SteadyTime begun) {
  milliseconds wait = std::chrono::seconds(1);
  const auto admit = [&](std::size_t log) {
    const auto limited = logs_.spend(log_keys_.at(log), 1, begun);
    if (limited) wait = *limited;
    return !limited;
  };
  return finish(witness_.add_checkpoint(request.body, received, admit), wait, received, begun);
}

HttpResponse WitnessHandler::finish(const tlog::WitnessAnswer& answer, milliseconds wait,
                                    SystemTime received, SteadyTime begun) {
  HttpResponse response{.status = answer.status,
                        .content_type = std::string(answer.content_type),
                        .headers = {},
                        .body = answer.body};
  if (answer.status == 429 || answer.status == 503) {
    const auto seconds = std::chrono::ceil<std::chrono::seconds>(wait).count();
    response.headers.add("Retry-After", std::to_string(std::max<std::int64_t>(1, seconds)));
  }
  if (on_outcome_) {
    on_outcome_({.status = answer.status,
                 .log = answer.log,
                 .received = received,
                 .took = std::chrono::duration_cast<std::chrono::microseconds>(clock_.steady_now() -
                                                                               begun)});
  }
  return response;
}

}  // namespace avouch::logserve
