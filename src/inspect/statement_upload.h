#pragma once

// Sends a signed statement to be registered in the release's log, through the API server's service
// proxy.

#include <functional>
#include <string>

#include "base/bytes.h"
#include "base/result.h"
#include "inspect/release.h"
#include "kube/transport.h"

namespace avouch::inspect {

struct Registered {
  Bytes receipt;             // nothing of it is verified
  std::string policy_entry;  // index of the entry that holds the policy it was taken by; or ""
};

// `token` is of an account that may create statements.avouch.dev. `pause` is called before a
// request that was put off is sent again: at most 10 times. kRejected: the controller or the API
// server refuses (says why, in the controller's words); kRetryable: no answer, or put off too
// often.
Result<Registered> register_statement(kube::Transport& transport, const ReleaseName& release,
                                      const std::string& token, ByteView statement,
                                      const std::function<void()>& pause);

}  // namespace avouch::inspect
