#pragma once

#include <string>

#include "base/http.h"

namespace avouch::inspect {

// What an answer of the controller, or of the API server in front of it, says of a failure: of JSON
// the member "detail" or "message", of anything else the first 300 bytes.
std::string detail_of(const HttpResponse& response);

}  // namespace avouch::inspect
