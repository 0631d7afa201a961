#include "control/list_handler.h"

#include <utility>

#include "attest/policy.h"
#include "control/intake_handler.h"

namespace avouch::control {
namespace {

constexpr std::string_view kLists = "/v1/lists/";

std::optional<crypto::Sha256> list_of(const HttpRequest& request) {
  const std::string_view path = request.path;
  if (!path.starts_with(kLists)) return std::nullopt;
  const auto digest = attest::parse_digest_text(path.substr(kLists.size()));
  return digest.has_value() ? std::optional(*digest) : std::nullopt;
}

kube::AccessQuestion may_write_manifests() {
  return {.verb = "update",
          .group = "avouch.dev",
          .resource = "referencemanifests",
          .subresource = "",
          .ns = "",
          .name = ""};
}

std::string not_entitled(const kube::UserInfo& user) {
  return "\"" + user.username +
         "\" may not update referencemanifests.avouch.dev, and so may not put lists for them here";
}

HttpResponse list_later(std::string_view code, std::string_view detail) {
  HttpResponse response = problem(503, code, detail);
  response.headers.add("Retry-After", "1");
  return response;
}

}  // namespace

ListHandler::ListHandler(std::size_t max_bytes, Reception& reception, kube::AccessReviewer& access,
                         BlobStore& lists, WorkPool& pool, ControlObserver& observer,
                         std::function<void()> arrived)
    : max_bytes_(max_bytes),
      reception_(reception),
      access_(access),
      lists_(lists),
      pool_(pool),
      observer_(observer),
      arrived_(std::move(arrived)) {}

// Neither memory nor disk for a caller who is not known to be entitled, and no waiting for the API
// server on a server's thread: whoever has just asked by GET is known.
Result<BodyPlan> ListHandler::plan(const HttpRequest& head) {
  const auto digest = list_of(head);
  if (head.method != "PUT" || !digest) return BodyPlan{};
  if (auto refusal = without_token(head.headers)) {
    return BodyPlan{.limit = 0, .sink = nullptr, .refusal = std::move(refusal)};
  }
  AVOUCH_TRY(const Caller caller, reception_.known(head));
  const auto access = access_.known(caller.user, may_write_manifests());
  if (!access) {
    static_cast<void>(pool_.post([this, user = caller.user] {
      static_cast<void>(access_.check(user, may_write_manifests()));  // for the cache
    }));
    return retryable("the API server is being asked what \"" + caller.user.username +
                     "\" may do; send the request again");
  }
  if (*access != kube::Access::kAllowed) return rejected(not_entitled(caller.user));
  AVOUCH_TRY(std::shared_ptr<BlobWriter> writer, lists_.begin(*digest, kListOwner));
  return BodyPlan{.limit = max_bytes_, .sink = std::move(writer)};
}

void ListHandler::handle(HttpRequest request, std::shared_ptr<BodySink> sink, Reply reply) {
  if (!list_of(request)) {
    return reply(problem(404, "NotFound", "expected GET or PUT /v1/lists/sha256:HEX"));
  }
  if (request.method != "GET" && request.method != "PUT") {
    return reply(problem(405, "MethodNotAllowed", "expected GET or PUT /v1/lists/sha256:HEX"));
  }
  if (auto refusal = without_token(request.headers)) return reply(*std::move(refusal));
  const auto shared = std::make_shared<const HttpRequest>(std::move(request));
  auto serve_it = [this, shared, sink = std::move(sink), reply](const Result<Caller>& caller) {
    serve(*shared, caller, sink, reply);
  };
  if (reception_.receive(*shared, std::move(serve_it)) == WorkPool::Taken::kFull) {
    reply(list_later("Overloaded", "too many requests wait; try again later"));
  }
}

void ListHandler::serve(const HttpRequest& request, const Result<Caller>& caller,
                        const std::shared_ptr<BodySink>& sink, const Reply& reply) {
  if (!caller.has_value()) return reply(unauthenticated(caller.error()));
  const auto access = access_.check(caller->user, may_write_manifests());
  if (!access.has_value()) return reply(list_later("ReviewUnavailable", access.error().message));
  if (*access != kube::Access::kAllowed) {
    return reply(problem(403, "NotEntitled", not_entitled(caller->user)));
  }
  HttpResponse response;
  if (request.method == "GET") {
    if (!lists_.contains(*list_of(request))) {
      return reply(problem(404, "NoSuchList", "there is no such list here: PUT it"));
    }
    response.status = 204;
    return reply(std::move(response));
  }
  const auto writer = std::dynamic_pointer_cast<BlobWriter>(sink);
  if (writer == nullptr) {
    return reply(list_later("TryAgain", "the caller was not known when the body came; try again"));
  }
  const auto outcome = writer->commit();
  if (!outcome.has_value()) {
    switch (outcome.error().kind) {
      case ErrorKind::kRejected:
        return reply(problem(400, "DigestMismatch", request.path + ": " + outcome.error().message));
      case ErrorKind::kRetryable:
        return reply(list_later("StoreFull", outcome.error().message));
      case ErrorKind::kFatal:
        observer_.fatal("digest lists", outcome.error());
        return reply(problem(500, "StoreFailed", "the store of digest lists has failed"));
    }
  }
  arrived_();
  response.status = *outcome == BlobOutcome::kCreated ? 201 : 200;
  reply(std::move(response));
}

}  // namespace avouch::control
