#include "control/registration_handler.h"

#include <charconv>
#include <future>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "base/hex.h"
#include "codec/utf8.h"
#include "control/concise_problem.h"

namespace avouch::control {
namespace {

constexpr std::string_view kRegister = "/entries";
constexpr int kReadOnlySeconds = 60;
constexpr std::chrono::seconds kLongestWait{10};  // for the log, at each of its two steps

// What the log answers to `ask(done)`; kRetryable where it takes too long. A log that is stuck (a
// full disk, at a publication) keeps nobody, and not the end of the process, waiting.
template <typename Value, typename Ask>
Result<Value> wait_for_log(const Ask& ask) {
  auto promise = std::make_shared<std::promise<Result<Value>>>();
  auto answer = promise->get_future();
  ask([promise](Result<Value> value) { promise->set_value(std::move(value)); });
  if (answer.wait_for(kLongestWait) != std::future_status::ready) {
    return retryable("the log has not answered for " + std::to_string(kLongestWait.count()) +
                     " s; send the same statement again later");
  }
  return answer.get();
}

kube::AccessQuestion may_register() {
  return {.verb = "create",
          .group = "avouch.dev",
          .resource = "statements",
          .subresource = "",
          .ns = "",
          .name = ""};
}

// application/cose, or what SCITT calls a statement; parameters are not looked at.
bool is_statement_type(std::string_view type) {
  type = type.substr(0, type.find(';'));
  while (!type.empty() && type.back() == ' ') type.remove_suffix(1);
  return type == "application/cose" || type == "application/scitt-statement+cose";
}

std::optional<HttpResponse> refuse_head(const HttpRequest& head, std::size_t max_bytes) {
  if (head.path != kRegister) {
    return concise_problem(404, "NotFound", "expected POST /entries, or GET /entries/N");
  }
  if (head.method != "POST") {
    HttpResponse response = concise_problem(405, "MethodNotAllowed", "expected POST /entries");
    response.headers.add("Allow", "POST");
    return response;
  }
  if (!token_of(head.headers)) {
    return concise_problem(401, "Unauthenticated",
                           "a service-account token is needed: Authorization: Bearer TOKEN, or "
                           "Avouch-Token: TOKEN through the API server's proxy");
  }
  if (!is_statement_type(head.headers.find("Content-Type").value_or(""))) {
    return concise_problem(415, "UnsupportedMediaType",
                           "expected Content-Type: application/cose, and a COSE_Sign1");
  }
  const std::string_view length = head.headers.find("Content-Length").value_or("0");
  std::uint64_t announced = 0;
  const auto [end, error] =
      std::from_chars(length.data(), length.data() + length.size(), announced);
  if (error != std::errc() || end != length.data() + length.size() || announced > max_bytes) {
    return concise_problem(413, "TooLarge",
                           "the registration policy takes statements of at most " +
                               std::to_string(max_bytes) + " bytes");
  }
  return std::nullopt;
}

HttpResponse refusal_of(const tlog::NotRegistered& refused) {
  return concise_problem(refused.title == "TooLarge" ? 413 : 400, refused.title, refused.what);
}

// What a database or a disk said of a passing fault is in the program's log.
HttpResponse log_failed(const Error& error, ControlObserver& observer) {
  observer.problem("registration", error.message);
  if (error.kind == ErrorKind::kFatal)
    return concise_problem(500, "LogFailed", "the log has failed");
  return concise_try_later("Overloaded", "the log takes no entry now; try again later");
}

}  // namespace

RegistrationHandler::RegistrationHandler(RegistrationParts parts, Reception& reception,
                                         kube::AccessReviewer& access, WorkPool& lane,
                                         ControlObserver& observer)
    : parts_(std::move(parts)),
      reception_(reception),
      access_(access),
      lane_(lane),
      observer_(observer) {}

Result<BodyPlan> RegistrationHandler::plan(const HttpRequest& head) {
  if (auto refusal = refuse_head(head, parts_.policy.max_bytes)) {
    return BodyPlan{.limit = 0, .sink = nullptr, .refusal = std::move(refusal)};
  }
  return BodyPlan{.limit = parts_.policy.max_bytes, .sink = nullptr};
}

void RegistrationHandler::handle(HttpRequest request, std::shared_ptr<BodySink>, Reply reply) {
  if (auto refusal = refuse_head(request, parts_.policy.max_bytes)) {
    return reply(*std::move(refusal));
  }
  const auto body = std::make_shared<const std::string>(std::move(request.body));
  auto task = [this, body, reply](const Result<Caller>& caller) { check(*body, caller, reply); };
  if (reception_.receive(request, std::move(task)) == WorkPool::Taken::kFull) {
    reply(concise_try_later("Overloaded", "too many requests wait; try again later"));
  }
}

void RegistrationHandler::check(const std::string& body, const Result<Caller>& caller,
                                const Reply& reply) {
  if (!caller.has_value()) {
    return reply(caller.error().kind == ErrorKind::kRejected
                     ? concise_problem(401, "Unauthenticated", caller.error().message)
                     : concise_try_later("ReviewUnavailable", "the token could not be checked: " +
                                                                  caller.error().message));
  }
  const auto access = access_.check(caller->user, may_register());
  if (!access.has_value()) {
    return reply(concise_try_later("ReviewUnavailable", access.error().message));
  }
  if (*access != kube::Access::kAllowed) {
    return reply(concise_problem(
        403, "NotEntitled",
        codec::in_quotes(caller->user.username, 256) +
            " may not create statements.avouch.dev: bind a ClusterRole that has that to it"));
  }
  auto verdict = tlog::check_registration(as_bytes(body), parts_.policy);
  if (const auto* refused = std::get_if<tlog::NotRegistered>(&verdict)) {
    ++refused_;
    return reply(refusal_of(*refused));
  }
  auto enter_it = [this, statement = std::get<tlog::Registrable>(std::move(verdict)),
                   user = caller->user.username, reply] { reply(enter(statement, user)); };
  if (lane_.post(std::move(enter_it)) == WorkPool::Taken::kFull) {
    reply(concise_try_later("Overloaded", "too many statements wait for the log; try again later"));
  }
}

HttpResponse RegistrationHandler::enter(const tlog::Registrable& statement,
                                        const std::string& caller) {
  if (const auto why = parts_.log.status().read_only) {
    return concise_try_later("LogReadOnly", "the log takes no entries and signs nothing: " + *why,
                             kReadOnlySeconds);
  }
  // The first to wait when the volume runs short: the log is for verdicts.
  if (!parts_.volume.takes_denials()) {
    return concise_try_later("Overloaded", "the log's volume is short of space", kReadOnlySeconds);
  }
  const auto places = wait_for_log<std::vector<tlog::Sequenced>>([&](tlog::Log::AppendDone done) {
    parts_.log.append({{.entry = statement.entry, .preimage = {}, .id = ""}}, std::move(done));
  });
  if (!places.has_value()) return log_failed(places.error(), observer_);
  const auto published = wait_for_log<tlog::VerifiedCheckpoint>(
      [&](tlog::Log::PublishDone done) { parts_.log.publish(std::move(done)); });
  if (!published.has_value()) return log_failed(published.error(), observer_);
  const std::uint64_t index = places->front().index;
  HttpResponse response = parts_.receipts.receipt(index);
  if (response.status != 200) return response;
  response.status = 201;
  response.headers.add("Location", std::string(kRegister) + "/" + std::to_string(index));
  response.headers.add(kPolicyHeader, std::to_string(parts_.policy_entry));
  ++registered_;
  observer_.note("registration", "entry " + std::to_string(index) +
                                     ": statement sha256:" + to_hex(statement.digest) + " of " +
                                     codec::in_quotes(statement.issuer) + " about " +
                                     statement.kind + ", sent by " + codec::in_quotes(caller, 256));
  return response;
}

}  // namespace avouch::control
