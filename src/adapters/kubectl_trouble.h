#pragma once

// What `kubectl proxy` says where it cannot serve a request, told from what an API server says.

#include <optional>
#include <string>

#include "base/http.h"

namespace avouch::adapters {

struct ServerTrouble {
  enum class Kind {
    kSilent,   // no API server has answered: a later try may succeed
    kNoTrust,  // kubectl cannot log in, or does not trust the server: its kubeconfig is at fault
    kNoLogin,  // the API server does not take the login (any more)
  };
  Kind kind = Kind::kSilent;
  std::string words;  // kubectl's or the server's, one line
};

// kubectl's own answer is 500 or 502 in plain text, without the headers that every API server adds
// (Audit-Id or those of priority and fairness); its words are an error of Go's HTTP client. A 401
// is the API server's where it is a metav1.Status: a service behind it may say 401 too.
std::optional<ServerTrouble> trouble_in(const HttpResponse& response);

}  // namespace avouch::adapters
