#include "control/rekor_handler.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <variant>
#include <vector>

#include "base/hex.h"
#include "control/entering.h"
#include "control/registration_handler.h"
#include "tlog/rekor_answer.h"

namespace avouch::control {
namespace {

constexpr std::string_view kRekorObserved = "rekor";

std::optional<HttpResponse> refuse_rekor_request(const HttpRequest& head) {
  if (head.path != kRekorPath) {
    return in_json({.status = 404,
                    .title = "NotFound",
                    .detail = std::string("expected POST ") + kRekorPath +
                              "; what is in the log is read below /log/"});
  }
  if (head.method != "POST") {
    HttpResponse response = in_json(
        {.status = 405, .title = "MethodNotAllowed", .detail = std::string("expected POST")});
    response.headers.add("Allow", "POST");
    return response;
  }
  const auto refusal = body_refusal(
      head, {.types = {"application/json"},
             .expected = "expected Content-Type: application/json, and a hashedRekordRequestV002",
             .max_bytes = tlog::kMaxHashedRekordBytes,
             .limit = "a hashedrekord is sent in at most"});
  if (refusal) return in_json(*refusal);
  return std::nullopt;
}

RequestRefusal rekord_refusal(const tlog::HashedRekordRefusal& refused) {
  using Fault = tlog::HashedRekordRefusal::Fault;
  switch (refused.fault) {
    case Fault::kTooLarge:
      return {.status = 413, .title = "TooLarge", .detail = refused.what};
    case Fault::kUnknownKey:
      return {.status = 403, .title = "UnknownKey", .detail = refused.what};
    case Fault::kBadSignature:
      return {.status = 400, .title = "BadSignature", .detail = refused.what};
    case Fault::kMalformed:
      break;
  }
  return {.status = 400, .title = "Malformed", .detail = refused.what};
}

RateLimits::Key budget_of_key(const crypto::Sha256& key_digest) {
  RateLimits::Key out{};
  std::copy_n(key_digest.begin(), out.size(), out.begin());
  return out;
}

RequestRefusal lane_is_full() {
  return {.status = 503,
          .title = "Overloaded",
          .detail = "too many requests wait; try again later",
          .seconds = 1};
}

}  // namespace

RekorHandler::RekorHandler(RekorParts parts, WorkPool& lane, ControlObserver& observer)
    : parts_(std::move(parts)), lane_(lane), observer_(observer) {}

Result<BodyPlan> RekorHandler::plan(const HttpRequest& head) {
  if (auto refusal = refuse_rekor_request(head)) {
    return BodyPlan{.limit = 0, .sink = nullptr, .refusal = std::move(refusal)};
  }
  return BodyPlan{.limit = tlog::kMaxHashedRekordBytes, .sink = nullptr};
}

void RekorHandler::handle(HttpRequest request, std::shared_ptr<BodySink>, Reply reply) {
  if (auto refusal = refuse_rekor_request(request)) return reply(*std::move(refusal));
  const auto body = std::make_shared<const std::string>(std::move(request.body));
  if (lane_.post([this, body, reply] { reply(serve(*body)); }) == WorkPool::Taken::kFull) {
    reply(in_json(lane_is_full()));
  }
}

HttpResponse RekorHandler::serve(const std::string& body) {
  const auto verdict = tlog::check_hashed_rekord(body, parts_.policy.rekor_keys);
  if (const auto* refused = std::get_if<tlog::HashedRekordRefusal>(&verdict)) {
    ++refused_;
    return in_json(rekord_refusal(*refused));
  }
  return enter(std::get<tlog::RegistrableHashedRekord>(verdict));
}

HttpResponse RekorHandler::enter(const tlog::RegistrableHashedRekord& rekord) {
  if (const auto refusal = refusal_now(parts_.log, parts_.volume)) return in_json(*refusal);
  const RateLimits::Key budget = budget_of_key(rekord.key_digest);
  if (const auto wait = budgets_.spend(budget, 1, parts_.clock.steady_now())) {
    return in_json(over_budget("signed by this key", *wait));
  }
  const std::uint64_t sequenced = parts_.log.status().sequenced;
  const auto places = wait_for_log<std::vector<tlog::Sequenced>>([&](tlog::Log::AppendDone done) {
    parts_.log.append({{.entry = rekord.entry, .preimage = {}, .id = ""}}, std::move(done));
  });
  // What was there already, or was not taken, costs nothing.
  if (!places.has_value() || places->front().index < sequenced) budgets_.give_back(budget, 1);
  if (!places.has_value()) {
    return in_json(log_failure(places.error(), observer_, kRekorObserved));
  }
  const std::uint64_t index = places->front().index;
  const auto published = wait_for_publication(parts_.log);
  if (!published.has_value()) {
    return in_json(log_failure(published.error(), observer_, kRekorObserved));
  }
  auto path = parts_.log.inclusion_proof(index, *published);
  if (!path.has_value()) return in_json(log_failure(path.error(), observer_, kRekorObserved));
  HttpResponse response;
  response.status = 201;
  response.content_type = "application/json";
  response.headers.add("Cache-Control", "no-store");
  response.headers.add(kPolicyHeader, std::to_string(parts_.policy_entry));
  response.body = tlog::format_rekor_answer(rekord.entry, {.log_id = parts_.log_id,
                                                           .index = index,
                                                           .path = *std::move(path),
                                                           .checkpoint = *published});
  ++registered_;
  observer_.note(kRekorObserved, "entry " + std::to_string(index) + ": signature over " +
                                     to_hex(rekord.digest) +
                                     " by key sha256:" + to_hex(rekord.key_digest));
  return response;
}

}  // namespace avouch::control
