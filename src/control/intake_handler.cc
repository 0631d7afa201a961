#include "control/intake_handler.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "attest/evidence.h"
#include "attest/policy.h"
#include "base/hex.h"
#include "codec/json.h"
#include "crypto/short_digest.h"

namespace avouch::control {
namespace {

using codec::Json;

constexpr double kHeartbeatBurst = 30;
constexpr double kHeartbeatsPerSecond = 2;
constexpr double kBytesBurst = 64.0 * 1024 * 1024;
constexpr double kBytesPerSecond = 256.0 * 1024;

enum class Route { kNone, kHeartbeat, kBlob, kRuntimeLog };

struct Target {
  Route route = Route::kNone;
  std::string node;
  crypto::Sha256 digest{};
};

bool is_node_name(std::string_view name) {
  if (name.empty() || name.size() > 253) return false;
  const auto is_inner = [](char c) { return c == '-' || c == '.'; };
  if (is_inner(name.front()) || is_inner(name.back())) return false;
  for (const char c : name) {
    const bool good = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || is_inner(c);
    if (!good) return false;
  }
  return true;
}

Target target_of(const HttpRequest& request) {
  constexpr std::string_view kNodes = "/v1/nodes/";
  constexpr std::string_view kBlobs = "/v1/blobs/";
  const std::string_view path = request.path;
  if (path.starts_with(kBlobs) && request.method == "PUT") {
    const auto digest = attest::parse_digest_text(path.substr(kBlobs.size()));
    if (digest.has_value()) return {Route::kBlob, "", *digest};
    return {};
  }
  if (!path.starts_with(kNodes) || request.method != "POST") return {};
  const std::string_view rest = path.substr(kNodes.size());
  const std::size_t slash = rest.find('/');
  const std::string_view name = rest.substr(0, slash);
  if (slash == std::string_view::npos || !is_node_name(name)) return {};
  const std::string_view what = rest.substr(slash + 1);
  if (what == "evidence") return {Route::kHeartbeat, std::string(name), {}};
  if (what == "runtime-log") return {Route::kRuntimeLog, std::string(name), {}};
  return {};
}

HttpResponse no_such_resource() {
  return problem(404, "NotFound",
                 "expected POST /v1/nodes/NAME/evidence, POST /v1/nodes/NAME/runtime-log?offset=N "
                 "or PUT /v1/blobs/sha256:HEX");
}

HttpResponse later(int status, std::string_view code, std::string_view detail) {
  HttpResponse response = problem(status, code, detail);
  response.headers.add("Retry-After", "1");
  return response;
}

HttpResponse json_response(int status, const Json& body) {
  HttpResponse response;
  response.status = status;
  response.content_type = "application/json";
  response.body = codec::to_json(body);
  return response;
}

// What a request counts for at least, of the bytes that a node may send.
constexpr std::size_t kLeastCharge = 4096;

// Receives a blob at the rate that its node is allowed.
class BlobSink final : public BodySink {
 public:
  using Spend = std::function<Result<void>(std::size_t bytes)>;

  BlobSink(std::unique_ptr<BlobWriter> writer, Spend spend)
      : writer_(std::move(writer)), spend_(std::move(spend)) {}
  Result<void> write(ByteView piece) override {
    const std::size_t paid = std::min(paid_, piece.size());
    paid_ -= paid;
    AVOUCH_CHECK(spend_(piece.size() - paid));
    return writer_->write(piece);
  }
  Result<BlobOutcome> commit() { return writer_->commit(); }

 private:
  std::unique_ptr<BlobWriter> writer_;
  Spend spend_;
  std::size_t paid_ = kLeastCharge;  // when it was begun
};

}  // namespace

HttpResponse unauthenticated(const Error& error) {
  if (error.kind == ErrorKind::kRejected) return problem(401, "Unauthenticated", error.message);
  return later(503, "ReviewUnavailable", "the token could not be checked: " + error.message);
}

IntakeHandler::IntakeHandler(IntakeLimits limits, Reception& reception, AppraiserLoop& loop,
                             BlobStore& blobs, RuntimeLogStore& runtime_logs, WorkPool& pool,
                             Clock& clock, ControlObserver& observer)
    : limits_(limits),
      reception_(reception),
      loop_(loop),
      blobs_(blobs),
      runtime_logs_(runtime_logs),
      pool_(pool),
      clock_(clock),
      observer_(observer),
      heartbeats_(kHeartbeatBurst, kHeartbeatsPerSecond),
      bytes_(kBytesBurst, kBytesPerSecond) {}

Result<BodyPlan> IntakeHandler::plan(const HttpRequest& head) {
  const Target target = target_of(head);
  switch (target.route) {
    case Route::kNone:
      return BodyPlan{.limit = 0, .sink = nullptr, .refusal = no_such_resource()};
    case Route::kHeartbeat:
      return BodyPlan{.limit = attest::kMaxHeartbeatBytes, .sink = nullptr};
    case Route::kRuntimeLog:
    case Route::kBlob:
      break;
  }
  // Neither memory nor disk for a caller that is not known, and no waiting for the API server on a
  // server's thread. Agents are known: these bodies follow a heartbeat.
  if (auto refusal = without_token(head.headers)) {
    return BodyPlan{.limit = 0, .sink = nullptr, .refusal = std::move(refusal)};
  }
  AVOUCH_TRY(const Caller caller, reception_.known(head));
  if (caller.role != Caller::Role::kAgent) {
    return rejected("\"" + caller.user.username + "\" is not the agent's service account");
  }
  if (target.route == Route::kRuntimeLog) {
    return BodyPlan{.limit = limits_.runtime_log_piece, .sink = nullptr};
  }
  return plan_blob(caller, target.digest);
}

Result<BodyPlan> IntakeHandler::plan_blob(const Caller& caller, const crypto::Sha256& digest) {
  std::size_t limit = 0;
  {
    const std::lock_guard lock(wanted_mutex_);
    const auto wanted = wanted_.find(caller.node);
    if (wanted == wanted_.end() || wanted->second.digest != digest) {
      return rejected("blob " + attest::digest_text(digest) +
                      " is not one that the last accepted evidence of node \"" + caller.node +
                      "\" names and that is missing here; send evidence first, and what its answer "
                      "lists as missingBlobs");
    }
    limit = std::min<std::size_t>(limits_.blob_bytes, wanted->second.size);
  }
  const auto spend = [this, node = caller.node](std::size_t bytes) -> Result<void> {
    const auto wait =
        bytes_.spend(crypto::short_digest(node), static_cast<double>(bytes), clock_.steady_now());
    if (!wait) return {};
    return retryable("node \"" + node + "\" sends too many bytes; try again later");
  };
  AVOUCH_CHECK(spend(kLeastCharge));
  AVOUCH_TRY(std::unique_ptr<BlobWriter> writer, blobs_.begin(digest, caller.node));
  return BodyPlan{.limit = limit, .sink = std::make_shared<BlobSink>(std::move(writer), spend)};
}

void IntakeHandler::handle(HttpRequest request, std::shared_ptr<BodySink> sink, Reply reply) {
  const Target target = target_of(request);
  if (target.route == Route::kNone) return reply(no_such_resource());
  if (auto refusal = without_token(request.headers)) return reply(*std::move(refusal));
  const auto shared = std::make_shared<const HttpRequest>(std::move(request));
  // Heartbeats of known callers are served at once; writing to the disk does not wait on the
  // server's threads.
  auto serve = [this, target, shared, sink = std::move(sink), reply](const Result<Caller>& caller) {
    if (!caller.has_value()) return reply(unauthenticated(caller.error()));
    if (caller->role != Caller::Role::kAgent) {
      return reply(
          problem(403, "NotAnAgent",
                  "\"" + caller->user.username +
                      "\" is not the agent's service account; nobody else sends evidence"));
    }
    if (target.route == Route::kBlob) return blob(caller->node, *shared, sink, reply);
    if (caller->node != target.node) {
      return reply(problem(403, "NotOwnNode",
                           "the token is that of the agent on node \"" + caller->node +
                               "\", which cannot speak for node \"" + target.node + "\""));
    }
    if (target.route == Route::kHeartbeat) return heartbeat(target.node, *shared, reply);
    return runtime_log(target.node, *shared, reply);
  };
  if (target.route == Route::kHeartbeat) {
    if (const auto caller = reception_.recognise(*shared)) return serve(*caller);
  }
  if (reception_.receive(*shared, std::move(serve)) == WorkPool::Taken::kFull) {
    reply(later(503, "Overloaded", "too many requests wait; try again later"));
  }
}

void IntakeHandler::heartbeat(const std::string& node, const HttpRequest& request,
                              const Reply& reply) {
  const SteadyTime begun = clock_.steady_now();
  const auto took = [this, begun] {
    return std::chrono::duration_cast<std::chrono::microseconds>(clock_.steady_now() - begun);
  };
  if (heartbeats_.spend(crypto::short_digest(node), 1, begun)) {
    observer_.heartbeat(node, "TooMany", took());
    return reply(later(429, "TooMany", "this node sends too many heartbeats; try again later"));
  }
  auto evidence = attest::parse_heartbeat(request.body);
  if (!evidence.has_value()) {
    observer_.heartbeat(node, "Malformed", took());
    return reply(problem(400, "Malformed", evidence.error().message));
  }
  auto shared = std::make_shared<attest::UnverifiedEvidence>(*std::move(evidence));
  const auto offered =
      loop_.offer([this, node, shared, reply, took](Appraiser& appraiser, Moment now) {
        const HeartbeatAnswer result = appraiser.heartbeat(node, *shared, now);
        observer_.heartbeat(
            node,
            result.outcome == HeartbeatAnswer::Outcome::kAccepted
                ? "Accepted"
                : std::string_view(result.refusal.code.empty() ? "NotReady" : result.refusal.code),
            took());
        reply(answer(node, result, *shared));
      });
  if (offered == AppraiserLoop::Offer::kFull) {
    observer_.heartbeat(node, "Overloaded", took());
    reply(later(503, "Overloaded", "too much evidence waits; try again later"));
  }
}

HttpResponse IntakeHandler::answer(const std::string& node, const HeartbeatAnswer& answer,
                                   const attest::UnverifiedEvidence& evidence) {
  using Outcome = HeartbeatAnswer::Outcome;
  switch (answer.outcome) {
    case Outcome::kNotReady:
      return later(503, "NotReady", "the controller is starting; try again later");
    case Outcome::kUnknownNode:
      return later(404, "NodeUnknown", "there is no Node of that name (yet); try again later");
    case Outcome::kNotEnrolled:
      return problem(409, "NotEnrolled", answer.refusal.code + ": " + answer.refusal.message);
    case Outcome::kRefused:
      return problem(422, answer.refusal.code, answer.refusal.message);
    case Outcome::kAccepted:
      break;
  }
  Json::Array reasons;
  for (const attest::Reason& reason : answer.reasons) {
    reasons.push_back(Json::Object{{"code", reason.code},
                                   {"severity", attest::status_name(reason.severity)},
                                   {"message", reason.message}});
  }
  Json::Array missing;
  const bool is_missing = evidence.boot_log && evidence.boot_log->size <= limits_.blob_bytes &&
                          !blobs_.contains(evidence.boot_log->digest);
  if (is_missing) missing.push_back(attest::digest_text(evidence.boot_log->digest));
  {
    const std::lock_guard lock(wanted_mutex_);
    if (is_missing) {
      wanted_[node] = *evidence.boot_log;
    } else {
      wanted_.erase(node);
    }
  }
  const std::uint64_t offset =
      runtime_logs_.next_offset(answer.node_uid, boot_name(answer.boot.reset_count));
  return json_response(200, Json::Object{{"phase", phase_name(answer.phase)},
                                         {"reasons", std::move(reasons)},
                                         {"missingBlobs", std::move(missing)},
                                         {"runtimeLogOffset", static_cast<std::int64_t>(offset)}});
}

// The appraiser may be waiting for it.
void IntakeHandler::tell_arrival(const std::string& node) {
  loop_.post([node](Appraiser& appraiser, Moment now) { appraiser.logs_arrived(node, now); });
}

void IntakeHandler::blob(const std::string& node, const HttpRequest& request,
                         const std::shared_ptr<BodySink>& sink, const Reply& reply) {
  const auto writer = std::dynamic_pointer_cast<BlobSink>(sink);
  if (writer == nullptr) {
    return reply(later(503, "TryAgain", "the caller was not known when the body came; try again"));
  }
  const auto outcome = writer->commit();
  if (!outcome.has_value()) {
    switch (outcome.error().kind) {
      case ErrorKind::kRejected:
        return reply(problem(400, "DigestMismatch", request.path + ": " + outcome.error().message));
      case ErrorKind::kRetryable:
        return reply(later(503, "StoreFull", outcome.error().message));
      case ErrorKind::kFatal:
        observer_.fatal("evidence store", outcome.error());
        return reply(problem(500, "StoreFailed", "the evidence store has failed"));
    }
  }
  tell_arrival(node);
  HttpResponse response;
  response.status = *outcome == BlobOutcome::kCreated ? 201 : 200;
  reply(std::move(response));
}

void IntakeHandler::runtime_log(const std::string& node, const HttpRequest& request,
                                const Reply& reply) {
  const auto text = query_value(request.query, "offset");
  std::uint64_t offset = 0;
  bool good = text.has_value() && text->has_value();
  if (good) {
    const std::string& digits = **text;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), offset);
    good = error == std::errc() && end == digits.data() + digits.size();
  }
  if (!good) {
    return reply(problem(400, "Malformed", "query: expected offset=N, the number of bytes before"));
  }
  const auto size = static_cast<double>(std::max(request.body.size(), kLeastCharge));
  if (bytes_.spend(crypto::short_digest(node), size, clock_.steady_now())) {
    return reply(later(429, "TooMuch", "this node sends too many bytes; try again later"));
  }
  // Which boot these bytes belong to, the last accepted quote says.
  auto body = std::make_shared<std::string>(request.body);
  const auto offered = loop_.offer([this, node, offset, body, reply](Appraiser& appraiser, Moment) {
    const NodeState* state = appraiser.find(node);
    if (state == nullptr || !state->facts || !state->record.tpm) {
      return reply(problem(409, "NotEnrolled",
                           "no quote of this node has been accepted yet: send evidence first"));
    }
    const std::string uid = state->facts->uid;
    const std::string boot = boot_name(state->record.tpm->clock.reset_count);
    const auto work = [this, node, uid, boot, offset, body, reply] {
      const auto next = runtime_logs_.append(uid, boot, offset, as_bytes(*body));
      if (next.has_value()) {
        tell_arrival(node);
        return reply(json_response(200, Json::Object{{"next", static_cast<std::int64_t>(*next)}}));
      }
      switch (next.error().kind) {
        case ErrorKind::kRejected: {
          HttpResponse response = problem(409, "OffsetMismatch", next.error().message);
          // The problem's members, and where to go on.
          response.body.pop_back();
          response.body +=
              ",\"next\":" + std::to_string(runtime_logs_.next_offset(uid, boot)) + "}";
          return reply(std::move(response));
        }
        case ErrorKind::kRetryable:
          return reply(later(503, "StoreFull", next.error().message));
        case ErrorKind::kFatal:
          observer_.fatal("evidence store", next.error());
          return reply(problem(500, "StoreFailed", "the evidence store has failed"));
      }
    };
    if (pool_.post(work) == WorkPool::Taken::kFull) {
      reply(later(503, "Overloaded", "too many requests wait; try again later"));
    }
  });
  if (offered == AppraiserLoop::Offer::kFull) {
    reply(later(503, "Overloaded", "too much evidence waits; try again later"));
  }
}

}  // namespace avouch::control
