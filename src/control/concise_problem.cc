#include "control/concise_problem.h"

#include <string>

#include "codec/cbor.h"

namespace avouch::control {

HttpResponse concise_problem(int status, std::string_view title, std::string_view detail) {
  using codec::Cbor;
  HttpResponse response;
  response.status = status;
  response.content_type = "application/concise-problem-details+cbor";
  response.headers.add("Cache-Control", "no-store");
  response.body = as_text(codec::to_cbor(Cbor::map(
      {{Cbor::integer(-1), Cbor::text(title)}, {Cbor::integer(-2), Cbor::text(detail)}})));
  return response;
}

HttpResponse concise_try_later(std::string_view title, std::string_view detail, int seconds) {
  HttpResponse response = concise_problem(503, title, detail);
  response.headers.add("Retry-After", std::to_string(seconds));
  return response;
}

}  // namespace avouch::control
