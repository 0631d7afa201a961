#include "webhook/admission_service.h"

#include <algorithm>
#include <charconv>
#include <exception>

#include "admission/review.h"
#include "base/time_text.h"
#include "codec/cbor.h"

namespace avouch::webhook {
namespace {

using admission::AdmissionVerdict;
using admission::Decision;
using admission::Endpoint;
using admission::Placed;

// The API server's own limit, and room for the envelope's other parts.
constexpr std::size_t kMaxBody = admission::kMaxReviewBytes;
// Reading a review takes several times its size. Larger ones take turns.
constexpr std::size_t kLargeBody = 256UL * 1024;

// As large as the API server makes a review of a request of its own largest size (3 MiB), each
// byte escaped.
constexpr std::size_t kMaxRefusedBody = 20 * admission::kMaxReviewBytes / 3;
constexpr std::size_t kStartOfBody = 1024;

bool is_too_large(const HttpRequest& head) {
  const auto length = head.headers.find("Content-Length");
  std::uint64_t bytes = 0;
  if (!length.has_value()) return false;
  const auto [end, failed] =
      std::from_chars(length->data(), length->data() + length->size(), bytes);
  return failed == std::errc() && end == length->data() + length->size() && bytes > kMaxBody;
}

std::optional<HttpResponse> refuse(const HttpRequest& request) {
  if (!admission::endpoint_of(request.path)) {
    return problem(404, "NotFound",
                   "expected /admit/pods, /admit/pods-unenforced, /admit/own-pods, "
                   "/admit/evidence, /admit/policies or /admit/namespaces");
  }
  if (request.method != "POST") {
    HttpResponse response = problem(405, "MethodNotAllowed", "expected POST");
    response.headers.add("Allow", "POST");
    return response;
  }
  const auto type = request.headers.find("Content-Type").value_or("");
  if (type != "application/json" && !type.starts_with("application/json;")) {
    return problem(415, "UnsupportedMediaType", "header Content-Type: expected application/json");
  }
  return std::nullopt;
}

admission::Need need_of(const Decision& decision) {
  return decision.logging == attest::Logging::kStrict ? admission::Need::kLog
                                                      : admission::Need::kLogOrSpool;
}

// What is left of the sender's patience, with time for the answer's way back.
std::chrono::milliseconds patience(const HttpRequest& request, std::chrono::milliseconds deadline) {
  const auto text = query_value(request.query, "timeout");
  if (!text.has_value() || !text->has_value()) return deadline;
  const auto timeout = from_duration(**text);
  if (!timeout.has_value()) return deadline;
  return std::min(deadline, *timeout * 5 / 6);
}

}  // namespace

// Of a body that is too large to be decided: its first bytes and its size.
class StartOfBody final : public BodySink {
 public:
  Result<void> write(ByteView piece) override {
    size_ += piece.size();
    if (size_ > kMaxRefusedBody) {
      return rejected("the body is larger than " + std::to_string(kMaxRefusedBody) + " bytes");
    }
    const std::size_t wanted = kStartOfBody - std::min(start_.size(), kStartOfBody);
    start_ += as_text(piece.first(std::min(wanted, piece.size())));
    return {};
  }
  const std::string& start() const { return start_; }
  std::size_t size() const { return size_; }

 private:
  std::string start_;
  std::size_t size_ = 0;
};

// One request, from its last byte to its answer. Owned by whoever has to go on with it.
struct AdmissionService::Task {
  Endpoint endpoint = Endpoint::kPods;
  Reply reply;
  SteadyTime give_up{};
  std::chrono::steady_clock::time_point received;  // for the latency, which needs microseconds
  SystemTime time{};
  std::string uid;
  bool authenticated = false;
  std::string peer;  // address
  std::string network;
  bool dry_run = false;
  Decision decision;
};

// What the log gets does not change afterwards, whatever becomes of the answer.
admission::VerdictRecorder::MakePayload AdmissionService::payload_of(const Task& task) {
  return [verdict = *task.decision.verdict, allowed = task.decision.allowed,
          code = task.decision.code, time = task.time](bool late) {
    return codec::to_cbor(admission::verdict_payload(verdict, allowed, code, time, late));
  };
}

// Whoever is known to be the API server shares with nobody.
std::string AdmissionService::sharer(const Task& task) {
  return task.authenticated ? std::string() : task.network;
}

AdmissionService::AdmissionService(ServiceOptions options, Facts& facts, LiveReads& reads,
                                   admission::VerdictRecorder& recorder,
                                   admission::DenialBudget& denials, Clock& clock,
                                   WebhookMetrics& metrics)
    : options_(std::move(options)),
      facts_(facts),
      recorder_(recorder),
      denials_(denials),
      clock_(clock),
      metrics_(metrics),
      live_(reads, clock) {}

Result<BodyPlan> AdmissionService::plan(const HttpRequest& head) {
  BodyPlan plan;
  if (!admission::endpoint_of(head.path)) return plan;
  plan.limit = kMaxBody;
  if (is_too_large(head)) {
    plan.limit = kMaxRefusedBody;
    plan.sink = std::make_shared<StartOfBody>();
  }
  return plan;
}

void AdmissionService::handle(HttpRequest request, std::shared_ptr<BodySink> sink, Reply reply) {
  if (auto refusal = refuse(request)) return reply(std::move(*refusal));
  if (const auto* large = dynamic_cast<const StartOfBody*>(sink.get())) {
    return deny_too_large(*large, *admission::endpoint_of(request.path), reply);
  }
  auto task = std::make_shared<Task>();
  task->endpoint = *admission::endpoint_of(request.path);
  task->reply = std::move(reply);
  const SteadyTime now = clock_.steady_now();
  task->give_up = now + patience(request, options_.deadline) - request.waited;
  task->received = std::chrono::steady_clock::now();
  task->time = clock_.now();
  task->authenticated = request.authenticated;
  task->peer = request.peer.substr(0, request.peer.rfind(':'));
  task->network = request.network;
  attempt(task, std::move(request.body), nullptr);
}

void AdmissionService::attempt(const TaskPtr& task, std::string body, const LiveAnswer* live) {
  try {
    std::unique_lock<std::mutex> turn(large_bodies_, std::defer_lock);
    if (body.size() > kLargeBody) turn.lock();
    review(task, std::move(body), live);
  } catch (const std::exception& e) {
    deny_unasked(task, e.what());
  } catch (...) {
    deny_unasked(task, "unknown exception");
  }
}

// Silence would let the pod in, unrecorded, where failurePolicy is Ignore, and say nothing of the
// reason elsewhere.
void AdmissionService::deny_too_large(const StartOfBody& body, Endpoint endpoint,
                                      const Reply& reply) const {
  metrics_.malformed(endpoint);
  const std::string what = "the AdmissionReview has " + std::to_string(body.size()) +
                           " bytes, and at most " + std::to_string(kMaxBody) +
                           " are read: make the object smaller (each <, > and & of it counts six)";
  const auto uid = admission::uid_at_start(body.start());
  if (!uid) return reply(problem(413, "ReviewTooLarge", what));
  log_.info("denied", {{"webhook", admission::endpoint_name(endpoint)},
                       {"uid", *uid},
                       {"code", admission::code::kInvalid},
                       {"reason", what}});
  admission::ReviewAnswer out;
  out.code = 413;
  out.message = what;
  HttpResponse response;
  response.status = 200;
  response.content_type = "application/json";
  response.body = admission::write_answer(*uid, out);
  reply(std::move(response));
}

// The last catch denies. Others may hold the task by now, so its decision is not touched; the first
// answer counts.
void AdmissionService::deny_unasked(const TaskPtr& task, const char* error) const {
  log_.error("review failed", {{"uid", task->uid}, {"error", error}});
  if (task->uid.empty()) {
    return task->reply(problem(500, "InternalError", "the review failed"));
  }
  admission::ReviewAnswer out;
  out.code = 500;
  out.message = "avouch-webhook failed to decide; see its log";
  HttpResponse response;
  response.status = 200;
  response.content_type = "application/json";
  response.body = admission::write_answer(task->uid, out);
  task->reply(std::move(response));
}

// The body waits as it came, so that what waits takes no more than it; it is read anew then.
void AdmissionService::ask_live(const TaskPtr& task, std::string ns, std::string body) {
  const auto kept = std::make_shared<std::string>(std::move(body));
  const std::size_t bytes = kept->size();
  live_.ask({std::move(ns), bytes, task->give_up, [this, task, kept](const LiveAnswer& live) {
               attempt(task, std::move(*kept), &live);
             }});
}

void AdmissionService::review(const TaskPtr& task, std::string body, const LiveAnswer* live) {
  auto review = admission::parse_review(body);
  if (!review.has_value()) {
    metrics_.malformed(task->endpoint);
    return task->reply(
        problem(400, "MalformedReview", "AdmissionReview: " + review.error().message));
  }
  task->uid = review->uid;
  task->dry_run = review->dry_run;
  admission::Gathered gathered;
  gathered.late = clock_.steady_now() >= task->give_up;
  gathered.policies_known = facts_.policies_known();
  gathered.not_ready = facts_.not_ready();
  if (const auto pod = admission::pod_to_look_up(task->endpoint, *review)) {
    if (auto known = facts_.unbound_pod(*pod)) {
      gathered.pod_labels = std::move(known->labels);
      gathered.pod_uid = std::move(known->uid);
    }
  }
  if (admission::caller_pod_to_look_up(task->endpoint, *review)) {
    gathered.caller_node = facts_.agent_node(review->caller.pod_name, review->caller.pod_uid);
  }
  if (live != nullptr) {
    gathered.live = live->has_value() ? **live : admission::LiveFacts{};
    if (!live->has_value() && gathered.not_ready.empty()) {
      gathered.not_ready = live->error().message;
    }
  }
  const auto snapshot = facts_.snapshot();
  if (auto ns = admission::namespace_to_read(task->endpoint, *review, gathered, *snapshot,
                                             options_.rules)) {
    return ask_live(task, *std::move(ns), std::move(body));
  }
  task->decision =
      admission::decide(task->endpoint, *review, gathered, *snapshot, options_.rules, task->time);
  if (task->decision.verdict) {
    task->decision.verdict->authenticated = task->authenticated;
    task->decision.verdict->peer = task->peer;
  }
  if (task->decision.verdict && !task->dry_run) return record(task);
  std::map<std::string, std::string> annotations;
  if (gathered.late) annotations["reason"] = task->decision.code;
  answer(task, std::move(annotations));
}

// An allow is recorded before it is answered.
void AdmissionService::record(const TaskPtr& task) {
  if (!task->decision.allowed) return record_denial(task);
  recorder_.record(
      task->uid, need_of(task->decision), task->give_up, payload_of(*task),
      [this, task](const Placed& place) { placed(task, place); }, sharer(*task));
}

// A denial is answered at once, and recorded if its namespace has not had too many.
void AdmissionService::record_denial(const TaskPtr& task) {
  AdmissionVerdict& verdict = *task->decision.verdict;
  const auto allotted = denials_.spend(verdict.ns, clock_.steady_now(), task->time);
  if (allotted.record) {
    verdict.left_out = allotted.before;
    recorder_.record(
        task->uid, admission::Need::kSometime, task->give_up, payload_of(*task),
        [&denials = denials_, ns = verdict.ns, time = task->time,
         before = allotted.before](const Placed& place) {
          if (place.where == Placed::Where::kNowhere) denials.no_place(ns, time, before);
        },
        sharer(*task));
  }
  answer(task, {{"reason", task->decision.code}});
}

void AdmissionService::placed(const TaskPtr& task, const Placed& placed) {
  switch (placed.where) {
    case Placed::Where::kLog: {
      std::map<std::string, std::string> annotations{{"log-index", std::to_string(placed.index)}};
      const std::string origin = placed.origin.empty() ? facts_.log_origin() : placed.origin;
      if (!origin.empty()) annotations["log-origin"] = origin;
      return answer(task, std::move(annotations));
    }
    case Placed::Where::kSpool:
      return answer(task, {{"log", "spooled"}});
    case Placed::Where::kNowhere:
      break;
  }
  const bool waivable = task->endpoint == Endpoint::kUnenforcedPods && !task->decision.enforced;
  if (waivable && task->decision.allowed) {
    task->decision = admission::deny(admission::code::kLogUnavailable,
                                     "the admission could not be recorded: " + placed.why);
    task->decision.enforced = false;
    return answer(task, {{"log", "none"}});
  }
  auto verdict = std::move(task->decision.verdict);
  task->decision = admission::deny(admission::code::kLogUnavailable,
                                   "the admission could not be recorded, and nothing is admitted "
                                   "without a record: " +
                                       placed.why + ". Try again");
  task->decision.verdict = std::move(verdict);
  record(task);
}

void AdmissionService::answer(const TaskPtr& task, std::map<std::string, std::string> annotations) {
  task->decision = admission::waive(task->endpoint, std::move(task->decision));
  const Decision& decision = task->decision;
  admission::ReviewAnswer out;
  out.allowed = decision.allowed;
  out.code = decision.status;
  out.message = decision.message;
  out.warnings = decision.warnings;
  out.audit_annotations = std::move(annotations);
  metrics_.decided(task->endpoint, decision, task->dry_run, task->authenticated,
                   std::chrono::steady_clock::now() - task->received);
  if (!decision.allowed) {
    log_.info("denied", {{"webhook", admission::endpoint_name(task->endpoint)},
                         {"uid", task->uid},
                         {"namespace", decision.verdict ? decision.verdict->ns : std::string()},
                         {"peer", task->peer},
                         {"code", decision.code},
                         {"reason", decision.message}});
  }
  HttpResponse response;
  response.status = 200;
  response.content_type = "application/json";
  response.body = admission::write_answer(task->uid, out);
  task->reply(std::move(response));
}

}  // namespace avouch::webhook
