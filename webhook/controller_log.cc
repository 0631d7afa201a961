#include "webhook/controller_log.h"

#include "codec/base64.h"
#include "codec/json.h"

namespace avouch::webhook {
namespace {

constexpr std::size_t kMaxQuoted = 300;

// "HTTP 503 Overloaded: ...", from a problem document where there is one.
std::string describe(const HttpResponse& response) {
  std::string text = "HTTP " + std::to_string(response.status);
  const auto problem = codec::parse_json(response.body, {.bytes = 64 * 1024, .depth = 8});
  if (!problem.has_value()) return text;
  const std::string_view code = problem->text({"code"});
  const std::string_view detail = problem->text({"detail"}).substr(0, kMaxQuoted);
  if (!code.empty()) text += " " + std::string(code);
  if (!detail.empty()) text += ": " + std::string(detail);
  return text;
}

}  // namespace

std::string write_log_request(std::span<const admission::LogRecord> records) {
  std::string body = R"({"entries":[)";
  bool first = true;
  for (const auto& record : records) {
    if (!first) body += ',';
    first = false;
    body += R"({"id":)" + codec::to_json(codec::Json(record.id)) + R"(,"payload":")" +
            codec::to_base64(record.payload) + R"("})";
  }
  return body + "]}";
}

Result<admission::LogPlaces> read_log_answer(const HttpResponse& response, std::size_t expected) {
  if (response.status == 400 || response.status == 413 || response.status == 422) {
    return rejected(describe(response));
  }
  if (response.status != 200) return retryable(describe(response));
  auto answer = codec::parse_json(response.body);
  if (!answer.has_value()) return retryable("the log's answer: " + answer.error().message);
  const codec::Json* results = answer->find("results");
  const codec::Json::Array* list = results == nullptr ? nullptr : results->as_array();
  if (list == nullptr || list->size() != expected) {
    return retryable("the log's answer: expected one result for each entry");
  }
  constexpr std::size_t kMaxOrigin = 255;
  const std::string_view origin = answer->text({"origin"});
  admission::LogPlaces places;
  for (const codec::Json& result : *list) {
    const codec::Json* left_out = result.find("leftOut");
    const bool* is_left_out = left_out == nullptr ? nullptr : left_out->as_bool();
    if (is_left_out != nullptr && *is_left_out) {
      places.emplace_back();
      continue;
    }
    const codec::Json* index = result.find("index");
    const std::int64_t* number = index == nullptr ? nullptr : index->as_int();
    if (number == nullptr || *number < 0) {
      return retryable("the log's answer: results[].index: expected a whole number");
    }
    admission::LoggedAt at(static_cast<std::uint64_t>(*number));
    if (origin.size() <= kMaxOrigin) at.origin = origin;
    places.emplace_back(std::move(at));
  }
  return places;
}

Result<admission::LogPlaces> ControllerLog::append(std::span<const admission::LogRecord> records) {
  const std::shared_ptr<kube::Transport> transport = transport_();
  if (transport == nullptr) {
    return retryable("the controller's certificate authority is not known yet");
  }
  HttpRequest request;
  request.method = "POST";
  request.path = "/v1/log/entries";
  request.query = "leftOut=accepted";
  request.headers.add("Content-Type", "application/json");
  request.body = write_log_request(records);
  AVOUCH_TRY(const HttpResponse response, transport->send(request, timeout_, stop_.get_token()));
  return read_log_answer(response, records.size());
}

}  // namespace avouch::webhook
