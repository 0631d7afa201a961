#include "adapters/http_request_rules.h"

#include <algorithm>
#include <boost/beast/core/string.hpp>
#include <boost/beast/http/error.hpp>
#include <string>

namespace avouch::adapters {
namespace {

namespace http = boost::beast::http;

bool is(std::string_view a, std::string_view b) {
  return boost::beast::iequals({a.data(), a.size()}, {b.data(), b.size()});
}

std::size_t count(const HttpHeaders& headers, std::string_view name) {
  return static_cast<std::size_t>(
      std::count_if(headers.list().begin(), headers.list().end(),
                    [name](const auto& field) { return is(field.first, name); }));
}

std::optional<HttpResponse> refuse_target(const HttpRequest& head) {
  const auto visible = [](char c) { return c > 0x20 && c < 0x7f && c != '#'; };
  if (!head.path.starts_with('/') || !std::all_of(head.path.begin(), head.path.end(), visible) ||
      !std::all_of(head.query.begin(), head.query.end(), visible)) {
    return problem(400, "BadRequest",
                   "request target: expected a path that starts with / in visible ASCII");
  }
  return std::nullopt;
}

}  // namespace

std::optional<HttpResponse> refuse_head(const HttpRequest& head, const HeadFacts& facts) {
  if (auto refusal = refuse_target(head)) return refusal;
  if (count(head.headers, "Host") > 1 || (facts.version == 11 && !head.headers.find("Host"))) {
    return problem(400, "BadRequest", "header Host: HTTP/1.1 needs exactly one");
  }
  if (const auto coding = head.headers.find("Transfer-Encoding")) {
    if (facts.version == 10 || facts.content_length ||
        count(head.headers, "Transfer-Encoding") > 1) {
      return problem(400, "BadRequest",
                     "header Transfer-Encoding: once, in HTTP/1.1, and not with Content-Length");
    }
    if (!facts.chunked || !is(*coding, "chunked")) {
      return problem(501, "TransferCodingNotSupported",
                     "header Transfer-Encoding: expected \"chunked\" or none");
    }
  }
  if (count(head.headers, "Content-Length") > 1) {
    return problem(400, "BadRequest", "header Content-Length: given more than once");
  }
  for (const auto& [name, value] : head.headers.list()) {
    if (is(name, "Content-Encoding") && !is(value, "identity")) {
      return problem(415, "ContentCodingNotSupported",
                     "header Content-Encoding: send the body as it is, without compression");
    }
  }
  if (const auto expect = head.headers.find("Expect"); expect && !is(*expect, "100-continue")) {
    return problem(417, "ExpectationFailed", "header Expect: only 100-continue is known");
  }
  return std::nullopt;
}

std::optional<HttpResponse> answer_to_read_error(const boost::beast::error_code& error,
                                                 std::size_t header_bytes) {
  if (error == http::error::header_limit || error == http::error::buffer_overflow) {
    return problem(431, "HeaderTooLarge",
                   "request line and headers: at most " + std::to_string(header_bytes) + " bytes");
  }
  if (error == http::error::bad_version) {
    return problem(505, "VersionNotSupported", "expected HTTP/1.1");
  }
  if (error == http::error::partial_message) {
    return problem(400, "IncompleteRequest", "the request ended before it was complete");
  }
  if (error == http::error::end_of_stream) return std::nullopt;
  if (error.category() == http::make_error_code(http::error::bad_method).category()) {
    return problem(400, "BadRequest", "not an HTTP request: " + error.message());
  }
  return std::nullopt;
}

HttpResponse body_too_large(std::size_t limit) {
  return problem(413, "BodyTooLarge",
                 limit == 0 ? std::string("this request takes no body")
                            : "body: at most " + std::to_string(limit) + " bytes here");
}

HttpResponse answer_to_handler_error(const Error& error) {
  switch (error.kind) {
    case ErrorKind::kRejected:
      return problem(400, "BadRequest", error.message);
    case ErrorKind::kRetryable: {
      HttpResponse response = problem(503, "Unavailable", error.message);
      response.headers.add("Retry-After", "1");
      return response;
    }
    case ErrorKind::kFatal:
      break;
  }
  return problem(500, "InternalError", "the request could not be handled; see the server's log");
}

}  // namespace avouch::adapters
