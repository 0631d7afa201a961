#pragma once

// Sends something into the release's log, through the API server's service proxy. What the
// controller refuses it says in CBOR (RFC 9290), the API server in front of it in JSON.

#include <functional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/http.h"
#include "base/result.h"
#include "inspect/release.h"
#include "kube/transport.h"

namespace avouch::inspect {

struct LogPost {
  std::string path;  // of the controller: "/entries"
  std::string content_type;
  ByteView body;
  // What to do about a status, or "".
  std::function<std::string(int status)> remedy;
};

// What an answer that is no 201 says of the reason: in CBOR as the controller, or in JSON.
std::string refusal_of(const HttpResponse& response);

// The answer, which is 201. `token` is of the account in whose name it is sent. `pause` is called
// before a request that was put off is sent again: at most 10 times. kRejected: the controller or
// the API server refuses (says why, in the controller's words); kRetryable: no answer, or put off
// too often.
Result<HttpResponse> post_to_log(kube::Transport& transport, const ReleaseName& release,
                                 const std::string& token, const LogPost& post,
                                 const std::function<void()>& pause);

}  // namespace avouch::inspect
