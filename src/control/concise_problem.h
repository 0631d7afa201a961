#pragma once

// What is refused, in CBOR (RFC 9290), as SCITT's API says it (draft-ietf-scitt-scrapi): title (-1)
// and detail (-2). Pure.

#include <string_view>

#include "base/http.h"

namespace avouch::control {

HttpResponse concise_problem(int status, std::string_view title, std::string_view detail);

// 503 with Retry-After, in seconds.
HttpResponse concise_try_later(std::string_view title, std::string_view detail, int seconds = 1);

}  // namespace avouch::control
