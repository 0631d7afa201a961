#include "control/entering.h"

#include <algorithm>
#include <charconv>
#include <cstdint>

#include "codec/utf8.h"
#include "control/concise_problem.h"

namespace avouch::control {
namespace {

constexpr int kReadOnlySeconds = 60;

std::string_view without_parameters(std::string_view type) {
  type = type.substr(0, type.find(';'));
  while (!type.empty() && type.back() == ' ') type.remove_suffix(1);
  return type;
}

bool announces_at_most(const HttpHeaders& headers, std::size_t bytes) {
  const std::string_view length = headers.find("Content-Length").value_or("0");
  std::uint64_t announced = 0;
  const auto [end, error] =
      std::from_chars(length.data(), length.data() + length.size(), announced);
  return error == std::errc() && end == length.data() + length.size() && announced <= bytes;
}

}  // namespace

kube::AccessQuestion may_create(std::string resource) {
  return {.verb = "create",
          .group = "avouch.dev",
          .resource = std::move(resource),
          .subresource = "",
          .ns = "",
          .name = ""};
}

HttpResponse in_cbor(const RequestRefusal& refusal) {
  HttpResponse response = concise_problem(refusal.status, refusal.title, refusal.detail);
  if (refusal.seconds > 0) response.headers.add("Retry-After", std::to_string(refusal.seconds));
  return response;
}

HttpResponse in_json(const RequestRefusal& refusal) {
  HttpResponse response = problem(refusal.status, refusal.title, refusal.detail);
  response.headers.add("Cache-Control", "no-store");
  if (refusal.seconds > 0) response.headers.add("Retry-After", std::to_string(refusal.seconds));
  return response;
}

std::optional<RequestRefusal> body_refusal(const HttpRequest& head, const BodyRules& rules) {
  const std::string_view type = without_parameters(head.headers.find("Content-Type").value_or(""));
  if (std::find(rules.types.begin(), rules.types.end(), type) == rules.types.end()) {
    return RequestRefusal{
        .status = 415, .title = "UnsupportedMediaType", .detail = std::string(rules.expected)};
  }
  if (announces_at_most(head.headers, rules.max_bytes)) return std::nullopt;
  return RequestRefusal{
      .status = 413,
      .title = "TooLarge",
      .detail = std::string(rules.limit) + " " + std::to_string(rules.max_bytes) + " bytes"};
}

std::optional<HttpResponse> refuse_head(const HttpRequest& head, const BodyRules& rules) {
  if (!token_of(head.headers)) {
    return concise_problem(401, "Unauthenticated",
                           "a token is needed: Authorization: Bearer TOKEN, or Avouch-Token: TOKEN "
                           "through the API server's proxy");
  }
  if (const auto refusal = body_refusal(head, rules)) return in_cbor(*refusal);
  return std::nullopt;
}

std::optional<HttpResponse> refuse_caller(const Result<Caller>& caller,
                                          kube::AccessReviewer& access,
                                          const kube::AccessQuestion& question) {
  if (!caller.has_value()) {
    return caller.error().kind == ErrorKind::kRejected
               ? concise_problem(401, "Unauthenticated", caller.error().message)
               : concise_try_later("ReviewUnavailable",
                                   "the token could not be checked: " + caller.error().message);
  }
  const auto allowed = access.check(caller->user, question);
  if (!allowed.has_value()) {
    return concise_try_later("ReviewUnavailable", allowed.error().message);
  }
  if (*allowed == kube::Access::kAllowed) return std::nullopt;
  return concise_problem(403, "NotEntitled",
                         codec::in_quotes(caller->user.username, 256) + " may not " +
                             question.verb + " " + question.resource + "." + question.group +
                             ": bind a ClusterRole that has that to it");
}

std::optional<RequestRefusal> refusal_now(const tlog::Log& log, const LogVolume& volume) {
  if (const auto why = log.status().read_only) {
    return RequestRefusal{.status = 503,
                          .title = "LogReadOnly",
                          .detail = "the log takes no entries and signs nothing: " + *why,
                          .seconds = kReadOnlySeconds};
  }
  if (volume.takes_denials()) return std::nullopt;
  return RequestRefusal{.status = 503,
                        .title = "Overloaded",
                        .detail = "the log's volume is short of space",
                        .seconds = kReadOnlySeconds};
}

std::optional<HttpResponse> refuse_now(const tlog::Log& log, const LogVolume& volume) {
  if (const auto refusal = refusal_now(log, volume)) return in_cbor(*refusal);
  return std::nullopt;
}

RequestRefusal over_budget(std::string_view whose, std::chrono::milliseconds wait) {
  const auto seconds = std::chrono::ceil<std::chrono::seconds>(wait).count();
  return {.status = 429,
          .title = "OverBudget",
          .detail = "so much " + std::string(whose) +
                    " was entered lately that there is room for more in " +
                    std::to_string(seconds) + " s",
          .seconds = static_cast<int>(seconds)};
}

RequestRefusal log_failure(const Error& error, ControlObserver& observer, std::string_view what) {
  observer.problem(what, error.message);
  if (error.kind == ErrorKind::kFatal) {
    return {.status = 500, .title = "LogFailed", .detail = "the log has failed"};
  }
  return {.status = 503,
          .title = "Overloaded",
          .detail = "the log takes no entry now; try again later",
          .seconds = 1};
}

HttpResponse log_failed(const Error& error, ControlObserver& observer, std::string_view what) {
  return in_cbor(log_failure(error, observer, what));
}

Result<tlog::VerifiedCheckpoint> wait_for_publication(tlog::Log& log) {
  return wait_for_log<tlog::VerifiedCheckpoint>(
      [&](tlog::Log::PublishDone done) { log.publish(std::move(done)); });
}

}  // namespace avouch::control
