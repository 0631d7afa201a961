#include "control/record_handler.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

#include "control/intake_handler.h"

namespace avouch::control {
namespace {

constexpr std::string_view kRecords = "/v1/records/";

HttpResponse record_failed(const Error& error) {
  if (error.kind != ErrorKind::kRetryable) return problem(500, "RecordDamaged", error.message);
  HttpResponse response = problem(503, "Overloaded", error.message);
  response.headers.add("Retry-After", "1");
  return response;
}

HttpResponse not_kept(std::string_view what) {
  return problem(404, "NotKept",
                 std::string(what) +
                     " is not kept: it never was, its retention time has passed, or it was given "
                     "up for newer ones (records.retention and records.bytes of the controller)");
}

HttpResponse bytes_response(std::string_view type, ByteView bytes) {
  HttpResponse response;
  response.status = 200;
  response.content_type = type;
  response.headers.add("Cache-Control", "no-store");
  response.body = as_text(bytes);
  return response;
}

std::optional<std::uint64_t> offset_of(std::string_view query) {
  const auto text = query_value(query, "offset");
  if (!text.has_value()) return std::nullopt;
  if (!*text) return 0;
  std::uint64_t value = 0;
  const char* end = (*text)->data() + (*text)->size();
  const auto [stopped, error] = std::from_chars((*text)->data(), end, value);
  if ((*text)->empty() || error != std::errc() || stopped != end) return std::nullopt;
  return value;
}

}  // namespace

Result<BodyPlan> RecordHandler::plan(const HttpRequest&) { return BodyPlan{}; }

void RecordHandler::handle(HttpRequest request, std::shared_ptr<BodySink>, Reply reply) {
  if (auto refusal = without_token(request.headers)) return reply(*std::move(refusal));
  if (request.method != "GET") {
    return reply(problem(405, "MethodNotAllowed", "records are read with GET"));
  }
  auto shared = std::make_shared<HttpRequest>(std::move(request));
  const auto taken = reception_.receive(
      *shared,
      [this, shared, reply](const Result<Caller>& caller) { reply(serve(*shared, caller)); });
  if (taken == WorkPool::Taken::kFull) {
    reply(record_failed(retryable("too many requests wait; try again later")));
  }
}

HttpResponse RecordHandler::serve(const HttpRequest& request, const Result<Caller>& caller) {
  if (!caller.has_value()) return unauthenticated(caller.error());
  std::string_view path = request.path;
  path.remove_prefix(std::min(path.size(), kRecords.size()));
  const std::size_t slash = path.find('/');
  const auto verdict = attest::parse_digest_text(path.substr(0, slash));
  if (!verdict.has_value()) {
    return problem(400, "Malformed",
                   "expected /v1/records/sha256:HEX, HEX the SHA-256 of a verdict's token");
  }
  const auto node = query_value(request.query, "node");
  if (!node.has_value() || node->value_or("").empty()) {
    return problem(400, "Malformed", "query: expected node=NAME, the node of the verdict");
  }
  const kube::AccessQuestion question{.verb = "get",
                                      .group = "avouch.dev",
                                      .resource = "attestationevidences",
                                      .subresource = "",
                                      .ns = "",
                                      .name = **node};
  const auto access = access_.check(caller->user, question);
  if (!access.has_value()) return record_failed(retryable(access.error().message));
  if (*access != kube::Access::kAllowed) {
    return problem(403, "NotEntitled",
                   "\"" + caller->user.username + "\" needs \"get\" on attestationevidences \"" +
                       **node + "\" to read the records of its verdicts");
  }
  const auto stored = archive_.record(*verdict);
  if (!stored.has_value()) return record_failed(stored.error());
  if (!*stored) return not_kept("the record of that verdict");
  const auto record = appraisal::parse_record(**stored);
  if (!record.has_value())
    return record_failed(fatal("the record is damaged: " + record.error().message));
  // Of another node's verdicts nothing is said, not even which there are.
  if (record->record.node_name != **node) return not_kept("the record of that verdict");
  if (slash == std::string_view::npos) return bytes_response("application/json", **stored);
  return object(*record, path.substr(slash + 1), request.query);
}

HttpResponse RecordHandler::object(const appraisal::StoredRecord& record,
                                   std::string_view digest_text, std::string_view query) {
  const auto digest = attest::parse_digest_text(digest_text);
  if (!digest.has_value()) {
    return problem(400, "Malformed", "expected /v1/records/sha256:HEX/sha256:HEX");
  }
  const auto named = record.objects();
  if (!std::binary_search(named.begin(), named.end(), *digest)) {
    return problem(404, "NotNamed", "the record names no such object");
  }
  const auto offset = offset_of(query);
  if (!offset) return problem(400, "Malformed", "query: offset: expected a number of bytes");
  const auto& runtime = record.record.runtime_log;
  const bool is_runtime = runtime && runtime->digest == *digest;
  const auto piece = is_runtime
                         ? archive_.runtime_log(record.node_uid, *runtime, *offset, kRecordPiece)
                         : archive_.object(*digest, *offset, kRecordPiece);
  if (!piece.has_value()) return record_failed(piece.error());
  if (!*piece) return not_kept("that object");
  return bytes_response("application/octet-stream", **piece);
}

}  // namespace avouch::control
