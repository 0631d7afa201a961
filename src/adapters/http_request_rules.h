#pragma once

// What the server itself refuses, and how it says so: pure rules over a request's head. Internal to
// the server.

#include <boost/beast/core/error.hpp>
#include <cstdint>
#include <optional>

#include "base/http.h"

namespace avouch::adapters {

struct HeadFacts {
  int version = 11;  // 10 or 11
  std::optional<std::uint64_t> content_length;
  bool chunked = false;
};

// The answer to a head that must not reach a handler, or nothing.
std::optional<HttpResponse> refuse_head(const HttpRequest& head, const HeadFacts& facts);

// The answer to bytes that are not an HTTP request, or nothing where no answer makes sense
// (the peer has gone, or has been cut off for being slow).
std::optional<HttpResponse> answer_to_read_error(const boost::beast::error_code& error,
                                                 std::size_t header_bytes);

HttpResponse body_too_large(std::size_t limit);
HttpResponse answer_to_handler_error(const Error& error);  // of plan() or of a sink

}  // namespace avouch::adapters
