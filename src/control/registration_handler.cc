#include "control/registration_handler.h"

#include <memory>
#include <optional>
#include <utility>
#include <variant>
#include <vector>

#include "base/hex.h"
#include "codec/utf8.h"
#include "control/concise_problem.h"
#include "control/entering.h"
#include "crypto/short_digest.h"

namespace avouch::control {
namespace {

constexpr std::string_view kRegister = "/entries";

std::optional<HttpResponse> refuse_registration(const HttpRequest& head, std::size_t max_bytes) {
  if (head.path != kRegister) {
    return concise_problem(404, "NotFound", "expected POST /entries, or GET /entries/N");
  }
  if (head.method != "POST") {
    HttpResponse response = concise_problem(405, "MethodNotAllowed", "expected POST /entries");
    response.headers.add("Allow", "POST");
    return response;
  }
  return refuse_head(head, {.types = {"application/cose", "application/scitt-statement+cose"},
                            .expected = "expected Content-Type: application/cose, and a COSE_Sign1",
                            .max_bytes = max_bytes,
                            .limit = "the registration policy takes statements of at most"});
}

HttpResponse refusal_of(const tlog::NotRegistered& refused) {
  return concise_problem(refused.title == "TooLarge" ? 413 : 400, refused.title, refused.what);
}

}  // namespace

RegistrationHandler::RegistrationHandler(RegistrationParts parts, Senders& senders, WorkPool& lane,
                                         ControlObserver& observer)
    : parts_(std::move(parts)), senders_(senders), lane_(lane), observer_(observer) {}

Result<BodyPlan> RegistrationHandler::plan(const HttpRequest& head) {
  if (auto refusal = refuse_registration(head, parts_.policy.max_bytes)) {
    return BodyPlan{.limit = 0, .sink = nullptr, .refusal = std::move(refusal)};
  }
  return BodyPlan{.limit = parts_.policy.max_bytes, .sink = nullptr};
}

void RegistrationHandler::handle(HttpRequest request, std::shared_ptr<BodySink>, Reply reply) {
  if (auto refusal = refuse_registration(request, parts_.policy.max_bytes)) {
    return reply(*std::move(refusal));
  }
  const auto body = std::make_shared<const std::string>(std::move(request.body));
  auto task = [this, body, reply](Senders::Sender sender) {
    check(*body, std::move(sender), reply);
  };
  if (senders_.receive(request, std::move(task)) == WorkPool::Taken::kFull) {
    reply(concise_try_later("Overloaded", "too many requests wait; try again later"));
  }
}

void RegistrationHandler::check(const std::string& body, Senders::Sender sender,
                                const Reply& reply) {
  if (auto* refusal = std::get_if<HttpResponse>(&sender)) return reply(std::move(*refusal));
  auto verdict = tlog::check_registration(as_bytes(body), parts_.policy);
  if (const auto* refused = std::get_if<tlog::NotRegistered>(&verdict)) {
    ++refused_;
    return reply(refusal_of(*refused));
  }
  auto enter_it = [this, statement = std::get<tlog::Registrable>(std::move(verdict)),
                   name = std::get<std::string>(std::move(sender)),
                   reply] { reply(enter(statement, name)); };
  if (lane_.post(std::move(enter_it)) == WorkPool::Taken::kFull) {
    reply(concise_try_later("Overloaded", "too many statements wait for the log; try again later"));
  }
}

HttpResponse RegistrationHandler::enter(const tlog::Registrable& statement,
                                        const std::string& sender) {
  if (auto refusal = refuse_now(parts_.log, parts_.volume)) return *std::move(refusal);
  const RateLimits::Key budget = crypto::short_digest(sender);
  if (const auto wait = budgets_.spend(budget, 1, parts_.clock.steady_now())) {
    return in_cbor(over_budget("of this sender", *wait));
  }
  const std::uint64_t sequenced = parts_.log.status().sequenced;
  const auto places = wait_for_log<std::vector<tlog::Sequenced>>([&](tlog::Log::AppendDone done) {
    parts_.log.append({{.entry = statement.entry, .preimage = {}, .id = ""}}, std::move(done));
  });
  // What was there already, or was not taken, costs nothing.
  if (!places.has_value() || places->front().index < sequenced) budgets_.give_back(budget, 1);
  if (!places.has_value()) return log_failed(places.error(), observer_, "registration");
  if (const auto published = wait_for_publication(parts_.log); !published.has_value()) {
    return log_failed(published.error(), observer_, "registration");
  }
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
                                     statement.kind + ", sent by " + codec::in_quotes(sender, 256));
  return response;
}

}  // namespace avouch::control
