#pragma once

// Puts a digest list into the controller's store, through the API server's service proxy.

#include <functional>
#include <string>

#include "base/bytes.h"
#include "base/result.h"
#include "crypto/hash.h"
#include "inspect/release.h"
#include "kube/transport.h"

namespace avouch::inspect {

enum class Uploaded { kSent, kWasThere };

// `token` is of an account that may update ReferenceManifests. `pause` is called before a request
// that the controller has put off is sent again: at most kMaxAttempts times. kRejected: the
// controller or the API server refuses (says why); kRetryable: no answer, or put off too often.
inline constexpr int kMaxAttempts = 10;
Result<Uploaded> upload_list(kube::Transport& transport, const ReleaseName& release,
                             const std::string& token, ByteView list,
                             const std::function<void()>& pause);

}  // namespace avouch::inspect
